"""An engine in memory at the seam of the console, and a clock that stands still."""

from __future__ import annotations

import asyncio
import time

import msgspec

from console.core.events import AddMatch, OperatorEvent
from console.core.instruments import Instrument, Venue
from console.core.matches import Listing, MatchId, MatchSpec, State
from console.core.reasons import Reason
from console.core.units import Nanos
from console.core.view import MatchView, SourceView, View
from console.link.messages import Ack, Answer, SettingView, SymbolView, ToEngine, Welcome
from tests.tui.sketches import Sketch, match_view
from tests.tui.views import WALL, fill_views, ladder, view, welcome

SYMBOLS = tuple(
    SymbolView(
        instrument=Instrument(Venue.KALSHI, f"KXATP-{first[:3]}{second[:3]}-{first[:3]}".upper()),
        title=f"{first} v {second}",
        spec=MatchSpec(
            id=MatchId(f"{first}-{second}".lower()),
            title=f"{first} v {second}",
            outcomes=(first, second),
            listings=(
                Listing(Instrument(Venue.KALSHI, f"KXATP-{first[:3]}{second[:3]}-{first[:3]}".upper()), (0,)),
                Listing(
                    Instrument(Venue.KALSHI, f"KXATP-{first[:3]}{second[:3]}-{second[:3]}".upper()), (1,)
                ),
            ),
            sport="tennis",
            start=Nanos(WALL + 7200 * 10**9),
        ),
        odds=odds,
        added=first == "Alcaraz",
    )
    for first, second, odds in (
        ("Alcaraz", "Sinner", (1.61, 2.45)),
        ("Zverev", "Medvedev", (1.91, 2.0)),
        ("Swiatek", "Gauff", ()),
    )
)


def _means(text: str, symbol: SymbolView) -> bool:
    """A team, a ticker, or an address that ends in one."""
    word = text.strip().lower().rstrip("/").rpartition("/")[2]
    return word in symbol.title.lower() or word in symbol.instrument.symbol.lower()


def preview_of(wanted: AddMatch) -> View:
    """What the match would look like: its symbols' books around what the odds say."""
    first = round(100 / wanted.odds[0] / sum(1 / price for price in wanted.odds)) if wanted.odds else 50
    known = bool(wanted.odds)
    sketch = Sketch(
        wanted.spec.title,
        wanted.spec.outcomes,
        float(first),
        state=State.QUOTING if known else State.WAIT_DATA,
        reason=Reason.TOP if known else Reason.NO_THEO,
    )
    match = msgspec.structs.replace(match_view(sketch), id=wanted.spec.id)
    books = tuple(
        msgspec.structs.replace(
            ladder(first if listing.pays == (0,) else 100 - first), instrument=listing.instrument
        )
        for listing in wanted.spec.listings
    )
    chances = (first * 10_000, (100 - first) * 10_000)
    sources = (SourceView("pinnacle", chances, 770_000, 31_000, 415_000, ""),) if known else ()
    return msgspec.structs.replace(
        view((match,)), watched=match.id, ladders=books, sources=sources, orders=(), recent_fills=(), log=()
    )


MATCH_SETTINGS = (
    ("placement", "top", "", "top"),
    ("in_play", "false", "", "false"),
    ("edge_min", "1", "cents", "1"),
    ("half_spread", "3", "cents", "3"),
    ("ceiling_methods", "multiplicative, power", "", "multiplicative, power"),
    ("inventory_skew_max", "2", "cents", "2"),
    ("retest_s", "30", "seconds", "30"),
    ("retest_max_s", "300", "seconds", "300"),
    ("contracts", "10", "contracts", "10"),
    ("inventory_max", "50", "contracts", "50"),
    ("max_position", "100", "contracts", "100"),
    ("order_size_max", "100", "contracts", "100"),
    ("max_loss_match", "25", "dollars", "50"),
    ("fill_rate", "off", "dollars", "off"),
)
ACCOUNT_SETTINGS = (
    ("exposure_total", "500", "dollars", "500"),
    ("daily_loss", "50", "dollars", "50"),
    ("drawdown", "off", "dollars", "50"),
    ("open_orders", "200", "", "200"),
    ("reconcile_s", "30", "seconds", "30"),
)


class FakeEngine:
    """Answers at once from fixed parts, and remembers everything that it was told."""

    def __init__(self, first: View | None = None, granted: Welcome | None = None) -> None:
        self.view: View | None = first if first is not None else view()
        self.welcome = granted or welcome()
        self.closed = ""
        self.sent: list[ToEngine] = []
        self.events: list[OperatorEvent] = []
        self.dry_runs: list[tuple[bool, str]] = []
        self.asked: list[tuple[str, str]] = []
        self.kills: list[float] = []
        self.refusal = ""
        self.symbols = SYMBOLS
        self.stop_answers = asyncio.Event()
        self.stop_answers.set()

    def _matches(self) -> tuple[MatchView, ...]:
        return self.view.matches if self.view is not None and len(self.view.matches) > 9 else view().matches

    def send(self, message: ToEngine) -> None:
        self.sent.append(message)

    async def ask(self, what: str, argument: str = "") -> Answer:
        self.asked.append((what, argument))
        if self.refusal:
            return Answer(request=1, error=self.refusal)
        if what == "symbols":
            hits = tuple(s for s in self.symbols if _means(argument, s))
            return Answer(request=1, symbols=hits)
        if what == "would_quote":
            return Answer(request=1, preview=preview_of(msgspec.json.decode(argument, type=AddMatch)))
        if what == "fills":
            fills = tuple(f for f in fill_views(self._matches()) if argument.lower() in f.outcome.lower())
            return Answer(request=1, fills=fills)
        if what == "log":
            lines = view().log
            return Answer(request=1, log=tuple(x for x in lines if argument.lower() in x.text.lower()))
        rows = MATCH_SETTINGS if argument else ACCOUNT_SETTINGS
        return Answer(request=1, settings=tuple(SettingView(*row) for row in rows))

    async def operate(self, event: OperatorEvent) -> Ack:
        self.events.append(event)
        await self.stop_answers.wait()
        return Ack(request=1, ok=not self.refusal, text=self.refusal)

    async def set_dry_run(self, dry_run: bool, word: str = "") -> Ack:
        self.dry_runs.append((dry_run, word))
        return Ack(request=1, ok=not self.refusal, text=self.refusal)

    def kill(self) -> None:
        self.kills.append(time.monotonic())


class StillClock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> Nanos:
        return Nanos(WALL + int((self.now - 1000.0) * 1_000_000_000))
