"""What the screen needs of the engine it is attached to; the link client is one, a test's fake another."""

from __future__ import annotations

from typing import Protocol

from console.core.events import OperatorEvent
from console.core.view import View
from console.link.messages import Ack, Answer, ToEngine, Welcome


class Engine(Protocol):
    """An engine at the other end of the line.

    Everything but `kill` belongs to the event loop. `operate`, `set_dry_run` and `ask` never raise for a
    lost line: they answer with the reason (`ok` False, `error` filled).
    """

    @property
    def view(self) -> View | None:
        """The latest view, None before the first."""

    @property
    def welcome(self) -> Welcome:
        """What was granted when the line opened, or opened again."""

    @property
    def closed(self) -> str:
        """Why the line is gone; empty while it stands."""

    def send(self, message: ToEngine) -> None:
        """Send a message that has no answer; dropped when the line is gone."""

    async def ask(self, what: str, argument: str = "") -> Answer:
        """Ask a question that touches no order."""

    async def operate(self, event: OperatorEvent) -> Ack:
        """Send an operator event and wait for what became of it."""

    async def set_dry_run(self, dry_run: bool, word: str = "") -> Ack:
        """Ask for the other ledger and wait for what became of it."""

    def kill(self) -> None:
        """Send the kill; from any thread, at once, without waiting and without raising."""
