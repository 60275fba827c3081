"""Which values changed a moment ago: they light up and fade, where the line to the terminal allows it."""

from __future__ import annotations

from collections.abc import Hashable

from console.tui.ink import Glow
from console.tui.picture import Picture

FRESH_MS, FADING_MS = 300, 600
_KEYS_MAX = 4_000


class Glows:
    """The last value of every key, and when it came."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[object, int | None]] = {}

    def of(self, key: Hashable, value: object, picture: Picture) -> Glow:
        """How lately the value of `key` changed; what is seen for the first time has not changed."""
        if not picture.lively:
            self._seen.clear()
            return Glow.NONE
        known = self._seen.get(key)
        if known is None:
            if len(self._seen) >= _KEYS_MAX:
                self._seen.clear()
            self._seen[key] = value, None
            return Glow.NONE
        before, since = known
        if before != value:
            self._seen[key] = value, picture.now_ms
            return Glow.FRESH
        if since is None or picture.now_ms - since >= FADING_MS:
            return Glow.NONE
        return Glow.FRESH if picture.now_ms - since < FRESH_MS else Glow.FADING
