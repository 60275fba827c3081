"""The pretended world: seeded matches, their venues and everybody in them, behind one small facade."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import partial
from heapq import heappop
from typing import assert_never

import msgspec
from msgspec import Struct

from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    KeepAlive,
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
from console.core.events import AnyEvent, OpenOrder, OrderFilled
from console.core.instruments import Instrument, InstrumentSpec, MarketState, Venue
from console.core.matches import MatchId, MatchSpec
from console.core.units import ONE, SECOND, Cash, Nanos
from console.sim.clock import NEVER, Action, Agenda, Clock
from console.sim.dials import CALM, Dials
from console.sim.exchange import Exchange
from console.sim.games import Game, SavedGame, Stage
from console.sim.habits import PLAIN, STEP_NS, Persona
from console.sim.listings import PROGRAMME, Card, catalogue
from console.sim.mail import Mail
from console.sim.saved import SavedExchange, restore_exchange, save_exchange
from console.sim.season import Season
from console.sim.traders import Pit, Trader, crew
from console.sim.wire import Request, Wire

FORMAT = 1  # of saved worlds
BEGINNING = Nanos(1_795_284_000 * SECOND)  # 2026-11-21 18:00 UTC, for worlds that need no real date
CASH = Cash(1000 * ONE)  # at every venue
_OPEN = MarketState.OPEN


def _nothing(_: int) -> None:
    """Nothing is due."""


_NOTHING: tuple[int, int, Action] = (NEVER, 0, _nothing)


class SavedWorld(Struct, frozen=True, array_like=True):
    """A world as it outlives its process; `requests` are on their way, with nanoseconds to go."""

    format: int
    seed: int
    matches: int
    began: int
    exchanges: list[SavedExchange]
    games: list[SavedGame]
    requests: list[tuple[Venue, int, AnyCommand]]


class World:
    """Everything outside the engine, driven by whoever holds the clock.

    `submit` what the engine asks for, `advance` to a moment, and every event that has reached us by
    then comes back in order. The same seed and the same commands give the same events.
    """

    def __init__(
        self,
        seed: int,
        dials: Dials = CALM,
        *,
        ts: int = 0,
        wall: int = BEGINNING,
        scale: float = 1.0,
        matches: int | None = None,
        programme: tuple[Card, ...] = PROGRAMME,
        cash: int = CASH,
        personas: Mapping[Venue, Persona] | None = None,
        saved: SavedWorld | None = None,
    ) -> None:
        """Begin a world at `ts` and `wall`, or go on from `saved` (see `load`).

        `scale` multiplies how often everybody acts, `matches` takes the first so many of the `programme`,
        `cash` is ours at every venue; `personas` gives venues traits of their own.
        """
        self.seed = seed
        self._life = f"{seed}" if saved is None else f"{seed}/{wall}"
        self._began = wall if saved is None else saved.began
        self._clock = Clock(ts, wall)
        self._agenda = Agenda(self._clock)
        self._mail = Mail(self._clock)
        self._fixtures = catalogue(self._began, len(programme) if matches is None else matches, programme)
        self._exchanges = self._open_venues(personas or {})
        if saved is None:
            for exchange in self._exchanges.values():
                exchange.account.money.pay_in(cash)
        else:
            for exchange, kept in zip(self._exchanges.values(), saved.exchanges, strict=True):
                restore_exchange(exchange, kept)
        self._games = self._kick_off(dials.match_void, saved)
        self._wires = {
            venue: Wire(exchange, dials, self._dice("wire", venue.value), self._agenda, self._mail)
            for venue, exchange in self._exchanges.items()
        }
        self._outlets = tuple((w, w.exchange.public, w.exchange.private) for w in self._wires.values())
        self._season = Season(self._games, self._wires, dials, self._dice("season"), self._agenda, self._mail)
        for venue, exchange in self._exchanges.items():
            if not exchange.habits.persona.plain:
                self._agenda.at(ts + STEP_NS, partial(self._step, venue))
        for game in self._games:
            self._staff(game, scale, fresh=saved is None)
        for venue, delay, command in [] if saved is None else saved.requests:
            self._wires[venue].resume(Request(command, ts + delay))

    @classmethod
    def load(cls, saved: bytes, dials: Dials = CALM, *, ts: int, wall: int, scale: float = 1.0) -> World:
        """Go on from `save` at a later moment: all is as it was, with new dice and no connection yet.

        Raises msgspec.DecodeError for bytes that are no saved world of this format.
        """
        state = msgspec.msgpack.decode(saved, type=SavedWorld)
        if state.format != FORMAT:
            raise msgspec.DecodeError(f"a saved world of format {state.format}, not {FORMAT}")
        return cls(state.seed, dials, ts=ts, wall=wall, scale=scale, matches=state.matches, saved=state)

    def save(self) -> bytes:
        """Everything but the connections and what was on its way to us, exactly."""
        now = self._clock.now
        return msgspec.msgpack.encode(
            SavedWorld(
                FORMAT,
                self.seed,
                len(self._fixtures),
                self._began,
                [save_exchange(exchange) for exchange in self._exchanges.values()],
                [game.save() for game in self._games],
                [
                    (venue, request.arrival - now, request.command)
                    for venue, wire in self._wires.items()
                    for request in wire.travelling()
                ],
            )
        )

    # ---- what there is

    @property
    def listings(self) -> tuple[MatchSpec, ...]:
        """Every match of this world."""
        return tuple(fixture.match for fixture in self._fixtures)

    @property
    def venues(self) -> tuple[Venue, ...]:
        """Every venue of this world."""
        return tuple(self._exchanges)

    @property
    def over(self) -> bool:
        """Every match is settled: nothing will ever trade here again."""
        return all(game.stage is Stage.SETTLED for game in self._games)

    def spec_of(self, instrument: Instrument) -> InstrumentSpec:
        """Facts of a symbol; raises KeyError for an unknown one."""
        return self._exchanges[instrument.venue].markets[instrument.symbol].spec

    def odds_now(self, match: MatchId) -> tuple[float, ...]:
        """The sharp book's decimal odds on a match; raises KeyError for an unknown one."""
        return self._season.odds(match)

    def lines_now(self, match: MatchId) -> dict[str, tuple[float, ...] | None]:
        """Every book's decimal odds on a match, None while it is suspended; raises KeyError likewise."""
        return self._season.lines(match)

    def truth(self, match: MatchId) -> tuple[float, ...]:
        """The true probability of each outcome, which nobody in the world is told."""
        return tuple(self._game(match).fair)

    # ---- time

    @property
    def now(self) -> Nanos:
        """The moment up to which everything has happened."""
        return Nanos(self._clock.now)

    def submit(self, command: AnyCommand, ts: int) -> None:
        """Send a command at `ts`, or now if that has passed; the answers come with the events."""
        self._agenda.run(ts)
        match command:
            case PlaceOrder() | AmendOrder() | CancelOrder() | Lookup():
                venue = command.instrument.venue
            case Resync() | Subscribe() | Unsubscribe():
                venue = command.instrument.venue
            case CancelAll() | Reconcile() | KeepAlive():
                venue = command.venue
            case Latch() | Alert() | Refuse() | WatchOdds() | UnwatchOdds():
                return
            case _:
                assert_never(command)
        self._wires[venue].submit(command, self._clock.now)

    def advance(self, ts: int) -> list[AnyEvent]:
        """Let everything happen up to and including `ts`; what reached us by then, in order."""
        self._carry()
        self._agenda.run(ts)
        return self._mail.collect(ts)

    def wait(self, until: int) -> list[AnyEvent]:
        """Let everything happen until something reaches us, at most up to and including `until`.

        All that reached us at that moment. If nothing did, the clock stands at what happened last.
        """
        self._carry()
        clock, due, posted = self._clock, self._agenda.heap, self._mail.heap
        while True:
            ts, _, action = due[0] if due else _NOTHING
            if posted and posted[0][0] < ts:
                ts = posted[0][0]
                if ts > until:
                    return []
                if ts > clock.now:
                    clock.now = ts
                return self._mail.collect(ts)
            if ts > until:
                return []
            heappop(due)
            clock.now = ts
            action(ts)

    def _carry(self) -> None:
        """Send us what somebody did at a venue since anything happened of itself."""
        for wire, public, private in self._outlets:
            if public or private:
                wire.carry(self._clock.now)

    @property
    def wall(self) -> Nanos:
        """The time of day at that moment, as everybody but us has it."""
        return self._clock.wall

    def next_ts(self) -> Nanos:
        """The next moment at which something happens, here or there."""
        here, there = self._mail.next_ts, self._agenda.next_ts
        return here if here < there else there

    # ---- our account, for those who check

    def exchange(self, venue: Venue) -> Exchange:
        """A venue from the inside."""
        return self._exchanges[venue]

    def wire(self, venue: Venue) -> Wire:
        """Our connection to a venue, to be cut or frozen at will."""
        return self._wires[venue]

    def orders(self, venue: Venue) -> tuple[OpenOrder, ...]:
        """Our orders that rest at a venue."""
        return tuple(order.listed() for order in self._exchanges[venue].account.open.values())

    def positions(self, venue: Venue) -> dict[Instrument, int]:
        """Our net contracts by YES leg, NO held negative."""
        held = self._exchanges[venue].account.money.positions
        return {Instrument(venue, symbol): net for symbol, net in held.items() if net}

    def cash(self, venue: Venue) -> Cash:
        """Our cash at a venue, what resting orders tie up included."""
        return Cash(self._exchanges[venue].account.money.cash)

    def hush(self, silent_ns: int) -> None:
        """Let every sportsbook fall silent for a while."""
        self._season.hush(self._clock.now + silent_ns)

    def fees(self, venue: Venue) -> Cash:
        """All fees and commissions a venue has charged us."""
        return Cash(self._exchanges[venue].account.money.fees)

    def fills(self, venue: Venue) -> list[OrderFilled]:
        """Every fill of ours at a venue, oldest first."""
        return list(self._exchanges[venue].account.fills)

    def counts(self) -> dict[str, int]:
        """How often each misfortune has happened, by the name of its dial."""
        total: dict[str, int] = {}
        habits = [exchange.habits.counts for exchange in self._exchanges.values()]
        for part in (self._season.counts, *habits, *(wire.counts for wire in self._wires.values())):
            for name, count in part.items():
                total[name] = total.get(name, 0) + count
        return total

    def defect(self) -> str | None:
        """Say in one line which venue lost money or contradicts itself, or None."""
        return next((why for why in (e.defect() for e in self._exchanges.values()) if why), None)

    # ---- making it

    def _dice(self, *words: str) -> random.Random:
        """Dice of one part of the world, so that its luck does not depend on anybody else's."""
        return random.Random("/".join((self._life, *words)))  # noqa: S311 - games, not secrets

    def _open_venues(self, personas: Mapping[Venue, Persona]) -> dict[Venue, Exchange]:
        exchanges: dict[Venue, Exchange] = {}
        for fixture in self._fixtures:
            for instrument, spec in fixture.specs.items():
                venue = instrument.venue
                if venue not in exchanges:
                    persona = personas.get(venue, PLAIN)
                    dice = self._dice("habits", venue.value)
                    exchanges[venue] = Exchange(venue, self._clock, persona, dice)
                exchanges[venue].open_market(instrument.symbol, spec)
        return exchanges

    def _kick_off(self, match_void: float, saved: SavedWorld | None) -> list[Game]:
        games = []
        for number, fixture in enumerate(self._fixtures):
            dice = self._dice("game", fixture.match.id)
            game = Game(fixture, form=dice.gauss(0.0, 0.12), void=dice.random() < match_void)
            if saved is not None:
                game.restore(saved.games[number], self._clock.wall)
            games.append(game)
        return games

    def _staff(self, game: Game, scale: float, fresh: bool) -> None:
        match = game.fixture.match
        for listing in match.listings:
            venue, symbol = listing.instrument.venue, listing.instrument.symbol
            pit = Pit(self._exchanges[venue], symbol, game, listing.pays[0], game.fixture.pace * scale)
            dice = self._dice("pit", venue.value, symbol)
            for trader in crew(pit, dice, fresh):
                first = self._clock.now + int(dice.random() * SECOND)
                self._agenda.at(first, self._waking(trader, pit, self._wires[venue]))

    def _step(self, venue: Venue, now: int) -> None:
        self._exchanges[venue].step()
        self._wires[venue].carry(now)
        self._agenda.at(now + STEP_NS, partial(self._step, venue))

    def _waking(self, trader: Trader, pit: Pit, wire: Wire) -> Action:
        """Let a trader act again and again, until nobody will ever trade there."""
        act, at, carry = trader.act, self._agenda.at, wire.carry
        market, public, private = pit.market, pit.exchange.public, pit.exchange.private

        def wake(now: int) -> None:
            if market.state is not _OPEN and pit.over:
                return
            wait = act()
            if public or private:
                carry(now)
            at(now + wait, wake)

        return wake

    def _game(self, match: MatchId) -> Game:
        for game in self._games:
            if game.fixture.match.id == match:
                return game
        raise KeyError(match)
