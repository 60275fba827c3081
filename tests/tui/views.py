"""Realistic fixed views: twelve matches in every state, a full book, orders, fills; and a long variant."""

from __future__ import annotations

import msgspec

from console.core.attribution import total
from console.core.commands import CeilingKind, Severity
from console.core.events import Mode, OnConsoleLost
from console.core.instruments import Action, ClientOrderId, Instrument, MarketState, Side, Venue, VoidRule
from console.core.margin import Margin
from console.core.matches import MatchId, State
from console.core.orders import OrderState
from console.core.presets import PRESETS
from console.core.reasons import Reason
from console.core.regime import Motion
from console.core.units import CENT, ONE, SECOND, Cash, Nanos, Price, Size
from console.core.view import (
    Basket,
    FeedView,
    FillView,
    HoldingView,
    KillPhase,
    KillView,
    LadderView,
    Leg,
    LevelView,
    LimitView,
    ListingView,
    LogLine,
    MatchView,
    OrderView,
    PnlView,
    Rivalry,
    SignalView,
    SourceView,
    VenueView,
    View,
)
from console.link.messages import Role, Welcome
from tests.tui.sketches import RUN, SKETCHES, TS, WALL, cents, dollars, match_view

BASKET = Basket(
    cost=1_013_400,
    legs=(
        Leg(Instrument(Venue.KALSHI, "KXNBAGAME-26NOV20LALBOS-LAL", Side.YES), Price(640_000)),
        Leg(Instrument(Venue.POLYMARKET, "111", Side.YES), Price(360_000)),
    ),
    across=True,
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
                ahead=Size(120 * ONE) if rung == -1 else None,
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
        micro=Price(middle * CENT + tick // 4),
        imbalance=240_000,
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


def venue_view(
    venue: Venue,
    halt: str = "",
    stream: int = 300,
    cash: float | None = 500.0,
    orders: int = 0,
    rejects: int = 0,
    tokens: int | None = None,
    burst: int = 100,
    offset: int | None = 12,
    dead_man: bool = True,
    up: bool = True,
) -> VenueView:
    """One venue; down or silent ones know nothing."""
    known = up and stream >= 0
    return VenueView(
        venue=venue,
        up=up,
        halt=halt,
        stream_age_ms=stream,
        cash=None if cash is None else dollars(cash),
        cash_age_ms=6_200 if known else -1,
        private_age_ms=2_900 if known else -1,
        orders=orders,
        rejects=rejects,
        write_tokens=burst if tokens is None else tokens,
        write_burst=burst,
        clock_offset_ms=offset,
        round_trip_ms=None if offset is None else 44,
        answer_ms=61 if orders else None,
        answer_late_ms=240 if orders else None,
        dead_man=dead_man,
    )


LISTINGS = (
    ListingView(
        Instrument(Venue.KALSHI, "KXATPMATCH-26JUL14ALCSIN-ALC"),
        "Alcaraz",
        True,
        VoidRule.FAIR,
        "a1b2c3d4e5f6",
    ),
    ListingView(
        Instrument(Venue.KALSHI, "KXATPMATCH-26JUL14ALCSIN-SIN"),
        "Sinner",
        True,
        VoidRule.FAIR,
        "a1b2c3d4e5f6",
    ),
    ListingView(
        Instrument(Venue.POLYMARKET, "7132104567925221259462638553270691275033272857194253228963137931"),
        "Alcaraz",
        True,
        VoidRule.HALF,
        "",
    ),
)
HOLDINGS = (
    HoldingView(
        Instrument(Venue.KALSHI, "KXATPMATCH-26JUL14ALCSIN-ALC"),
        "Alcaraz",
        110 * ONE,
        cents(57.2),
        dollars(68.31),
        dollars(5.39),
    ),
    HoldingView(
        Instrument(Venue.KALSHI, "KXATPMATCH-26JUL14ALCSIN-SIN", Side.NO),
        "not Sinner",
        -25 * ONE,
        cents(60.4),
        dollars(15.5),
        dollars(0.4),
    ),
    HoldingView(
        Instrument(Venue.POLYMARKET, "7132104567925221259462638553270691275033272857194253228963137931"),
        "Alcaraz",
        15 * ONE,
        cents(61.3),
        dollars(9.31),
        dollars(0.11),
    ),
)


def signal_views(match: MatchView) -> tuple[SignalView, ...]:
    """Why each outcome is quoted where it is."""
    found = []
    for index, outcome in enumerate(match.outcomes):
        fair = outcome.theo if outcome.theo is not None else cents(50)
        margin = Margin(
            fair=fair,
            fair_lo=fair - 3_000,
            wanted=10_000,
            adverse=4_000 * index,
            volatility=2_500,
            flow=1_300 * index,
            age=0,
            uncertainty=1_500,
            skew=-15_000 if index == 0 else 15_000,
        )
        limit = margin.fair_lo - max(0, margin.wanted + margin.buffers - margin.skew)
        imbalance = (-310_000, 310_000)[index % 2]
        found.append(SignalView(outcome.name, margin, limit, imbalance, 420_000 * index, 12 * index))
    return tuple(found)


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
        parts=total(match.parts for match in shown),
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
            LimitView("exposure kalshi", dollars(152.25), dollars(200)),
            LimitView("exposure polymarket", dollars(38.25), dollars(500)),
            LimitView("open orders", 40 * ONE, 200 * ONE, ""),
        ),
        venues=(
            venue_view(Venue.KALSHI, stream=380, cash=4212.5, orders=34, rejects=1, tokens=92),
            venue_view(Venue.POLYMARKET, stream=1_240, cash=1000, orders=6, offset=-3),
            venue_view(Venue.PROPHETX, "RECONCILING", 4_000, 250, 4, burst=60, offset=None, dead_man=False),
        ),
        feeds=(
            FeedView("the_odds_api", True, "", 412, 88, 160, 23_000),
            FeedView("oddspapi", False, "monthly quota used up", 0, 250, None, -1),
        ),
        matches=shown,
        watched=shown[0].id if shown else MatchId(""),
        sources=(
            SourceView(
                name="pinnacle",
                probabilities=(621_000, 379_000),
                weight=620_000,
                confirmed_age_ms=41_000,
                change_age_ms=415_000,
                note="",
                feed="the_odds_api",
                stamp_age_ms=41_000,
                received_age_ms=12_000,
                odds=(1.56, 2.556),
                methods=(
                    ("multiplicative", (621_000, 379_000)),
                    ("additive", (624_900, 375_100)),
                    ("power", (627_300, 372_700)),
                    ("shin", (624_900, 375_100)),
                    ("odds_ratio", (624_500, 375_500)),
                    ("probit", (625_400, 374_600)),
                ),
            ),
            SourceView("polymarket", (618_000, 382_000), 380_000, 300, 1_900, ""),
            SourceView("kalshi", (640_000, 360_000), 0, 200, 700, "own quotes"),
        ),
        ladders=ladders() if shown else (),
        listings=LISTINGS if shown else (),
        rules_confirmed="",
        holdings=HOLDINGS if shown else (),
        signals=signal_views(shown[0]) if shown else (),
        basket=BASKET if shown else None,
        rivalry=Rivalry(17, 12, 1_400) if shown else Rivalry(0, 0, None),
        motion=Motion.TREND if shown else None,
        markouts=(2_100, -1_400, -4_800, None) if shown else (None,) * 4,
        match_limits=(
            LimitView("inventory", 150 * ONE, 200 * ONE, ""),
            LimitView("match loss", Cash(0), dollars(50)),
            LimitView("match exposure", dollars(88.1), dollars(500)),
            LimitView("event exposure", dollars(126.4), dollars(500)),
        )
        if shown
        else (),
        orders=order_views(shown),
        recent_fills=fill_views(shown) if len(shown) > 9 else (),
        log=tuple(LogLine(Nanos(WALL - ago * SECOND), s, MatchId(m), text) for ago, s, m, text in LOG),
        curve=tuple(dollars(22.1 * (i / 60) + 3 * ((i * 7) % 5) - 6) for i in range(61)),
        curve_step_s=32,
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
    venues = (
        venue_view(Venue.KALSHI, "down: no route", -1, None, tokens=0, offset=None, dead_man=False, up=False),
    )
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
        profiles=PRESETS,
    )
