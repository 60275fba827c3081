"""The kill key's path: straight to the engine from any thread; and whether the engine answered."""

from __future__ import annotations

import threading

from console.tui.engine import Engine

ANSWER_S = 0.5  # a view that shows no kill after this long is worth a warning


class KillSwitch:
    """Pressed from the input thread and from the event loop alike.

    What the screen says about a kill comes from the engine's view alone; an answer that does not come is
    only counted here, the line has its own way to kill without the engine's help.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: threading.Timer | None = None
        self.unanswered = 0

    def press(self) -> None:
        """Kill, now."""
        self._engine.kill()
        with self._lock:
            if self._waiting is None and not self._answered():
                self._waiting = threading.Timer(ANSWER_S, self._check)
                self._waiting.daemon = True
                self._waiting.start()

    def close(self) -> None:
        """Wait for no answer any more."""
        with self._lock:
            if self._waiting is not None:
                self._waiting.cancel()

    def _check(self) -> None:
        with self._lock:
            self._waiting = None
            self.unanswered += not self._answered()

    def _answered(self) -> bool:
        view = self._engine.view
        return view is not None and view.kill is not None and not self._engine.closed
