"""What the engine process asks of a venue or a feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from console.core.commands import AnyCommand
from console.core.events import AnyEvent, RejectReason
from console.core.instruments import Venue
from console.link.messages import SymbolView

Put = Callable[[AnyEvent], None]


class VenueClient(Protocol):
    """One venue: connects, reconnects, translates. Nothing of the network ever escapes it as an exception.

    `run` first puts `VenueLimits`, then `VenueUp` as soon as orders could be sent and private news would
    reach us, `VenueDown` when not, and books and orders as they come, until cancelled. `send` returns at
    once; every outcome comes back as an event: accepted, refused, or unknown. A place it cannot send now it
    answers with `OrderRejected`; it never queues one.
    """

    @property
    def venue(self) -> Venue:
        """Which one it is."""

    async def run(self, put: Put) -> None:
        """Put events until cancelled."""

    def send(self, command: AnyCommand) -> None:
        """Take one command that concerns this venue."""

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """Matches listed there that a ticker, an address or words in `text` mean; raises LookupFailed."""


class FeedClient(Protocol):
    """One odds feed. It brings odds for the matches named by `WatchOdds` until `UnwatchOdds`."""

    @property
    def name(self) -> str:
        """As in settings, journal and screen."""

    async def run(self, put: Put) -> None:
        """Put events until cancelled."""

    def send(self, command: AnyCommand) -> None:
        """Take `WatchOdds` and `UnwatchOdds`; anything else is not for it."""


class Picker(Protocol):
    """Adds and drops matches by itself, as the settings wish."""

    @property
    def name(self) -> str:
        """As in journal and screen."""

    async def run(self, put: Put) -> None:
        """Put `AddMatch` and `RemoveMatch` until cancelled."""


class LookupFailed(Exception):
    """A search found nothing or could not be made; one line for the person who searched."""


class Refused(Exception):
    """A request that was certainly not taken."""

    def __init__(self, reason: RejectReason, text: str = "") -> None:
        super().__init__(text or reason.value)
        self.reason = reason
        self.text = text


class Unanswered(Exception):
    """A request that got no answer which proves anything: it may or may not have been taken."""


class Check(Struct, frozen=True):
    """One check of the doctor: passed or not, what was seen, and what to do about it."""

    name: str
    passed: bool
    seen: str
    remedy: str = ""
    needed: bool = True  # real orders wait for it
