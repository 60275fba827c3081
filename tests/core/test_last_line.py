"""The last line of the engine: whatever went wrong before it, no order leaves past a kill latch."""

from __future__ import annotations

import pytest

from console.core import quotes
from console.core.connection import Connection
from console.core.events import Kill

from .story import A, B, K, Story, game


def mislead(story: Story, kill: Kill) -> None:
    """Killed, and a better price than ours appears, which we want to follow."""
    story.tell(kill)
    story.book(A, {48: 100, 50: 100}, {56: 100})
    story.book(B, {43: 100, 45: 100}, {51: 100})
    story.wait(10)


def test_a_quoting_that_forgot_the_kill_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    story = game()
    monkeypatch.setattr(quotes, "standing", lambda *_: (None, ""))
    monkeypatch.setattr(Connection, "trouble", lambda *_: None)
    with pytest.raises(AssertionError, match="the kill latch is engaged"):
        mislead(story, Kill(by="operator"))


def test_a_quoting_that_forgot_the_kill_of_a_venue_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    story = game()
    monkeypatch.setattr(Connection, "trouble", lambda *_: None)
    with pytest.raises(AssertionError, match="the kill latch is engaged"):
        mislead(story, Kill(by="operator", venue=K))
