"""A few games of a recorded season, each change of their lines as fair value on a seeded exchange.

The whole season is played by `python -m tests.venues.feeds.season`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.core.commands import CeilingKind
from console.sandbox.odds.recorded import Game, read_games

from .season import SETTINGS, Tally, figures, play

FOLDER = os.environ.get("MMCONSOLE_RECORDINGS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="MMCONSOLE_RECORDINGS is not set")
CENT = 10_000


@pytest.fixture(scope="module")
def games() -> list[Game]:
    return list(read_games(Path(str(FOLDER)) / "pinnacle_mlb_2016"))


@pytest.fixture(scope="module")
def played(games: list[Game]) -> Tally:
    return play(games, games[10::260], cut_s=6.0)


def test_every_change_is_parsed_and_priced_by_its_own_game(played: Tally) -> None:
    assert played.games == 6
    assert played.wrong == []
    assert played.refused == {}
    assert played.proofs["proven"] + played.proofs["names"] == 6
    assert played.paired > 0.95 * played.changes  # the rest has no moneyline yet


def test_no_leg_is_quoted_above_its_ceiling_and_the_audit_finds_nothing(played: Tally) -> None:
    assert played.orders > 200
    assert played.above_ceiling == []
    assert played.findings == []


def test_every_fill_of_a_quote_has_its_edge_against_fair_net_of_fee(played: Tally) -> None:
    quotes = [fill for fill in played.fills if fill.kind is CeilingKind.QUOTE]
    assert len(quotes) > 10
    assert min(fill.edge for fill in quotes) >= SETTINGS.edge_min / CENT
    assert set(figures(played)["edge at the closing line, net of fee"]) >= {"least", "median", "mean", "most"}


def test_a_double_header_is_refused_and_explained(games: list[Game]) -> None:
    pairs = [
        (one, other)
        for one in games
        for other in games
        if one.number < other.number
        and {one.home, one.away} == {other.home, other.away}
        and abs(one.start_s - other.start_s) < 12 * 3600
    ]
    assert pairs
    tally = play(games, [pairs[0][0]], cut_s=2.0)
    assert set(tally.refused) == {"double-header"}
    assert tally.wrong == []
