"""The venues pane: cash that lies in several places is shown in each."""

from __future__ import annotations

import msgspec

from console.core.instruments import Venue
from console.core.units import ONE, Cash
from console.tui.ink import Ink
from console.tui.panes.venues import Venues
from console.tui.sheet import Line, Room
from tests.tui.test_status import ink_of, picture, text
from tests.tui.views import venue_view, view


def lines_of(**changes: object) -> list[Line]:
    venue = msgspec.structs.replace(venue_view(Venue.KALSHI), **changes)
    shown = msgspec.structs.replace(view(), venues=(venue,), feeds=())
    return Venues().body(picture(shown), Room(110, 10))


def test_every_pocket_is_shown_below_the_sum_and_an_empty_one_stands_out() -> None:
    pockets = (("shard 0", Cash(480 * ONE)), ("shard 3", Cash(0)))
    _, venue, below, *_ = lines_of(cash=Cash(480 * ONE), pockets=pockets)
    assert "480.00" in text(venue)
    assert text(below).split() == ["shard", "0", "480.00", "shard", "3", "0.00"]
    assert ink_of(below, "shard 0") is Ink.PLAIN
    assert ink_of(below, "shard 3") is Ink.WARN


def test_one_pocket_needs_no_line_of_its_own() -> None:
    alone = lines_of(pockets=(("shard 0", Cash(480 * ONE)),))
    assert len(alone) == len(lines_of(pockets=())) == 3
    assert "shard 3" in text(lines_of(pockets=(("shard 3", Cash(0)),))[2])
