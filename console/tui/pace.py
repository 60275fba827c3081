"""How often the screen is painted: at the engine's rate, slower when the terminal is slower."""

from __future__ import annotations

BEAT_S = 0.05  # how often the question is asked
NORMAL_S, FAST_S, SLOW_S = 0.25, 0.1, 0.75
COVERED_S = 1.0  # behind a dialog: Textual then blends the whole screen anew, 40 ms at each paint
FAST_BELOW_S, SLOW_ABOVE_S = 0.080, 0.500  # round trips of the terminal
_EARLY, _LATE = 0.8, 1.25  # a fresh view may come a little early, a stale one waits a little


class Pace:
    """Decides when the next paint is due; times are monotonic seconds."""

    def __init__(self) -> None:
        self._painted = -SLOW_S

    def due(self, now: float, fresh: bool, period: float) -> bool:
        """Whether to paint now; `fresh` says that there is a view not painted yet."""
        return now - self._painted >= period * (_EARLY if fresh else _LATE)

    def painted(self, now: float) -> None:
        """A paint happened."""
        self._painted = now


def period_s(rtt_s: float | None, ladder_focused: bool, covered: bool = False, low: bool = False) -> float:
    """Seconds between paints: 4 a second, 10 for the ladder on a quick line, 1 on one that is spared."""
    if covered or low:
        return COVERED_S
    if rtt_s is not None and rtt_s > SLOW_ABOVE_S:
        return SLOW_S
    return FAST_S if ladder_focused and rtt_s is not None and rtt_s < FAST_BELOW_S else NORMAL_S
