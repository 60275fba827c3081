"""What a session did at the venue, as the venue saw it: every request to place, every order, every limit."""

from __future__ import annotations

from collections import defaultdict

from console.core.commands import PlaceOrder
from console.journal import Reader
from console.sandbox.prophetx.pool import State

ON_THE_BOOK = (State.INACTIVE, State.OPEN)


class Witness:
    """Hangs on a sandbox and writes down what the client asks for."""

    def __init__(self, venue):
        self.venue = venue
        self.doubled = []  # two orders of ours at once on one side at one price
        place = venue.exchange.place

        def watched(user, external_id, side_id, odds, stake, strategy):
            wager = place(user, external_id, side_id, odds, stake, strategy)
            alike = [
                other
                for other in user.live.values()
                if (other.pool, other.side, other.odds) == (wager.pool, wager.side, wager.odds)
            ]
            if len(alike) > 1:
                self.doubled.append([other.external_id for other in alike])
            return wager

        venue.exchange.place = watched

    @property
    def wagers(self):
        return list(self.venue.user.externals.values())

    def staked(self):
        """Cents matched by side."""
        found = defaultdict(int)
        for wager in self.wagers:
            if wager.filled:
                found[wager.pool.line.sides[wager.side].side_id] += wager.filled
        return dict(found)

    def worst(self):
        """Cents that could be lost by event, whatever is on the book being filled in the worst way."""
        # by side: the certain profit when it wins, then what of that may be lost by what rests
        lines = defaultdict(lambda: [0, 0, 0, 0])
        for wager in self.wagers:
            line = lines[wager.pool.fixture.event_id, wager.pool.line.key]
            line[wager.side] += wager.winnings
            line[1 - wager.side] -= wager.filled
            if wager.state in ON_THE_BOOK:
                line[2 + 1 - wager.side] -= wager.open
        events = defaultdict(int)
        for (event, _), line in lines.items():
            events[event] += max(0, -(line[0] + line[2]), -(line[1] + line[3]))
        return events

    def uncounted(self, state):
        """Events of which more could be lost than the engine counts: (cents at the venue, cents counted)."""
        counted = defaultdict(int)
        for desk in state.desks.values():
            counted[desk.spec.event] += desk.worst
        worst = {event: (cents, counted[f"px-{event}"] / 10_000) for event, cents in self.worst().items()}
        return {event: both for event, both in worst.items() if both[0] > both[1]}

    def check(self):
        """Nothing was sent twice, doubled or left; returns figures."""
        sent = self.venue.placing  # on the wire, whatever came of it
        repeated = {order_id: count for order_id, count in sent.items() if count > 1}
        assert not repeated, repeated
        assert not self.doubled, self.doubled[:3]
        assert self.venue.user.live == {}, [w.external_id for w in self.venue.user.live.values()]
        return {
            "sent": sum(sent.values()),
            "orders": len(self.wagers),
            "filled": sum(1 for wager in self.wagers if wager.filled),
            "staked": sum(self.staked().values()) / 100,
            "faults": self.venue.faults.counts,
        }

    def tracked(self, *journals):
        """Every order at the venue was journalled before it left."""
        placed = set()
        for folder in journals:
            for path in folder.glob("*.sqlite"):
                for record in Reader(path).account():
                    if record.kind == "command" and isinstance(command := record.command(), PlaceOrder):
                        placed.add(command.order_id)
        return {wager.external_id for wager in self.wagers} <= placed


def booked(state):
    """Cents at stake by side, as the engine has it."""
    found = {}
    for desk in state.desks.values():
        for position in desk.groups():
            for instrument, holding in position.holdings.items():
                if holding.net:
                    found[instrument.symbol.rpartition("-")[2]] = holding.basis // 10_000
    return found
