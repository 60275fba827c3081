"""`mmconsole sandbox NAME`: one local server until interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

from msgspec import Struct

from console.core.complaint import Complaint


class SandboxError(Complaint):
    """A sandbox that cannot be opened as asked."""


class Opening(Struct, frozen=True):
    """How a sandbox is opened: where, on which seed or recording, and with which faults."""

    port: int
    seed: int
    faults: tuple[str, ...]
    recording: str


Serve = Callable[[Opening, Callable[[str], None]], Awaitable[None]]  # serves until cancelled


async def _kalshi(opening: Opening, say: Callable[[str], None]) -> None:
    from console.sandbox.kalshi.server import serve

    await serve(opening, say)


async def _prophetx(opening: Opening, say: Callable[[str], None]) -> None:
    from console.sandbox.prophetx.server import serve

    await serve(opening, say)


SANDBOXES: dict[str, Serve] = {"kalshi": _kalshi, "prophetx": _prophetx}


def run(name: str, opening: Opening) -> int:
    """Serve until interrupted."""
    serve = SANDBOXES.get(name)
    if serve is None:
        raise SandboxError(f"sandbox: {name!r} is not one of {', '.join(SANDBOXES)}")
    asyncio.run(_until_interrupted(serve, opening))
    return 0


async def _until_interrupted(serve: Serve, opening: Opening) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(serve(opening, lambda line: print(line, flush=True)))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving
