"""`mmconsole kill`: the latch, the engine's own kill or a sweep without one, and the wait for the proof."""

from __future__ import annotations

import asyncio
import time

import msgspec

from console.core.events import Kill, Mode
from console.core.instruments import Venue
from console.core.view import KillPhase, View
from console.folders import KillLatch, Lock, LockedError
from console.keys import KeyMissing
from console.launch.engine import source_of
from console.launch.place import LaunchError, Place
from console.link.client import LinkClient, LinkError
from console.link.messages import Role
from console.runner.source import Source
from console.runner.sweep import Sweep

PATIENCE_S = 20.0
SWEEP_PATIENCE_S = 60.0
EXIT_UNPROVEN = 74


def kill(place: Place, venue: Venue | None = None) -> int:
    """Engage the latch, have everything cancelled, and wait until that is proven.

    By the engine when one answers. Else from here, by connections of our own: with the lock of the engine
    when none runs, and without it when one hangs, since cancelling can do no harm beside it.
    """
    latch = KillLatch(place.folder, venue.value if venue is not None else "")
    latch.write("mmconsole kill")
    latch.close()
    try:
        return asyncio.run(_by_engine(place, venue))
    except LinkError as error:
        print(f"{error}; the kill latch is engaged: nothing leaves until it is re-armed")
    lock = _lock(place)
    if lock is None and place.config.mode in (Mode.SIM, Mode.REPLAY, Mode.PAPER):
        print("an engine runs but does not answer; its venues live inside it: end it with kill -9")
        return EXIT_UNPROVEN
    try:
        return asyncio.run(_by_hand(place, venue))
    finally:
        if lock is not None:
            lock.release()


def venue_of(name: str | None) -> Venue | None:
    """The venue a person named; raises LaunchError."""
    try:
        return None if name is None else Venue(name)
    except ValueError:
        known = ", ".join(venue.value for venue in Venue)
        raise LaunchError(f"venue {name!r} is not one of {known}") from None


def _lock(place: Place) -> Lock | None:
    try:
        return Lock(place.folder)
    except LockedError:
        return None


# ---- by the engine


async def _by_engine(place: Place, venue: Venue | None) -> int:
    client = LinkClient(place.socket, Role.COMMAND, ())
    await client.attach()
    try:
        async with asyncio.timeout(PATIENCE_S):
            ack = await client.operate(Kill(by="mmconsole kill", venue=venue))
            if not ack.ok:
                print(f"refused: {ack.text}")
                return EXIT_UNPROVEN
            print("killing")
            await _proof(client, venue)
    except TimeoutError:
        kill = client.view.kill if client.view is not None else None
        silent = ", ".join(one.value for one in kill.unproven) if kill is not None else ""
        print(f"KILL INCOMPLETE: not proven empty: {silent or 'see the console'}")
        return EXIT_UNPROVEN
    finally:
        await client.close()
    return 0


async def _proof(client: LinkClient, venue: Venue | None) -> None:
    """Wait until what was killed has proven itself empty, and show the count falling."""
    said = -1
    while True:
        left, proven = _standing(client.view, venue)
        if left is not None and left != said:
            print(f"{left} orders not proven gone")
            said = left
        if proven:
            print(f"KILLED: {venue.value if venue else 'every venue'} has proven that nothing rests")
            return
        if client.closed:
            raise LinkError(client.closed)
        await asyncio.sleep(0.1)


def _standing(view: View | None, venue: Venue | None) -> tuple[int | None, bool]:
    """Orders left and whether the proof is there."""
    if view is None:
        return None, False
    if venue is None:
        killed = view.kill
        return (None, False) if killed is None else (killed.left, killed.phase is KillPhase.KILLED)
    found = next((v for v in view.venues if v.venue is venue), None)
    return (None, False) if found is None else (found.orders, bool(found.killed) and found.proven)


# ---- without one


async def _by_hand(place: Place, venue: Venue | None) -> int:
    """Connect, cancel by account, and repeat until every list is empty twice."""
    real = msgspec.structs.replace(place.config, dry_run=False)
    try:
        source = source_of(real, place.folder, place.folder)
    except KeyMissing as error:
        print(f"nothing of ours can rest: no order ever left without this key ({error})")
        return 0
    venues = [one for one in source.venues if venue in (None, one)]
    if not venues:
        raise LaunchError(f"kill: {venue.value if venue else 'no venue'} is not configured")
    begun = time.monotonic()
    left = await _swept(source, venues)
    for one in venues:
        state = "NOT PROVEN EMPTY" if one in left else "nothing rests, proven by two empty lists"
        print(f"{one.value}: {state}")
    print(f"{'KILL INCOMPLETE' if left else 'KILLED'} after {time.monotonic() - begun:.1f} s")
    return EXIT_UNPROVEN if left else 0


async def _swept(source: Source, venues: list[Venue]) -> list[Venue]:
    def moved(venue: Venue, orders: int) -> None:
        print(f"{venue.value}: {orders} orders rest")

    sweep = Sweep(venues, source.send, moved)
    running = asyncio.create_task(source.run(sweep.take))
    running.add_done_callback(_broke)
    left = await sweep.run(SWEEP_PATIENCE_S)
    running.cancel()
    await asyncio.wait((running,))
    await source.close()
    return left


def _broke(running: asyncio.Task[None]) -> None:
    """A venue's client broke: it is begun again by itself, the sweep goes on."""
    error = None if running.cancelled() else running.exception()
    if error is not None:
        print(f"a connection broke: {type(error).__name__}: {error}")
