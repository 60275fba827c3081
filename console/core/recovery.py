"""What an ended run left in its journal, brought back to one checkpoint for the next run to start from."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from console.core.checkpoint import decode, encode
from console.core.commands import AnyCommand
from console.core.engine import Engine
from console.core.events import AnyEvent, Event, Started


def recover(started: Started, records: Iterable[AnyEvent | AnyCommand]) -> bytes:
    """Replay the account records of a run after its last checkpoint, and encode what they come to.

    `started` is the first event of that run, with the last checkpoint in it if one was written; `records`
    are the events and commands after that, in order, market data left out. Nothing is decided anew:
    commands that the replay leads to are dropped, orders that were sent are remembered. Cancels need no
    memory: the next run looks up every order it knows, whatever was asked of it last.
    """
    engine = Engine()
    begun = False
    for record in records:
        if isinstance(record, Started):
            continue
        if not begun and isinstance(record, Event):
            # Orders of the checkpoint count as placed now, at the earliest: a venue that does not find
            # one so young is not believed, and the next run asks again.
            started = msgspec.structs.replace(started, ts=record.ts, wall=record.wall)
        if not begun:
            _begin(engine, started)
            begun = True
        if isinstance(record, Event):
            engine.on_event(record)
        else:
            engine.remember(record)
    if not begun:
        _begin(engine, started)
    return encode(engine.state)


def _begin(engine: Engine, started: Started) -> None:
    """Start from the checkpoint, under the kill that was in force when it was written."""
    if started.checkpoint:
        started = msgspec.structs.replace(started, latched=decode(started.checkpoint).killed)
    engine.on_event(started)
    engine.state.recovering = True
