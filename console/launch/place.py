"""Where the engine of a configuration lives, and the commands that find it again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from msgspec import Struct

from console.config.read import Config, find, load
from console.core.complaint import Complaint
from console.folders import socket_path, state_folder

COMMAND = (sys.executable, "-m", "console")


class LaunchError(Complaint):
    """The engine did not start or is not there; the message says what it said."""


class Place(Struct, frozen=True):
    """One engine's home. `start`, `kill` and `watch` are the commands that run it, kill it, look after it."""

    config: Config
    folder: Path
    socket: Path
    start: tuple[str, ...]
    kill: tuple[str, ...]
    watch: tuple[str, ...] = ()


def place_of(config_file: str | None) -> Place:
    """The place of the engine that the settings file names; raises ConfigError and FolderError."""
    path = find(config_file, os.environ)
    config = load(path, os.environ)
    extra = ("--config", str(path.resolve())) if path is not None else ()
    return Place(
        config=config,
        folder=state_folder(os.environ, config.mode, config.account_name),
        socket=socket_path(os.environ, config.mode, config.account_name),
        start=(*COMMAND, "run", "--detached", *extra),
        kill=(*COMMAND, "kill", *extra),
        watch=(*COMMAND, "watch", *extra),
    )
