"""Compares text with a file kept beside the tests; UPDATE_GOLDEN=1 writes the file instead."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """The text is what the file `name` says."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text + "\n", encoding="utf-8")
        return
    assert path.exists(), f"no golden {path.name}: run with UPDATE_GOLDEN=1 and look at it"
    assert text + "\n" == path.read_text(encoding="utf-8"), f"{path.name} differs; UPDATE_GOLDEN=1 if meant"


def is_golden(name: str, text: str) -> bool:
    """Whether the text has come to what the file says, or a new file is being made."""
    path = FOLDER / f"{name}.txt"
    updating = os.environ.get("UPDATE_GOLDEN") == "1"
    return updating or not path.exists() or text + "\n" == path.read_text(encoding="utf-8")
