"""Answers that stay true for days, kept on disk: a restart must not pay for them again."""

from __future__ import annotations

import os
from pathlib import Path

from console.core.units import SECOND, Nanos


class Shelf:
    """A folder of answers by name; how old one is, is when its file was written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def find(self, name: str, now: Nanos, age_max_s: float) -> bytes | None:
        """An answer younger than so many seconds."""
        path = self._path(name)
        try:
            written = path.stat().st_mtime_ns
            return path.read_bytes() if 0 <= now - written < age_max_s * SECOND else None
        except OSError:
            return None

    def keep(self, name: str, body: bytes, now: Nanos) -> None:
        """Keep an answer as of now."""
        path = self._path(name)
        fresh = path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(body)
        os.utime(fresh, ns=(now, now))
        fresh.replace(path)

    def _path(self, name: str) -> Path:
        safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
        return self._folder / f"{safe}.json"
