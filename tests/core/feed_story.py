"""Stories whose odds come over feeds."""

from __future__ import annotations

from console.core import picture
from console.core.events import (
    OddsPaired,
    OddsUpdate,
)
from console.core.settings import MatchSettings
from console.core.units import SECOND, Nanos
from console.core.view import SourceView

from .story import A, B, M, Story

SETTINGS = MatchSettings()
NAMES = ("Los Angeles Lakers", "Boston Celtics")


class Feeds(Story):
    """A story whose odds come over feeds: each with its own line, asked every 60 s."""

    def pair(self, feed: str = "feed1", event: str = "e1", doubt: str = "", **facts: object) -> None:
        told = {"names": NAMES, "confidence": 100, **facts}
        self.tell(OddsPaired(match=M, feed=feed, event=event, doubt=doubt, **told))  # type: ignore[arg-type]

    def line(
        self,
        *chances: float,
        feed: str = "feed1",
        source: str = "pinnacle",
        lag_s: float = 0,
        stamped: bool = True,
        changed_s: float | None = None,
    ) -> list[object]:
        """A line without margin, seen by the provider `lag_s` ago; `changed_s`: standing since then."""
        return list(
            self.tell(
                OddsUpdate(
                    match=M,
                    source=source,
                    odds=tuple(1.0 / p for p in chances),
                    provider_wall=Nanos(self.wall - round(lag_s * SECOND)) if stamped else Nanos(0),
                    feed=feed,
                    changed_wall=Nanos(0)
                    if changed_s is None
                    else Nanos(self.wall - round(changed_s * SECOND)),
                    poll_s=60,
                )
            )
        )

    def source(self, name: str = "pinnacle") -> SourceView:
        (found,) = [s for s in picture.view(self.state, M).sources if s.name == name]
        return found

    def note(self, name: str = "pinnacle") -> str:
        return self.source(name).note

    def poll(self, times: int, *chances: float, every_s: int = 30, feed: str = "feed1") -> None:
        """Time passes and the feed is asked again and again; its stamp is always fresh."""
        for _ in range(times):
            self.wait(every_s)
            self.line(*chances, feed=feed)


def tale(mid: int = 52, settings: MatchSettings = SETTINGS, **facts: object) -> Feeds:
    """Two Kalshi tickers around `mid` cents, connected, nothing said of the fair value yet."""
    story = Feeds()
    story.up()
    story.add(settings=settings, **facts)
    market(story, mid)
    return story


def market(story: Story, mid: int) -> None:
    story.book(A, {mid - 4: 100, mid - 5: 100}, {mid + 4: 100, mid + 5: 100})
    other = 100 - mid
    story.book(B, {other - 4: 100, other - 5: 100}, {other + 4: 100, other + 5: 100})
