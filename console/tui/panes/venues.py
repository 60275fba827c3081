"""The venues pane: who answers, how fast and how old it is; then the odds feeds and their credits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap

from console.core.matches import MatchId
from console.core.view import FeedView, VenueView
from console.tui.format import UNKNOWN, age, cash, clean, fit, fixed, milliseconds
from console.tui.ink import Ink
from console.tui.picture import Picture
from console.tui.sheet import Line, Room, Span, text
from console.tui.words import VENUES

_FEED_REST = 59  # cells of a feed's row beside its state
SLOW_DATA_MS, LOST_DATA_MS = 3_000, 15_000
SLOW_FILLS_MS, LOST_FILLS_MS = 8_000, 15_000
SLOW_CASH_MS, LOST_CASH_MS = 40_000, 60_000
SLOW_ANSWER_MS, LATE_ANSWER_MS = 500, 2_000
OFF_CLOCK_MS, WRONG_CLOCK_MS = 500, 2_000
LOW_TOKENS_PCT, LOW_CREDITS = 30, 50
HELP = (
    ("state", "ok, or why nothing is sent there: RECONCILING, MISMATCH (A accepts it), down"),
    ("data", "since its market data last said anything; loud from 3 s"),
    ("fills", "since it last proved that fills reach us; from 15 s nothing new is placed"),
    ("cash", "free cash, and how old that number is; below it by shard where each pays only for its own"),
    ("ord", "our orders resting or in flight there"),
    ("answer", "from deciding to place to its acknowledgement: half take less, one in twenty more"),
    ("clock", "how far its clock is ahead of ours; beyond 2 s nothing is quoted"),
    ("trip", "round trip of that measurement"),
    ("budget", "write requests left of what it allows at once; a quarter is kept for cancels"),
    ("rej", "requests it refused"),
    ("dead man", "it takes our orders out by itself when we fall silent; NO: only our watchdog would"),
    ("feed", "an odds feed: whether it answers, when it is asked next"),
    ("credits", "requests left of the plan, used, and left of our own daily budget"),
)


class Venues:
    """The content of the pane."""

    number = 9
    name = "Venues"
    short = "Ven"
    about = "health of venues and odds feeds; ages go loud when something is stale"
    browse = None

    def __init__(self) -> None:
        self._first = 0

    def title(self, picture: Picture) -> str:
        """How many are well."""
        venues, feeds = picture.view.venues, picture.view.feeds
        well = sum(venue.up and not venue.halt for venue in venues)
        fed = f" · {sum(feed.up for feed in feeds)}/{len(feeds)} feeds" if feeds else ""
        return f"{well}/{len(venues)} ok{fed}"

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """One line each."""
        width = room.width
        cells = _chosen(width)
        lines = [_head(cells)]
        for venue in picture.view.venues:
            lines += _venue(venue, cells, width)
            if len(venue.pockets) > 1 or any(amount <= 0 for _, amount in venue.pockets):
                lines.append(_pockets(venue))
        if picture.view.feeds:
            state = max(16, min(36, width - _FEED_REST))
            lines.append(text(Span(f" {'feed':14}{'state':{state}}{'next':>6}  credits", Ink.HEAD)))
            for feed in picture.view.feeds:
                lines += _feed(feed, width, state)
        elif room.height > len(lines):
            lines.append(text(Span(" no odds feed is switched on: see [feeds] in markets.toml", Ink.DIM)))
        self._first = max(0, min(self._first, len(lines) - room.height))
        return lines[self._first : self._first + room.height]

    def help(self) -> Sequence[tuple[str, str]]:
        """What every column means."""
        return HELP

    def move(self, steps: int) -> None:
        """Scroll."""
        self._first = max(0, self._first + steps)

    def copied(self) -> str:
        """Nothing stands under a cursor here."""
        return ""

    def match(self) -> MatchId | None:
        """The selected one."""
        return None


Cell = tuple[str, int, bool, Callable[[VenueView], tuple[str, Ink]]]


def loud(ms: int, slow: int, lost: int) -> Ink:
    """How loud an age is."""
    return Ink.DIM if ms < 0 else Ink.PLAIN if ms < slow else Ink.WARN if ms < lost else Ink.ALARM


def _state(venue: VenueView) -> tuple[str, Ink]:
    if not venue.up:
        return f"DOWN {clean(venue.halt).removeprefix('down: ')}", Ink.ALARM
    if venue.halt:
        return clean(venue.halt), Ink.ALARM if venue.halt.startswith("MISMATCH") else Ink.NOTICE
    if venue.stream_age_ms >= LOST_DATA_MS:
        return "no data", Ink.ALARM
    return "ok", Ink.UP


def _aged(ms: int, slow: int, lost: int) -> tuple[str, Ink]:
    return age(ms), loud(ms, slow, lost)


def _answer(venue: VenueView) -> tuple[str, Ink]:
    if venue.answer_ms is None or venue.answer_late_ms is None:
        return UNKNOWN, Ink.DIM
    words = f"{milliseconds(venue.answer_ms)}/{milliseconds(venue.answer_late_ms)}"
    return words, loud(venue.answer_late_ms, SLOW_ANSWER_MS, LATE_ANSWER_MS)


def _clock(venue: VenueView) -> tuple[str, Ink]:
    offset = venue.clock_offset_ms
    if offset is None:
        return UNKNOWN, Ink.DIM
    words = f"{offset:+d}ms" if abs(offset) < 10_000 else f"{offset / 1000:+.0f}s"
    return words, loud(abs(offset), OFF_CLOCK_MS, WRONG_CLOCK_MS)


def _trip(venue: VenueView) -> tuple[str, Ink]:
    if venue.round_trip_ms is None:
        return UNKNOWN, Ink.DIM
    return milliseconds(venue.round_trip_ms), loud(venue.round_trip_ms, SLOW_ANSWER_MS, LATE_ANSWER_MS)


def _budget(venue: VenueView) -> tuple[str, Ink]:
    low = venue.write_burst > 0 and 100 * venue.write_tokens < LOW_TOKENS_PCT * venue.write_burst
    return f"{venue.write_tokens}/{venue.write_burst}", Ink.WARN if low else Ink.PLAIN


def _dead_man(venue: VenueView) -> tuple[str, Ink]:
    return ("yes", Ink.PLAIN) if venue.dead_man else ("NO", Ink.NOTICE)


_CELLS: tuple[tuple[int, Cell], ...] = (  # rank, then title, width, right, text
    (0, ("venue", 8, False, lambda v: (VENUES[v.venue], Ink.STRONG))),
    (1, ("state", 12, False, _state)),
    (2, ("data", 5, True, lambda v: _aged(v.stream_age_ms, SLOW_DATA_MS, LOST_DATA_MS))),
    (3, ("fills", 5, True, lambda v: _aged(v.private_age_ms, SLOW_FILLS_MS, LOST_FILLS_MS))),
    (6, ("cash", 10, True, lambda v: (cash(v.cash, 10).lstrip("+"), Ink.PLAIN))),
    (9, ("old", 5, True, lambda v: _aged(v.cash_age_ms, SLOW_CASH_MS, LOST_CASH_MS))),
    (8, ("ord", 4, True, lambda v: (str(v.orders), Ink.PLAIN))),
    (4, ("answer", 12, True, _answer)),
    (5, ("clock", 7, True, _clock)),
    (11, ("trip", 6, True, _trip)),
    (7, ("budget", 8, True, _budget)),
    (10, ("rej", 4, True, lambda v: (str(v.rejects), Ink.PLAIN if not v.rejects else Ink.NOTICE))),
    (12, ("dead man", 8, False, _dead_man)),
)


def _chosen(width: int) -> list[Cell]:
    """What fits, in order; the state takes what is left over."""
    room, kept = width - 1, set[str]()
    for _, cell in sorted(_CELLS, key=lambda ranked: ranked[0]):
        if cell[1] + 1 <= room:
            kept.add(cell[0])
            room -= cell[1] + 1
    cells = [cell for _, cell in _CELLS if cell[0] in kept]
    return [(t, w + (min(room, 44) if t == "state" else 0), r, c) for t, w, r, c in cells]


def _head(cells: Sequence[Cell]) -> Line:
    return text(" ", *(Span(f"{fit(title, width, right)} ", Ink.HEAD) for title, width, right, _ in cells))


def _venue(venue: VenueView, cells: Sequence[Cell], room: int) -> list[Line]:
    """Its row; and why below it, where its column is too narrow for that."""
    spans, below = [], []
    for title, width, right, write in cells:
        words, ink = write(venue)
        if title == "state" and len(words) > width:
            words, _, rest = words.partition(" ")
            below = _below(rest, ink, room)
        spans.append(Span(f"{fit(words, width, right)} ", ink))
    return [text(" ", *spans), *below]


def _pockets(venue: VenueView) -> Line:
    """Where the cash of a venue lies, when what is in one place pays for nothing in another."""
    spans = [Span("          ", Ink.DIM)]
    for name, amount in venue.pockets:
        ink = Ink.PLAIN if amount > 0 else Ink.WARN
        spans.append(Span(f"{clean(name)} {fixed(amount, 2)}  ", ink))
    return text(*spans)


def _below(words: str, ink: Ink, width: int) -> list[Line]:
    return [text(" " * 10, Span(part, ink)) for part in wrap(words, max(8, width - 11))]


def _feed(feed: FeedView, width: int, room: int) -> list[Line]:
    state, ink = ("ok", Ink.UP) if feed.up else (f"DOWN {clean(feed.why)}".strip(), Ink.ALARM)
    below = []
    if len(state) > room:
        state, _, rest = state.partition(" ")
        below = _below(rest, ink, width)
    low = feed.credits_left is not None and feed.credits_left < LOW_CREDITS
    told = [
        f"{feed.credits_left} left" if feed.credits_left is not None else "",
        f"{feed.credits_used} used" if feed.credits_used is not None else "",
        f"{feed.budget_left} left today" if feed.budget_left is not None else "",
    ]
    credits_words = fit(" · ".join(filter(None, told)) or "not told", max(0, width - room - 23)).rstrip()
    row = text(
        Span(f" {fit(clean(feed.name), 13)} ", Ink.STRONG),
        Span(state, ink),
        Span(" " * (room - len(state))),
        Span(f"{age(feed.next_poll_ms):>6}", Ink.DIM),
        Span(f"  {credits_words}", Ink.WARN if low else Ink.PLAIN),
    )
    return [row, *below]
