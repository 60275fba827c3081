"""Order groups: the venue's own backstop, which cancels all our quotes when too much fills at once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from msgspec import Struct

from console.core.units import ONE
from console.venues.base.protocol import Unanswered
from console.venues.kalshi.errors import GroupShut
from console.venues.kalshi.private import GroupNews
from console.venues.kalshi.wire import UNREADABLE

GROUPS: Final = "/portfolio/order_groups"
WINDOW_S: Final = 15.0  # the venue counts what filled within so long
PAUSE_S: Final = 60.0  # how long a group stays shut that fired by more than we know of

Write = Callable[[str, str, bytes], Awaitable[bytes]]


class _Create(Struct, frozen=True):
    contracts_limit_fp: str
    exchange_index: int


class _Created(Struct, frozen=True):
    order_group_id: str


def render_group(contracts: int, shard: int) -> bytes:
    """The body that makes a group: so many contracts may fill within any 15 seconds."""
    return msgspec.json.encode(_Create(f"{contracts}.00", shard))


def parse_group(body: bytes) -> str:
    """The id of a group just made; raises Unanswered when it cannot be read."""
    try:
        return msgspec.json.decode(body, type=_Created).order_group_id
    except UNREADABLE as error:
        raise Unanswered(f"order group: the answer cannot be read: {error}") from error


class Groups:
    """One group a shard, made before the first order there. `contracts` 0: none."""

    def __init__(self, contracts: int, write: Write) -> None:
        self.contracts = contracts
        self._write = write
        self._ids: dict[int, str] = {}
        self._making = asyncio.Lock()
        self._filled: dict[int, deque[tuple[float, int]]] = {}  # when and how much, of the last windows
        self._fired: dict[int, float] = {}

    def of(self, shard: int) -> str:
        """The group new orders on a shard join; empty without one."""
        return self._ids.get(shard, "")

    async def ready(self, shard: int) -> None:
        """Make the group of a shard unless there is one; raises Refused and Unanswered."""
        if not self.contracts:
            return
        async with self._making:
            if shard not in self._ids:
                body = await self._write("POST", f"{GROUPS}/create", render_group(self.contracts, shard))
                self._ids[shard] = parse_group(body)

    def triggered(self, news: GroupNews) -> int | None:
        """The shard whose group fired, None when this is not it."""
        shard = self._shard(news.group) if news.what == "triggered" else None
        if shard is not None:
            self._fired[shard] = time.monotonic()
        return shard

    def filled(self, shard: int | None, size: int) -> None:
        """So much of our orders in the group of a shard filled."""
        if self.contracts and shard is not None:
            fills, now = self._filled.setdefault(shard, deque()), time.monotonic()
            fills.append((now, size))
            while fills[0][0] < now - 2 * WINDOW_S:
                fills.popleft()

    def shut_s(self, shard: int) -> float:
        """How much longer a group that fired stays shut: 0 when our fills around then reach its limit."""
        fired = self._fired.get(shard, time.monotonic() - PAUSE_S)
        sizes = (size for at, size in self._filled.get(shard, ()) if abs(at - fired) <= WINDOW_S)
        return 0.0 if sum(sizes) >= self.contracts * ONE else max(0.0, fired + PAUSE_S - time.monotonic())

    def lost(self, news: GroupNews) -> int | None:
        """The shard whose group somebody deleted; it is forgotten, to be made anew."""
        shard = self._shard(news.group) if news.what == "deleted" else None
        if shard is not None:
            del self._ids[shard]
        return shard

    async def mend(self, shard: int) -> None:
        """Let a group that fired take orders again, or make one in place of one that is gone.

        Raises Refused and Unanswered.
        """
        try:
            if shard in self._ids:
                await self._write("PUT", f"{GROUPS}/{self._ids[shard]}/reset?exchange_index={shard}", b"")
        except GroupShut:
            self._ids.pop(shard, None)  # unless its end was told meanwhile
        await self.ready(shard)

    def _shard(self, group: str) -> int | None:
        return next((shard for shard, known in self._ids.items() if known == group), None)
