"""The journal: order, group commit, failures, damage, and reading back."""

import sqlite3
import threading
import time

import msgspec
import pytest

from console.core.commands import CancelAll, Latch
from console.core.events import BookDelta, Kill, MassStatus, Mode, OrderFilled, Pause, Started, Tick
from console.core.instruments import Action, BookSide, Instrument, Venue
from console.core.settings import AccountSettings
from console.journal import Journal, JournalError, Reader, mark_latest, newest_first
from console.verify import verify

STARTED = Started(
    run_id="r1",
    mode=Mode.SIM,
    account="main",
    settings=AccountSettings(),
    venues=(Venue.KALSHI,),
    ts=1,
    wall=1,
)
DELTA = BookDelta(
    instrument=Instrument(Venue.KALSHI, "A"), side=BookSide.BID, price=400_000, change=1_000_000, ts=2, wall=2
)


class Committed:
    """What the writer reported, waited for with a deadline."""

    def __init__(self):
        self.number = 0
        self.failed = ""
        self._news = threading.Condition()

    def commit(self, number):
        with self._news:
            self.number = number
            self._news.notify_all()

    def fail(self, text):
        with self._news:
            self.failed = text
            self._news.notify_all()

    def wait(self, condition, seconds=5):
        with self._news:
            assert self._news.wait_for(condition, seconds), (self.number, self.failed)


def journal(folder, run_id="r1"):
    news = Committed()
    return Journal(folder, run_id, news.commit, news.fail), news


def test_everything_comes_back_in_order(tmp_path):
    written, news = journal(tmp_path)
    written.event(STARTED)
    written.event(DELTA)
    written.event(Tick(ts=3, wall=3))
    written.event(Kill(by="me", ts=4, wall=4))
    number = written.command(Latch(reason="me"))
    news.wait(lambda: news.number >= number)
    written.close()
    read = Reader(written.path)
    assert [(r.number, type(r.event()).__name__) for r in read.all() if r.kind == "event"] == [
        (1, "Started"),
        (2, "BookDelta"),
        (3, "Tick"),
        (4, "Kill"),
    ]
    assert [r.command() for r in read.account() if r.kind == "command"] == [Latch(reason="me")]
    assert read.started() == STARTED


def test_market_data_is_not_in_the_database(tmp_path):
    written, _ = journal(tmp_path)
    written.event(STARTED)
    written.event(DELTA)
    written.close()
    assert sqlite3.connect(written.path).execute("SELECT count(*) FROM records").fetchone() == (1,)


def test_command_is_told_to_be_on_disk_only_after_it_is(tmp_path):
    written, news = journal(tmp_path)
    number = written.command(CancelAll(venue=Venue.KALSHI))
    news.wait(lambda: news.number == number)
    other = sqlite3.connect(f"file:{written.path}?mode=ro", uri=True)
    assert other.execute("SELECT number FROM records").fetchall() == [(number,)]
    written.close()


def test_latest_checkpoint_replaces_the_one_before(tmp_path):
    written, _ = journal(tmp_path)
    written.event(STARTED)
    written.checkpoint(b"one")
    written.event(Pause(ts=2, wall=2))
    written.checkpoint(b"two")
    written.close()
    read = Reader(written.path)
    assert read.latest_checkpoint() == (2, b"two")
    assert list(read.account(after=2)) == []


def test_failure_to_write_is_told_once_and_nothing_is_written_after(tmp_path):
    written, news = journal(tmp_path)
    blocker = sqlite3.connect(written.path, isolation_level=None)
    blocker.execute("DROP TABLE records")
    written.command(CancelAll(venue=Venue.KALSHI))
    news.wait(lambda: news.failed)
    assert "records" in news.failed
    assert written.path.name in news.failed
    written.close()
    assert news.number == 0


def test_writer_that_dies_of_anything_says_so(tmp_path, monkeypatch):
    """Not of the disk, but of what nobody thought of: the thread is gone, and the runner must know."""

    def burst(*_):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    written, news = journal(tmp_path)
    monkeypatch.setattr(written._tape, "write", burst)
    written.event(DELTA)
    news.wait(lambda: news.failed)
    assert news.failed == "r1.sqlite: the writer died"
    assert written.failed
    written.close()


def test_loop_never_waits_for_the_disk(tmp_path):
    written, news = journal(tmp_path)
    blocker = sqlite3.connect(written.path, isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    begin = time.monotonic()
    for _ in range(1000):
        written.command(CancelAll(venue=Venue.KALSHI))
    assert time.monotonic() - begin < 0.5
    blocker.execute("ROLLBACK")
    news.wait(lambda: news.number == 1000 or news.failed)
    assert not news.failed
    written.close()


def test_newest_run_is_found(tmp_path):
    for run_id in ("aaa1", "aab0", "aaa9"):
        journal(tmp_path, run_id)[0].close()
    assert [path.stem for path in newest_first(tmp_path)] == ["aab0", "aaa9", "aaa1"]
    mark_latest(tmp_path, "aaa1")  # the clock of the run before was wrong
    assert [path.stem for path in newest_first(tmp_path)] == ["aaa1", "aab0", "aaa9"]


def test_run_that_ended_before_its_first_record_left_nothing(tmp_path):
    written, _ = journal(tmp_path)
    written.close()
    assert Reader(written.path).started() is None


def test_trades_are_found_in_the_records(tmp_path):
    written, _ = journal(tmp_path)
    fill = OrderFilled(
        venue_order_id="v",
        trade_id="t1",
        instrument=Instrument(Venue.KALSHI, "A"),
        action=Action.BUY,
        price=400_000,
        size=1_000_000,
        cost=400_000,
        fee=0,
        maker=True,
    )
    other = msgspec.structs.replace(fill, trade_id="t2")
    written.event(STARTED)
    written.event(fill)
    written.event(MassStatus(venue=Venue.KALSHI, orders=(), fills=(fill, other), positions=(), cash=0))
    written.close()
    told = [(Venue.KALSHI, "t1"), (Venue.KALSHI, "t1"), (Venue.KALSHI, "t2")]
    assert list(Reader(written.path).trades(until=3)) == told
    assert list(Reader(written.path).trades(until=2)) == told[:1]


def test_what_is_no_journal_is_refused_in_one_line(tmp_path):
    path = tmp_path / "x.sqlite"
    with pytest.raises(JournalError, match="no such journal"):
        Reader(path)
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(JournalError, match="not a readable journal"):
        Reader(path)


def test_tape_cut_short_by_a_crash_is_read_as_far_as_it_goes(tmp_path):
    written, _ = journal(tmp_path)
    written.event(STARTED)
    for n in range(500):
        written.event(Tick(ts=2 + n, wall=2 + n))
    written.close()
    [tape] = tmp_path.glob("*.tape.gz")
    tape.write_bytes(tape.read_bytes()[:-200])
    ticks = list(Reader(written.path).tape())
    assert 0 < len(ticks) < 500


def test_mutated_line_is_found(tmp_path):
    written, _ = journal(tmp_path)
    written.event(STARTED)
    written.event(Pause(ts=2, wall=2))
    for n in range(20):
        written.event(Tick(ts=3 + n, wall=3 + n))
    written.event(Kill(by="me", ts=40, wall=40))
    written.close()
    database = sqlite3.connect(written.path)
    database.execute("""UPDATE records SET body = replace(body, '"me"', '"you"') WHERE body LIKE '%Kill%'""")
    database.commit()
    database.close()
    findings = verify(written.path).findings
    assert any("digest breaks" in finding.text for finding in findings)
