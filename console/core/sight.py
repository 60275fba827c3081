"""What one evaluation of a match sees of its symbols: books without our own orders, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable

from console.core.book import Face
from console.core.desk import Desk
from console.core.instruments import ASK, BID, Instrument, Venue
from console.core.orders import Blotter
from console.core.reasons import Reason
from console.core.units import Nanos


class Sight:
    """A look at the symbols of a match; good for as long as no book and no order of ours changes."""

    __slots__ = ("_blotter", "_desk", "_faces", "_troubles", "_ts", "_venue_trouble")

    def __init__(
        self, desk: Desk, blotter: Blotter, venue_trouble: Callable[[Venue], Reason | None], ts: Nanos
    ) -> None:
        self._desk = desk
        self._blotter = blotter
        self._venue_trouble = venue_trouble
        self._ts = ts
        self._faces: dict[Instrument, tuple[Face, Face]] = {}
        self._troubles: dict[Instrument, Reason | None] = {}

    def faces(self, instrument: Instrument) -> tuple[Face, Face]:
        """Bids and asks of a symbol (YES leg) that has a book."""
        faces = self._faces.get(instrument)
        if faces is None:
            market, blotter = self._desk.markets[instrument], self._blotter
            faces = self._faces[instrument] = market.face(blotter, BID), market.face(blotter, ASK)
        return faces

    def trouble(self, instrument: Instrument) -> Reason | None:
        """Why nothing may rest on a symbol (YES leg) now; None when it can be quoted."""
        if instrument not in self._troubles:
            desk = self._desk
            self._troubles[instrument] = self._venue_trouble(instrument.venue) or desk.markets[
                instrument
            ].trouble(self._ts, desk.age_max_book_s(), desk.settings.quote_empty)
        return self._troubles[instrument]
