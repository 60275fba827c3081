"""Sessions in bad weather: whatever goes wrong, no order is sent twice, doubled, lost or left."""

from __future__ import annotations

import asyncio

import pytest

from console.verify import verify

from .rig import house, sandbox
from .watching import Witness, booked

SECONDS = 20.0
EVENT_MAX, TOTAL_MAX = 500_00, 2000_00  # cents: limits of the preset
WEATHER = {  # faults, and how much likelier they are than in the sandbox of the command line
    "lost answers": (("lost_replies", "errors", "slow"), 6),
    "late lists": (("lost_replies", "errors", "lag"), 6),
    "lost news": (("lost_news", "repeated_news", "slow_activation"), 6),
    "cut and busy": (("cut", "locks", "busy"), 2),
    "silence": (("frozen", "silent_channels"), 3),
    "orders that vanish": (("invalid", "no_reports", "lost_replies"), 2),
    "another account": (("short_tokens", "deducts", "no_add_only"), 1),
}


async def weathered(name, tmp_path):
    """One session; what it did at the venue, in figures."""
    faults, likelier = WEATHER[name]
    folder = tmp_path / name
    folder.mkdir()
    dialect = "legacy" if name in ("lost news", "cut and busy") else "v4"
    async with sandbox(events=6, crowd=True, health_s=5.0, faults=faults, pace=12.0) as venue:
        strikes = venue.faults.strikes
        venue.faults.strikes = lambda which, chance: strikes(which, min(0.5, likelier * chance))
        witness = Witness(venue)
        debited = "on_placement" if "deducts" in faults else "on_match"
        async with house(venue, folder, events=6, dialect=dialect, debited=debited) as us:
            await us.until(lambda: len(venue.user.live) > 8, 90)
            for _ in range(int(SECONDS / 0.1)):
                await asyncio.sleep(0.1)
                worst = witness.worst()
                assert max(worst.values(), default=0) <= EVENT_MAX, worst
                assert sum(worst.values()) <= TOTAL_MAX, worst
                assert not witness.uncounted(us.state)
            for fault in faults:
                venue.faults.switch(fault, on=False)  # what it did stays: now it is all to be found out
            await us.until(lambda: not unknown(us.state), 60)
            code = await us.stop()
        assert code == 0, "\n".join(us.said[-40:])  # nothing rests, proven, and the cash ties out
        figures = witness.check()
        assert booked(us.state) == witness.staked()
        assert witness.tracked(us.journals)
        (journal,) = us.journals.glob("*.sqlite")
        assert verify(journal).findings == ()
        return figures


def unknown(state):
    return [order for order in state.blotter.live.values() if order.state.value == "unknown"]


@pytest.mark.timeout(300)
def test_no_order_is_sent_twice_doubled_lost_or_left(tmp_path):
    async def all_of_them():
        return await asyncio.gather(*(weathered(name, tmp_path) for name in WEATHER), return_exceptions=True)

    went = dict(zip(WEATHER, asyncio.run(all_of_them()), strict=True))
    for name, figures in went.items():
        print(f"{name}: {figures}")
    for figures in went.values():
        if isinstance(figures, BaseException):
            raise figures
    assert sum(figures["orders"] for figures in went.values()) > 200
    struck = {fault for figures in went.values() for fault in figures["faults"]}
    assert {"lost_replies", "errors", "lost_news", "repeated_news", "locks", "busy"} <= struck
