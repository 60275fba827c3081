"""Matches sketched by a few facts each: twelve in every state that shows."""

from __future__ import annotations

import msgspec

from console.core.attribution import Parts
from console.core.commands import CeilingKind
from console.core.instruments import RunId, Venue
from console.core.matches import MatchId, Phase, State
from console.core.reasons import Reason
from console.core.units import CENT, ONE, SECOND, Cash, Nanos, Price, Size
from console.core.view import FlattenView, MatchView, OutcomeView, PnlView

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
    flatten: FlattenView | None = None
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
        halts=("paused: by the operator",),
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
        reason_age_ms=1_000 * (7 + 13 * len(sketch.title)),
        outcomes=tuple(
            _outcome(sketch, index, name, share, known, quoting)
            for index, (name, share) in enumerate(zip(sketch.outcomes, shares, strict=True))
        ),
        exposure=sketch.exposure * ONE,
        inventory_max=Size(200 * ONE),
        rebalancing=sketch.rebalancing,
        edge=cents(1.2) if quoting else None,
        pnl=_pnl(sketch.net),
        parts=_parts(sketch.net),
        orders=sketch.orders,
        fills=sketch.fills,
        theo_age_ms=1_200 if known else -1,
        book_age_ms=sketch.book_ms,
        halts=sketch.halts,
        flatten=sketch.flatten,
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
        rank=(2 if sketch.reason is Reason.OUTBID else 1) if quoting else None,
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


def _parts(net: float) -> Parts:
    """Parts that add up to `net`."""
    captured, adverse, settlement, fees = 0.8 * net + 1.5, -0.25 * abs(net), 0.3 * net, 0.42
    drift = net - captured - adverse - settlement + fees
    return Parts(*(dollars(part) for part in (captured, adverse, drift, settlement, fees)))


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
