"""What engine and console say to each other: MessagePack frames, each led by its length in four bytes.

A console opens the socket twice: once to see and operate, once for kill alone, so that the kill key
needs nothing but a write on a socket that is already connected.
"""

from __future__ import annotations

import enum

from msgspec import Struct

from console.core.events import Mode, OnConsoleLost, OperatorEvent
from console.core.instruments import Instrument
from console.core.matches import MatchId, MatchSpec
from console.core.settings import MatchSettings
from console.core.view import FillView, LogLine, View

PROTOCOL = 2  # raised when a frame changes its meaning; both ends must agree


class Role(enum.Enum):
    """What a connection may do: anyone may kill; one at a time may control.

    A COMMAND is one call of `mmconsole` that sees views and may get out of positions beside a console.
    """

    CONTROL = "control"
    VIEW = "view"
    KILL = "kill"
    COMMAND = "command"


class Message(Struct, frozen=True, tag=True, kw_only=True):
    """A frame."""


# ---- console to engine


class Hello(Message, frozen=True):
    """First frame of a connection."""

    protocol: int
    role: Role
    pid: int


class Heartbeat(Message, frozen=True):
    """Sent every second by a console; `terminal_age_ms` is how long its terminal has not answered."""

    terminal_age_ms: int


class Watch(Message, frozen=True):
    """Which match's ladder and sources the views shall carry."""

    match: MatchId


class Operate(Message, frozen=True):
    """An operator event; answered by `Ack` with the same number."""

    request: int
    event: OperatorEvent


class Ask(Message, frozen=True):
    """A question that touches no order; answered by `Answer` with the same number.

    `what` is one of: `symbols` (argument: a ticker, an address or words), `settings` (a match id, or empty
    for the account's), `would_quote` (an `AddMatch` as JSON), `fills` and `log` (words that must occur).
    """

    request: int
    what: str
    argument: str = ""


class SetDryRun(Message, frozen=True):
    """End this run and begin one on the other ledger; answered by `Ack`."""

    request: int
    dry_run: bool
    word: str = ""


class Bye(Message, frozen=True):
    """The console leaves on purpose; `policy` overrides what happens when it is gone."""

    policy: OnConsoleLost


# ---- engine to console


class Welcome(Message, frozen=True):
    """Answer to `Hello`: what was granted, and by whom."""

    role: Role
    mode: Mode
    account: str
    pid: int
    run_id: str
    on_console_lost: OnConsoleLost
    console_lost_s: int
    dry_run: bool
    profiles: dict[str, MatchSettings]  # what a match may be quoted by, as this engine has it configured
    note: str = ""


class Refused(Message, frozen=True):
    """Answer to a `Hello` that cannot be taken."""

    why: str


class Frame(Message, frozen=True):
    """A view; the stream of them is the engine's heartbeat."""

    view: View


class Ack(Message, frozen=True):
    """What became of an `Operate` or `SetDryRun`: taken, or refused with one clear line."""

    request: int
    ok: bool
    text: str = ""


class SymbolView(Struct, frozen=True, array_like=True):
    """A match that could be added: what a venue lists, ready to be sent back in `AddMatch`."""

    instrument: Instrument
    title: str
    spec: MatchSpec
    odds: tuple[float, ...]  # of the sharpest source known, empty if none
    added: bool


class SettingView(Struct, frozen=True, array_like=True):
    """One setting as a person types it."""

    key: str
    value: str
    unit: str
    default: str


class Answer(Message, frozen=True):
    """Answer to `Ask`: the field named by the question is filled."""

    request: int
    symbols: tuple[SymbolView, ...] = ()
    settings: tuple[SettingView, ...] = ()
    preview: View | None = None  # of the match alone, as it would stand after the warm-up
    fills: tuple[FillView, ...] = ()  # newest first, further back than a view goes
    log: tuple[LogLine, ...] = ()
    error: str = ""


ToEngine = Hello | Heartbeat | Watch | Operate | Ask | SetDryRun | Bye
ToConsole = Welcome | Refused | Frame | Ack | Answer
