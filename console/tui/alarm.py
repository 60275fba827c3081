"""The bell: for a kill, a silent engine, a limit reached and an error, and for nothing else."""

from __future__ import annotations

from console.core.commands import Severity
from console.tui.picture import Picture

EVERY_S = 10.0


class Alarm:
    """Rings when something begins, at most once in ten seconds."""

    def __init__(self, enabled: bool = True) -> None:
        self._enabled = enabled
        self._before: frozenset[str] | None = None
        self._rang = -EVERY_S

    def rings(self, picture: Picture, now: float) -> bool:
        """Whether to ring now; `now` is monotonic seconds."""
        causes = frozenset(_causes(picture))
        errors = frozenset(cause for cause in causes if cause.startswith("error "))
        known = errors if self._before is None else self._before  # old errors are no news to a new screen
        new, self._before = causes - known, causes
        if not new or not self._enabled or now - self._rang < EVERY_S:
            return False
        self._rang = now
        return True


def _causes(picture: Picture) -> list[str]:
    view = picture.view
    causes = ["silent"] if picture.frozen else []
    error = next((line for line in view.log if line.severity is Severity.ERROR), None)
    if error is not None:
        causes.append(f"error {error.wall}")
    if view.kill is not None:
        causes.append(view.kill.phase.value)
    return causes + [limit.name for limit in view.limits if 0 < limit.limit <= limit.used]
