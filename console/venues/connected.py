"""Venues and feeds together, as the one source an engine process trades on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    KeepAlive,
    Latch,
    Lookup,
    PlaceOrder,
    Reconcile,
    Refuse,
    Resync,
    Subscribe,
    Unsubscribe,
    UnwatchOdds,
    WatchOdds,
)
from console.core.events import FeedStatus
from console.core.instruments import Venue
from console.link.messages import SymbolView
from console.venues.base.protocol import FeedClient, LookupFailed, Put, VenueClient

CLOSE_S = 2.0
AGAIN_S = 5.0  # before a feed that broke is begun again


class Connected:
    """Routes commands to the client they concern and merges what all of them say."""

    def __init__(self, venues: Sequence[VenueClient], feeds: Sequence[FeedClient]) -> None:
        self._clients = {client.venue: client for client in venues}
        self._feeds = tuple(feeds)
        self._running: set[asyncio.Task[None]] = set()

    @property
    def venues(self) -> tuple[Venue, ...]:
        """The venues it connects to."""
        return tuple(self._clients)

    async def run(self, put: Put) -> None:
        """Run every client until cancelled.

        A feed that breaks is begun again, its odds age meanwhile. A venue's client that breaks ends this
        with its error, but not the others, and is itself begun again: the emergency sweep that follows
        needs all of them.
        """
        for venue, client in self._clients.items():
            self._running.add(asyncio.create_task(client.run(put), name=venue.value))
        for feed in self._feeds:
            self._running.add(asyncio.create_task(_for_ever(feed, put), name=feed.name))
        try:
            done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self.close()
            raise
        for task in done:
            self._begin_again(task, put)
        await next(iter(done))  # raises what broke

    def _begin_again(self, task: asyncio.Task[None], put: Put) -> None:
        self._running.discard(task)
        client = next((c for venue, c in self._clients.items() if venue.value == task.get_name()), None)
        if client is not None:
            self._running.add(asyncio.create_task(client.run(put), name=task.get_name()))

    async def close(self) -> None:
        """End every client."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSE_S)

    def send(self, command: AnyCommand) -> None:
        """Pass a command on."""
        match command:
            case (
                PlaceOrder()
                | AmendOrder()
                | CancelOrder()
                | Lookup()
                | Resync()
                | Subscribe()
                | Unsubscribe()
            ):
                self._clients[command.instrument.venue].send(command)
            case CancelAll() | Reconcile() | KeepAlive():
                self._clients[command.venue].send(command)
            case WatchOdds() | UnwatchOdds():
                for feed in self._feeds:
                    feed.send(command)
            case Latch() | Alert() | Refuse():
                pass

    async def find(self, text: str) -> tuple[SymbolView, ...]:
        """What any venue lists; raises LookupFailed when none of them could be asked."""
        found: list[SymbolView] = []
        failures: list[str] = []
        answers = await asyncio.gather(
            *(client.find(text) for client in self._clients.values()), return_exceptions=True
        )
        for venue, answer in zip(self._clients, answers, strict=True):
            if isinstance(answer, LookupFailed):
                failures.append(f"{venue.value}: {answer}")
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer
        if failures and not found:
            raise LookupFailed("; ".join(failures))
        return tuple(found)


async def _for_ever(feed: FeedClient, put: Put) -> None:
    """Run a feed; when it breaks, say so and begin again."""
    while True:
        task = asyncio.create_task(feed.run(put), name=feed.name)
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            raise
        error = task.exception()
        why = f"broke: {type(error).__name__}" if error is not None else "ended"
        put(FeedStatus(feed=feed.name, up=False, why=why))
        await asyncio.sleep(AGAIN_S)
