"""Starting a process of ours that outlives its parent, its terminal and its session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path


def spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start one of our own commands in a session of its own; what it says goes to a log of ours."""
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        return subprocess.Popen(  # noqa: S603 our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
