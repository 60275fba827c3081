"""A whole session at the console, on a terminal, against the sandbox's own process, thirty events at once."""

from __future__ import annotations

import os
import signal
import time

import pytest

from console.verify import verify

from .session import SandboxProcess, Session, wait


@pytest.fixture
def venue(places):
    opened = SandboxProcess(places)
    yield opened
    opened.close()


@pytest.fixture
def session(venue, places, tmp_path):
    opened = Session(venue, places, tmp_path)
    yield opened
    opened.close()


def dismiss_the_tour(terminal):
    terminal.until(lambda: terminal.shows("in one picture"), 10, "the tour")
    terminal.type(b"\r")
    terminal.until(lambda: not terminal.shows("in one picture"), 10, "the end of the tour")


@pytest.mark.timeout(300)
def test_thirty_events_are_picked_quoted_filled_paused_killed_and_found_again(venue, session):
    terminal = session.console()
    dismiss_the_tour(terminal)
    # thirty events, a moneyline, a spread and a total each, as far as $2,000 go
    terminal.until(lambda: terminal.shows("90 matches"), 60, "thirty events with three markets each")
    wait(lambda: venue.resting >= 40, 60, "quotes")
    events = {order["sport_event_id"] for order in venue.state()["resting"]}
    assert len(events) >= 4
    # somebody takes what we show: on the other side, at the opposite odds
    order = venue.state()["resting"][0]
    venue.pull("fill", order_id=order["order_id"], stake=20.0)
    wait(lambda: not terminal.shows("fills 0"), 20, "the fill on the screen")
    # the token ends: nobody notices
    rested, logins = venue.resting, venue.state()["logins"]
    venue.pull("expire")
    time.sleep(3)
    assert venue.state()["refreshes"] >= 1
    assert venue.state()["logins"] == logins
    assert venue.resting >= rested // 2
    assert not terminal.shows("prophetx down")
    # paused: nothing rests at the venue; and resumed
    terminal.type(b"P")
    wait(lambda: venue.resting == 0, 20, "still resting")
    terminal.until(lambda: terminal.shows("PAUSED: by the operator"), 10, "the pause")
    terminal.type(b"P")
    terminal.until(lambda: terminal.shows("Resume all"), 10, "the question")
    time.sleep(0.8)  # an answer that adds risk is not taken at once
    terminal.type(b"y")
    wait(lambda: venue.resting >= 40, 30, "no quotes after the pause")
    # killed in the midst of it, and proven
    terminal.type(b"\x0b")
    took = wait(lambda: venue.resting == 0, 10, "the kill leaves orders")
    terminal.until(lambda: terminal.shows("KILLED"), 40, "the proof of the kill")
    assert (venue.resting, took < 3.0) == (0, True)
    # the engine dies; another one finds what is held, and the latch
    (pid,) = session.pids("--detached")
    os.kill(pid, signal.SIGKILL)
    session.leave(terminal)
    held = venue.state()["filled"]
    again = session.console()
    again.until(lambda: again.shows("KILLED"), 40, "the latch was forgotten")
    time.sleep(12)  # two looks at the account: a difference would show as MISMATCH
    assert not again.shows("MISMATCH")
    assert venue.state()["filled"] == held
    assert venue.state()["sent_again"] == 0
    # it ends on a word from outside; what both wrote down proves itself
    (pid,) = session.pids("--detached")
    os.kill(pid, signal.SIGTERM)
    wait(lambda: not session.pids("--detached"), 30, "the engine goes on")
    journals = sorted((session.folder() / "journal").glob("*.sqlite"))
    assert not [finding for path in journals for finding in verify(path).findings]
