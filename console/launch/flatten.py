"""`mmconsole flatten MATCH --floor P`: out of a match by taking liquidity, with or without an engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from console.core.complaint import Complaint
from console.core.events import Flatten, OperatorEvent, Pause, Rearm
from console.core.killing import REARM_WORD
from console.core.matches import MatchId
from console.core.matches import State as Stage
from console.core.settings import MatchSettings, SettingError, parse_setting
from console.core.state import State
from console.core.units import CENT, ONE, Price
from console.core.view import MatchView, View
from console.folders import Lock
from console.launch.engine import run_with
from console.launch.place import Place
from console.link.client import LinkClient, LinkError
from console.link.messages import Role
from console.runner.runner import Runner

POLL_S = 0.1
EXIT_OPEN = 1  # something is still held


class FlattenError(Complaint):
    """A flatten that cannot be asked for like this."""


class Wish(msgspec.Struct, frozen=True):
    """What was typed. `reason` (never empty with `rearm`) lifts the kill latch to reduce only."""

    match: MatchId
    floor: Price
    patience_s: float
    rearm: bool = False
    reason: str = ""


def wish_of(match: str, floor: str, patience_s: float, rearm: str | None) -> Wish:
    """Read what was typed; raises FlattenError."""
    try:
        price = parse_setting(MatchSettings, "price_min", floor)
    except SettingError:
        raise FlattenError(f"flatten: floor: {floor!r} is no price in cents, for example 42") from None
    assert isinstance(price, int), "a price is a number"
    if not 0 < price < ONE:
        raise FlattenError("flatten: the floor is a price between 0 and 100 cents")
    if rearm is not None and not rearm.strip():
        raise FlattenError(
            "flatten: --reduce-only needs a reason: it lifts the kill latch, and is journalled"
        )
    return Wish(MatchId(match), Price(price), patience_s, rearm is not None, rearm or "")


def flatten(place: Place, wish: Wish) -> int:
    """Get out of a match; status 0 when nothing is held any more, 1 when something is."""
    print(f"flattening {wish.match}: nothing is sold below {wish.floor / CENT:g}¢")
    try:
        return asyncio.run(_by_engine(place, wish))
    except LinkError:
        print("no engine answers: connecting from here")
    lock = Lock(place.folder)
    try:
        return run_with(place, first=[Pause()], errand=lambda run: _errand(run, wish))
    finally:
        lock.release()


# ---- by the engine


async def _by_engine(place: Place, wish: Wish) -> int:
    client = LinkClient(place.socket, Role.COMMAND, ())
    await client.attach()
    try:
        for event in _asked(wish):
            ack = await client.operate(event)
            if not ack.ok:
                print(f"refused: {ack.text}")
                return EXIT_OPEN
        return await _watched(client, wish, client.view)
    finally:
        await client.close()


def _asked(wish: Wish) -> list[OperatorEvent]:
    rearm = Rearm(word=REARM_WORD, reason=wish.reason, reduce_only=True)
    return [*([rearm] if wish.rearm else []), Flatten(match=wish.match, floor=wish.floor)]


async def _watched(client: LinkClient, wish: Wish, before: View | None) -> int:
    """Show the position shrink until the flatten is over or patience is; views of `before` say nothing."""
    told, why, until = "", "", time.monotonic() + wish.patience_s
    while time.monotonic() < until:
        if client.closed:
            raise LinkError(client.closed)
        shown = _shown(client.view, wish.match) if client.view is not before else None
        if shown is not None:
            told, why = _say(told, _held(shown)), f": {shown.limit}" if shown.limit else ""
            if shown.state is Stage.DONE:
                print("flattened")
                return 0
            if shown.state is not Stage.FLATTENING:
                print(f"not flat: the match is {shown.state.value}")
                return EXIT_OPEN
        await asyncio.sleep(POLL_S)
    print(f"not flat after {wish.patience_s:g} s{why}; the engine goes on, and pausing the match ends it")
    return EXIT_OPEN


def _shown(view: View | None, match: MatchId) -> MatchView | None:
    return None if view is None else next((row for row in view.matches if row.id == match), None)


def _held(row: MatchView) -> str:
    return ", ".join(f"{one.position / ONE:+g} {one.name}" for one in row.outcomes)


def _say(before: str, now: str) -> str:
    if now != before:
        print(f"held: {now}")
    return now


# ---- without one


async def _errand(run: Runner, wish: Wish) -> int:
    """In an engine of our own, in which everything else is paused."""
    until = time.monotonic() + wish.patience_s
    if wish.match not in run.state.desks:
        print(f"{wish.match}: no such match in the records of this account")
        return EXIT_OPEN
    if wish.rearm and await _refused(run, _asked(wish)[0]):
        return EXIT_OPEN
    if run.state.kill is not None:
        print("the kill latch is engaged: --reduce-only REASON lifts it for getting out only")
        return EXIT_OPEN
    await _until(lambda: _ready(run.state, wish.match), until)
    if await _refused(run, _asked(wish)[-1]):
        return EXIT_OPEN
    desk = run.state.desks[wish.match]
    await _until(lambda: desk.flattening is None, until)
    if desk.stage is Stage.DONE:
        print("flattened")
        return 0
    rest = desk.limit or "nobody took the rest in time"
    print("not flat: " + (desk.paused if desk.flattening is None else rest))
    return EXIT_OPEN


async def _refused(run: Runner, event: OperatorEvent) -> bool:
    refusal = await run.tell(event)
    if refusal:
        print(f"refused: {refusal}")
    return bool(refusal)


def _ready(state: State, match: MatchId) -> bool:
    """The venues agree with our records and show their books."""
    desk = state.desks[match]
    return not state.gated and all(
        state.connections[venue].trouble(state.settings, state.ts) is None for venue in desk.venues
    )


async def _until(condition: Callable[[], bool], until: float) -> None:
    while True:
        if condition() or time.monotonic() > until:
            return
        await asyncio.sleep(POLL_S)
