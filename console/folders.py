"""Where things are kept: the state folder of a mode and account, its lock, and the control socket."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE, Complaint
from console.core.events import Mode
from console.core.instruments import Venue

SOCKET_PATH_MAX = 100  # the kernel allows 108 bytes with the closing zero


class FolderError(Complaint):
    """A place that cannot be used; the message is one line saying what would be right."""


class LockedError(FolderError):
    """Another engine of the same mode and account is running."""


def state_root(environment: Mapping[str, str]) -> Path:
    """Root of all state: $XDG_STATE_HOME/mmconsole, else ~/.local/state/mmconsole."""
    home = environment.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "mmconsole"


def state_folder(environment: Mapping[str, str], mode: Mode, account: str) -> Path:
    """The folder of one mode and account, made if missing, open to its owner only."""
    digest = hashlib.sha256(account.encode()).hexdigest()[:8]
    folder = state_root(environment) / f"{mode.value}-{digest}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise FolderError(f"{folder}: cannot be used: {error.strerror}; set XDG_STATE_HOME") from error
    return folder


def socket_path(environment: Mapping[str, str], mode: Mode, account: str) -> Path:
    """The control socket: in $XDG_RUNTIME_DIR, else in a private folder under the temporary directory.

    Also when the first would make a path too long for the kernel.
    """
    state = str(state_folder(environment, mode, account))
    name = f"{mode.value}-{hashlib.sha256(state.encode()).hexdigest()[:12]}.sock"
    runtime = environment.get("XDG_RUNTIME_DIR")
    folders = [Path(runtime) / "mmconsole"] if runtime and Path(runtime).is_dir() else []
    for folder in (*folders, _temporary() / f"mmconsole-{os.getuid()}"):
        path = folder / name
        if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
            _make_private(folder)
            return path
    raise FolderError(f"{path}: too long for a socket; set XDG_RUNTIME_DIR to a short path")


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:  # also when no disk takes a byte
        raise FolderError(f"no folder can be written to: {error.strerror}; is the disk full?") from error


def _make_private(folder: Path) -> None:
    """Make a 0700 folder of ours; refuse one that somebody else put there."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError as error:
        raise FolderError(f"{folder}: cannot be used: {error.strerror}") from error
    if facts.st_uid != os.getuid() or not folder.is_dir() or folder.is_symlink():
        raise FolderError(f"{folder}: belongs to somebody else; remove it or set XDG_RUNTIME_DIR")
    folder.chmod(0o700)


class Lock:
    """A single-instance lock of a state folder, held until the process ends."""

    def __init__(self, folder: Path, name: str = "lock", who: str = "an engine") -> None:
        self._path = folder / name
        try:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderError(f"{self._path}: cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._handle, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise LockedError(f"{who} of this mode and account runs already (pid {holder})") from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go; the kernel does it for us when the process dies."""
        os.close(self._handle)


class Pulse(Struct, frozen=True):
    """A sign of life: who, when by the monotonic clock (the same for all processes), and a word."""

    pid: int
    ts: int
    word: str


class SignOfLife:
    """A process's sign of life in a file of one block, overwritten in place: a full disk does not matter."""

    SIZE = 512

    def __init__(self, folder: Path, name: str) -> None:
        self._handle = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._handle).st_size < self.SIZE:
            os.pwrite(self._handle, bytes(self.SIZE), 0)

    def beat(self, ts: int, word: str = "") -> None:
        """Give it; raises OSError."""
        room = self.SIZE - 100
        body = msgspec.json.encode(Pulse(os.getpid(), ts, word[:room]))
        os.pwrite(self._handle, body[: self.SIZE].ljust(self.SIZE, b"\0"), 0)

    def read(self) -> Pulse | None:
        """The last one given; None when there is none."""
        try:
            return msgspec.json.decode(os.pread(self._handle, self.SIZE, 0).rstrip(b"\0"), type=Pulse)
        except UNREADABLE:
            return None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


class KillLatch:
    """The kill latch: a preallocated 4 KiB file overwritten in place, so that a full disk does not matter.

    Every process that can send orders reads it before each batch of places.
    """

    SIZE = 4096

    def __init__(self, folder: Path, venue: str = "") -> None:
        """The latch of everything, or that of one venue; raises FolderError."""
        path = folder / ("latch" + (f".{venue}" if venue else ""))
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(self._handle).st_size < self.SIZE:
                os.pwrite(self._handle, bytes(self.SIZE), 0)
                os.fsync(self._handle)
        except OSError as error:
            raise FolderError(f"{path}: the kill latch cannot be made: {error.strerror}") from error

    def reason(self) -> str:
        """Why it is engaged; empty when it is not."""
        return os.pread(self._handle, self.SIZE, 0).rstrip(b"\0").decode(errors="replace")

    def engaged(self) -> bool:
        """Whether it is engaged: one read of one byte."""
        return os.pread(self._handle, 1, 0) not in (b"", b"\0")

    def write(self, reason: str) -> None:
        """Engage it for `reason`, or lift it with an empty one; raises OSError."""
        text = reason.encode()[: self.SIZE]
        os.pwrite(self._handle, text.ljust(self.SIZE, b"\0"), 0)

    def sync(self) -> None:
        """Push it through to the disk; may take long, so not on the loop."""
        os.fdatasync(self._handle)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


class Latches:
    """The kill latch of everything and one of each venue."""

    def __init__(self, folder: Path, venues: Iterable[Venue]) -> None:
        self.all = KillLatch(folder)
        self.of = {venue: KillLatch(folder, venue.value) for venue in venues}

    def engaged(self, venue: Venue) -> bool:
        """Whether nothing may leave for a venue."""
        return self.all.engaged() or self.of[venue].engaged()

    def find(self, venue: Venue | None) -> KillLatch:
        """The latch of one venue, or of everything."""
        return self.all if venue is None else self.of[venue]

    def close(self) -> None:
        """Let go of the files."""
        for latch in (self.all, *self.of.values()):
            latch.close()


def keep_file(path: Path, content: bytes) -> bool:
    """Replace a private file whole or not at all; False when the disk does not take it."""
    fresh = path.with_suffix(".new")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        fresh.replace(path)
    except OSError:
        return False
    return True
