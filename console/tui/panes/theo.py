"""The theo pane: what the fair value is made of, why each outcome is not bid higher, and the signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.core.attribution import HORIZONS_S
from console.core.matches import MatchId
from console.core.units import CENT, ONE
from console.core.view import MatchView, OutcomeView, SignalView
from console.tui.format import UNKNOWN, ZERO, clean, fair, fit, fixed, milliseconds, quoted, shorten
from console.tui.ink import Ink
from console.tui.panes import provenance
from console.tui.picture import Picture
from console.tui.sheet import Line, Room, Span, said, text
from console.tui.words import VENUES

_CELL = 9
ARBITRAGE_MIN = 2_000  # 20 basis points of the dollar that a set pays, after fees
_TOXIC, _HEAVY = 400_000, 150_000  # shares from which they cost us something
HELP = (
    *provenance.HELP,
    ("fair value", "probability of the outcome, the blend of all sources"),
    ("lowest method", "the same by the most cautious de-vig method"),
    ("edge wanted", "edge_min of the match (half_spread where it rests at the ceiling)"),
    ("adverse", "buffer: what our fills lost within 30 s on average; doubled from toxicity 40 %"),
    ("buf", "all buffers together: adverse, volatility, flow, age, disagreement of the sources"),
    ("volatility", "buffer: how far fair value usually moves in 5 s"),
    ("flow", "buffer: takers of the last minute sell what we would buy"),
    ("age · sources", "buffers: the sources grow old; they disagree"),
    ("skew", "off when we are long already, on when we are short"),
    ("at most", "the highest that price and fee together may cost; then the fee comes off: the ceiling"),
    ("taker flow", "(bought - sold) / all of the last minute; nothing under 20 contracts"),
    ("toxicity", "share of the last fills that lost more than half a tick within 30 s"),
    ("mark-outs", "what our fills gained per contract after 1, 5, 30 and 300 s, cents"),
    ("rivals", "how often one joined or outbid us within 10 s of our taking the top, and how fast"),
    ("moves", "fair value of the last 50 s: calm, a trend, or chop (to and fro)"),
    ("a full set", "buying every outcome at once, taker fees in; under 99.8 it is an arbitrage"),
    ("microprice", "best bid and offer of others, each weighed by the size of the other; and who is heavier"),
)
Cell = Callable[[SignalView, OutcomeView, Picture], tuple[str, Ink]]


class Theo:
    """The content of the pane; it scrolls as a whole."""

    number = 8
    name = "Theo"
    short = "Theo"
    about = "fair value: its sources, the margin below it, the signals behind that"
    browse = None

    def __init__(self) -> None:
        self._first = 0

    def title(self, picture: Picture) -> str:
        """Whose fair value, and what it is."""
        match = _watched(picture)
        if match is None:
            return ""
        chances = " / ".join(fair(outcome.theo, picture.odds, 1) for outcome in match.outcomes)
        return f"{shorten(match.title, 20)} {chances}"

    def body(self, picture: Picture, room: Room) -> list[Line]:
        """Sources, margins, signals, as many lines as there is room for."""
        match = _watched(picture)
        if match is None:
            return said("Enter on a match shows what its fair value is made of", room.width)
        sources = provenance.provenance(picture, room.width, 0)
        short = room.height < len(sources) + len(_ROWS) + 3
        margins = _across(match, picture, room.width) if short else _down(match, picture, room.width)
        below = [*margins, *_signals(picture, room.width)]
        spare = room.height - len(sources) - len(below)
        lines = [*provenance.provenance(picture, room.width, spare), *below]
        self._first = max(0, min(self._first, len(lines) - room.height))
        return lines[self._first : self._first + room.height]

    def help(self) -> Sequence[tuple[str, str]]:
        """What every line means."""
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


def _watched(picture: Picture) -> MatchView | None:
    return next((match for match in picture.view.matches if match.id == picture.view.watched), None)


# ---- margins


def _ct(value: int, cost: bool = True) -> str:
    """Cents with one decimal and a sign; a cost counts downwards."""
    amount = -value if cost else value
    return ZERO if amount == 0 else f"{'+' if amount > 0 else ''}{fixed(amount * 100, 1)}"


def _cost(amount: Callable[[SignalView], int]) -> Cell:
    return lambda s, _, __: (_ct(amount(s)), Ink.PLAIN if amount(s) else Ink.DIM)


def _toxicity(signal: SignalView, _: OutcomeView, __: Picture) -> tuple[str, Ink]:
    if not signal.fills:
        return UNKNOWN, Ink.DIM
    loud = Ink.WARN if signal.toxicity >= _TOXIC else Ink.PLAIN
    return f"{signal.toxicity // CENT}% of {signal.fills}", loud


def _flow(signal: SignalView, _: OutcomeView, __: Picture) -> tuple[str, Ink]:
    share = round(signal.imbalance / CENT)
    ink = Ink.DOWN if signal.imbalance < -_HEAVY else Ink.UP if signal.imbalance > _HEAVY else Ink.PLAIN
    return (f"{share:+d}%", ink) if share else (ZERO, Ink.DIM)


_ROWS: tuple[tuple[str, str, Cell], ...] = (
    ("fair value", "fair", lambda s, _, p: (fair(s.margin.fair, p.odds, 2), Ink.MARK)),
    ("lowest method", "low", lambda s, _, p: (fair(s.margin.fair_lo, p.odds, 2), Ink.MARK)),
    ("edge wanted", "edge", _cost(lambda s: s.margin.wanted)),
    ("adverse", "adv", _cost(lambda s: s.margin.adverse)),
    ("volatility", "vol", _cost(lambda s: s.margin.volatility)),
    ("flow", "flow", _cost(lambda s: s.margin.flow)),
    ("age · sources", "age", _cost(lambda s: s.margin.age + s.margin.uncertainty)),
    (
        "skew",
        "skew",
        lambda s, _, __: (_ct(s.margin.skew, cost=False), Ink.PLAIN if s.margin.skew else Ink.DIM),
    ),
    ("at most", "max", lambda s, _, p: (fair(s.limit, p.odds, 2), Ink.STRONG)),
    ("ceiling", "ceil", lambda _, o, p: (quoted(o.ceiling, p.odds).strip(), Ink.OWN)),
    ("our bid", "bid", lambda _, o, p: (quoted(o.quote, p.odds).strip(), Ink.OWN)),
    ("taker flow", "taker", _flow),
    ("toxicity", "tox", _toxicity),
)
_BUFFERS: tuple[str, str, Cell] = ("buffers", "buf", _cost(lambda s: s.margin.buffers))
_BRIEF = ("fair", "edge", "buf", "skew", "max", "ceil", "tox", "taker", "adv", "vol", "flow", "age")


def _down(match: MatchView, picture: Picture, width: int) -> list[Line]:
    """One line per part, one column per outcome."""
    cell = max(7, min(14, (width - 17) // max(1, len(match.outcomes))))
    heads = [
        Span(f"{fit(clean(outcome.name), cell - 1, right=True):>{cell}}", Ink.STRONG)
        for outcome in match.outcomes
    ]
    lines = [text(Span(f" {'why not higher':15}", Ink.HEAD), *heads)]
    signals = picture.view.signals
    for name, _, write in _ROWS:
        cells = [write(s, o, picture) for s, o in zip(signals, match.outcomes, strict=False)]
        lines.append(
            text(Span(f" {name:15}", Ink.HEAD), *(Span(f"{words:>{cell}}", ink) for words, ink in cells))
        )
    return lines


def _across(match: MatchView, picture: Picture, width: int) -> list[Line]:
    """One line per outcome, as many parts as there is room for."""
    name = 9
    names = _BRIEF[: max(0, (width - name - 2) // 6)]
    kept = [row for row in (*_ROWS[:3], _BUFFERS, *_ROWS[3:]) if row[1] in names]
    lines = [
        text(
            Span(f" {fit('outcome', name)}", Ink.HEAD),
            *(Span(f"{short:>6}", Ink.HEAD) for _, short, _ in kept),
        )
    ]
    for signal, outcome in zip(picture.view.signals, match.outcomes, strict=False):
        cells = [write(signal, outcome, picture) for _, _, write in kept]
        spans = [Span(f"{fit(words.partition(' of ')[0], 5, right=True):>6}", ink) for words, ink in cells]
        lines.append(text(Span(f" {fit(clean(outcome.name), name)}", Ink.STRONG), *spans))
    return lines


# ---- signals


def _signals(picture: Picture, width: int) -> list[Line]:
    spans = [Span(" mark-outs", Ink.HEAD)]
    for horizon_s, gained in zip(HORIZONS_S, picture.view.markouts, strict=False):
        words = UNKNOWN if gained is None else _ct(gained, cost=False)
        ink = Ink.DIM if not gained else Ink.UP if gained > 0 else Ink.DOWN
        when = f"{horizon_s}s" if horizon_s < 60 else f"{horizon_s // 60}m"
        spans += [Span(f"  {when}", Ink.DIM), Span(f" {words}", ink)]
    lines = [text(*spans), _company(picture), _full_set(picture, width)]
    for ladder in picture.view.ladders:
        tilt = UNKNOWN if ladder.imbalance is None else f"{round(100 * ladder.imbalance / ONE):+d}%"
        which = f"{VENUES[ladder.instrument.venue]} {clean(ladder.outcome)}"
        lines.append(
            text(
                Span(f" microprice {fit(which, max(8, min(22, width - 28)))}", Ink.HEAD),
                Span(f" {fair(ladder.micro, picture.odds, 2):>6}", Ink.MARK),
                Span(f"  {tilt:>5}", Ink.DIM),
            )
        )
    return lines


def _company(picture: Picture) -> Line:
    """Who follows us, and how fair value moves."""
    rivals, motion = picture.view.rivalry, picture.view.motion
    words, ink = (UNKNOWN, Ink.DIM)
    if rivals.taken:
        fast = "" if rivals.median_ms is None else f" in {milliseconds(rivals.median_ms)}"
        words, ink = f"{rivals.answered} of {rivals.taken} followed{fast}", Ink.PLAIN
    return text(
        Span(" rivals", Ink.HEAD),
        Span(f"  {words}", ink),
        Span("   moves", Ink.HEAD),
        Span(f"  {motion.value if motion is not None else UNKNOWN}", Ink.PLAIN if motion else Ink.DIM),
    )


def _full_set(picture: Picture, width: int) -> Line:
    """What one contract of every outcome costs, and whether that is an arbitrage."""
    basket = picture.view.basket
    if basket is None:
        return text(Span(" a full set", Ink.HEAD), Span(f"  {UNKNOWN}", Ink.DIM))
    venues = " + ".join(dict.fromkeys(VENUES[leg.instrument.venue] for leg in basket.legs))
    pays = basket.profit >= ARBITRAGE_MIN
    words = f"  {fixed(basket.cost * 100, 1)}¢ at {venues}"
    note = ""
    if pays:
        note = f"  ARBITRAGE {_ct(basket.profit, cost=False)}¢"
        note += ", void rules differ" if basket.across and not picture.view.rules_confirmed else ""
    return text(
        Span(" a full set", Ink.HEAD),
        Span(words, Ink.PLAIN),
        Span(fit(note, max(0, width - 11 - len(words))).rstrip(), Ink.NOTICE),
    )
