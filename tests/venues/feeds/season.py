"""A recorded baseball season as fair value against a seeded exchange: every line change, game by game.

Each change reaches the engine the long way: rendered in The Odds API's format together with every other
game listed then, parsed, paired by names, proven by price. Gaps between changes are cut to a few seconds.

    MMCONSOLE_RECORDINGS=... python -m tests.venues.feeds.season [--games N] [--every N] [--part I/N]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from console.core.audit import Auditor
from console.core.commands import AmendOrder, AnyCommand, CeilingKind, PlaceOrder
from console.core.devig import Method, devig
from console.core.engine import Engine
from console.core.events import (
    AddMatch,
    AnyEvent,
    BooksConfirmed,
    InstrumentDefined,
    Mode,
    OddsPaired,
    OddsUnpaired,
    OddsUpdate,
    OrderFilled,
    Started,
    Tick,
    VenueUp,
)
from console.core.fees import KALSHI_MAKER, KALSHI_TAKER, KALSHI_UNIT_DIRECT, FeeModel
from console.core.instruments import Action, Instrument, InstrumentSpec, RunId, Venue
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.pairing import Proof
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import CENT, ONE, SECOND, Cash, Nanos, Price
from console.sandbox.odds import the_odds_api as wire
from console.sandbox.odds.card import SHARP, Event
from console.sandbox.odds.recorded import Game, RecordedCard, decimal, read_games
from console.sim.clock import Agenda, Clock
from console.sim.exchange import Exchange
from console.sim.games import Stage
from console.sim.listings import Fixture
from console.sim.requests import execute
from console.sim.traders import Pit, crew
from console.venues.feeds import the_odds_api
from console.venues.feeds.leagues import need_league
from console.venues.feeds.watch import Watch

from .test_pairing import KALSHI_MLB

MLB = need_league("mlb")
SHORT = {
    **{full: short for short, full in KALSHI_MLB.items()},
    "Oakland Athletics": "A's",
    "Los Angeles Angels of Anaheim": "Los Angeles A",
    "Cleveland Indians": "Cleveland",
}
BOOT = 1_000 * SECOND
KNOWN_AHEAD_S = 4  # informed takers know a change so long before it comes
LISTED_S = 30 * 3600  # other games in the answer start within this of ours
PACE = 2.0  # of the crowd, the rivals and the takers
AFTER_S = 75  # from the last change to the first pitch
SETTINGS = MatchSettings(inventory_skew_max=Price(0), requote_threshold=Price(0))
ACCOUNT = AccountSettings(
    write_tokens_per_s=100_000,
    write_burst=100_000,
    exposure_total=Cash(10_000 * ONE),
    exposure_venue=Cash(10_000 * ONE),
    daily_loss=Cash(10_000 * ONE),
    drawdown=None,
)
SPEC = InstrumentSpec(
    fees=FeeModel(maker_rate=KALSHI_MAKER, taker_rate=KALSHI_TAKER, unit=KALSHI_UNIT_DIRECT),
    two_sided=True,
    amendable=True,
)


@dataclass
class Fill:
    """One fill of ours: what it cost against the theo then and against the closing line, in cents."""

    kind: CeilingKind
    contracts: float
    edge: float
    closing: float


@dataclass
class Tally:
    """What came of the games played."""

    games: int = 0
    changes: int = 0
    late: int = 0  # changes after the scheduled start, not played
    lines: int = 0
    paired: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    proofs: Counter[str] = field(default_factory=Counter)
    quoted: int = 0
    orders: int = 0
    above_ceiling: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # paired with another game

    def add(self, other: Tally) -> None:
        self.games += other.games
        self.changes += other.changes
        self.late += other.late
        self.lines += other.lines
        self.paired += other.paired
        self.refused += other.refused
        self.proofs += other.proofs
        self.quoted += other.quoted
        self.orders += other.orders
        self.above_ceiling += other.above_ceiling
        self.findings += other.findings
        self.fills += other.fills
        self.wrong += other.wrong


class Course:
    """A match whose fair value follows a recorded line: what the traders of the exchange look at."""

    def __init__(self, fixture: Fixture, fair: tuple[float, ...]) -> None:
        self.fixture = fixture
        self.stage = Stage.UPCOMING
        self.fair = list(fair)
        self.believed = list(fair)


def fair_of(game: Game, place: int) -> tuple[float, float]:
    """(away, home) by one change of the line; by the last one before it that has a price."""
    while game.changes[place].money is None:
        place -= 1
    odds = [decimal(price) for price in game.changes[place].money]
    away, home = devig(odds, (Method.MULTIPLICATIVE,)).probabilities[Method.MULTIPLICATIVE]
    return away, home


def before_the_pitch(game: Game) -> Game:
    """The game without what was entered after its scheduled start (rain, late corrections)."""
    return msgspec.structs.replace(
        game, changes=tuple(change for change in game.changes if change.at_s < game.start_s)
    )


class Played:
    """One game, from its first line to its first pitch."""

    def __init__(self, game: Game, others: list[Game], cut_s: float, seed: int) -> None:
        self.tally = Tally(games=1, late=len(game.changes))
        self.game = game = before_the_pitch(game)
        self.tally.late -= len(game.changes)
        self._others = [game if other.number == game.number else other for other in others]
        self._moments = self._timeline(cut_s)
        self._start = self._moments[-1] + AFTER_S * SECOND
        self._wall = game.start_s * SECOND - self._start  # the first pitch is when it was
        self._clock = Clock(BOOT, BOOT + self._wall)
        self._agenda = Agenda(self._clock)
        self._exchange = Exchange(Venue.KALSHI, self._clock)
        self._exchange.account.money.pay_in(100_000 * ONE)
        self._engine = Engine()
        self._auditor = Auditor(follow=False)
        self._number = 0
        self._watch = Watch("the_odds_api", (SHARP,))
        self._symbols = tuple(Instrument(Venue.KALSHI, f"KXMLBGAME-{game.number}-{side}") for side in "AH")
        self._spec = self._match()
        self._course = Course(self._fixture(), fair_of(game, self._first))
        self._closing = fair_of(game, len(game.changes) - 1)
        self._dice = random.Random(f"{seed}/{game.number}")

    @property
    def _first(self) -> int:
        """The first change that has a price."""
        return next(n for n, change in enumerate(self.game.changes) if change.money is not None)

    def _timeline(self, cut_s: float) -> list[int]:
        """When each change comes, monotonic, gaps cut."""
        moments, now = [], BOOT + 10 * SECOND
        changes = self.game.changes
        for number, change in enumerate(changes):
            if number:
                gap = min(cut_s, change.at_s - changes[number - 1].at_s)
                now += round(max(0.2, gap) * SECOND)
            moments.append(now)
        return moments

    def _match(self) -> MatchSpec:
        game = self.game
        names = (SHORT.get(game.away, game.away), SHORT.get(game.home, game.home))
        return MatchSpec(
            id=MatchId(f"g{game.number}"),
            title=f"{names[0]} vs {names[1]}",
            outcomes=names,
            listings=tuple(Listing(symbol, (outcome,)) for outcome, symbol in enumerate(self._symbols)),
            league="mlb",
            start=Nanos(game.start_s * SECOND),
            may_none=True,
        )

    def _fixture(self) -> Fixture:
        return Fixture(
            match=self._spec,
            specs=dict.fromkeys(self._symbols, SPEC),
            strength=0.0,
            tie_band=0.0,
            jumps=0.0,
            jump=0.0,
            pace=PACE,
            depth=300,
            soft_book=False,
        )

    # ---- playing

    def play(self) -> Tally:
        """Everything in order."""
        for outcome, symbol in enumerate(self._symbols):
            self._exchange.open_market(symbol.symbol, SPEC)
            self._exchange.subscribe(symbol)
            pit = Pit(self._exchange, symbol.symbol, self._course, outcome, PACE)
            for trader in crew(pit, self._dice, fresh=True):
                self._agenda.at(BOOT + round(self._dice.random() * SECOND), self._waking(trader))
        self._begin()
        for number, moment in enumerate(self._moments):
            self._until(moment, number)
            self._change(number)
        self._until(self._start - 61 * SECOND, None)
        self._end()
        return self.tally

    def _waking(self, trader):
        def wake(now: int) -> None:
            self._agenda.at(now + trader.act(), wake)

        return wake

    def _begin(self) -> None:
        self._tell(
            Started(
                run_id=RunId("season"),
                mode=Mode.SIM,
                account="season",
                settings=ACCOUNT,
                venues=(Venue.KALSHI,),
            )
        )
        self._tell(VenueUp(venue=Venue.KALSHI))
        self._tell(AddMatch(spec=self._spec, settings=SETTINGS))
        for symbol in self._symbols:
            self._tell(InstrumentDefined(instrument=symbol, spec=SPEC))
            self._tell(self._exchange.markets[symbol.symbol].snapshot())
        self._exchange.public.clear()
        self._watch.add(self._spec)

    def _until(self, moment: int, coming: int | None) -> None:
        """Let the exchange and the engine live until a moment; a second at a time."""
        while self._clock.now < moment:
            soon = coming is not None and moment - self._clock.now <= KNOWN_AHEAD_S * SECOND
            if soon and coming >= self._first:
                self._course.fair = list(fair_of(self.game, coming))
            self._agenda.run(min(moment, self._clock.now + SECOND // 2))
            self._carry()
            self._tell(BooksConfirmed(venue=Venue.KALSHI))
            self._tell(Tick())

    def _change(self, number: int) -> None:
        """A change of the line: the feed is asked, and the public has seen it."""
        self.tally.changes += 1
        if number >= self._first:
            self._course.fair = self._course.believed = list(fair_of(self.game, number))
        now = self._clock.now + self._wall
        moment = self.game.changes[number].at_s
        events = []
        for other in self._others:
            if other.first_s <= moment < other.start_s + 4 * 3600 and (line := other.line_at(moment)):
                card = RecordedCard([other], now, from_s=moment)
                event = card._event(other, line, moment, now)
                # Only the gaps of our own game are cut: what starts when stays as it was.
                events.append(msgspec.structs.replace(event, start_ns=other.start_s * SECOND))
        self._answered(self._asked(events), events)

    def _asked(self, events: list[Event]) -> bytes:
        params = {"bookmakers": SHARP, "markets": "h2h,spreads,totals"}
        said = wire.answer("/sports/baseball_mlb/odds", params, events)
        assert said.status == 200
        return msgspec.json.encode(said.document)

    def _answered(self, body: bytes, events: list[Event]) -> None:
        now = Nanos(self._clock.now + self._wall)
        parsed = the_odds_api.parse_odds(body, now, key="baseball_mlb")
        assert not [trouble for trouble in parsed.troubles if trouble.broken], parsed.troubles
        self.tally.lines += len(parsed.lines)
        ours = next(event.hex_id for event in events if event.number == self.game.number)
        for event in self._watch.answer(MLB, parsed, 60):
            if isinstance(event, OddsUnpaired):
                self.tally.refused[event.why.split(":")[0]] += 1
            elif isinstance(event, OddsPaired) and event.event != ours:
                self.tally.wrong.append(f"game {self.game.number}: {event.names}")
            elif isinstance(event, OddsUpdate):
                self.tally.paired += 1
            self._tell(event)

    def _carry(self) -> None:
        """What the exchange has to say reaches the engine at once."""
        exchange = self._exchange
        while exchange.public or exchange.private:
            events = [*exchange.private, *exchange.public]
            exchange.private.clear()
            exchange.public.clear()
            for event in events:
                self._tell(event)

    def _tell(self, event: AnyEvent) -> None:
        stamped = msgspec.structs.replace(
            event, ts=Nanos(self._clock.now), wall=Nanos(self._clock.now + self._wall)
        )
        if isinstance(stamped, OrderFilled):
            self._filled(stamped)
        commands = list(self._engine.on_event(stamped))
        self._number += 1
        self._auditor.take(self._number, stamped, [(self._number, c) for c in commands])
        for command in commands:
            self._check(command)
        for command in commands:
            for answer in execute(self._exchange, command):
                self._tell(answer)
        self._carry()

    # ---- looking

    def _check(self, command: AnyCommand) -> None:
        if not isinstance(command, PlaceOrder | AmendOrder):
            return
        self.tally.orders += 1
        bought = command.action is Action.BUY
        if command.price > command.ceiling if bought else command.price < command.ceiling:
            self.tally.above_ceiling.append(f"game {self.game.number}: {command}")

    def _filled(self, fill: OrderFilled) -> None:
        desk = self._engine.state.desks[self._spec.id]
        order = self._engine.state.blotter.orders[fill.order_id]
        route = desk.keys[fill.instrument, fill.action]
        paid = route.price_of(fill.price) + fill.fee * ONE // fill.size
        closing = self._closing[0] if route.gained == 1 else self._closing[1]
        assert desk.theo is not None
        self.tally.fills.append(
            Fill(
                order.ceiling_kind,
                fill.size / ONE,
                (desk.theo.fair[route.gained] - paid) / CENT,
                (closing * ONE - paid) / CENT,
            )
        )

    def _end(self) -> None:
        desk = self._engine.state.desks[self._spec.id]
        pairing = desk.pairings.get("the_odds_api")
        self.tally.proofs[pairing.proof.value if pairing is not None else "unpaired"] += 1
        self.tally.quoted += bool(self._engine.state.blotter.orders)
        self.tally.findings += [f"game {self.game.number}: {f.text}" for f in self._auditor.findings]
        assert pairing is None or pairing.proof is not Proof.DOUBTED, pairing.why


def play(games: list[Game], chosen: list[Game], cut_s: float, seed: int = 1) -> Tally:
    """Play the chosen ones of a season."""
    total, began = Tally(), time.monotonic()
    for number, game in enumerate(chosen, 1):
        others = [other for other in games if abs(other.start_s - game.start_s) <= LISTED_S]
        total.add(Played(game, others, cut_s, seed).play())
        if number % 25 == 0:
            print(
                f"{number}/{len(chosen)} games, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True
            )
    return total


def figures(total: Tally) -> dict[str, object]:
    """What is worth telling, in cents per contract where it is an edge."""
    quotes = [fill for fill in total.fills if fill.kind is CeilingKind.QUOTE]
    reduces = [fill for fill in total.fills if fill.kind is CeilingKind.REDUCE]
    return {
        "games": total.games,
        "line changes": total.changes,
        "line changes after the scheduled start, left out": total.late,
        "lines parsed": total.lines,
        "changes that priced their match": total.paired,
        "paired with another game": total.wrong,
        "refused, by reason": dict(total.refused),
        "proofs": dict(total.proofs),
        "games quoted": total.quoted,
        "orders and amends": total.orders,
        "above their ceiling": len(total.above_ceiling),
        "audit findings": len(total.findings),
        "fills of quotes": len(quotes),
        "edge at the fill, net of fee": spread([fill.edge for fill in quotes]),
        "edge at the closing line, net of fee": spread([fill.closing for fill in quotes]),
        "fills that reduced": len(reduces),
        "their edge at the fill": spread([fill.edge for fill in reduces]),
        "their edge at the closing line": spread([fill.closing for fill in reduces]),
        "contracts": round(sum(fill.contracts for fill in total.fills)),
        "dollars against the closing line": round(
            sum(fill.contracts * fill.closing for fill in total.fills) / 100.0, 2
        ),
    }


def spread(values: list[float]) -> dict[str, float]:
    """A distribution in a line."""
    if len(values) < 2:
        return {}
    ranks = statistics.quantiles(values, n=100, method="inclusive")
    told = {"least": min(values), "p5": ranks[4], "p25": ranks[24], "median": ranks[49]}
    told |= {"p75": ranks[74], "p95": ranks[94], "most": max(values), "mean": statistics.mean(values)}
    return {name: round(value, 2) for name, value in told.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=0, help="play the first so many only")
    parser.add_argument("--every", type=int, default=1, help="play one in so many")
    parser.add_argument("--part", default="0/1", help="play the I-th of N parts")
    parser.add_argument(
        "--cut", type=float, default=8.0, help="gaps between changes are cut to so many seconds"
    )
    arguments = parser.parse_args()
    games = list(read_games(Path(os.environ["MMCONSOLE_RECORDINGS"]) / "pinnacle_mlb_2016"))
    part, parts = (int(word) for word in arguments.part.split("/"))
    playable = [game for game in games if any(c.money and c.at_s < game.start_s for c in game.changes)]
    chosen = playable[:: arguments.every][: arguments.games or None][part::parts]
    total = play(games, chosen, arguments.cut)
    print(json.dumps({**figures(total), "fills": [[f.kind.value, f.edge, f.closing] for f in total.fills]}))


if __name__ == "__main__":
    main()
