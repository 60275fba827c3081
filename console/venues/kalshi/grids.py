"""The price grids Kalshi has named so far, to tell one from its prices where the venue's word is missing."""

from __future__ import annotations

from collections.abc import Set
from functools import cache
from typing import Final, NamedTuple

from console.core.ladders import Band, banded
from console.core.units import CENT, ONE

_EDGE: Final = 10 * CENT

# name -> step at the edges, step in the middle, width of an edge (docs of 2026-08-20), coarsest grid first
NAMED: Final = {
    "linear_cent": (10_000, 10_000, _EDGE),
    "center_whole_edge_half_cent": (5_000, 10_000, _EDGE),
    "center_whole_edge_quint_cent": (2_000, 10_000, _EDGE),
    "center_half_edge_half_cent": (5_000, 5_000, _EDGE),
    "center_half_edge_quint_cent": (2_000, 5_000, _EDGE),
    "tapered_deci_cent": (1_000, 10_000, _EDGE),
    "center_half_edge_deci_cent": (1_000, 5_000, _EDGE),
    "center_quint_edge_quint_cent": (2_000, 2_000, _EDGE),
    "center_quint_edge_deci_cent": (1_000, 2_000, _EDGE),
    "deci_cent": (1_000, 1_000, _EDGE),
    "center_deci_edge_centi_cent": (100, 1_000, CENT),
    "center_centi_edge_centi_cent": (100, 100, _EDGE),
}


class Grid(NamedTuple):
    """A price grid: its bands as the venue would state them, and its prices."""

    bands: tuple[Band, ...]
    prices: frozenset[int]


@cache
def named(name: str) -> Grid:
    """Build a grid of the table; one step throughout is one band."""
    edge, middle, width = NAMED[name]
    bands: tuple[Band, ...] = (Band(0, ONE, edge),)
    if edge != middle:
        bands = (Band(0, width, edge), Band(width, ONE - width, middle), Band(ONE - width, ONE, edge))
    return Grid(bands, frozenset(banded(name, bands).prices))


def smallest(prices: Set[int]) -> tuple[Band, ...] | None:
    """Bands of the coarsest named grid that holds all these prices; None when none does."""
    return next((grid.bands for grid in map(named, NAMED) if prices <= grid.prices), None)
