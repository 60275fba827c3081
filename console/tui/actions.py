"""What the acting keys do: risk goes down at once and up after a question; the engine has the last word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from msgspec import Struct

from console.core.events import (
    AcceptPosition,
    AddMatch,
    CancelMatch,
    ConfirmRules,
    Mode,
    OperatorEvent,
    Pause,
    Rearm,
    RemoveMatch,
    Resume,
    SetSetting,
    SetTheo,
)
from console.core.instruments import VoidRule
from console.core.matches import MatchId
from console.core.reasons import Reason
from console.core.rules import pair_hash
from console.core.view import ListingView, MatchView, VenueView, View
from console.link.messages import Ack, SettingView, SymbolView
from console.tui.clock import Clock
from console.tui.dialogs.add import AddSearch
from console.tui.dialogs.confirm import Typed, yes_no
from console.tui.dialogs.dialog import Dialog
from console.tui.dialogs.edit_form import EditForm
from console.tui.dialogs.flatten import FlattenForm
from console.tui.dialogs.inventory_form import InventoryForm
from console.tui.dialogs.match_form import MatchForm
from console.tui.dialogs.preview import Preview
from console.tui.engine import Engine
from console.tui.format import cash, contracts
from console.tui.picture import Picture
from console.tui.words import VENUES

T = TypeVar("T")

UNDO_MAX = 50
_VOID = {
    VoidRule.FAIR: "a fair price when the match is void",
    VoidRule.HALF: "an equal share for every outcome when it is void",
    VoidRule.DRAW: "a win of the draw when it is void",
    VoidRule.REFUND: "the stake back when it is void",
    None: "not told yet",
}


class Front(Protocol):
    """What the actions need of the screen."""

    @property
    def picture(self) -> Picture | None:
        """What the operator sees now."""

    def chosen_match(self) -> MatchId | None:
        """The match the operator means."""

    def watch_match(self, match: MatchId) -> None:
        """Let the close-up follow a match."""

    async def answer(self, dialog: Dialog[T]) -> T | None:
        """Show a dialog and wait for its answer."""

    def say(self, text: str, ok: bool = True) -> None:
        """Show one line for a moment."""


class Change(Struct, frozen=True):
    """A setting that was changed from here, to be taken back; of the account when `match` is empty."""

    match: MatchId
    title: str
    key: str
    was: str
    now: str


class Operator:
    """The verbs, by the names the keys use."""

    def __init__(self, engine: Engine, front: Front, clock: Clock) -> None:
        self._engine = engine
        self._front = front
        self._clock = clock
        self._changes: list[Change] = []
        self._verbs: dict[str, Callable[[View], Awaitable[None]]] = {
            "add": self._add,
            "edit": self._edit,
            "account": self._account,
            "undo": self._undo,
            "pause": self._pause,
            "pause_all": self._pause_all,
            "cancel": self._cancel,
            "flatten": self._flatten,
            "remove": self._remove,
            "dry_run": self._dry_run,
            "rearm": self._rearm,
            "accept": self._accept,
            "inventory": self._inventory,
            "rules": self._rules,
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

    async def _flatten(self, _view: View) -> None:
        match = self._watched()
        if match is None:
            return
        picture = self._front.picture
        assert picture is not None, "a match is chosen from a picture"
        event = await self._front.answer(FlattenForm(picture, match, self._clock))
        if event is not None:
            await self._send(event, f"flattening {match.title}")

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
        reducing = any(match.reason is Reason.REDUCE_ONLY for match in view.matches)
        if view.kill is None and not reducing:
            self._front.say("not killed: nothing to re-arm")
            return
        lines = ["Re-armed to reduce only; now for all quoting?"]
        if view.kill is not None:
            kill = view.kill
            gone = f"{kill.at_kill - kill.left} of {kill.at_kill} orders gone"
            lines = [f"{kill.phase.value} by {kill.by}: {gone}."]
            if kill.left or kill.unproven:
                lines.append(f"NOT PROVEN gone: {kill.left}. Re-arming now is on you.")
        options = ["quote everything again", "reduce only: nothing is quoted, F may flatten"]
        dialog = Typed("Re-arm", lines, self._clock, word="RESUME", reason=True, options=options)
        meant = await self._front.answer(dialog)
        if meant is not None:
            event = Rearm(word=meant.word, reason=meant.reason, reduce_only=meant.choice == 1)
            await self._send(event, "re-armed to reduce only" if meant.choice else "re-armed")

    async def _accept(self, view: View) -> None:
        venues = _mismatched(view)
        if not venues:
            self._front.say("no venue reports a mismatch")
            return
        lines = ["Take the venue's own account of our orders and positions for true?"]
        options = [f"{VENUES[venue.venue]}: {venue.halt}" for venue in venues]
        meant = await self._front.answer(
            Typed("Accept a mismatch", lines, self._clock, reason=True, options=options)
        )
        if meant is not None:
            venue = venues[meant.choice].venue
            await self._send(
                AcceptPosition(venue=venue, reason=meant.reason), f"{VENUES[venue]}'s account accepted"
            )

    async def _inventory(self, _view: View) -> None:
        match = self._watched()
        picture = self._front.picture
        if match is None or picture is None:
            return
        event = await self._front.answer(InventoryForm(picture, match, self._clock))
        if event is not None:
            await self._send(event, f"inventory of {match.title} overridden")

    async def _rules(self, view: View) -> None:
        match = self._watched()
        if match is None:
            return
        if len(match.venues) < 2:
            self._front.say(f"{match.title} is on one venue: its positions net already")
            return
        listings = view.listings if view.watched == match.id else ()
        if not listings:
            self._front.say("its close-up has not come yet: press V again", ok=False)
            return
        if view.rules_confirmed:
            self._front.say(f"the rules of {match.title} are confirmed already")
            return
        lines = ["Read the settlement rules of every venue first. Do they agree?", *_rules_of(listings)]
        told = _told_rules(listings)
        if told:
            lines.append(f"together: {told[:12]}")
        lines.append("Then positions of all venues net; only while nothing is held.")
        meant = await self._front.answer(
            Typed(f"Rules of {match.title}", lines, self._clock, word="AGREE", reason=True)
        )
        if meant is not None:
            event = ConfirmRules(match=match.id, rules_hash=_rules_hash(listings, meant.reason))
            await self._send(event, f"rules of {match.title} confirmed")

    # ---- forms

    async def _add(self, view: View) -> None:
        found = await self._front.answer(AddSearch(self._engine, self._clock))
        if found is None:
            return
        event = await self._form(None) if isinstance(found, bool) else await self._preview(found)
        if event is None:
            return
        if any(match.id == event.spec.id for match in view.matches):
            lines = [f"{event.spec.title} is there already.", "Replace its facts and settings?"]
            if not await self._yes("Replace match", lines, "Replace"):
                return
        if await self._send(event, f"{event.spec.title} added: it warms up, then quotes"):
            self._front.watch_match(event.spec.id)

    async def _preview(self, found: SymbolView) -> AddMatch | None:
        picture = self._front.picture
        if picture is None:
            return None
        answer = await self._front.answer(Preview(self._engine, found, picture, self._clock))
        return await self._form(found) if isinstance(answer, str) else answer

    async def _form(self, found: SymbolView | None) -> AddMatch | None:
        spec, odds = (found.spec, found.odds) if found is not None else (None, ())
        return await self._front.answer(MatchForm(spec, odds, self._engine.welcome.profiles, self._clock))

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
        before = {setting.key: setting for setting in answer.settings}
        changes = await self._front.answer(EditForm(match, answer.settings, self._clock))
        for change in changes or ():
            done = "odds set" if isinstance(change, SetTheo) else f"{change.key} = {change.value}"
            if not await self._send(change, done):
                return  # the rest may lean on what was refused
            if isinstance(change, SetSetting):
                self._remember(change, before[change.key], match.title if match else "the account")

    def _remember(self, change: SetSetting, before: SettingView, title: str) -> None:
        self._changes.append(Change(change.match, title, change.key, before.value, change.value))
        del self._changes[:-UNDO_MAX]

    async def _undo(self, _view: View) -> None:
        if not self._changes:
            self._front.say("no setting was changed from here")
            return
        last = self._changes[-1]
        lines = [f"{last.key} of {last.title}: {last.was} was changed to {last.now}.", f"Back to {last.was}?"]
        if await self._yes("Undo", lines, "Undo"):
            event = SetSetting(key=last.key, value=last.was, match=last.match, why="undo")
            if await self._send(event, f"{last.key} = {last.was} again"):
                self._changes.remove(last)

    # ---- sending

    def _match(self, view: View) -> MatchView | None:
        wanted = self._front.chosen_match()
        match = next((match for match in view.matches if match.id == wanted), None)
        if match is None:
            self._front.say("no match selected", ok=False)
        return match

    def _watched(self) -> MatchView | None:
        """The match that is meant, its books and holdings on their way."""
        picture = self._front.picture
        match = self._match(picture.view) if picture is not None else None
        if match is not None:
            self._front.watch_match(match.id)
        return match

    async def _yes(self, title: str, lines: list[str], yes: str) -> bool:
        return await self._front.answer(yes_no(title, lines, yes, self._clock)) is True

    async def _send(self, event: OperatorEvent, done: str) -> bool:
        ack = await self._engine.operate(event)
        self._report(ack, done)
        return ack.ok

    def _report(self, ack: Ack, done: str) -> None:
        self._front.say(ack.text or (done if ack.ok else "refused"), ack.ok)


def _mismatched(view: View) -> list[VenueView]:
    return [venue for venue in view.venues if "MISMATCH" in venue.halt.upper()]


def _rules_of(listings: tuple[ListingView, ...]) -> list[str]:
    """One line for every venue: what it pays when the match is void, and its rules' fingerprint."""
    lines = {}
    for listing in listings:
        print_ = f", rules {listing.rules_hash[:12]}" if listing.rules_hash else ""
        lines[listing.instrument.venue] = (
            f"{VENUES[listing.instrument.venue]}: {_VOID[listing.void_rule]}{print_}"
        )
    return list(lines.values())


def _told_rules(listings: tuple[ListingView, ...]) -> str:
    """The fingerprint of every venue's rules together; empty while one has not told its own."""
    return pair_hash({listing.instrument: listing.rules_hash for listing in listings})


def _rules_hash(listings: tuple[ListingView, ...], reason: str) -> str:
    """What was confirmed: the fingerprint of all rules (while some are not told, those that are), and the
    operator's own words.
    """
    told = _told_rules(listings)
    prints = dict.fromkeys(listing.rules_hash[:16] for listing in listings if listing.rules_hash)
    if told:
        return f"{told}+{reason}"
    return "+".join((*prints, reason))
