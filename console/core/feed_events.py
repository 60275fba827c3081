"""What odds feeds tell: lines of books, the events they belong to, and how the feed itself stands."""

from __future__ import annotations

from console.core.fact import Event
from console.core.matches import MatchId
from console.core.units import Nanos


class OddsUpdate(Event, frozen=True, kw_only=True):
    """A source's decimal odds for every outcome of a match, at one moment.

    `provider_wall` is the provider's own stamp (0 if none): it proves a poll, not a price.
    """

    match: MatchId
    source: str
    odds: tuple[float, ...]
    provider_wall: Nanos = Nanos(0)
    feed: str = ""  # who brought it, where that is not the source itself
    changed_wall: Nanos = Nanos(0)  # since when the price stands at the book, 0 where nobody tells
    poll_s: int = 0  # how often the feed is asked now, rounded up


class FeedStatus(Event, frozen=True, kw_only=True):
    """An odds feed as it stands: whether it answers, its credits, and when it is asked next.

    None means that the feed does not tell. `budget_left` is what our own daily budget still allows.
    """

    feed: str
    up: bool
    why: str = ""
    credits_left: int | None = None
    credits_used: int | None = None
    budget_left: int | None = None
    next_poll_wall: Nanos = Nanos(0)


class OddsSuspended(Event, frozen=True, kw_only=True):
    """A source took its line down; its last odds count no more."""

    match: MatchId
    source: str
    feed: str = ""
    why: str = ""


class OddsPaired(Event, frozen=True, kw_only=True):
    """A feed found its event of a match; `names` are its names of our outcomes, in our order.

    `confidence` is how alike the names are (0 to 100), `doubt` what keeps them from being proof. Prices
    must agree too before anything of it counts. `start` is the event's own, on the wall clock.
    """

    match: MatchId
    feed: str
    event: str
    names: tuple[str, ...]
    confidence: int
    doubt: str = ""
    start: Nanos = Nanos(0)


class OddsUnpaired(Event, frozen=True, kw_only=True):
    """A feed has no event it could take for a match; `why` in one line."""

    match: MatchId
    feed: str
    why: str
