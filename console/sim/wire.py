"""What lies between us and one simulated exchange: delays, losses and broken connections."""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    Latch,
    Lookup,
    PlaceOrder,
    Reconcile,
    Refuse,
    Resync,
    Subscribe,
    Unsubscribe,
    UnwatchOdds,
    WatchOdds,
)
from console.core.events import (
    AmendRejected,
    AnyEvent,
    BookDelta,
    BooksConfirmed,
    BookSnapshot,
    BookStale,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    OrderCancelRejected,
    OrderFilled,
    OrderRejected,
    OutcomeUnknown,
    RejectReason,
    VenueDown,
    VenueUp,
)
from console.core.instruments import ClientOrderId, Instrument
from console.core.units import MILLISECOND
from console.sim.clock import Action, Agenda
from console.sim.dials import Dials
from console.sim.dice import Dice, next_in_ns, wait_ns
from console.sim.exchange import Exchange
from console.sim.mail import Lane, Mail
from console.sim.requests import execute

_HERE_NS = MILLISECOND  # an answer that needs no venue
_OUTCOMES = (
    OrderAccepted,
    OrderRejected,
    OrderAmended,
    AmendRejected,
    OrderCanceled,
    OrderCancelRejected,
    OutcomeUnknown,
)


class Fate(enum.Enum):
    """What becomes of a request; the values are the names of the dials."""

    TAKEN = "taken"
    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"


class Request(NamedTuple):
    """A request on its way to the venue."""

    command: AnyCommand
    arrival: int


class Wire:
    """Our connection to one exchange. `counts` says how often each misfortune happened, by its dial."""

    __slots__ = (
        "_agenda",
        "_answers",
        "_connection",
        "_data",
        "_dials",
        "_dice",
        "_frozen",
        "_gapped",
        "_mail",
        "_number",
        "_subscribed",
        "_travelling",
        "_waiting",
        "connected",
        "counts",
        "exchange",
        "witness",
    )

    def __init__(self, exchange: Exchange, dials: Dials, dice: Dice, agenda: Agenda, mail: Mail) -> None:
        self.exchange = exchange
        self.connected = False
        self.counts: dict[str, int] = {}
        self._dials = dials
        self._dice = dice
        self._agenda = agenda
        self._mail = mail
        self._data = Lane()
        self._answers = Lane()
        self._subscribed: dict[Instrument, None] = {}
        self._gapped: dict[Instrument, None] = {}  # symbols whose stream is void until their next snapshot
        self._frozen = False
        self._connection = 0  # counts connections, so that what was planned for an earlier one is void
        self._number = 0
        self._travelling: dict[int, Request] = {}  # requests the venue has not got yet
        self.witness: Callable[[AnyEvent], None] | None = None  # at the venue itself: misses nothing
        self._waiting: dict[int, ClientOrderId] = {}  # requests whose answer we still expect
        agenda.at(agenda.clock.now + dials.connect_ms * MILLISECOND, self._connect)

    # ---- requests

    def submit(self, command: AnyCommand, now: int) -> None:
        """Send a request to the venue at `now`."""
        match command:
            case Latch() | Alert() | Refuse() | WatchOdds() | UnwatchOdds():
                return
            case Subscribe():
                self._subscribed[command.instrument] = None
            case Unsubscribe():
                self._subscribed.pop(command.instrument, None)
            case _:
                pass
        if self.connected:
            self._send(command, now)
        else:
            self._refuse(command, RejectReason.NOT_CONNECTED, now + _HERE_NS)

    def weather(self, dials: Dials) -> None:
        """From now on delays and misfortunes are these."""
        self._dials = dials

    def travelling(self) -> list[Request]:
        """Requests about orders that the venue will still get, whatever becomes of us."""
        kinds = (PlaceOrder, AmendOrder, CancelOrder, CancelAll)
        return [request for request in self._travelling.values() if isinstance(request.command, kinds)]

    def resume(self, request: Request) -> None:
        """Let a request of an earlier life arrive; nobody waits for its answer any more."""
        self._travel(request)

    def _send(self, command: AnyCommand, now: int) -> None:
        dials = self._dials
        arrival = now + self._delay(dials.request_ms, dials.request_jitter_ms)
        fate = self._fate(command)
        if fate is not Fate.TAKEN:
            self._count(fate.value)
        if fate is Fate.RATE_LIMITED or fate is Fate.REJECTED:
            reason = RejectReason.OTHER if fate is Fate.REJECTED else RejectReason.RATE_LIMITED
            self._refuse(command, reason, arrival + self._delay(dials.answer_ms, dials.answer_jitter_ms))
            return
        if fate is not Fate.REQUEST_LOST:
            number = self._travel(Request(command, arrival))
            if fate is Fate.TAKEN:
                self._waiting[number] = _subject(command)
                return
        if _subject(command):
            unknown = OutcomeUnknown(order_id=_subject(command), text="no answer in time")
            self._mail.post(unknown, self._answers, now + dials.timeout_ms * MILLISECOND)

    def _fate(self, command: AnyCommand) -> Fate:
        """Subscribing never fails: the clients of all venues repeat it until it is done."""
        if isinstance(command, Subscribe | Unsubscribe):
            return Fate.TAKEN
        dials, throw = self._dials, self._dice.random()
        if dials.reads_lost and isinstance(command, Resync | Reconcile):
            return Fate.REQUEST_LOST if self._dice.random() < dials.reads_lost else Fate.TAKEN
        for fate, chance in (
            (Fate.REQUEST_LOST, dials.request_lost),
            (Fate.REPLY_LOST, dials.reply_lost),
            (Fate.REJECTED, dials.rejected),
            (Fate.RATE_LIMITED, dials.rate_limited),
        ):
            if throw < chance:
                return fate
            throw -= chance
        return Fate.TAKEN

    def _travel(self, request: Request) -> int:
        self._number += 1
        self._travelling[self._number] = request
        self._agenda.at(request.arrival, partial(self._arrive, self._number))
        return self._number

    def _arrive(self, number: int, now: int) -> None:
        """The venue gets a request; the answer leaves unless it was lost or the connection is gone."""
        command = self._travelling.pop(number).command
        answered = self._waiting.pop(number, None) is not None
        if not answered and isinstance(command, Resync | Reconcile):
            return
        answers = execute(self.exchange, command)
        if answered and isinstance(command, Lookup):
            self._told(answers, now)
        elif answered:
            for event in answers:
                if isinstance(event, BookSnapshot):
                    self._resynced(event, now)
                else:
                    self._answer(event, now)
        self.carry(now)

    def _told(self, answers: list[AnyEvent], now: int) -> None:
        """Send us what a lookup found: one answer, whose parts arrive together and in order."""
        arrival = now + self._delay(self._dials.answer_ms, self._dials.answer_jitter_ms)
        arrival += self._extra("reordered", self._dials.reordered, self._dials.reordered_ms)
        for event in answers:
            self._mail.post(event, self._answers, arrival)

    def _resynced(self, snapshot: BookSnapshot, now: int) -> None:
        """Send a book asked for, in line with the stream, which is valid again from there on."""
        self._gapped.pop(snapshot.instrument, None)
        arrival = now + self._delay(self._dials.answer_ms, self._dials.answer_jitter_ms)
        self._mail.post_in_order(snapshot, self._data, arrival)

    def _refuse(self, command: AnyCommand, reason: RejectReason, arrival: int) -> None:
        """Answer for certain that a request was not taken; reads get no answer at all."""
        event: AnyEvent
        match command:
            case PlaceOrder():
                event = OrderRejected(order_id=command.order_id, reason=reason)
            case AmendOrder():
                event = AmendRejected(order_id=command.order_id, amend=command.ts, reason=reason)
            case CancelOrder():
                event = OrderCancelRejected(order_id=command.order_id, reason=reason)
            case Lookup():
                event = OutcomeUnknown(order_id=command.order_id, text=reason.value)
            case _:
                return
        self._mail.post(event, self._answers, arrival)

    # ---- what comes to us

    def carry(self, now: int) -> None:
        """Send us what happened at the exchange since the last time."""
        exchange = self.exchange
        if self.witness is not None:
            for event in (*exchange.public, *exchange.private):
                self.witness(event)
        if exchange.public:
            if self.connected and not self._frozen:
                self._carry_public(now)
            exchange.public.clear()
        if exchange.private:
            for event in exchange.private:
                if self.connected and not self._frozen:
                    self._answer(event, now)
                elif isinstance(event, OrderFilled):
                    self._count("fill_unseen")
            exchange.private.clear()

    def _carry_public(self, now: int) -> None:
        dials, gapped, lane = self._dials, self._gapped, self._data
        arrival = now + self._delay(dials.market_data_ms, dials.market_data_jitter_ms)
        for event in self.exchange.public:
            if isinstance(event, BookDelta):
                if gapped and event.instrument in gapped:
                    continue
                if dials.gap and self._dice.random() < dials.gap:
                    self._count("gap")
                    gapped[event.instrument] = None
                    stale = BookStale(instrument=event.instrument, why="a message is missing")
                    self._mail.post_in_order(stale, lane, arrival)
                    continue
            elif gapped and isinstance(event, BookSnapshot):
                gapped.pop(event.instrument, None)
            self._mail.post_in_order(event, lane, arrival)

    def _answer(self, event: AnyEvent, now: int) -> None:
        """Send us an answer or a fill, in order unless a misfortune delays or repeats it."""
        dials = self._dials
        arrival = now + self._delay(dials.answer_ms, dials.answer_jitter_ms)
        extra = 0
        if isinstance(event, OrderFilled):
            extra = self._extra("late_fill", dials.late_fill, dials.late_fill_ms)
        elif isinstance(event, OrderCanceled):
            extra = self._extra("slow_cancel", dials.slow_cancel, dials.slow_cancel_ms)
        elif not isinstance(event, _OUTCOMES):
            self._mail.post_in_order(event, self._answers, arrival)
            return
        extra = extra or self._extra("reordered", dials.reordered, dials.reordered_ms)
        if extra:
            self._mail.post(event, self._answers, arrival + extra)
        else:
            self._mail.post_in_order(event, self._answers, arrival)
        again = self._extra("duplicated", dials.duplicated, dials.reordered_ms)
        if again:
            self._mail.post(event, self._answers, arrival + extra + again)

    def _extra(self, name: str, chance: float, most_ms: int) -> int:
        """Additional delay, if chance has it: up to `most_ms`, in nanoseconds."""
        if not chance or self._dice.random() >= chance:
            return 0
        self._count(name)
        return 1 + int(self._dice.random() * most_ms * MILLISECOND)

    def _delay(self, base_ms: int, jitter_ms: int) -> int:
        return int((base_ms + jitter_ms * self._dice.random()) * MILLISECOND)

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    # ---- the connection

    def _connect(self, now: int) -> None:
        """Come up; every subscription starts afresh with its snapshot."""
        self.connected = True
        self._connection += 1
        arrival = now + self._delay(self._dials.answer_ms, self._dials.answer_jitter_ms)
        limits = self.exchange.habits.limits()
        if limits is not None:
            self._mail.post_in_order(limits, self._data, arrival)
        self._mail.post_in_order(VenueUp(venue=self.exchange.venue), self._data, arrival)
        self._answers.last = arrival
        for instrument in self._subscribed:
            self.exchange.subscribe(instrument)
        self.carry(now)
        self._plan(now, self._dials.confirm_ms * MILLISECOND, self._confirm)
        self._plan(now, next_in_ns(self._dice, self._dials.disconnects_per_hour), self._cut_by_chance)
        self._plan(now, next_in_ns(self._dice, self._dials.freezes_per_hour), self._freeze_by_chance)

    def cut(self, now: int, down_ns: int) -> None:
        """Go down for a while: nothing under way reaches us, and what we asked for stays unknown."""
        if not self.connected:
            return
        self._count("disconnect")
        self.connected = self._frozen = False
        self._gapped.clear()
        for instrument in self._subscribed:
            self.exchange.unsubscribe(instrument)
        self._mail.recall(self._data)
        self._mail.post(VenueDown(venue=self.exchange.venue, why="connection lost"), self._data, now)
        for order_id in self._cut_short():
            self._mail.post(OutcomeUnknown(order_id=order_id, text="connection lost"), self._answers, now)
        self._agenda.at(now + down_ns, self._connect)

    def _cut_short(self) -> list[ClientOrderId]:
        """Orders with a request under way or an answer that will not come, each once."""
        unknown: dict[ClientOrderId, None] = {}
        for event in self._mail.recall(self._answers):
            if isinstance(event, OrderFilled):
                self._count("fill_unseen")
            elif isinstance(event, _OUTCOMES):
                unknown[event.order_id] = None
        unknown.update(dict.fromkeys(self._waiting.values()))
        self._waiting.clear()
        unknown.pop(ClientOrderId(""), None)
        return list(unknown)

    def freeze(self, now: int, silent_ns: int) -> None:
        """Let the stream fall silent for a while; the connection stands and requests are answered."""
        if self._frozen or not self.connected:
            return
        self._count("freeze")
        self._frozen = True
        self._plan(now, silent_ns, self._thaw)

    def _thaw(self, now: int) -> None:
        """The stream goes on; what it missed shows as a gap in every subscription."""
        self._frozen = False
        for instrument in self._subscribed:
            if instrument.symbol in self.exchange.markets:
                self.exchange.public.append(BookStale(instrument=instrument, why="messages are missing"))
                self.exchange.public.extend(self.exchange.facts(instrument))
        self.carry(now)
        self._gapped.update(self._subscribed)

    def _cut_by_chance(self, now: int) -> None:
        self.cut(now, wait_ns(self._dice, self._dials.disconnect_ms_mean * MILLISECOND))

    def _freeze_by_chance(self, now: int) -> None:
        silent_ns = wait_ns(self._dice, self._dials.freeze_ms_mean * MILLISECOND)
        self.freeze(now, silent_ns)
        self._plan(
            now + silent_ns, next_in_ns(self._dice, self._dials.freezes_per_hour), self._freeze_by_chance
        )

    def _confirm(self, now: int) -> None:
        if not self._frozen:
            confirmed = BooksConfirmed(venue=self.exchange.venue)
            arrival = now + self._delay(self._dials.market_data_ms, self._dials.market_data_jitter_ms)
            self._mail.post_in_order(confirmed, self._data, arrival)
        self._plan(now, self._dials.confirm_ms * MILLISECOND, self._confirm)

    def _plan(self, now: int, delay_ns: int | None, action: Action) -> None:
        """Do something later, if this connection still stands then."""
        if delay_ns is not None:
            self._agenda.at(now + delay_ns, partial(self._if_still, self._connection, action))

    def _if_still(self, connection: int, action: Action, now: int) -> None:
        if self.connected and connection == self._connection:
            action(now)


def _subject(command: AnyCommand) -> ClientOrderId:
    """The order a request is about; empty if it is about none."""
    if isinstance(command, PlaceOrder | AmendOrder | CancelOrder | Lookup):
        return command.order_id
    return ClientOrderId("")
