"""The bell: for a kill, a silent engine and a limit reached, and for nothing else."""

from __future__ import annotations

from console.tui.picture import Picture

EVERY_S = 10.0


class Alarm:
    """Rings when something begins, at most once in ten seconds."""

    def __init__(self, enabled: bool = True) -> None:
        self._enabled = enabled
        self._before: frozenset[str] = frozenset()
        self._rang = -EVERY_S

    def rings(self, picture: Picture, now: float) -> bool:
        """Whether to ring now; `now` is monotonic seconds."""
        causes = frozenset(_causes(picture))
        new, self._before = causes - self._before, causes
        if not new or not self._enabled or now - self._rang < EVERY_S:
            return False
        self._rang = now
        return True


def _causes(picture: Picture) -> list[str]:
    view = picture.view
    causes = ["silent"] if picture.frozen else []
    if view.kill is not None:
        causes.append(view.kill.phase.value)
    return causes + [limit.name for limit in view.limits if 0 < limit.limit <= limit.used]
