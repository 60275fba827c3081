"""`mmconsole kill`: the latch, the engine's own kill, and the wait for its proof."""

from __future__ import annotations

import asyncio
import time

from console.core.events import Kill
from console.core.view import KillPhase
from console.folders import KillLatch, Lock, LockedError
from console.launch.place import Place
from console.link.client import LinkClient, LinkError
from console.link.messages import Role

PATIENCE_S = 20.0
EXIT_UNPROVEN = 74


def kill(place: Place) -> int:
    """Engage the latch, have the engine cancel everything, and wait until that is proven."""
    latch = KillLatch(place.folder)
    latch.write("mmconsole kill")
    latch.close()
    try:
        return asyncio.run(_kill(place))
    except LinkError:
        print("no engine answers; the kill latch is engaged: nothing is sent until it is re-armed")
        return 0 if _nobody_home(place) else EXIT_UNPROVEN


def _nobody_home(place: Place) -> bool:
    try:
        Lock(place.folder).release()
    except LockedError:
        return False
    return True


async def _kill(place: Place) -> int:
    client = LinkClient(place.socket, Role.VIEW, ())
    await client.attach()
    ack = await client.operate(Kill(by="mmconsole kill"))
    print("killing" if ack.ok else f"refused: {ack.text}")
    until = time.monotonic() + PATIENCE_S
    left = -1
    while time.monotonic() < until:
        await asyncio.sleep(0.1)
        killed = client.view.kill if client.view is not None else None
        if killed is not None and killed.left != left:
            left = killed.left
            print(f"{left} of {killed.at_kill} orders not proven gone")
        if killed is not None and killed.phase is KillPhase.KILLED:
            print("KILLED: every venue has proven that nothing rests")
            await client.close()
            return 0
    print("KILL INCOMPLETE: see the console")
    await client.close()
    return EXIT_UNPROVEN
