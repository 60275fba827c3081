"""The misfortunes of the sandbox's feeds: what happens to lines, and what happens to answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from console.sandbox.command import SandboxError
from console.sandbox.odds.card import SHARP, Event, Quote

SECOND = 1_000_000_000
HOUR = 3600 * SECOND

OF_LINES = {
    "stale": "stamps and prices stand still",
    "frozen": "prices stand still while stamps advance",
    "ahead": "stamps are two minutes in the future",
    "suspended": "the sharp book suspends every line",
    "one-sided": "the sharp book offers one side only",
    "price-one": "the sharp book's first price is 1.0",
    "missing-book": "the sharp book offers nothing",
    "swapped": "prices stand at the wrong names",
    "double-header": "every event is listed twice, three hours apart",
    "early": "every event starts an hour earlier than it does",
    "renamed": "the second team has somebody else's name",
    "unlisted": "no event is listed",
}
OF_ANSWERS = {
    "down": "every request is answered 503",
    "html": "every request is answered with a page",
    "silent": "no request is answered",
    "cut": "the connection is cut in the middle of every answer",
    "busy": "every other request is too soon (429)",
    "spent": "the quota is used up",
    "denied": "the key is not taken, and repeated in the message",
    "missing-field": "a field every line needs is left out",
    "redirect": "every request is sent elsewhere, key and all",
}
KNOWN = {**OF_LINES, **OF_ANSWERS}


class Faults:
    """Which of them happen now; may be changed while the server runs."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._now: frozenset[str] = frozenset()
        self._kept: dict[tuple[int, str, str, float], Quote] = {}
        self.set(names)

    def set(self, names: Iterable[str]) -> None:
        """Let these happen from now on and no others; raises SandboxError for an unknown one."""
        wanted = frozenset(names)
        unknown = sorted(wanted - set(KNOWN))
        if unknown:
            listed = "\n".join(f"  {name:<14} {text}" for name, text in KNOWN.items())
            raise SandboxError(f"faults: {unknown[0]!r} is none of\n{listed}")
        self._now = wanted
        self._kept = {}

    def __contains__(self, name: str) -> bool:
        return name in self._now

    @property
    def names(self) -> list[str]:
        """Those that happen now."""
        return sorted(self._now)

    def spoil(self, events: Sequence[Event], now_ns: int) -> list[Event]:
        """What of the events is shown."""
        if "unlisted" in self:
            return []
        shown = [self._event(event, now_ns) for event in events]
        if "double-header" in self:
            shown += [
                msgspec.structs.replace(
                    event, number=event.number + 100_000, start_ns=event.start_ns + 3 * HOUR
                )
                for event in shown
            ]
        return shown

    def _event(self, event: Event, now_ns: int) -> Event:
        quotes = [
            self._quote(event, quote, now_ns)
            for quote in event.quotes
            if not ("missing-book" in self and quote.book == SHARP)
        ]
        return msgspec.structs.replace(
            event,
            quotes=tuple(quotes),
            away="Wanderers of Elsewhere" if "renamed" in self else event.away,
            start_ns=event.start_ns - HOUR if "early" in self else event.start_ns,
        )

    def _quote(self, event: Event, quote: Quote, now_ns: int) -> Quote:
        key = event.number, quote.book, quote.kind, quote.line
        kept = self._kept.setdefault(key, quote)
        if "stale" in self:
            quote = kept
        if "frozen" in self:
            quote = msgspec.structs.replace(kept, seen_ns=quote.seen_ns)
        sides = dict(quote.sides)
        if "swapped" in self and "home" in sides:
            sides["home"], sides["away"] = sides["away"], sides["home"]
        if quote.book == SHARP:
            first = next(iter(sides))
            if "one-sided" in self:
                del sides[first]
            elif "price-one" in self:
                sides[first] = 1.0
        return msgspec.structs.replace(
            quote,
            sides=sides,
            open=quote.open and not ("suspended" in self and quote.book == SHARP),
            seen_ns=now_ns + 120 * SECOND if "ahead" in self else quote.seen_ns,
        )
