"""Stories of a storm: a market that moves all the time, and a venue that counts our requests (C5)."""

from __future__ import annotations

import os

import pytest

from console.core.commands import AmendOrder, AnyCommand, CancelAll, CancelOrder, Latch, PlaceOrder
from console.core.events import AmendRejected, AnyEvent, Kill, OrderRejected, RejectReason, VenueLimits
from console.core.instruments import Instrument
from console.core.matches import MatchId
from console.core.settings import MatchSettings
from console.core.units import SECOND

from .story import Clerk, K, Story, contracts

SECONDS = 600 if os.environ.get("TEST_LONG") else 45
LIMITS = VenueLimits(venue=K, write_per_s=60, write_burst=60, place=10, amend=10, cancel=2)


COSTS = {PlaceOrder: LIMITS.place, AmendOrder: LIMITS.amend, CancelOrder: LIMITS.cancel}


class Counting(Clerk):
    """A venue with a bucket of its own, and a clock it shares with us."""

    story: Story
    tokens = float(LIMITS.write_burst)
    filled_ts = 0
    refused = 0
    cancels_refused = 0

    def answer(self, command: AnyCommand) -> list[AnyEvent]:
        cost = COSTS.get(type(command))
        if cost is not None and not self._takes(cost):
            if isinstance(command, PlaceOrder):
                self.refused += 1
                return [OrderRejected(order_id=command.order_id, reason=RejectReason.RATE_LIMITED)]
            if isinstance(command, AmendOrder):
                self.refused += 1
                return [AmendRejected(order_id=command.order_id, reason=RejectReason.RATE_LIMITED)]
            self.cancels_refused += 1
        return super().answer(command)

    def _takes(self, cost: int) -> bool:
        passed = (self.story.ts - self.filled_ts) / SECOND if self.filled_ts else 0.0
        self.tokens = min(LIMITS.write_burst, self.tokens + passed * LIMITS.write_per_s)
        self.filled_ts = self.story.ts
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True


def storm(reserve_told: bool = True) -> tuple[Story, Counting, list[tuple[MatchId, Instrument, Instrument]]]:
    """Four matches whose fair value jumps at every tick."""
    story = Story()
    clerk = story.clerks[K] = Counting(K)
    clerk.story = story
    if reserve_told:
        story.tell(LIMITS)
    story.up()
    crowd = []
    settings = MatchSettings(contracts=contracts(5), warm_up_s=0, vol_factor=0.0, shock_score=1e9)
    for n in range(4):
        match, one, other = MatchId(f"m{n}"), Instrument(K, f"M{n}-A"), Instrument(K, f"M{n}-B")
        story.add(match, pays={one: (0,), other: (1,)}, settings=settings)
        crowd.append((match, one, other))
    return story, clerk, crowd


def blow(story: Story, crowd: list[tuple[MatchId, Instrument, Instrument]], seconds: float) -> None:
    for step in range(round(seconds * 10)):
        for n, (match, one, other) in enumerate(crowd):
            fair = 50 + 8 * ((step + n) % 2)
            story.book(one, {fair - 4: 100}, {fair + 4: 100})
            story.book(other, {96 - fair: 100}, {104 - fair: 100})
            story.fair(fair / 100, 1.0 - fair / 100, match=match)
        story.wait(0.1)


def test_in_a_storm_no_request_is_refused_and_a_kill_leaves_at_once() -> None:
    story, clerk, crowd = storm()
    blow(story, crowd, SECONDS)
    assert len(story.all(PlaceOrder)) + len(story.all(AmendOrder)) > SECONDS * 2
    assert (clerk.refused, clerk.cancels_refused) == (0, 0)
    sent = story.tell(Kill(by="operator"))
    assert [type(command) for command in sent if not isinstance(command, PlaceOrder)][:1] == [Latch]
    assert len(story.all(CancelAll, sent)) == 1
    assert story.resting() == 0


def test_what_the_venue_said_of_its_limits_is_what_keeps_it_quiet() -> None:
    """The same storm by the settings alone runs into the venue's limit: a 429, after which it backs off."""
    story, clerk, crowd = storm(reserve_told=False)
    blow(story, crowd, 10)
    assert clerk.refused > 0
    assert clerk.refused < 100


@pytest.mark.parametrize("reserve", [25, 50])
def test_the_share_for_cancels_is_never_spent_on_orders(reserve: int) -> None:
    story, clerk, crowd = storm()
    story.state.settings = story.state.account.settings
    connection = story.state.connections[K]
    connection.budget.reserve = connection.budget.burst * reserve // 100
    lowest = float(LIMITS.write_burst)
    for step in range(50):
        blow(story, crowd, 0.1)
        if step > 5:
            lowest = min(lowest, connection.budget.left(story.ts))
    assert lowest > 0
    assert clerk.refused == 0
