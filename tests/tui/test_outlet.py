from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator

import pytest

from console.tui.outlet import PENDING_HARD_MAX, PENDING_MAX, Outlet


class Pipe:
    """An outlet into a pipe that nobody reads until asked."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        self.failures: list[str] = []
        self.drained = threading.Event()
        self.outlet = Outlet(self.writer, self.failures.append, self.drained.set)
        self.outlet.start()

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.reader, size - len(data))
        return data


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.reader)
    made.outlet.stop()
    os.close(made.writer)


def test_frames_arrive_in_order(pipe: Pipe) -> None:
    for word in (b"one ", b"two ", b"three"):
        assert pipe.outlet.put_frame(word)
    assert pipe.read(13) == b"one two three"


def test_putting_never_waits_for_a_reader_that_stalls(pipe: Pipe) -> None:
    began = time.monotonic()
    for _ in range(1000):
        pipe.outlet.put_frame(b"x" * 1000)
        pipe.outlet.put(b"y" * 10)
    assert time.monotonic() - began < 0.5
    assert pipe.outlet.pending < PENDING_HARD_MAX + 2000
    assert pipe.outlet.dropped > 900


def test_after_a_drop_frames_wait_for_a_full_repaint(pipe: Pipe) -> None:
    frames = 0
    while pipe.outlet.put_frame(b"x" * 1000):
        frames += 1
    assert frames * 1000 > PENDING_MAX
    pipe.read(frames * 1000)
    assert pipe.drained.wait(2)
    assert not pipe.outlet.put_frame(b"a difference to a frame that was lost")
    pipe.outlet.resume()
    assert pipe.outlet.put_frame(b"everything")
    assert pipe.read(10) == b"everything"


def test_stopping_writes_the_rest(pipe: Pipe) -> None:
    pipe.outlet.put(b"goodbye")
    assert pipe.outlet.stop()
    assert pipe.read(7) == b"goodbye"


def test_stopping_a_stalled_terminal_takes_a_second_at_most(pipe: Pipe) -> None:
    pipe.outlet.put(b"x" * 100_000)
    began = time.monotonic()
    assert not pipe.outlet.stop()
    assert time.monotonic() - began < 1.5


def test_lost_terminal_is_told_once() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    failures: list[str] = []
    told = threading.Event()

    def failed(why: str) -> None:
        failures.append(why)
        told.set()

    outlet = Outlet(writer, failed, lambda: None)
    outlet.start()
    outlet.put(b"into the void")
    assert told.wait(2)
    outlet.put(b"again")
    assert outlet.stop()
    os.close(writer)
    assert failures == ["terminal gone: Broken pipe"]


def test_writes_on_when_another_program_made_the_terminal_non_blocking(pipe: Pipe) -> None:
    os.set_blocking(pipe.writer, False)
    pipe.outlet.put(b"x" * 20_000)
    assert pipe.read(20_000) == b"x" * 20_000
    assert pipe.failures == []
