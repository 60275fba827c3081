"""What the acting keys do: risk goes down at once and up after a question; the engine has the last word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from console.core.events import (
    AcceptPosition,
    CancelMatch,
    Mode,
    OperatorEvent,
    Pause,
    Rearm,
    RemoveMatch,
    Resume,
    SetTheo,
)
from console.core.matches import MatchId
from console.core.view import MatchView, VenueView, View
from console.link.messages import Ack
from console.tui.clock import Clock
from console.tui.dialogs.add import AddSearch
from console.tui.dialogs.confirm import Typed, yes_no
from console.tui.dialogs.dialog import Dialog
from console.tui.dialogs.edit_form import EditForm
from console.tui.dialogs.match_form import MatchForm
from console.tui.engine import Engine
from console.tui.format import cash, contracts
from console.tui.picture import Picture
from console.tui.words import VENUES

T = TypeVar("T")


class Front(Protocol):
    """What the actions need of the screen."""

    @property
    def picture(self) -> Picture | None:
        """What the operator sees now."""

    def chosen_match(self) -> MatchId | None:
        """The match the operator means."""

    async def answer(self, dialog: Dialog[T]) -> T | None:
        """Show a dialog and wait for its answer."""

    def say(self, text: str, ok: bool = True) -> None:
        """Show one line for a moment."""


class Operator:
    """The verbs, by the names the keys use."""

    def __init__(self, engine: Engine, front: Front, clock: Clock) -> None:
        self._engine = engine
        self._front = front
        self._clock = clock
        self._verbs: dict[str, Callable[[View], Awaitable[None]]] = {
            "add": self._add,
            "edit": self._edit,
            "account": self._account,
            "pause": self._pause,
            "pause_all": self._pause_all,
            "cancel": self._cancel,
            "remove": self._remove,
            "dry_run": self._dry_run,
            "rearm": self._rearm,
            "accept": self._accept,
        }

    async def act(self, verb: str) -> None:
        """Do it, unless there is nothing to do it to."""
        picture = self._front.picture
        if picture is None or picture.closed:
            self._front.say("the engine does not answer: nothing was done", ok=False)
        elif not picture.may_act:
            self._front.say("read-only viewer: only kill works here", ok=False)
        else:
            await self._verbs[verb](picture.view)

    # ---- risk down: at once

    async def _pause(self, view: View) -> None:
        match = self._match(view)
        if match is None:
            return
        if match.halts:
            lines = [f"Quote {match.title} again?", f"Now: {', '.join(match.halts)}."]
            if await self._yes("Resume", lines, "Resume"):
                await self._send(Resume(match=match.id), f"{match.title} resumed")
            return
        await self._send(Pause(match=match.id), f"{match.title} paused")

    async def _pause_all(self, view: View) -> None:
        if not view.paused:
            await self._send(Pause(), "every match paused")
            return
        lines = [f"Quote all {len(view.matches)} matches again?", f"Paused: {view.paused}."]
        if await self._yes("Resume all", lines, "Resume all"):
            await self._send(Resume(), "every match resumed")

    async def _cancel(self, view: View) -> None:
        match = self._match(view)
        if match is not None:
            await self._send(CancelMatch(match=match.id), f"orders of {match.title} cancelled")

    # ---- risk up, or lost work: after a question

    async def _remove(self, view: View) -> None:
        match = self._match(view)
        if match is None:
            return
        held = f"position {contracts(match.exposure, signed=True)}, {match.orders} orders"
        lines = [f"Forget {match.title}?", f"{held}, P&L {cash(match.pnl.net)}"]
        if await self._yes("Remove match", lines, "Remove"):
            await self._send(RemoveMatch(match=match.id), f"{match.title} removed")

    async def _dry_run(self, view: View) -> None:
        if view.mode not in (Mode.DEMO, Mode.LIVE):
            self._report(await self._engine.set_dry_run(True), "nothing to switch in this mode")
            return
        if not self._engine.welcome.dry_run:
            self._report(await self._engine.set_dry_run(True), "going dry: cancelling live orders first")
            return
        lines = ["Orders will go to the exchange.", f"account {view.account}, {len(view.matches)} matches"]
        if await self._front.answer(Typed("Go live", lines, self._clock, word="LIVE")) is not None:
            self._report(await self._engine.set_dry_run(False, "LIVE"), "going live: a new run begins")

    async def _rearm(self, view: View) -> None:
        if view.kill is None:
            self._front.say("not killed: nothing to re-arm")
            return
        kill = view.kill
        lines = [
            f"{kill.phase.value} by {kill.by}: {kill.at_kill - kill.left} of {kill.at_kill} orders gone."
        ]
        if kill.left or kill.unproven:
            lines.append(f"NOT PROVEN gone: {kill.left}. Re-arming now is on you.")
        typed = await self._front.answer(Typed("Re-arm", lines, self._clock, word="RESUME", reason=True))
        if typed is not None:
            await self._send(Rearm(word=typed[0], reason=typed[1]), "re-armed")

    async def _accept(self, view: View) -> None:
        venue = _mismatched(view)
        if venue is None:
            self._front.say("no venue reports a mismatch")
            return
        name = VENUES[venue.venue]
        lines = [f"Take {name}'s own account of our orders and positions for true?", venue.halt]
        typed = await self._front.answer(Typed(f"Accept {name}", lines, self._clock, reason=True))
        if typed is not None:
            await self._send(AcceptPosition(venue=venue.venue, reason=typed[1]), f"{name}'s account accepted")

    # ---- forms

    async def _add(self, view: View) -> None:
        found = await self._front.answer(AddSearch(self._engine, self._clock))
        if found is None:
            return
        spec, odds = (None, ()) if isinstance(found, bool) else (found.spec, found.odds)
        event = await self._front.answer(MatchForm(spec, odds, self._clock))
        if event is None:
            return
        if any(match.id == event.spec.id for match in view.matches):
            lines = [f"{event.spec.title} is there already.", "Replace its facts and settings?"]
            if not await self._yes("Replace match", lines, "Replace"):
                return
        await self._send(event, f"{event.spec.title} added")

    async def _edit(self, view: View) -> None:
        match = self._match(view)
        if match is not None:
            await self._edit_settings(match)

    async def _account(self, _view: View) -> None:
        await self._edit_settings(None)

    async def _edit_settings(self, match: MatchView | None) -> None:
        answer = await self._engine.ask("settings", match.id if match else "")
        if answer.error:
            self._front.say(answer.error, ok=False)
            return
        changes = await self._front.answer(EditForm(match, answer.settings, self._clock))
        for change in changes or ():
            done = "odds set" if isinstance(change, SetTheo) else f"{change.key} = {change.value}"
            if not await self._send(change, done):
                return  # the rest may lean on what was refused

    # ---- sending

    def _match(self, view: View) -> MatchView | None:
        wanted = self._front.chosen_match()
        match = next((match for match in view.matches if match.id == wanted), None)
        if match is None:
            self._front.say("no match selected", ok=False)
        return match

    async def _yes(self, title: str, lines: list[str], yes: str) -> bool:
        return await self._front.answer(yes_no(title, lines, yes, self._clock)) is True

    async def _send(self, event: OperatorEvent, done: str) -> bool:
        ack = await self._engine.operate(event)
        self._report(ack, done)
        return ack.ok

    def _report(self, ack: Ack, done: str) -> None:
        self._front.say(ack.text or (done if ack.ok else "refused"), ack.ok)


def _mismatched(view: View) -> VenueView | None:
    return next((venue for venue in view.venues if "MISMATCH" in venue.halt.upper()), None)
