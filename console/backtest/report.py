"""What a replay came to, as a message, as text and as JSON."""

from __future__ import annotations

import enum
from decimal import Decimal

import msgspec
from msgspec import Struct

from console.core.units import CENT, ONE


class Valued(enum.Enum):
    """What a profit is measured by."""

    SETTLED = "settled"
    THEO = "theo"
    MID = "mid"
    UNKNOWN = "unknown"


class MarketReport(Struct, frozen=True, kw_only=True):
    """One ticker at the end: the public book without us, what we hold, and what it earned.

    Money is in millionths of a dollar. `net` is contracts of YES, NO held counting negative, in millionths.
    """

    symbol: str
    title: str
    bid: int | None
    ask: int | None
    net: int
    pnl: int | None
    valued: Valued


class Report(Struct, frozen=True, kw_only=True):
    """One replay. `events` are those of the recording; `seconds` is how long it took, `recorded_s` it covers.

    `digest` is the SHA-256 of every decision. What must be 0: `negative_levels`, `crossed_books` (how often a
    best price came to or across the other) and `above_ceiling` (orders past their own ceiling); `defect` is
    empty unless the money does not add up. `stale_books` counts how often a book was given up, `unsettled`
    and `resting` what was left at the end.
    """

    files: int
    events: int
    recorded_s: float
    seconds: float
    events_per_s: int
    theo_source: str
    orders: int
    amends: int
    cancels: int
    fills: int
    fees: int
    pnl: int | None
    resting: int
    stale_books: int
    negative_levels: int
    crossed_books: int
    above_ceiling: int
    defect: str
    digest: str
    markets: tuple[MarketReport, ...]
    halted: str = ""  # what stopped the quotes for good, empty when nothing did
    journal: str = ""

    @property
    def clean(self) -> bool:
        """Nothing happened that must not."""
        return not (self.negative_levels or self.crossed_books or self.above_ceiling or self.defect)


_MONEY = ("fees", "pnl", "bid", "ask")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def as_json(report: Report) -> str:
    """One JSON object; money in dollars, contracts whole, unknown is null."""
    document = _plain(report)
    document["markets"] = [_plain(market) for market in report.markets]
    return _ENCODER.encode(document).decode()


def _plain(part: Report | MarketReport) -> dict[str, object]:
    fields = {name: getattr(part, name) for name in part.__struct_fields__}
    for name in (*_MONEY, "net"):
        if isinstance(fields.get(name), int):
            fields[name] = (Decimal(fields[name]) / ONE).normalize() + 0
    return fields


def as_text(report: Report) -> str:
    """Some lines for people."""
    lines = [
        f"{report.events:,} events of {report.files} file{'s' * (report.files != 1)}, "
        f"{report.recorded_s:,.0f} s recorded, in {report.seconds:.1f} s: {report.events_per_s:,} events/s",
        f"theo        {report.theo_source}",
        f"orders      {report.orders:,} placed, {report.amends:,} amended, {report.cancels:,} cancelled, "
        f"{report.fills:,} fills, {report.resting} left resting",
        f"profit      {_dollars(report.pnl)} after {_dollars(report.fees)} fees",
        f"books       {report.stale_books} times stale, {report.negative_levels} negative levels, "
        f"{report.crossed_books} crossed; {report.above_ceiling} orders above their ceiling",
    ]
    if report.halted:
        lines.append(f"halted      {report.halted}")
    if report.defect:
        lines.append(f"DEFECT      {report.defect}")
    lines += ["", f"{'market':<32}{'bid':>8}{'ask':>8}{'held':>10}{'profit':>12}"]
    for market in report.markets:
        lines.append(
            f"{market.symbol:<32}{_cents(market.bid):>8}{_cents(market.ask):>8}{market.net / ONE:>+10g}"
            f"{_dollars(market.pnl):>12} {market.valued.value}"
        )
    lines += ["", f"decisions   {report.digest}"]
    if report.journal:
        lines.append(f"journal     {report.journal}")
    return "\n".join(lines)


def _dollars(amount: int | None) -> str:
    return "unknown" if amount is None else f"{amount / ONE:+.2f} $"


def _cents(price: int | None) -> str:
    return "-" if price is None else f"{price / CENT:g}¢"
