"""The watchdog as a process: an engine killed or stopped while orders rest, and how long until none does."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from console.folders import Latches, SignOfLife
from console.runner.watching import WATCH
from tests.venues.prophetx.session import SandboxProcess, Session, wait

EMPTIED_S = 15.0


@pytest.fixture
def venue(places):
    opened = SandboxProcess(places)
    yield opened
    opened.close()


@pytest.fixture
def session(venue, places, tmp_path):
    opened = Session(venue, places, tmp_path, events=12, unattended=5000)
    yield opened
    opened.close()


@pytest.fixture
def engine(venue, session):
    """An engine with orders at the venue, watched over."""
    process = session.headless()
    wait(lambda: venue.resting >= 30, 60, "no quotes")
    wait(lambda: "every venue is reached" in session.watch_log(), 20, "no watchdog")
    yield process
    process.kill()
    process.wait()


def latched(session):
    latches = Latches(session.folder(), [])
    reason = latches.all.reason()
    latches.close()
    return reason


@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_an_engine_that_dies_or_hangs_leaves_nothing_at_the_venue(venue, session, engine, number, capsys):
    rested = venue.resting
    began = time.monotonic()
    engine.send_signal(number)
    wait(lambda: venue.resting == 0, EMPTIED_S, "orders outlived the engine")
    emptied_s = time.monotonic() - began
    wait(lambda: "nothing rests, proven" in session.watch_log(), 20, "no proof")
    with capsys.disabled():
        print(f"\n{number.name}: {rested} orders gone {emptied_s:.1f} s after it", end="")
    assert emptied_s < EMPTIED_S
    log = session.watch_log()
    assert re.search(r"ALARM the engine \(pid \d+\) gave no sign of life for [67]\.\d s: emptying", log)
    assert "watchdog: the engine gave no sign of life" in latched(session)
    if number is signal.SIGSTOP:  # it wakes up and finds the latch: nothing leaves any more
        placed = venue.state()["placed"]
        engine.send_signal(signal.SIGCONT)
        time.sleep(5)
        assert (venue.resting, venue.state()["placed"]) == (0, placed)


@pytest.mark.timeout(240)
def test_a_watchdog_that_cannot_reach_the_venue_alarms_and_a_dead_one_is_made_anew(venue, session, engine):
    (pid,) = session.pids("watch")
    sign = SignOfLife(session.folder(), WATCH)
    assert sign.read().word == ""  # it reaches every venue
    os.kill(pid, signal.SIGKILL)
    wait(lambda: session.pids("watch") not in ([], [pid]), 40, "nobody watches")
    wait(lambda: sign.read().word == "" and sign.read().pid != pid, 30, "the new one does not watch")
    venue.process.send_signal(signal.SIGSTOP)  # the venue does not answer any more
    began = time.monotonic()
    wait(lambda: "ALARM BLIND: it cannot reach prophetx" in session.watch_log(), 45, "no alarm")
    assert time.monotonic() - began < 45
    assert "prophetx" in sign.read().word  # and so the engine knows
    sign.close()
    venue.process.send_signal(signal.SIGCONT)


@pytest.mark.timeout(120)
def test_an_engine_that_ended_is_not_mourned(venue, session, engine):
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 128 + signal.SIGTERM
    assert venue.resting == 0
    wait(lambda: "the engine ended and proved that nothing rests" in session.watch_log(), 10, "no word")
    assert "ALARM" not in session.watch_log()
    assert latched(session) == ""
