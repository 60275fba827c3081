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
from console.core.instruments import Venue
from console.link.messages import SymbolView
from console.venues.base.protocol import FeedClient, LookupFailed, Picker, Put, VenueClient


class Connected:
    """Routes commands to the client they concern and merges what all of them say."""

    def __init__(
        self,
        venues: Sequence[VenueClient],
        feeds: Sequence[FeedClient],
        pickers: Sequence[Picker] = (),
    ) -> None:
        self._clients = {client.venue: client for client in venues}
        self._feeds = tuple(feeds)
        self._pickers = tuple(pickers)

    @property
    def venues(self) -> tuple[Venue, ...]:
        """The venues it connects to."""
        return tuple(self._clients)

    async def run(self, put: Put) -> None:
        """Run every client until cancelled; one that breaks ends the run."""
        async with asyncio.TaskGroup() as group:
            for client in self._clients.values():
                group.create_task(client.run(put))
            for beside in (*self._feeds, *self._pickers):
                group.create_task(beside.run(put))

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
