"""What every event is: a fact with the two moments at which it entered the engine."""

from __future__ import annotations

from msgspec import Struct

from console.core.units import Nanos


class Event(Struct, frozen=True, tag=True, omit_defaults=True, gc=False):
    """A fact. `ts`: monotonic nanoseconds; `wall`: nanoseconds since the Unix epoch."""

    ts: Nanos = Nanos(0)
    wall: Nanos = Nanos(0)
