"""How a session ends: orders left, what is held, and whether cash, positions and profit tie out (C40).

cash change - paid in + value of what is held now - value of what was held then = profit now - profit then.
The left side is by what the venues say they hold, the right side by our books.
"""

from __future__ import annotations

from msgspec import Struct

from console.core import marks
from console.core.connection import Connection
from console.core.instruments import Venue
from console.core.state import Opening, State
from console.core.units import CENT, ONE, Cash, decimal


class VenueClosing(Struct, frozen=True):
    """One venue at the end. `difference` is what it says it holds less what we count; None: not told."""

    venue: Venue
    orders: int | None  # of ours that it listed last; None: it never did
    opened: Cash | None
    closed: Cash | None
    paid_in: Cash
    difference: Cash | None
    tolerated: Cash
    mismatch: str


class Held(Struct, frozen=True):
    """One match that is not flat: net contracts for its first outcome, and what they are worth."""

    title: str
    net: int
    value: Cash


class Closing(Struct, frozen=True):
    """The end of a session."""

    venues: tuple[VenueClosing, ...]
    held: tuple[Held, ...]
    cash_change: Cash  # by the venues, what was paid in taken off
    value_before: Cash
    value: Cash
    profit: Cash  # of this session, by our books

    @property
    def difference(self) -> int:
        """By how much both sides of the identity differ."""
        return self.cash_change + self.value - self.value_before - self.profit

    @property
    def ties_out(self) -> bool:
        """Nothing rests, no account is in dispute, and every cent is where we think it is."""
        return all(
            v.orders == 0 and not v.mismatch and abs(v.difference or 0) <= v.tolerated for v in self.venues
        ) and abs(self.difference) <= sum(v.tolerated for v in self.venues)


def opening(state: State) -> Opening:
    """Take stock at the beginning of a run, by the marks an earlier run left."""
    profit = state.account.baseline.retired + sum(desk.mark for desk in state.desks.values())
    return Opening(profit, profit - _cash(state))


def closing(state: State, listed: dict[Venue, int]) -> Closing:
    """Take stock at the end; `listed` is how many orders of ours each venue named last."""
    profit = state.account.baseline.retired
    held: list[Held] = []
    for desk in state.desks.values():
        now = marks.at_loss_marks(state, desk)
        worth = desk.mark if now is None else now
        profit += worth
        if not desk.flat():
            cash = -sum(position.spent() for position in desk.groups())
            held.append(Held(desk.spec.title, desk.exposure(1), Cash(worth - cash)))
    began = state.opening if state.opening is not None else Opening(0, 0)
    venues = tuple(_venue(connection, listed) for connection in state.connections.values())
    # Where a venue does not tell, our own count stands in: nothing is compared, and the report says so.
    told = sum(connection.till.traded for connection in state.connections.values())
    told += sum(venue.difference or 0 for venue in venues)
    overridden = sum(connection.till.overridden for connection in state.connections.values())
    return Closing(
        venues=venues,
        held=tuple(held),
        cash_change=Cash(told),
        value_before=Cash(began.value),
        value=Cash(profit - _cash(state)),
        profit=Cash(profit - began.profit - overridden),
    )


def _cash(state: State) -> int:
    """All cash that trading brought, matches no longer kept included."""
    spent = sum(position.spent() for desk in state.desks.values() for position in desk.groups())
    return state.account.baseline.retired - spent


def _venue(connection: Connection, listed: dict[Venue, int]) -> VenueClosing:
    till = connection.till
    told = till.told if till.expected is not None else None
    return VenueClosing(
        venue=connection.venue,
        orders=listed.get(connection.venue),
        opened=None if till.opened is None else Cash(till.opened),
        closed=None if told is None else Cash(told),
        paid_in=Cash(till.paid_in),
        difference=None if told is None or till.expected is None else Cash(told - till.expected),
        tolerated=Cash(till.tolerated),
        mismatch=connection.mismatch,
    )


def words(closing: Closing) -> list[str]:
    """The report in lines."""
    lines = [_venue_words(venue) for venue in closing.venues]
    lines += [
        f"position: {held.title}: {held.net / ONE:+g} contracts net, worth {held.value / ONE:.2f}"
        for held in closing.held
    ]
    lines.append(
        f"tie-out: cash {_dollars(closing.cash_change)} + positions {_dollars(closing.value)} "
        f"- positions before {_dollars(closing.value_before)} = profit {_dollars(closing.profit)}: "
        f"difference {decimal(closing.difference)}"
    )
    return lines


def _venue_words(venue: VenueClosing) -> str:
    rest = "never told us" if venue.orders is None else f"{venue.orders} orders rest"
    cash = "cash not told"
    if venue.opened is not None and venue.closed is not None:
        cash = f"cash {_dollars(venue.opened)} -> {_dollars(venue.closed)}"
    if venue.paid_in:
        cash += f", paid in {_dollars(venue.paid_in)}"
    if venue.difference:
        cash += f", {decimal(venue.difference)} from our count"
    if venue.mismatch:
        cash += f", MISMATCH {venue.mismatch}"
    return f"{venue.venue.value}: {rest}, {cash}"


def _dollars(amount: int) -> str:
    """Cents where that is exact, all digits where not."""
    return decimal(amount, 2) if amount % CENT == 0 else decimal(amount)
