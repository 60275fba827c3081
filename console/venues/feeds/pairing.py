"""Which event of a feed is which match: by names, start and kind; every doubt has its reason.

Names decide the order of the outcomes, never home and away. What is found here is only half the proof: the
engine holds the prices against others before anything counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from console.core.matches import Kind, MatchSpec
from console.core.pairing import DRAWS
from console.venues.feeds.credits import utc
from console.venues.feeds.leagues import HOUR, League
from console.venues.feeds.lines import Fixture, Line, Side, handicap
from console.venues.feeds.names import alike

CERTAIN = 85  # names this much alike mean the same ...
POSSIBLE = 65  # ... and these perhaps: the operator decides
TOLD_APART = 15  # by so much the right order of names must fit better than the other
NEARBY = 4 * HOUR
DOUBLE = 12 * HOUR  # two events of the same names within this are a double-header, not two evenings
_LINE_WORDS = re.compile(r"\s*(?:\(?[+\-\N{MINUS SIGN}]\d+(?:\.\d+)?\)?|\bwins? by\b.*)$", re.IGNORECASE)
_TITLE = re.compile(r"^(?P<one>.+?)\s+(?:at|v|vs|@)\.?\s+(?P<other>.+?)(?:\s*[:,(|].*)?$", re.IGNORECASE)


class Paired(Struct, frozen=True):
    """An event that is the match. `sides` has the feed's side of each outcome, in the match's order."""

    fixture: Fixture
    sides: tuple[Side, ...]
    names: tuple[str, ...]
    confidence: int
    doubt: str = ""


class Unpaired(Struct, frozen=True):
    """Why no event can be taken for the match."""

    why: str


def pair(spec: MatchSpec, league: League, feed: str, fixtures: Sequence[Fixture]) -> Paired | Unpaired:
    """Find the event of a match among those a feed lists for its league."""
    teams = teams_of(spec)
    if isinstance(teams, str):
        return Unpaired(teams)
    why = _draw_defect(spec, league) or _line_defect(spec)
    if why:
        return Unpaired(why)
    named = [name.partition(":")[2] for name in spec.odds_events if name.partition(":")[0] == feed]
    if named:
        found = [fixture for fixture in fixtures if fixture.id in named]
        if not found:
            return Unpaired(f"no event {named[0]} is listed there")
        return _oriented(spec, teams, found[0], named=True)
    return _search(spec, league, teams, fixtures)


def teams_of(spec: MatchSpec) -> tuple[str, str] | str:
    """The two names in the order of the outcomes (of a total: of the title), or why there are none."""
    if spec.kind is Kind.TOTAL:
        title = _TITLE.match(spec.title)
        if title is None:
            return "a total needs its teams in the title, as A v B"
        return title["one"], title["other"]
    teams = [_LINE_WORDS.sub("", name) for name in spec.outcomes if not is_draw(name)]
    if len(teams) != 2:
        return "no outcome is called Draw or Tie" if len(spec.outcomes) == 3 else "needs two sides"
    return teams[0], teams[1]


def is_draw(name: str) -> bool:
    """An outcome that is a draw."""
    return name.strip().lower() in DRAWS


def line_for(spec: MatchSpec, paired: Paired, lines: Iterable[Line]) -> Line | str:
    """The line of one book that asks the match's question, or why it offers none. `lines` are that book's."""
    kinds = [line for line in lines if line.kind is spec.kind]
    if spec.kind is Kind.H2H:
        ways = len(spec.outcomes)
        fitting = [line for line in kinds if len(line.odds) == ways]
        if kinds and not fitting:
            return f"its prices are {len(kinds[0].odds)}-way, the match is {ways}-way"
    else:
        wanted = _wanted_line(spec, paired)
        fitting = [line for line in kinds if line.line == wanted]
        if kinds and not fitting:
            return f"no line {wanted}: it offers {', '.join(dict.fromkeys(line.line for line in kinds))}"
    if not fitting:
        return f"no {spec.kind.value} offered"
    return max(fitting, key=lambda line: (line.provider_wall, line.changed_wall))


def prices(line: Line, paired: Paired) -> tuple[float, ...]:
    """The line's odds in the order of the match's outcomes."""
    return tuple(line.odds[side] for side in paired.sides)


# ---- finding


class _Likeness(Struct, frozen=True):
    """How alike our two names are to home and away, as they stand and crossed over."""

    straight: tuple[int, int]
    crossed: tuple[int, int]

    @property
    def best(self) -> int:
        """Both names together, the better way round."""
        return max(min(self.straight), min(self.crossed))


def _likeness(teams: tuple[str, str], fixture: Fixture) -> _Likeness:
    one, other = teams
    return _Likeness(
        straight=(alike(one, fixture.home), alike(other, fixture.away)),
        crossed=(alike(one, fixture.away), alike(other, fixture.home)),
    )


def _search(
    spec: MatchSpec, league: League, teams: tuple[str, str], fixtures: Sequence[Fixture]
) -> Paired | Unpaired:
    if not fixtures:
        return Unpaired(f"no events of {league.title} there")
    scores = [(_likeness(teams, fixture).best, fixture) for fixture in fixtures]
    top, nearest = max(scores, key=lambda scored: scored[0])
    if top < POSSIBLE:
        return Unpaired(f"no event with these names; nearest is {nearest.title} ({top} alike)")
    best = [fixture for score, fixture in scores if score >= POSSIBLE and score > top - TOLD_APART]
    if not spec.start:
        if len(best) > 1:
            return Unpaired(f"{len(best)} events with these names, and the match has no start")
        return _oriented(spec, teams, best[0], "the match has no start to tell the day by")
    around = [fixture for fixture in best if abs(fixture.start - spec.start) <= league.slack]
    if len(around) > 1:  # on two days, where players may wait long: ours is the one nearby
        around = [fixture for fixture in around if abs(fixture.start - spec.start) <= NEARBY] or around
    if not around:
        apart = min(abs(fixture.start - spec.start) for fixture in best)
        return Unpaired(f"events with these names start {apart / HOUR:.0f} h or more apart from ours")
    near = min(around, key=lambda fixture: abs(fixture.start - spec.start))
    twice = [f for f in best if _same_two(f, near) and abs(f.start - near.start) < DOUBLE]
    if len(twice) > 1:
        when = " and ".join(f"{utc(start):%H:%M}" for start in sorted(f.start for f in twice))
        return Unpaired(f"double-header: events at {when}; name one in odds_events")
    if len(around) > 1:
        return Unpaired(f"two events fit: {around[0].title} and {around[1].title}")
    return _oriented(spec, teams, around[0])


def _oriented(
    spec: MatchSpec, teams: tuple[str, str], fixture: Fixture, doubt: str = "", *, named: bool = False
) -> Paired:
    """Put the feed's sides into the order of our outcomes, by names alone.

    Of an event named outright one certain name is enough: the other side is what is left.
    """
    found = _likeness(teams, fixture)
    strength = sum if named else min
    home_first = strength(found.straight) >= strength(found.crossed)
    fits, other = (found.straight, found.crossed) if home_first else (found.crossed, found.straight)
    sure = max(fits) if named else min(fits)
    if spec.kind is not Kind.TOTAL and strength(fits) - strength(other) < TOLD_APART:
        doubt = doubt or f"names do not tell {fixture.home} from {fixture.away}"
    if sure < CERTAIN:
        doubt = doubt or f"names only {sure} alike: {teams[0]} v {teams[1]}"
    return Paired(fixture, _sides(spec, home_first), _named(spec, fixture, home_first), sure, doubt)


def _sides(spec: MatchSpec, home_first: bool) -> tuple[Side, ...]:
    if spec.kind is Kind.TOTAL:
        over_first = spec.outcomes[0].strip().lower().startswith("over")
        return (Side.OVER, Side.UNDER) if over_first else (Side.UNDER, Side.OVER)
    teams = iter((Side.HOME, Side.AWAY) if home_first else (Side.AWAY, Side.HOME))
    return tuple(Side.DRAW if is_draw(name) else next(teams) for name in spec.outcomes)


def _named(spec: MatchSpec, fixture: Fixture, home_first: bool) -> tuple[str, ...]:
    names = {Side.HOME: fixture.home, Side.AWAY: fixture.away}
    return tuple(names.get(side, f"{side.value} {spec.line}".strip()) for side in _sides(spec, home_first))


def _same_two(one: Fixture, other: Fixture) -> bool:
    return _likeness((one.home, one.away), other).best >= CERTAIN


# ---- lines


def _draw_defect(spec: MatchSpec, league: League) -> str:
    """Why two-way prices of a league with draws do not answer the question, or empty.

    There a book gives the stake back at a draw: its prices are chances given that somebody wins, too high for
    an outcome that is then paid nothing, and too low for one that is "not" the other.
    """
    if not league.draws or spec.kind is not Kind.H2H or len(spec.outcomes) != 2:
        return ""
    rest = any(name.strip().lower().startswith("not ") for name in spec.outcomes)
    if not spec.may_none and not rest:  # stakes come back here too
        return ""
    return f"{league.title} has draws: name Draw among the outcomes"


def _line_defect(spec: MatchSpec) -> str:
    """Why no line of a sportsbook can answer the question, or empty.

    On a whole number a sportsbook gives the stake back and an exchange decides; on a quarter half of it.
    """
    if spec.kind is Kind.H2H:
        return ""
    if len(spec.outcomes) != 2:
        return f"a {spec.kind.value} has two outcomes"
    words = [name.strip().lower().partition(" ")[0] for name in spec.outcomes]
    if spec.kind is Kind.TOTAL and sorted(words) != ["over", "under"]:
        return "a total needs outcomes that begin with Over and Under"
    try:
        doubled = 2 * float(spec.line)
    except ValueError:
        return f"line: {spec.line!r} is not a number such as -2.5"
    if doubled % 2 != 1:
        return f"line {spec.line} is no half number: a push would be settled differently there"
    return ""


def _wanted_line(spec: MatchSpec, paired: Paired) -> str:
    """The match's line as the home side would write it; of a spread it is that of our first outcome."""
    line = float(spec.line)
    return handicap(-line if paired.sides[0] is Side.AWAY else line)
