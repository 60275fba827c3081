"""The webhook: alerts for a person who is not looking at the screen, which never hold anything up (C39)."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import httpx
import msgspec

from console.core.commands import Severity
from console.keys import Secret

KEY = "ALERT_WEBHOOK_URL"  # where the address is kept: it lets whoever has it write to the trader
QUEUE_MAX = 200
TEXT_MAX = 600
TIMEOUT_S = 5.0
RETRY_FIRST_S, RETRY_MOST_S = 0.5, 30.0
FLUSH_S = 4.0
RANKS = {severity: rank for rank, severity in enumerate(Severity)}

Post = Callable[[str, bytes], int]  # (address, body) -> HTTP status; raises httpx.HTTPError


class Webhook:
    """Posts alerts of a severity or above, from a thread of its own, in order, until each was taken.

    What cannot be delivered is retried with growing pauses; when more wait than fit, the oldest go and the
    next message says how many.
    """

    def __init__(
        self,
        address: Secret,
        name: str,
        least: Severity,
        say: Callable[[str], None],
        post: Post | None = None,
    ) -> None:
        """`name` tells engines apart; `say` hears once that the webhook does not answer, and that it does."""
        self._address = address
        self._name = name
        self._least = RANKS[least]
        self._say = say
        self._post = post or _post
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._dropped = 0
        self._closing = threading.Event()
        self._unanswered = False
        self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
        self._thread.start()

    def tell(self, severity: Severity, text: str) -> None:
        """Take one alert; returns at once whatever the network does."""
        if RANKS[severity] < self._least:
            return
        if self._queue.qsize() >= QUEUE_MAX:
            self._queue.get_nowait()
            self._dropped += 1
        self._queue.put(f"{severity.value.upper()} {' '.join(text.split())[:TEXT_MAX]}")

    def close(self, patience_s: float = FLUSH_S) -> None:
        """Deliver what waits, but for no longer than a moment."""
        self._closing.set()
        self._queue.put("")
        self._thread.join(patience_s)

    # ---- the thread

    def _work(self) -> None:
        while True:
            text = self._queue.get()
            if text:
                self._deliver(text)
            if self._closing.is_set() and self._queue.empty():
                return

    def _deliver(self, text: str) -> None:
        pause = RETRY_FIRST_S
        while not self._delivered(text):
            if self._closing.is_set():
                time.sleep(min(pause, RETRY_FIRST_S))
            elif self._closing.wait(pause):
                pause = RETRY_FIRST_S
            pause = min(2 * pause, RETRY_MOST_S)

    def _delivered(self, text: str) -> bool:
        dropped, self._dropped = self._dropped, 0
        lost = f" ({dropped} older alerts were not delivered)" if dropped else ""
        line = f"mmconsole {self._name}: {text}{lost}"
        body = msgspec.json.encode({"text": line, "content": line})  # Slack and Mattermost; Discord
        try:
            status = self._post(self._address.reveal(), body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._failed(type(error).__name__)  # its words carry the address
            self._dropped += dropped
            return False
        if status >= 500 or status == 429:
            self._failed(f"HTTP status {status}")
            self._dropped += dropped
            return False
        if status >= 400:
            self._failed(f"refused with HTTP status {status}")  # asking again would change nothing
        elif self._unanswered:
            self._unanswered = False
            self._say("alerts: the webhook answers again")
        return True

    def _failed(self, why: str) -> None:
        if not self._unanswered:
            self._unanswered = True
            self._say(f"WARN alerts: the webhook does not take them: {why}")


def _post(address: str, body: bytes) -> int:
    headers = {"Content-Type": "application/json"}
    return httpx.post(address, content=body, headers=headers, timeout=TIMEOUT_S).status_code
