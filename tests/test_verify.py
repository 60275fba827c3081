"""`mmconsole verify`: a simulated session is proven, and every line changed afterwards is found."""

import json
import sqlite3

import msgspec
import pytest

from console.__main__ import main
from console.backtest.outbox import UNRECORDED
from console.core.audit import Auditor
from console.core.commands import CancelAll, PlaceOrder
from console.core.engine import Engine
from console.core.events import AddMatch, Mode, Started, Sweeping, Tick
from console.core.instruments import RunId, Venue
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import MILLISECOND, SECOND, Nanos
from console.journal import Journal, Reader
from console.sim.dials import CALM
from console.sim.world import BEGINNING, World
from console.verify import verify

TICK = 100 * MILLISECOND
SESSION = 60 * SECOND


class Session:
    """The engine on the simulated exchanges, in simulated time, with everything journalled."""

    def __init__(self, folder, whole=True):
        self.world = World(7, CALM, ts=Nanos(SECOND), wall=BEGINNING, scale=3.0, matches=3)
        self.engine = Engine()
        self.journal = Journal(folder, RunId("session"), lambda _: None, lambda _: None, whole)
        self.whole = whole

    def feed(self, event, ts):
        event = msgspec.structs.replace(event, ts=ts, wall=BEGINNING + ts)
        if self.whole or type(event) not in UNRECORDED:
            self.journal.event(event)
        for command in self.engine.on_event(event):
            self.journal.command(command)
            self.world.submit(command, ts)

    def run(self, lasts=SESSION):
        ts, end = SECOND, SECOND + lasts
        account = AccountSettings()
        started = Started(
            run_id=RunId("session"), mode=Mode.SIM, account="m", settings=account, venues=self.world.venues
        )
        self.feed(started, ts)
        for spec in self.world.listings:
            self.feed(AddMatch(spec=spec, settings=MatchSettings(warm_up_s=1)), ts)
        while ts < end:
            ts += TICK
            for event in self.world.advance(Nanos(ts)):
                self.feed(event, ts)
            self.feed(Tick(), ts)
        self.journal.close(30)
        return self.journal.path


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return Session(tmp_path_factory.mktemp("session")).run()


@pytest.fixture
def journal(session, tmp_path):
    """A copy to spoil."""
    for file in session.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / session.name


def places(path):
    """(number, command) of every order placed."""
    return [
        (record.number, record.command())
        for record in Reader(path).account()
        if record.kind == "command" and isinstance(record.command(), PlaceOrder)
    ]


def spoil(path, number, **changes):
    database = sqlite3.connect(path)
    [body] = database.execute("SELECT body FROM records WHERE number = ?", (number,)).fetchone()
    database.execute(
        "UPDATE records SET body = ? WHERE number = ?",
        (json.dumps({**json.loads(body), **changes}, separators=(",", ":")), number),
    )
    database.commit()
    database.close()


def texts(path):
    return [finding.text for finding in verify(path).findings]


def test_simulated_session_is_proven_line_by_line(session):
    verdict = verify(session)
    assert verdict.findings == ()
    assert verdict.replayed
    assert verdict.orders > 10


def test_price_above_its_ceiling_is_found(journal):
    number, command = places(journal)[0]
    above = command.ceiling + 10_000 if command.action.value == "buy" else command.ceiling - 10_000
    spoil(journal, number, price=above)
    assert any("above its ceiling" in text for text in texts(journal))


def test_ceiling_that_does_not_follow_from_its_basis_is_found(journal):
    number, command = places(journal)[0]
    raised = command.ceiling + 50_000 if command.action.value == "buy" else command.ceiling - 50_000
    spoil(journal, number, ceiling=raised)
    assert any("does not follow from its basis" in text for text in texts(journal))


def test_size_that_was_not_decided_is_found(journal):
    number, command = places(journal)[0]
    spoil(journal, number, size=2 * command.size)
    assert any("but the event leads to" in text for text in texts(journal))


def test_record_taken_out_is_found(journal):
    number, _ = places(journal)[2]
    database = sqlite3.connect(journal)
    database.execute("DELETE FROM records WHERE number = ?", (number,))
    database.commit()
    database.close()
    assert any(f"records {number} to {number} are missing" in text for text in texts(journal))


def test_any_change_breaks_the_running_digest(journal):
    number, _ = places(journal)[0]
    spoil(journal, number, match="somewhere-else")
    assert any("digest breaks" in text for text in texts(journal))


def test_journal_without_market_data_has_its_orders_tested_alone(tmp_path):
    path = Session(tmp_path, whole=False).run()
    verdict = verify(path)
    assert (verdict.whole, verdict.replayed) == (False, False)
    assert verdict.findings == ()
    number, command = places(path)[0]
    spoil(path, number, price=command.ceiling + 20_000, action="buy")
    assert any("above its ceiling" in text for text in texts(path))


def test_command_says_what_it_found_and_exits_by_it(journal, capsys):
    assert main(["verify", str(journal)]) == 0
    assert "every event replayed to the same commands: nothing wrong" in capsys.readouterr().out
    number, _ = places(journal)[0]
    spoil(journal, number, price=990_000)
    assert main(["verify", str(journal), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"]


def test_file_that_is_no_journal_is_one_line(tmp_path, capsys):
    (tmp_path / "j.sqlite").write_text("not a database, by any means")
    assert main(["verify", str(tmp_path / "j.sqlite")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_command_after_the_emergency_sweep_is_found():
    auditor = Auditor()
    cancel = CancelAll(venue=Venue.KALSHI)
    auditor.take(1, Sweeping(), [])
    assert auditor.findings == []
    auditor.take(2, Tick(), [(3, cancel)])
    assert [finding.number for finding in auditor.findings] == [2]
