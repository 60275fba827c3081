"""`mmconsole sandbox NAME`: one local server until interrupted, or several on one world: `NAME,NAME`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct, structs

from console.core.complaint import Complaint
from console.sandbox.odds.card import Card
from console.sim.listings import PROGRAMME, at_polymarket
from console.sim.world import World


class SandboxError(Complaint):
    """A sandbox that cannot be opened as asked."""


class Opening(Struct, frozen=True):
    """How a sandbox is opened: where, on which seed or recording, and with which faults.

    `world` is one that several sandboxes share, so that a feed prices what a venue trades; a venue with
    matches of its own adds them to `cards`.
    """

    port: int
    seed: int
    faults: tuple[str, ...]
    recording: str
    speed: float = 1.0  # of a recording
    world: World | None = None
    cards: list[Card] = msgspec.field(default_factory=list)


Serve = Callable[[Opening, Callable[[str], None]], Awaitable[None]]  # serves until cancelled


async def _kalshi(opening: Opening, say: Callable[[str], None]) -> None:
    from console.sandbox.kalshi.server import serve

    await serve(opening, say)


async def _odds(opening: Opening, say: Callable[[str], None]) -> None:
    from console.sandbox.odds.server import serve

    await serve(opening, say)


async def _polymarket(opening: Opening, say: Callable[[str], None]) -> None:
    from console.sandbox.polymarket.server import serve

    await serve(opening, say)


async def _prophetx(opening: Opening, say: Callable[[str], None]) -> None:
    from console.sandbox.prophetx.server import serve

    await serve(opening, say)


SANDBOXES: dict[str, Serve] = {
    "kalshi": _kalshi,
    "odds": _odds,
    "polymarket": _polymarket,
    "prophetx": _prophetx,
}


def run(name: str, opening: Opening) -> int:
    """Serve until interrupted. Of several, faults are given as NAME:FAULT and ports count up."""
    names = [word.strip() for word in name.split(",") if word.strip()]
    unknown = [word for word in names if word not in SANDBOXES]
    if unknown or not names:
        raise SandboxError(f"sandbox: {name!r} is not one of {', '.join(SANDBOXES)}")
    openings = [opening] if len(names) == 1 else _shared(names, opening)
    asyncio.run(_until_interrupted(names, openings))
    return 0


def _shared(names: list[str], opening: Opening) -> list[Opening]:
    """The same world and cards for all of them, and each its own port and faults."""
    cards: list[Card] = []
    programme = at_polymarket() if "polymarket" in names else PROGRAMME
    world = World(opening.seed, ts=time.monotonic_ns(), wall=time.time_ns(), programme=programme)
    return [
        structs.replace(
            opening,
            world=world,
            cards=cards,
            port=opening.port + number if opening.port else 0,
            faults=tuple(
                fault.removeprefix(f"{name}:") for fault in opening.faults if fault.startswith(f"{name}:")
            ),
        )
        for number, name in enumerate(names)
    ]


async def _until_interrupted(names: list[str], openings: list[Opening]) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.gather(
        *(
            SANDBOXES[name](opening, lambda line: print(line, flush=True))
            for name, opening in zip(names, openings, strict=True)
        )
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
