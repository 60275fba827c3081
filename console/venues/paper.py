"""A venue's public data with pretended fills: paper mode, and the other end of a dry run.

Whatever the client of the venue publishes passes through the paper exchange, which adds our orders to it;
what the engine asks for stops there. In a dry run each order is first built to the byte as it would leave.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Protocol

import msgspec

from console.core.commands import (
    AmendOrder,
    AnyCommand,
    CancelOrder,
    PlaceOrder,
    Resync,
    Subscribe,
    Unsubscribe,
)
from console.core.complaint import UNREADABLE, Complaint, line_of
from console.core.events import (
    AmendRejected,
    AnyEvent,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    BookStale,
    ClockMeasured,
    InstrumentDefined,
    MarketStatus,
    OrderCancelRejected,
    OrderRejected,
    PrivateConfirmed,
    Settled,
    Trade,
    VenueDown,
    VenueLimits,
    VenueUp,
)
from console.core.instruments import Venue
from console.core.units import Nanos
from console.folders import keep_file
from console.link.messages import SymbolView
from console.sim.paper import DELAYS, PaperDials, PaperExchange
from console.sim.wallet import SavedWallet, Wallet
from console.venues.base.lane import Request
from console.venues.base.protocol import Put, Refused, VenueClient

STEP_S = 0.02
_THROUGH = InstrumentDefined | MarketStatus | BookSnapshot | BookDelta | BookStale | Trade | Settled
_BESIDE = VenueUp | VenueDown | ClockMeasured | BooksConfirmed | PrivateConfirmed
_PUBLIC = (BookDelta, Trade, BookSnapshot, BookStale, BooksConfirmed, InstrumentDefined, MarketStatus)


class Builder(Protocol):
    """A client that can say what a command would be sent as."""

    def build(self, command: AnyCommand) -> Request:
        """The request, signature included; raises Refused for a command that cannot be sent."""


class PaperVenue:
    """One venue, traded on paper. `public` brings its data and never sends an order."""

    def __init__(
        self,
        public: VenueClient,
        kept: Path,
        cash: int,
        *,
        builder: Builder | None = None,
        dials: PaperDials = DELAYS,
    ) -> None:
        """`kept` is the file the paper account is kept in; `builder` builds every order of a dry run."""
        self._public = public
        self._kept = kept
        self._builder = builder
        self._offset = time.time_ns() - time.monotonic_ns()
        self._exchange = PaperExchange(
            public.venue, dials=dials, wall_offset=self._offset, wallet=_wallet(public.venue, kept, cash)
        )
        self._put: Put | None = None
        self.built = 0  # orders of a dry run that were built as they would have left

    @property
    def venue(self) -> Venue:
        """Which one it is."""
        return self._public.venue

    async def run(self, put: Put) -> None:
        """Put public events as they come and paper answers as they are due, until cancelled."""
        self._put = put
        async with asyncio.TaskGroup() as group:
            group.create_task(self._public.run(self._take))
            group.create_task(self._go_on())

    def send(self, command: AnyCommand) -> None:
        """Take one command: the public client gets what it must know, the paper exchange all."""
        if isinstance(command, Subscribe | Unsubscribe | Resync):
            self._public.send(command)
        if self._builder is not None and isinstance(command, PlaceOrder | AmendOrder | CancelOrder):
            refusal = self._built(self._builder, command)
            if refusal is not None:
                self._tell([refusal])
                return
        self._exchange.submit(command, time.monotonic_ns())

    def _built(
        self, builder: Builder, command: PlaceOrder | AmendOrder | CancelOrder
    ) -> OrderRejected | AmendRejected | OrderCancelRejected | None:
        """Build an order as it would leave; what cannot be built is refused as it would be."""
        try:
            builder.build(command)
        except Refused as refused:
            reason, text = refused.reason, refused.text
            match command:
                case PlaceOrder():
                    return OrderRejected(order_id=command.order_id, reason=reason, text=text)
                case AmendOrder():
                    return AmendRejected(
                        order_id=command.order_id, amend=command.ts, reason=reason, text=text
                    )
                case CancelOrder():
                    return OrderCancelRejected(order_id=command.order_id, reason=reason, text=text)
        self.built += 1
        return None

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches listed there."""
        return await self._public.find(text)

    # ---- both sides at once

    def _take(self, event: AnyEvent) -> None:
        """Something public happened."""
        now = time.monotonic_ns()
        event = msgspec.structs.replace(event, ts=Nanos(now), wall=Nanos(now + self._offset))
        if isinstance(event, InstrumentDefined) and event.spec.mirror:  # paper orders show in one book only
            event = msgspec.structs.replace(event, spec=msgspec.structs.replace(event.spec, mirror=""))
        if isinstance(event, VenueLimits):
            event = msgspec.structs.replace(  # paper orders do not expire and are paid for when placed
                event, renew=0, dead_man=False, resting_multiple=0, unattended_max=None
            )
        out: list[AnyEvent] = []
        self._exchange.advance(now, out)
        if isinstance(event, _THROUGH):
            self._exchange.take(event, out)
        elif isinstance(event, _BESIDE | VenueLimits):
            out.append(event)
        self._tell(out)

    async def _go_on(self) -> None:
        """Let what is under way arrive."""
        while True:
            now = time.monotonic_ns()
            out: list[AnyEvent] = []
            self._exchange.advance(now, out)
            self._tell(out)
            ahead_s = (self._exchange.next_ts - time.monotonic_ns()) / 1e9
            await asyncio.sleep(min(max(ahead_s, 0.001), STEP_S))

    def _tell(self, events: list[AnyEvent]) -> None:
        assert self._put is not None, "events come while it runs"
        if any(not isinstance(event, _PUBLIC) for event in events):
            self._save()
        for event in events:
            self._put(event)

    def _save(self) -> None:
        """Like a venue it remembers our account before it tells us of it.

        On a full disk it goes on from memory: the journal of the run stops orders there, and cancels and
        fills must still be told.
        """
        keep_file(self._kept, msgspec.json.encode(self._exchange.wallet.save()))


def _wallet(venue: Venue, kept: Path, cash: int) -> Wallet:
    if not kept.is_file():
        return Wallet(venue, cash)
    try:
        return Wallet.load(venue, msgspec.json.decode(kept.read_bytes(), type=SavedWallet))
    except UNREADABLE as error:
        raise Complaint(
            f"{kept}: the paper account cannot be read: {line_of(error)}; move it away to begin anew"
        ) from error
