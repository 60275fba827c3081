"""The engine on the client on the sandbox: what others are shown, what it earns, when it stops."""

from __future__ import annotations

import asyncio

import pytest

from console.verify import verify

from .rig import house, sandbox, until
from .stranger import Stranger

both = pytest.mark.parametrize("dialect", ["v4", "legacy"])
SHARP = (1 + 100 / 110, 2.0)  # -110 at home, +100 away
WINNER, SPREAD, TOTAL = "px-20021000-219", "px-20021000-223--1.5", "px-20021000-225-8.5"


def story(work, seconds=150):
    asyncio.run(asyncio.wait_for(work(), seconds))


def clean(house):
    """What it wrote down proves itself."""
    (journal,) = house.journals.glob("*.sqlite")
    assert verify(journal).findings == ()


async def shows(stranger, odds, event_id=20_021_000, **which):
    """Wait until he is shown these odds, best first, on either side; returns his view."""
    async with asyncio.timeout(30):
        while True:
            sides = await stranger.shown(event_id, **which)
            if [levels[0][0] if levels else None for _, levels in sides] == list(odds):
                return sides
            await asyncio.sleep(0.3)


# ---- the taker's eye


@both
def test_others_are_shown_the_sharp_line_and_what_they_take_is_paid_to_the_cent(tmp_path, dialect):
    async def work():
        fixed = {WINNER: SHARP}
        async with (
            sandbox(events=1) as venue,
            Stranger(venue, dialect) as he,
            house(venue, tmp_path, fixed=fixed, dialect=dialect) as us,
        ):
            (home, for_home), (away, for_away) = await shows(he, (-110, 100))
            # $100 of ours behind either: he may risk 110 to win 100, and 100 to win 100
            assert (for_home, for_away) == ([(-110, 100.0, 110.0)], [(100, 100.0, 100.0)])
            ours = {(w.pool.line.sides[w.side].side_id, w.odds) for w in venue.user.live.values()}
            assert {(away, 110), (home, 100)} <= ours  # what we bet on: the crossed variant is none
            assert not {(home, -110), (home, 110), (away, -110), (away, 100)} & ours
            await he.bet(home, -110, 55.0)
            await he.bet(away, 100, 33.33)
            await us.until(lambda: us.state.fills == 2)
            assert sum(p.spent() for desk in us.state.desks.values() for p in desk.groups()) == 83_330_000
            venue.exchange.settle(20_021_000, home_wins=True)
            # on home 33.33 at +100 wins 33.33 less 2 %; on away 50 is lost
            await us.until(lambda: us.state.account.baseline.retired or us.view.pnl.realised)
            await until(lambda: venue.user.cash == 10_000_00 + 33_33 - 67 - 50_00)
            assert await us.stop() == 0  # it ties out with what the venue says
            assert [line for line in us.said if line.endswith("difference 0.000000")], us.said
            clean(us)

    story(work)
