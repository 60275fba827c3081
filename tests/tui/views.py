"""Realistic fixed views: twelve matches in every state, a full book, orders, fills; and a long variant."""

from __future__ import annotations

import msgspec

from console.core.commands import CeilingKind, Severity
from console.core.events import Mode, OnConsoleLost
from console.core.instruments import Action, ClientOrderId, Instrument, MarketState, RunId, Side, Venue
from console.core.matches import MatchId, Phase, State
from console.core.orders import OrderState
from console.core.reasons import Reason
from console.core.units import CENT, ONE, SECOND, Cash, Nanos, Price, Size
from console.core.view import (
    FeedView,
    FillView,
    KillPhase,
    KillView,
    LadderView,
    LevelView,
    LimitView,
    LogLine,
    MatchView,
    OrderView,
    OutcomeView,
    PnlView,
    SourceView,
    VenueView,
    View,
)
from console.link.messages import Role, Welcome

WALL = Nanos(1_783_976_699 * SECOND + 250_000_000)  # 2026-07-13 21:04:59.25 UTC
TS = Nanos(90_000 * SECOND)
RUN = RunId("mdk3x9ab12")


def dollars(value: float) -> Cash:
    """Cash from a round number."""
    return Cash(round(value * ONE))


def cents(value: float) -> Price:
    """A price from cents with at most two decimals."""
    return Price(round(value * 100) * (CENT // 100))


class Sketch(msgspec.Struct):
    """The facts of a match from which its view is drawn."""

    title: str
    outcomes: tuple[str, ...]
    fair: float  # cents of the first outcome
    exposure: int = 0
    net: float = 0.0
    state: State = State.QUOTING
    reason: Reason = Reason.TOP
    limit: str = ""
    sport: str = "tennis"
    venues: tuple[Venue, ...] = (Venue.KALSHI,)
    start_min: int = 90
    orders: int = 4
    fills: int = 7
    book_ms: int = 300
    halts: tuple[str, ...] = ()
    rebalancing: bool = False
    tenth: float = 0.0  # a sub-cent part of the prices


BOTH = (Venue.KALSHI, Venue.POLYMARKET)
SKETCHES = (
    Sketch("Alcaraz v Sinner", ("Alcaraz", "Sinner"), 62.1, 150, 12.40, venues=BOTH),
    Sketch("Real Madrid v Barcelona", ("Real Madrid", "Draw", "Barcelona"), 44.6, -80, -3.10, sport="soccer"),
    Sketch(
        "Navi v FaZe", ("Navi", "FaZe"), 72.4, 20, 1.05, reason=Reason.AT_CEILING, sport="cs2", start_min=-34
    ),
    Sketch(
        "G2 v T1",
        ("G2", "T1"),
        39.5,
        300,
        -7.75,
        State.PAUSED,
        Reason.PAUSED,
        sport="lol",
        orders=0,
        halts=("paused by the operator",),
        venues=(Venue.POLYMARKET,),
        tenth=0.5,
    ),
    Sketch(
        "Lakers @ Celtics",
        ("Lakers", "Celtics"),
        48.0,
        -120,
        21.90,
        reason=Reason.REBALANCING,
        sport="nba",
        rebalancing=True,
    ),
    Sketch(
        "Yankees @ Red Sox",
        ("Yankees", "Red Sox"),
        54.5,
        60,
        -0.40,
        State.PAUSED,
        Reason.STALE_BOOK,
        sport="mlb",
        orders=0,
        book_ms=9_800,
    ),
    Sketch("Djokovic v Alcaraz", ("Djokovic", "Alcaraz C."), 30.2, -200, 6.66, reason=Reason.OVEREXPOSED),
    Sketch(
        "Sinner v Sabalenka",
        ("Sinner", "Sabalenka"),
        66.8,
        0,
        0.0,
        State.WAIT_DATA,
        Reason.WARM_UP,
        orders=0,
        fills=0,
    ),
    Sketch(
        "Liverpool v Man City",
        ("Liverpool", "Draw", "Man City"),
        33.9,
        -50,
        9.15,
        reason=Reason.JOINED,
        sport="soccer",
        orders=6,
        start_min=-80,
    ),
    Sketch(
        "PSG v Marseille",
        ("PSG", "Draw", "Marseille"),
        83.5,
        110,
        3.30,
        reason=Reason.LIMIT,
        limit="exposure_event",
        sport="soccer",
        venues=(Venue.PROPHETX,),
        tenth=0.38,
    ),
    Sketch(
        "Heat @ Nuggets",
        ("Heat", "Nuggets"),
        56.0,
        0,
        0.0,
        State.PAUSED,
        Reason.NO_THEO,
        sport="nba",
        orders=0,
        fills=0,
    ),
    Sketch(
        "Sentinels v Furia", ("Sentinels", "Furia"), 59.6, 40, 1.10, reason=Reason.OUTBID, sport="valorant"
    ),
)


def match_view(sketch: Sketch, number: int = 0) -> MatchView:
    """One match, its outcomes and its money."""
    quoting = sketch.state is State.QUOTING
    n = len(sketch.outcomes)
    shares = [sketch.fair, *[(100 - sketch.fair) / (n - 1)] * (n - 1)]
    known = sketch.reason is not Reason.NO_THEO
    return MatchView(
        id=MatchId(f"m{number}" if number else sketch.title.lower().replace(" ", "-")),
        title=sketch.title,
        sport=sketch.sport,
        event=sketch.title,
        state=sketch.state,
        phase=Phase.INPLAY if sketch.start_min < 0 else Phase.PREMATCH,
        start=Nanos(WALL + sketch.start_min * 60 * SECOND),
        reason=sketch.reason,
        limit=sketch.limit,
        outcomes=tuple(
            _outcome(sketch, index, name, share, known, quoting)
            for index, (name, share) in enumerate(zip(sketch.outcomes, shares, strict=True))
        ),
        exposure=sketch.exposure * ONE,
        inventory_max=Size(200 * ONE),
        rebalancing=sketch.rebalancing,
        edge=cents(1.2) if quoting else None,
        pnl=_pnl(sketch.net),
        orders=sketch.orders,
        fills=sketch.fills,
        theo_age_ms=1_200 if known else -1,
        book_age_ms=sketch.book_ms,
        halts=sketch.halts,
        venues=sketch.venues,
    )


def _outcome(sketch: Sketch, index: int, name: str, share: float, known: bool, quoting: bool) -> OutcomeView:
    held = sketch.exposure if (index == 0) is (sketch.exposure > 0) else 0
    return OutcomeView(
        name=name,
        theo=cents(share) if known else None,
        fair_lo=cents(share - 0.3) if known else None,
        best_bid=cents(int(share) - 2 + sketch.tenth),
        best_ask=cents(int(share) + 2 + sketch.tenth),
        quote=cents(int(share) - 1 + sketch.tenth) if quoting else None,
        quote_size=Size(10 * ONE),
        ceiling=cents(int(share) - 1 + sketch.tenth) if known else None,
        ceiling_kind=CeilingKind.QUOTE,
        reason=sketch.reason,
        limit=sketch.limit,
        position=abs(held) * ONE,
        average=cents(share - 3.5) if held else None,
        payout=dollars(
            sketch.net + abs(held) * (1 - share / 100) - abs(sketch.exposure - held) * share / 100
        ),
    )


def _pnl(net: float) -> PnlView:
    return PnlView(
        net=dollars(net),
        realised=dollars(net / 2),
        at_theo=dollars(net / 2),
        at_mid=dollars(net / 2 - 0.3),
        at_liquidation=dollars(net / 2 - 1.4),
        locked=dollars(3.0) if net > 10 else Cash(0),
        locked_conditional=dollars(1.2) if net > 10 else Cash(0),
        fees=dollars(0.42),
        worst=dollars(abs(net) * 2 + 4),
    )


def ladder(middle: int = 62, tick: int = CENT, stale: str = "") -> LadderView:
    """A book of forty rungs round `middle` cents with our bid and ask in it."""
    instrument = Instrument(Venue.KALSHI, "KXATPMATCH-26JUL14ALCSIN-ALC")
    levels = []
    for rung in range(20, -20, -1):
        price = middle * CENT + rung * tick
        depth = Size((573 + 117 * abs(rung)) * ONE)
        levels.append(
            LevelView(
                price=Price(price),
                bid=depth if rung < 0 else Size(0),
                ask=depth if rung > 0 else Size(0),
                own_bid=Size(10 * ONE) if rung == -1 else Size(0),
                own_ask=Size(10 * ONE) if rung == 2 else Size(0),
                hedge=(dollars(12.4 + rung), dollars(12.4 - rung / 2)),
            )
        )
    return LadderView(
        instrument=instrument,
        outcome="Alcaraz",
        status=MarketState.OPEN,
        levels=tuple(levels),
        best_bid=Price(middle * CENT - tick),
        best_ask=Price(middle * CENT + tick),
        theo=middle * CENT + CENT // 7,
        ceiling=Price(middle * CENT - tick),
        floor=Price(middle * CENT + 2 * tick),
        breakeven=Price(middle * CENT - 4 * tick),
        age_ms=300,
        tick=Price(tick),
        stale=stale,
    )


def ladders() -> tuple[LadderView, ...]:
    """The books of the first match: two tickers on Kalshi, one tenth-cent token on Polymarket."""
    second = Instrument(Venue.KALSHI, "KXATPMATCH-26JUL14ALCSIN-SIN")
    token = Instrument(
        Venue.POLYMARKET, "71321045679252212594626385532706912750332728571942532289631379312455583992563"
    )
    return (
        ladder(),
        msgspec.structs.replace(ladder(38), instrument=second, outcome="Sinner"),
        msgspec.structs.replace(ladder(62, CENT // 10), instrument=token),
    )


def order_views(matches: tuple[MatchView, ...]) -> tuple[OrderView, ...]:
    """Two orders for each quoting match, one in every state that shows."""
    quoting = [match for match in matches if match.orders]
    oddities = {
        1: (OrderState.PARTIALLY_FILLED, "", 5),
        2: (OrderState.PENDING_CANCEL, "cancel", 0),
        4: (OrderState.UNKNOWN, "", 0),
        5: (OrderState.ACCEPTED, "amend", 0),
        7: (OrderState.CANCELED, "", 2),
    }
    orders = []
    for index in range(2 * len(quoting)):
        match, side = quoting[index // 2], index % 2
        state, pending, filled = oddities.get(index, (OrderState.ACCEPTED, "", 0))
        outcome = match.outcomes[side]
        orders.append(
            OrderView(
                order_id=ClientOrderId(f"{RUN}-{120 + index}"),
                match=match.id,
                instrument=Instrument(match.venues[0], f"SYM-{match.id}-{side}".upper(), Side.YES),
                outcome=outcome.name,
                action=Action.SELL if index % 5 == 3 else Action.BUY,
                price=outcome.quote or cents(50),
                size=Size(10 * ONE),
                filled=Size(filled * ONE),
                state=state,
                pending=pending,
                ahead=None if index % 3 else Size(120 * ONE),
                ceiling=outcome.ceiling or cents(51),
                kind=CeilingKind.REDUCE if match.rebalancing else CeilingKind.QUOTE,
                age_ms=3_100 + 700 * index,
            )
        )
    return tuple(orders)


def fill_views(matches: tuple[MatchView, ...]) -> tuple[FillView, ...]:
    """Nine fills, newest first."""
    rows = (
        (0, "S", 63, 10, 1.1),
        (6, "S", 31, 20, 0.9),
        (4, "B", 47, 5, 1.4),
        (8, "S", 35, 10, -0.7),
        (9, "B", 83.38, 10, 1.2),
        (0, "B", 61, 10, 0.0),
        (3, "B", 38.5, 7.5, None),
        (2, "B", 71, 10, 1.2),
        (1, "B", 44, 10, 0.6),
    )
    return tuple(
        FillView(
            wall=Nanos(WALL - (4 + 17 * index) * SECOND),
            match=matches[number].id,
            instrument=Instrument(matches[number].venues[0], f"SYM-{number}"),
            outcome=matches[number].outcomes[0].name,
            action=Action.BUY if side == "B" else Action.SELL,
            price=cents(price),
            size=Size(round(size * ONE)),
            fee=dollars(0.02),
            edge=None if edge is None else cents(edge),
            locked=dollars(0.35) if index == 2 else Cash(0),
        )
        for index, (number, side, price, size, edge) in enumerate(rows)
    )


LOG = (
    (1, Severity.WARN, "", "NYY-BOS: book stale 9.8s, quotes pulled"),
    (4, Severity.INFO, "", "fill: Alcaraz v Sinner sold 10 @ 63¢"),
    (28, Severity.INFO, "", "paused: G2 v T1 by the operator"),
    (107, Severity.ERROR, "", "order rejected: size below the minimum (NAVI)"),
    (301, Severity.INFO, "", "console attached"),
)


def view(matches: tuple[MatchView, ...] | None = None, ts: int = TS) -> View:
    """An ordinary moment."""
    shown = matches if matches is not None else tuple(match_view(sketch) for sketch in SKETCHES)
    return View(
        ts=Nanos(ts),
        wall=WALL,
        mode=Mode.PAPER,
        account="main",
        run_id=RUN,
        started_wall=Nanos(WALL - 11_523 * SECOND),
        kill=None,
        paused="",
        stopping="",
        gated=False,
        pnl=_total(shown),
        rewards=Cash(0),
        day=dollars(22.10),
        drawdown=dollars(12.10),
        orders_open=sum(match.orders for match in shown),
        fills=84,
        rejects=1,
        limits=(
            LimitView("exposure total", dollars(190.5), dollars(500)),
            LimitView("daily loss", Cash(0), dollars(50)),
            LimitView("drawdown", dollars(12.10), dollars(50)),
            LimitView("open orders", Cash(40 * ONE), Cash(200 * ONE)),
            LimitView("exposure kalshi", dollars(152.25), dollars(200)),
        ),
        venues=(
            VenueView(Venue.KALSHI, True, "", 380, dollars(4212.5), 34, 92, 100, 12, True),
            VenueView(Venue.POLYMARKET, True, "", 1_240, dollars(1000), 6, 100, 100, -3, True),
            VenueView(Venue.PROPHETX, True, "RECONCILING", 4_000, dollars(250), 4, 60, 60, None, False),
        ),
        feeds=(
            FeedView("the_odds_api", True, "", 412, 88, 160, 23_000),
            FeedView("oddspapi", False, "monthly quota used up", 0, 250, None, -1),
        ),
        matches=shown,
        watched=shown[0].id if shown else MatchId(""),
        sources=(
            SourceView("pinnacle", (621_000, 379_000), 620_000, 41_000, 415_000, ""),
            SourceView("polymarket", (618_000, 382_000), 380_000, 300, 1_900, ""),
            SourceView("kalshi", (640_000, 360_000), 0, 200, 700, "own quotes"),
        ),
        ladders=ladders() if shown else (),
        orders=order_views(shown),
        recent_fills=fill_views(shown) if len(shown) > 9 else (),
        log=tuple(LogLine(Nanos(WALL - ago * SECOND), s, MatchId(m), text) for ago, s, m, text in LOG),
        curve=tuple(dollars(22.1 * (i / 60) + 3 * ((i * 7) % 5) - 6) for i in range(61)),
    )


def _total(matches: tuple[MatchView, ...]) -> PnlView:
    def total(name: str) -> Cash:
        return Cash(sum(getattr(match.pnl, name) for match in matches))

    return PnlView(**{name: total(name) for name in PnlView.__struct_fields__})


def many(count: int = 50, ts: int = TS, moved: int = 0) -> View:
    """A busy moment: `count` matches whose prices, sizes and profits all depend on `moved`."""
    matches = []
    for number in range(count):
        sketch = SKETCHES[number % len(SKETCHES)]
        wave = (moved * (number % 7 + 1)) % 9
        sketch = msgspec.structs.replace(
            sketch,
            title=f"{sketch.title} {number}",
            fair=sketch.fair + wave / 10,
            net=sketch.net + wave * 0.37,
            exposure=sketch.exposure + (wave if number % 3 == 0 else 0),
            book_ms=sketch.book_ms + 100 * wave,
        )
        matches.append(match_view(sketch, number + 1))
    busy = view(tuple(matches), ts)
    books = tuple(
        msgspec.structs.replace(book, levels=tuple(_shaken(level, moved) for level in book.levels))
        for book in busy.ladders
    )
    return msgspec.structs.replace(busy, ladders=books, day=dollars(22.1 + moved % 11))


def _shaken(level: LevelView, moved: int) -> LevelView:
    change = ((level.price // 1000 + moved * 13) % 4) * ONE
    return msgspec.structs.replace(
        level,
        bid=Size(level.bid + change if level.bid else 0),
        ask=Size(level.ask + change if level.ask else 0),
    )


def killed(phase: KillPhase = KillPhase.KILLED, left: int = 0) -> View:
    """The moment after a kill."""
    state = view()
    matches = tuple(
        msgspec.structs.replace(match, state=State.PAUSED, reason=Reason.KILLED, orders=0)
        for match in state.matches
    )
    unproven = (Venue.KALSHI,) if left else ()
    kill = KillView(phase, "console", Nanos(WALL - 3 * SECOND), 42, left, unproven)
    return msgspec.structs.replace(state, kill=kill, matches=matches, orders_open=left)


def empty() -> View:
    """A run without matches in which nothing is known yet."""
    state = view(())
    nothing = PnlView(Cash(0), Cash(0), None, None, None, Cash(0), Cash(0), Cash(0), Cash(0))
    venues = (VenueView(Venue.KALSHI, False, "down: no route", -1, None, 0, 0, 100, None, False),)
    return msgspec.structs.replace(
        state,
        pnl=nothing,
        day=None,
        drawdown=None,
        venues=venues,
        watched=MatchId(""),
        sources=(),
        ladders=(),
        log=(),
        curve=(),
        limits=(),
    )


def welcome(role: Role = Role.CONTROL, mode: Mode = Mode.PAPER, dry_run: bool = False) -> Welcome:
    """What the engine granted."""
    return Welcome(
        role=role,
        mode=mode,
        account="main",
        pid=4122,
        run_id=RUN,
        on_console_lost=OnConsoleLost.STOP,
        console_lost_s=10,
        dry_run=dry_run,
    )
