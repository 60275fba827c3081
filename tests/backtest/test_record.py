"""A replay's journal: written by another process, what waits is bounded, and nothing is lost unsaid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import pytest

from console.backtest.child import Child, ChildError
from console.backtest.record import BATCH, Decisions
from console.core.commands import Refuse
from console.core.events import BookDelta, Pause
from console.core.instruments import BID, Instrument, RunId, Venue
from console.core.units import CENT, Price, Size
from console.journal import Journal, JournalError, Reader

COMMANDS = 20 * BATCH


def refused(decisions: Decisions, count: int) -> None:
    for number in range(count):
        decisions.command(msgspec.json.encode(Refuse(text=str(number))))


def paused(decisions: Decisions, count: int) -> None:
    for _ in range(count):
        decisions.event(Pause())


def kept(decisions: Decisions) -> list[str]:
    reader = Reader(decisions.path)
    found = [record.kind for record in reader.account()]
    reader.close()
    return found


def test_everything_but_market_data_is_kept_in_order(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    decisions.event(Pause())
    market = Instrument(Venue.KALSHI, "T")
    decisions.event(BookDelta(instrument=market, side=BID, price=Price(50 * CENT), change=Size(1)))
    decisions.command(msgspec.json.encode(Refuse(text="no")))
    decisions.close()
    assert kept(decisions) == ["event", "command"]
    with pytest.raises(ProcessLookupError):
        os.kill(decisions.writer, 0)


@pytest.mark.parametrize("recording", [refused, paused])
def test_what_waits_for_the_disk_is_bounded(
    tmp_path: Path, recording: Callable[[Decisions, int], None]
) -> None:
    """While the writer stands still the replay does too, after the batch that fills the pipe."""
    decisions = Decisions(tmp_path)
    os.kill(decisions.writer, signal.SIGSTOP)
    replaying = threading.Thread(target=recording, args=(decisions, COMMANDS), daemon=True)
    replaying.start()
    replaying.join(1.0)
    assert replaying.is_alive()
    os.kill(decisions.writer, signal.SIGCONT)
    replaying.join(30.0)
    assert not replaying.is_alive()
    decisions.close()
    assert len(kept(decisions)) == COMMANDS


def test_nothing_is_a_journal_too(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    decisions.close()
    assert kept(decisions) == []


def test_a_folder_that_cannot_be_written_is_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    decisions = Decisions(tmp_path / "file")
    with pytest.raises(JournalError, match="cannot be created"):
        refused(decisions, COMMANDS)


def test_what_was_handed_over_outlives_a_replay_that_is_killed(tmp_path: Path) -> None:
    """The writer finds nobody to hand anything over any more: it keeps what came, and ends without a word."""
    program = (
        "import os, sys, pathlib, msgspec\n"
        "from console.backtest.record import BATCH, Decisions\n"
        "from console.core.commands import Refuse\n"
        "decisions = Decisions(pathlib.Path(sys.argv[1]))\n"
        "for number in range(3 * BATCH): decisions.command(msgspec.json.encode(Refuse(text=str(number))))\n"
        "print(decisions.writer, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    ended, deadline = False, time.monotonic() + 20.0
    while not ended and time.monotonic() < deadline:
        time.sleep(0.05)
        ended = not Path(f"/proc/{int(done.stdout)}").exists()
    assert ended
    assert done.stderr == ""
    (path,) = tmp_path.glob("*.sqlite")
    reader = Reader(path)
    assert len(list(reader.account())) == 3 * BATCH
    reader.close()


def test_a_writer_that_dies_is_a_complaint(tmp_path: Path) -> None:
    decisions = Decisions(tmp_path)
    refused(decisions, 10)
    os.kill(decisions.writer, signal.SIGKILL)
    with pytest.raises(JournalError, match="ended early"):
        refused(decisions, COMMANDS)


def test_a_writer_that_is_not_done_in_time_is_a_complaint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that hangs: what is not written is not passed over."""
    journal = Journal(tmp_path, RunId("slow"), lambda _: None, lambda _: None)
    monkeypatch.setattr(journal, "_commit", lambda _: time.sleep(1.0))
    journal.command(Refuse(text="no"))
    journal.close(0.1)
    assert "not written within 0.1 s" in journal.failed


def test_a_replay_killed_while_it_hands_over_keeps_every_batch_that_came_whole(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, pathlib, msgspec\n"
        "from console.backtest.record import BATCH, Decisions\n"
        "from console.core.commands import Refuse\n"
        "decisions = Decisions(pathlib.Path(sys.argv[1]))\n"
        "body = msgspec.json.encode(Refuse(text='x' * 40))\n"
        "for number in range(BATCH): decisions.command(body)\n"
        "os.kill(decisions.writer, signal.SIGSTOP)\n"
        "print(decisions.writer, flush=True)\n"
        "while True: decisions.command(body)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as replaying:
        assert replaying.stdout is not None
        writer = int(replaying.stdout.readline())
        time.sleep(1.0)  # by now it waits in the middle of a batch
        replaying.kill()
        os.kill(writer, signal.SIGCONT)
        _, said = replaying.communicate(timeout=30.0)
    assert said == ""
    (path,) = tmp_path.glob("*.sqlite")
    assert not list(tmp_path.glob("*-wal"))
    reader = Reader(path)
    assert len(list(reader.account())) >= BATCH
    reader.close()


def test_a_message_cut_short_is_the_end_of_the_child() -> None:
    child = Child("os")  # it has no main, and ends at once
    child._from.close()
    ours, theirs = os.pipe()
    os.write(theirs, (100).to_bytes(4, "big") + b"half")
    os.close(theirs)
    child._from = Connection(ours, writable=False)
    with pytest.raises(ChildError):
        child.receive()
    child.end()
