"""What the operator has ordered and not taken back, kept apart from the engine."""

from __future__ import annotations

from collections.abc import Iterable

from console.core.events import (
    AnyEvent,
    ConsoleLost,
    Flatten,
    Kill,
    OnConsoleLost,
    Pause,
    Rearm,
    RemoveMatch,
    Resume,
    Stop,
)
from console.core.instruments import Venue
from console.core.matches import MatchId

_KEPT = (Pause, Resume, RemoveMatch, ConsoleLost)


class Standing:
    """Kill, pauses and stop in force. A kill outlives a crash on disk, a pause in the journal, a stop not."""

    def __init__(self) -> None:
        self.killed_ts: int | None = None
        self.killed_venues: dict[Venue, int] = {}
        self.reduce_only = False
        self.floors: dict[MatchId, int] = {}  # of matches that were to be flattened, as typed last
        self.stopping = False
        self.paused = False
        self.paused_matches: set[MatchId] = set()
        self.kills = 0
        self._entries: list[tuple[int, AnyEvent]] = []

    def learn(self, turn: int, event: AnyEvent) -> None:
        """Take what the operator said and the engine did not refuse."""
        match event:
            case Kill(venue=None):
                self.kills += 1
                self.killed_ts = self.killed_ts or event.ts
            case Kill(venue=Venue() as venue):
                self.kills += 1
                self.killed_venues.setdefault(venue, event.ts)
            case Rearm():
                self.killed_ts, self.killed_venues = None, {}
                self.reduce_only = event.reduce_only
            case Flatten():
                self.floors[event.match] = event.floor
            case Stop() | ConsoleLost(policy=OnConsoleLost.STOP):
                self.stopping = True
            case _ if isinstance(event, _KEPT):
                self._entries.append((turn, event))
                self._apply(event)
            case _:
                pass

    def killed(self, venue: Venue) -> bool:
        """Whether nothing may leave for a venue."""
        return self.killed_ts is not None or venue in self.killed_venues

    def restarted(self, lost: Iterable[int]) -> None:
        """A new run begins; the records of these turns are lost."""
        gone = set(lost)
        self._entries = [entry for entry in self._entries if entry[0] not in gone]
        self.stopping, self.paused, self.paused_matches = False, False, set()
        for _, event in self._entries:
            self._apply(event)

    def _apply(self, event: AnyEvent) -> None:
        match event:
            case Pause():
                if event.match:
                    self.paused_matches.add(event.match)
                else:
                    self.paused = True
            case Resume():
                if event.match:
                    self.paused_matches.discard(event.match)
                else:
                    self.paused = False
            case RemoveMatch():
                self.paused_matches.discard(event.match)
            case ConsoleLost(policy=OnConsoleLost.PAUSE):
                self.paused = True
            case _:
                pass
