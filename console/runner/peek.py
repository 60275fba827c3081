"""Looks at books that no match of ours trades: subscribes for a moment, and leaves no trace of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from console.core.commands import AnyCommand, Subscribe, Unsubscribe
from console.core.events import AnyEvent, BookSnapshot, InstrumentDefined, MarketStatus
from console.core.instruments import Instrument

PATIENCE_S = 4.0

Shown = InstrumentDefined | BookSnapshot | MarketStatus


class Peek:
    """Stands between the venues and the inbox and overhears what was asked to be shown."""

    def __init__(self, put: Callable[[AnyEvent], None], send: Callable[[AnyCommand], None]) -> None:
        self._put = put
        self._send = send
        self._shown: dict[Instrument, dict[type, Shown]] = {}
        self._looking: dict[Instrument, int] = {}
        self._changed = asyncio.Event()

    def put(self, event: AnyEvent) -> None:
        """Pass an event on."""
        if self._looking and isinstance(event, Shown) and event.instrument in self._looking:
            self._shown.setdefault(event.instrument, {})[type(event)] = event
            self._changed.set()
        self._put(event)

    def subscribes(self, instrument: Instrument) -> None:
        """The engine is about to: what it missed while we were looking has to be told again."""
        if instrument in self._looking:
            self._send(Unsubscribe(instrument=instrument))

    async def look(
        self, instruments: Iterable[Instrument], traded: Callable[[Instrument], bool]
    ) -> dict[Instrument, list[Shown]]:
        """Facts and books of symbols, as many as come in time; `traded` ones are the engine's to keep."""
        wanted = list(instruments)
        for instrument in wanted:
            self._looking[instrument] = self._looking.get(instrument, 0) + 1
            if self._looking[instrument] == 1:
                self._send(Subscribe(instrument=instrument))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not all(BookSnapshot in self._shown.get(instrument, {}) for instrument in wanted):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass  # what did not come is not there: the answer says so
        finally:
            found = {instrument: list(self._shown.get(instrument, {}).values()) for instrument in wanted}
            for instrument in wanted:
                self._let_go(instrument, traded)
        return found

    def _let_go(self, instrument: Instrument, traded: Callable[[Instrument], bool]) -> None:
        self._looking[instrument] -= 1
        if self._looking[instrument]:
            return
        del self._looking[instrument]
        self._shown.pop(instrument, None)
        if not traded(instrument):
            self._send(Unsubscribe(instrument=instrument))
