"""An engine in memory at the seam of the console, and a clock that stands still."""

from __future__ import annotations

import asyncio
import time

from console.core.events import OperatorEvent
from console.core.instruments import Instrument, Venue
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.units import Nanos
from console.core.view import View
from console.link.messages import Ack, Answer, SettingView, SymbolView, ToEngine, Welcome
from tests.tui.views import WALL, view, welcome

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
        self.stop_answers = asyncio.Event()
        self.stop_answers.set()

    def send(self, message: ToEngine) -> None:
        self.sent.append(message)

    async def ask(self, what: str, argument: str = "") -> Answer:
        self.asked.append((what, argument))
        if self.refusal:
            return Answer(request=1, error=self.refusal)
        if what == "symbols":
            hits = tuple(s for s in SYMBOLS if argument.lower() in s.title.lower())
            return Answer(request=1, symbols=hits)
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
