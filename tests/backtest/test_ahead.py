"""Reading recordings ahead in another process: the same events and complaints, and nothing left behind."""

import os
import signal
from itertools import chain, islice
from pathlib import Path

import pytest
from tapes import MadeUp, made_up, write

from console.backtest import ahead
from console.backtest.ahead import BATCH, How
from console.core.events import BookDelta, BookSnapshot, Trade
from console.venues.recording import RecordingError, read


@pytest.fixture(autouse=True)
def worthwhile(monkeypatch):
    monkeypatch.setattr(ahead, "WORTHWHILE", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def readers():
    """Process ids of our children that read."""
    found = []
    for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"console.backtest.ahead" in command:
            found.append(int(child))
    return found


def events(files):
    """What a replay gets, one by one."""
    return chain.from_iterable(ahead.batches(files, How()))


def test_it_brings_what_reading_here_brings(tmp_path):
    files = [made_up(tmp_path / f"{n}.gz", 4000, seed=n, ticker=f"MADEUP-{n}") for n in range(3)]
    found = list(events(files))
    assert found == list(read(files)) == list(chain.from_iterable(ahead.here(files, How(), burst=7)))
    assert len(found) > 2 * BATCH
    assert {BookDelta, BookSnapshot, Trade} <= {type(event) for event in found}
    assert readers() == []


def test_a_number_too_large_to_travel_plainly_comes_through(tmp_path):
    market = MadeUp("MADEUP-A", 1)
    frames = list(market.frames(50))
    frames.append(market._delta("yes", market.yes, 1, 10**18))
    path = write(tmp_path / "tape.gz", iter(frames))
    found = list(events([path]))
    assert found == list(read([path]))
    assert found[-1].change == 10**22


def test_a_moment_too_far_away_to_travel_plainly_comes_through(tmp_path):
    frames = [frame | {"recv_ms": 10**16} for frame in MadeUp("MADEUP-A", 1).frames(50)]
    path = write(tmp_path / "tape.gz", iter(frames))
    assert list(events([path])) == list(read([path]))


def test_a_complaint_is_that_of_the_reader(tmp_path):
    path = tmp_path / "broken"
    path.write_text('{"recv_ms": 1795000000000, "event": {"type": "ok"}}\n{"recv_ms": 1,\n')
    with pytest.raises(RecordingError) as here:
        list(read([path]))
    with pytest.raises(RecordingError) as there:
        list(events([path]))
    assert str(there.value) == str(here.value)
    assert "line 2" in str(there.value)
    assert readers() == []


def test_a_reader_that_dies_is_a_complaint(tmp_path):
    path = made_up(tmp_path / "tape.gz", 60_000)
    found = events([path])
    next(found)
    (reader,) = readers()
    os.kill(reader, signal.SIGKILL)
    with pytest.raises(RecordingError, match="ended early"):
        list(found)
    assert readers() == []


def test_no_reader_outlives_whoever_stopped_listening(tmp_path):
    path = made_up(tmp_path / "tape.gz", 60_000)
    found = events([path])
    assert len(list(islice(found, 10))) == 10
    assert len(readers()) == 1
    del found
    assert readers() == []


@pytest.mark.parametrize(("bytes_", "processors"), [(1 << 30, 2), (0, 1), (0, None)])
def test_little_is_read_here_and_so_is_all_where_no_processor_is_to_spare(
    tmp_path, monkeypatch, bytes_, processors
):
    monkeypatch.setattr(ahead, "WORTHWHILE", bytes_)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    path = made_up(tmp_path / "tape.gz", 600)
    found = events([path])
    next(found)
    assert readers() == []
