"""How the operator likes the screen, kept between two sittings in a small file of its own."""

from __future__ import annotations

import contextlib
import enum
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE

AUTO = "auto"  # the theme that suits the terminal


class Odds(enum.Enum):
    """How prices are spelt."""

    CENTS = "cents"
    DECIMAL = "decimal"
    AMERICAN = "american"


class Wire(enum.Enum):
    """How much the line to the terminal is given to carry."""

    AUTO = "auto"  # little while the terminal is slow to answer
    FULL = "full"
    LOW = "low"


class Taste(Struct, frozen=True, kw_only=True):
    """Everything that is a matter of taste; nothing of it touches an order."""

    theme: str = AUTO
    odds: Odds = Odds.CENTS
    wire: Wire = Wire.AUTO
    toured: bool = False


class TasteFile:
    """Reads and writes it; a file that cannot be read or written only costs the comfort."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self) -> Taste:
        """What was kept, else the defaults."""
        if self._path is None:
            return Taste()
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Taste)
        except (OSError, *UNREADABLE):
            return Taste()

    def write(self, taste: Taste) -> None:
        """Keep it, whole or not at all."""
        if self._path is None:
            return
        fresh = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(taste)))
            fresh.replace(self._path)
