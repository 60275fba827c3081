"""What each source of a fair value says: its price, every de-vig method, its ages, the feed it comes over."""

from __future__ import annotations

from collections.abc import Callable

from console.core.view import FeedView, SourceView
from console.tui.format import UNKNOWN, age, clean, fair, fit
from console.tui.ink import Ink
from console.tui.picture import Picture
from console.tui.sheet import Line, Span, text

HELP = (
    ("source wt", "where fair value comes from, and the weight of each in the blend"),
    ("fair", "what it says of the first outcome, its margin taken out proportionally"),
    ("seen", "since the source last proved that its price stands: what gates quoting"),
    ("moved", "since its price last changed, as far as anybody tells"),
    ("stamp", "since the provider itself last saw it; a stamp proves a poll, not a price"),
    ("got", "since it last reached us"),
    ("price", "its own odds for every outcome, as it quotes them, and the margin in them"),
    ("note", "why it does not count"),
    ("mul add pow shin or prob", "the first outcome by each way of taking the margin out"),
    ("left · today · next", "an odds feed's credits of the month, of today's budget, and its next poll"),
)
LOW_CREDITS = 50
_SHORT = {
    "multiplicative": "mul",
    "additive": "add",
    "power": "pow",
    "shin": "shin",
    "odds_ratio": "or",
    "probit": "prob",
}
_AGES: tuple[tuple[str, Callable[[SourceView], int]], ...] = (
    ("seen", lambda s: s.confirmed_age_ms),
    ("moved", lambda s: s.change_age_ms),
    ("got", lambda s: s.received_age_ms),
    ("stamp", lambda s: s.stamp_age_ms),
)
_FIXED = 13  # cells of a row beside its name, ages, price and note
_NOTE = 20  # cells that a note may claim


def provenance(picture: Picture, width: int, spare: int) -> list[Line]:
    """A row for each source, then the feeds; by methods too if `spare` more lines are enough for that."""
    sources = picture.view.sources
    lines = [text(Span(" no source has said anything: e types odds by hand", Ink.WARN))]
    if sources:
        table = _Table(picture, width)
        lines = [table.head()]
        detailed = spare >= sum(bool(source.methods) for source in sources)
        for source in sources:
            lines.append(table.row(source))
            if detailed and source.methods:
                lines.append(table.methods(source))
    return lines + [_feed(feed, width) for feed in picture.view.feeds]


class _Table:
    """The columns that a width has room for."""

    def __init__(self, picture: Picture, width: int) -> None:
        self._picture = picture
        self._width = width
        sources = picture.view.sources
        self._name = max(8, min(16, max(len(source.name) for source in sources), width - 40))
        # Why a source does not count comes before how it came to us.
        note = min(_NOTE, 2 + max(len(source.note) for source in sources))
        room = width - self._name - _FIXED
        told = any(source.received_age_ms >= 0 or source.stamp_age_ms >= 0 for source in sources)
        self._ages = _AGES if told and room >= 6 * len(_AGES) + note else _AGES[:2]
        room -= 6 * len(self._ages)
        price = max(len(_price(source)) for source in sources)
        self._price = price + 2 if room - note >= price + 2 > 3 else 0
        self._note = max(0, room - self._price)

    def head(self) -> Line:
        """Names of the columns."""
        ages = "".join(f"{name:>6}" for name, _ in self._ages)
        price = f"  {'price':{self._price - 2}}" if self._price else ""
        return text(Span(f" {fit('source', self._name)}{'wt':>5}{'fair':>7}{ages}{price}", Ink.HEAD))

    def row(self, source: SourceView) -> Line:
        """What one source says."""
        counts = source.weight > 0 and not source.note
        first = source.probabilities[0] if source.probabilities else None
        ages = "".join(f"{age(of(source)):>6}" for _, of in self._ages)
        words = " ".join(filter(None, (clean(source.note), _by(source))))
        return text(
            Span(f" {fit(clean(source.name), self._name)}", Ink.PLAIN if counts else Ink.DIM),
            Span(f"{source.weight // 10_000:>4}%", Ink.STRONG if counts else Ink.DIM),
            Span(f"{fair(first, self._picture.odds, 2):>7}", Ink.MARK if counts else Ink.DIM),
            Span(ages, Ink.DIM),
            Span(fit(f"  {_price(source)}", self._price) if self._price else "", Ink.PLAIN),
            Span(f"  {fit(words, max(0, self._note - 2)).rstrip()}", Ink.NOTICE if source.note else Ink.DIM),
        )

    def methods(self, source: SourceView) -> Line:
        """The first outcome by every de-vig method."""
        spans = [Span("   ", Ink.DIM)]
        used = 3
        for name, said in source.methods:
            words = (
                f" {_SHORT.get(name, name)} {fair(said[0] if said else None, self._picture.odds, 2).strip()}"
            )
            used += len(words)
            if used > self._width:
                break
            spans.append(Span(words, Ink.DIM))
        return text(*spans)


def _by(source: SourceView) -> str:
    """Who brings it."""
    return f"by {clean(source.feed)}" if source.feed and source.feed != source.name else ""


def _price(source: SourceView) -> str:
    """Its own odds, decimal, and how much they add up to beyond 1."""
    if not source.odds or min(source.odds) <= 0.0:
        return UNKNOWN
    margin = 100.0 * (sum(1.0 / price for price in source.odds) - 1.0)
    return " ".join(f"{price:.3g}" if price >= 100 else f"{price:.2f}" for price in source.odds) + (
        f" {margin:+.1f}%"
    )


def _feed(feed: FeedView, width: int) -> Line:
    """An odds feed: whether it answers, its credits, when it is asked next."""
    low = feed.credits_left is not None and feed.credits_left < LOW_CREDITS
    told = [
        f"{feed.credits_left} left" if feed.credits_left is not None else "credits not told",
        f"{feed.budget_left} today" if feed.budget_left is not None else "",
        f"next {age(feed.next_poll_ms).strip()}" if feed.next_poll_ms >= 0 else "",
    ]
    words = "  " + " · ".join(filter(None, told))
    why = clean(feed.why) if feed.up else f"DOWN {clean(feed.why)}".strip()
    name = f" {clean(feed.name)}"
    why = fit(why, max(0, width - len(name) - len(words) - 2)).rstrip()
    return text(
        Span(name, Ink.PLAIN),
        Span(words, Ink.WARN if low else Ink.DIM),
        Span("  " if why else ""),
        Span(why, Ink.NOTICE if feed.up else Ink.ALARM),
    )
