"""What an ended run left in its journal, brought back to one checkpoint for the next run to start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from console.core.checkpoint import decode, encode
from console.core.commands import AnyCommand, Refuse
from console.core.engine import Engine
from console.core.events import AnyEvent, Event, Resume, Started


def recover(started: Started, records: Iterable[AnyEvent | AnyCommand]) -> bytes:
    """Replay the account records of a run after its last checkpoint, and encode what they come to.

    `started` is the first event of that run, with the last checkpoint in it if one was written; `records`
    are the events and commands after that, in order, market data left out. Nothing is decided anew:
    commands that the replay leads to are dropped, orders that were sent are remembered. Cancels need no
    memory: the next run looks up every order it knows, whatever was asked of it last.
    """
    engine = _begun(started)
    for record in _taken(records):
        if isinstance(record, Started):
            continue
        if isinstance(record, Event):
            engine.on_event(record)
        else:
            engine.remember(record)
    return encode(engine.state)


def _taken(records: Iterable[AnyEvent | AnyCommand]) -> Iterator[AnyEvent | AnyCommand]:
    """The records without the resumes that were refused: whether a loss limit is still breached is told by
    marks and passing settings, which are not among them.
    """
    asked: Resume | None = None
    for record in records:
        if asked is not None and not isinstance(record, Refuse):
            yield asked
        asked = record if isinstance(record, Resume) else None
        if asked is None:
            yield record
    if asked is not None:
        yield asked


def _begun(started: Started) -> Engine:
    """An engine as it was at the last checkpoint, or at the beginning if the run wrote none of its own."""
    kept = decode(started.checkpoint) if started.checkpoint else None
    own = kept is not None and started.run_id in kept.runs
    if kept is not None and own:
        latches = {"latched": kept.killed, "latched_venues": kept.killed_venues}  # as they were by then
        started = msgspec.structs.replace(started, ts=kept.ts, wall=kept.wall, **latches)
    engine = Engine()
    engine.on_event(started)
    if kept is not None and own:
        engine.state.stopping, engine.state.gated = kept.stopping, kept.gated
    engine.state.recovering = True
    return engine
