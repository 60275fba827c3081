"""A recording played to the console: an engine process on a tape, and a console attached to it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from console.backtest.command import ACCOUNT, probability
from console.backtest.pace import Playing, Tempo, parse_speed
from console.backtest.replay import overridden, pinned_odds
from console.backtest.tape import Tape
from console.config.read import load
from console.core.events import Mode, OnConsoleLost
from console.core.odds import parse_odds
from console.folders import Lock, socket_path, state_folder
from console.launch.engine import new_run_id, run_once
from console.launch.place import COMMAND, LaunchError, Place
from console.launch.screen import answers, show, start_engine
from console.link.messages import Role
from console.runner.runner import Beginning


class Showing(Struct, frozen=True):
    """What to play and how, as a person typed it."""

    files: tuple[str, ...]
    theo: str | None
    odds: tuple[str, ...]
    speed: str
    settings: tuple[str, ...]

    def arguments(self) -> tuple[str, ...]:
        """The same on a command line, from any folder."""
        theo = ("--theo", self.theo) if self.theo is not None else ()
        odds = ("--odds", *self.odds) if self.odds else ()
        settings = tuple(word for text in self.settings for word in ("--set", text))
        files = tuple(str(Path(name).resolve()) for name in self.files)
        return ("--speed", self.speed, *theo, *odds, *settings, "--", *files)


def show_replay(showing: Showing, mouse: bool) -> int:
    """Play a recording to a console on this terminal; the engine ends with it."""
    parse_speed(showing.speed)
    _tape(showing)  # whatever is wrong with it is said here
    place = replay_place(showing)
    if answers(place.socket):
        raise LaunchError("replay: one is playing already; quit it, or `mmconsole kill --replay` ends it")
    start_engine(place)
    return show(place, Role.CONTROL, mouse)


def play_engine(showing: Showing) -> int:
    """Run the engine of a replay in this process until it ends."""
    place = replay_place(showing)
    lock = Lock(place.folder)
    tape = _tape(showing)
    tempo = Tempo(tape.began, parse_speed(showing.speed))
    beginning = Beginning(
        run_id=new_run_id(),
        folder=place.folder,
        journals=place.folder / "journal",
        socket=place.socket,
        checkpoint=b"",  # every replay begins with nothing
        first=[],
        keep_without_console=False,
    )
    status, _ = run_once(place.config, beginning, Playing(tape, tempo), tempo)
    lock.release()
    return status


def replay_place(showing: Showing | None) -> Place:
    """Where replays live: one at a time, stopped when nobody looks, touching no settings file."""
    _, account = overridden(showing.settings if showing is not None else ())
    config = msgspec.structs.replace(
        load(None, {}),
        mode=Mode.REPLAY,
        account_name=ACCOUNT,
        on_console_lost=OnConsoleLost.STOP,
        account=account,
    )
    arguments = showing.arguments() if showing is not None else ()
    return Place(
        config=config,
        folder=state_folder(os.environ, Mode.REPLAY, ACCOUNT),
        socket=socket_path(os.environ, Mode.REPLAY, ACCOUNT),
        start=(*COMMAND, "replay", "--detached", *arguments),
        kill=(*COMMAND, "kill", "--replay"),
    )


def _tape(showing: Showing) -> Tape:
    match, _ = overridden(showing.settings)
    odds, _ = pinned_odds(probability(showing.theo), [parse_odds(text) for text in showing.odds])
    return Tape([Path(name) for name in showing.files], match, odds=odds)
