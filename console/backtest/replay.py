"""`mmconsole replay`: the engine makes a market on a recording, and what came of it."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec

from console.backtest.record import Decisions
from console.backtest.report import MarketReport, Report, Valued
from console.backtest.tape import OUTCOMES, Tape
from console.core import marks
from console.core.commands import ORDERS, AmendOrder, AnyCommand, CancelOrder, PlaceOrder
from console.core.complaint import Complaint
from console.core.desk import Desk
from console.core.engine import Engine
from console.core.events import (
    AnyEvent,
    BookDelta,
    BookStale,
    Mode,
    OrderFilled,
    RemoveMatch,
    Settled,
    Started,
    Tick,
)
from console.core.instruments import BUY, RunId
from console.core.matches import MatchId
from console.core.orders import Blotter
from console.core.settings import AccountSettings, MatchSettings, SettingError, parse_setting
from console.core.units import CENT, MILLISECOND, SECOND, Nanos, Price
from console.sim.clock import NEVER
from console.sim.paper import CASH, DELAYS, PaperDials

TICK = 100 * MILLISECOND
SILENCE = 60 * SECOND  # of the recording: by then every quote is pulled, and no tick changes anything
RUN = RunId("replay")  # one name for every replay, so that the same decisions have the same digest
SETTINGS = MatchSettings(
    in_play=True,
    no_legs=True,  # both sides of the one symbol
    price_min=Price(2 * CENT),
    price_max=Price(98 * CENT),
    stop_before_end_s=0,  # the end is the close of trading, which the recording tells by itself
)
LINGER = 30 * SECOND  # of a settled match: late answers find it
PROGRESS_EVERY = 20_000

Progress = Callable[[int], None]
Settings = MatchSettings | AccountSettings


class Replay:
    """One replay: the loop between tape and engine, and what is counted on the way.

    Take it a step at a time (`step`), or to the end (`run`).
    """

    def __init__(self, tape: Tape, account: AccountSettings, decisions: Decisions | None = None) -> None:
        self.tape = tape
        self.engine = Engine()
        self._decisions = decisions
        self._digest = hashlib.sha256()
        self._encode = msgspec.json.Encoder().encode
        self._number = 0  # of the event the engine has seen last
        self._tick_ts = Nanos(tape.began + TICK)
        self._over: deque[tuple[int, MatchId]] = deque()  # matches settled, and when they are put away
        self._put_away: list[MarketReport] = []
        self._counts = dict.fromkeys((PlaceOrder, AmendOrder, CancelOrder), 0)
        self._fills = self._stale = self._crossed = self._above = 0
        self._on_event = self.engine.on_event
        began = tape.began
        self._feed(
            Started(
                ts=began,
                wall=began,
                run_id=RUN,
                mode=Mode.REPLAY,
                account="paper",
                settings=account,
                venues=tape.venues,
            )
        )

    # ---- the loop

    def step(self) -> bool:
        """Let a tick happen, or everything until the next one; False when the tape is over."""
        ts = self.tape.next_ts()
        if ts == NEVER:
            return False
        if self._tick_ts <= ts:
            self._tick(ts)
            return True
        on_event = self._on_event
        number = self._number
        for event in self.tape.happen(self._tick_ts - 1):
            if type(event) is BookDelta:  # nine events in ten: kept short
                number += 1
                commands = on_event(event)
                if commands:
                    self._number = number
                    self._decided(commands)
            else:
                self._number = number
                self._feed(event)
                number += 1
        self._number = number
        return True

    def run(self, progress: Progress = lambda _: None) -> None:
        """To the end, as fast as it goes; `progress` now and then gets the events of the tape so far."""
        tape, due = self.tape, PROGRESS_EVERY
        while self.step():
            if tape.recorded >= due:
                due = tape.recorded + PROGRESS_EVERY
                progress(tape.recorded)

    def _tick(self, ts: Nanos) -> None:
        """A tenth of a second passed; over a long silence of the recording, until `ts`, it was more."""
        now = self._tick_ts
        self._number += 1
        commands = self._on_event(Tick(now, now))
        if commands:
            self._decided(commands)
        while self._over and self._over[0][0] <= now:
            self._retire(self._over.popleft()[1])
        tick = now + TICK
        if tick - self.tape.recorded_ts > SILENCE and tick < ts:
            tick += (ts - tick) // TICK * TICK
        self._tick_ts = Nanos(tick)

    def _retire(self, match: MatchId) -> None:
        """Put a settled match away, or the engine would look after every match of a long tape for ever."""
        desk = self.engine.state.desks.get(match)
        if desk is None or self.engine.state.blotter.of_match(match):
            return
        self._put_away.append(self._market(desk))
        self._crossed += self._crossings(desk)
        now = self.engine.state.ts
        self._feed(RemoveMatch(ts=now, wall=now, match=match))

    def _feed(self, event: AnyEvent) -> None:
        """Show the engine an event that is counted or recorded."""
        if isinstance(event, OrderFilled):
            self._fills += 1
        elif isinstance(event, BookStale):
            self._stale += 1
        elif isinstance(event, Settled):
            self._over.append((event.ts + LINGER, MatchId(event.instrument.symbol)))
        if self._decisions is not None:
            self._decisions.event(event)
        self._see(event)

    def _see(self, event: AnyEvent) -> None:
        self._number += 1
        commands = self._on_event(event)
        if commands:
            self._decided(commands)

    def _decided(self, commands: list[AnyCommand]) -> None:
        ts = self.engine.state.ts
        for command in commands:
            body = self._encode(command)
            self._digest.update(b"%d %b\n" % (self._number, body))
            if self._decisions is not None:
                self._decisions.command(body)
            kind = type(command)
            if kind in self._counts:
                self._counts[kind] += 1
            if isinstance(command, ORDERS):
                bought = command.action is BUY
                self._above += command.price > command.ceiling if bought else command.price < command.ceiling
            self.tape.submit(command, ts)

    # ---- what came of it

    def report(self, files: int, seconds: float, theo_source: str) -> Report:
        """Everything counted, and every market as it stands now."""
        state, tape = self.engine.state, self.tape
        exchange = tape.exchange
        markets = (*self._put_away, *(self._market(desk) for desk in state.desks.values()))
        profits = [market.pnl for market in markets]
        return Report(
            files=files,
            events=tape.recorded,
            recorded_s=max(0, tape.recorded_ts - tape.began) / SECOND,
            seconds=seconds,
            events_per_s=round(tape.recorded / seconds) if seconds else 0,
            theo_source=theo_source,
            orders=self._counts[PlaceOrder],
            amends=self._counts[AmendOrder],
            cancels=self._counts[CancelOrder],
            fills=self._fills,
            fees=exchange.wallet.money.fees,
            pnl=None if None in profits else sum(profit for profit in profits if profit is not None),
            resting=len(exchange.orders()),
            stale_books=self._stale,
            negative_levels=sum(market.negatives for market in exchange.markets.values()),
            crossed_books=self._crossed + sum(self._crossings(desk) for desk in state.desks.values()),
            above_ceiling=self._above,
            defect=exchange.defect() or "",
            digest=self._digest.hexdigest(),
            markets=markets,
            halted=state.account.halt,
        )

    @staticmethod
    def _crossings(desk: Desk) -> int:
        """How often the book the engine saw was crossed."""
        return sum(market.book.crossings for market in desk.markets.values() if market.book is not None)

    def _market(self, desk: Desk) -> MarketReport:
        instrument = desk.spec.listings[0].instrument
        market = self.tape.exchange.markets[instrument]
        bid, ask = market.bids.public_best(), market.asks.public_best()
        holding = desk.positions[instrument.venue].holdings[instrument]
        pnl, valued = _valued(desk, holding.settled, self.engine.state.blotter)
        return MarketReport(
            symbol=instrument.symbol,
            title=desk.spec.title,
            bid=None if bid is None else bid[0],
            ask=None if ask is None else ask[0],
            net=holding.net,
            pnl=pnl,
            valued=valued,
        )


def _valued(desk: Desk, settled: bool, blotter: Blotter) -> tuple[int | None, Valued]:
    """Profit of a match: what was paid once it is settled or sold, else at fair value, else at mid."""
    if settled or desk.flat():
        return sum(position.cash for position in desk.groups()), Valued.SETTLED
    at_theo = marks.at_theo(desk) if desk.theo is not None and desk.theo.why is None else None
    if at_theo is not None:
        return at_theo, Valued.THEO
    at_mid = marks.at_mid(desk, blotter)
    return at_mid, Valued.UNKNOWN if at_mid is None else Valued.MID


def replay(
    files: Iterable[Path],
    *,
    theo: float | None = None,
    odds: Sequence[float] = (),
    settings: Iterable[str] = (),
    journal: Path | None = None,
    dials: PaperDials = DELAYS,
    cash: int = CASH,
    whole: bool = False,
    progress: Progress = lambda _: None,
) -> Report:
    """Replay recordings as fast as possible and report.

    `theo` is the probability of YES, `odds` are decimal odds of YES and NO: either is pinned; without them
    the tape's microprice is the theo. `settings` are texts ``key=value`` of a match or of the account.
    Decisions are journalled in the folder `journal`. `whole` as in `recording.read`. Raises RecordingError,
    SettingError, ReplayError, JournalError.
    """
    pinned, theo_source = pinned_odds(theo, odds)
    match, account = overridden(settings)
    paths = list(files)
    started = time.perf_counter()
    tape = Tape(paths, match, odds=pinned, dials=dials, cash=cash, whole=whole, ahead=True)
    decisions = Decisions(journal) if journal is not None else None
    replaying = Replay(tape, account, decisions)
    with decisions or nullcontext():
        replaying.run(progress)
    report = replaying.report(len(paths), time.perf_counter() - started, theo_source)
    return report if decisions is None else msgspec.structs.replace(report, journal=str(decisions.path))


def pinned_odds(theo: float | None, odds: Sequence[float]) -> tuple[tuple[float, ...], str]:
    """Odds to pin (none: the tape speaks), and what the theo is made of, in words."""
    if theo is not None and odds:
        raise ReplayError("theo: give a probability or odds, not both")
    if theo is not None:
        if not 0.0 < theo < 1.0:
            raise ReplayError(f"theo: {theo:g} is not a probability of YES between 0 and 1, for example 0.55")
        return (1.0 / theo, 1.0 / (1.0 - theo)), f"{theo:g} for YES, pinned"
    if odds:
        if len(odds) != len(OUTCOMES):
            raise ReplayError(f"odds: give two, of YES and NO, not {len(odds)}")
        return tuple(odds), f"odds {odds[0]:g} / {odds[1]:g}, pinned"
    return (), "the tape's own microprice, which holds no order of ours"


def overridden(texts: Iterable[str]) -> tuple[MatchSettings, AccountSettings]:
    """The settings of a replay with some changed by ``key=value``; raises SettingError."""
    changed: dict[type[Settings], dict[str, object]] = {MatchSettings: {}, AccountSettings: {}}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"{text}: give a setting as key=value, for example edge_min=2")
        kind = AccountSettings if key.strip() in AccountSettings.__struct_fields__ else MatchSettings
        changed[kind][key.strip()] = parse_setting(kind, key.strip(), value)
    match = msgspec.structs.replace(SETTINGS, **changed[MatchSettings])
    account = msgspec.structs.replace(AccountSettings(), **changed[AccountSettings])
    defect = match.defect() or account.defect()  # all together: one may only make sense with another
    if defect is not None:
        raise SettingError(defect)
    return match, account


class ReplayError(Complaint):
    """A replay that cannot begin as asked."""
