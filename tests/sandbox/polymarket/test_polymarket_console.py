"""A whole session at the console, on a terminal, with an engine process, against the pretended Polymarket."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest
from pm_hall import REPOSITORY, Hall, end_all, processes, settings, wait

from tests.tui.terminal import Terminal


@pytest.fixture
def hall():
    opened = Hall()
    yield opened
    opened.close()


def typed(terminal, words: str, shown: str, seconds=20):
    """Type as fast as a person reads: a dialog just opened takes no keys for a moment."""
    time.sleep(0.6)
    terminal.type(words.encode())
    terminal.until(lambda: terminal.shows(shown), seconds, shown)


def add_by_hand(terminal, chance: float) -> None:
    """Past the tour of a fresh machine: find a match by its words and add it with odds typed by hand."""
    terminal.until(lambda: terminal.shows("in one picture"), 10, "the tour")
    typed(terminal, "\r", "no match yet")
    terminal.until(lambda: not terminal.shows("in one picture"), 10, "the tour is over")
    typed(terminal, "a", "Add a match")
    typed(terminal, "Boston", "Boston vs Denver")
    typed(terminal, "\r", "it would bid")
    typed(terminal, "f", "odds")
    odds = f"{1 / chance:.2f} {1 / (1 - chance):.2f}"
    typed(terminal, odds, odds)
    for _ in range(4):
        typed(terminal, "\t", "inventory max")
    typed(terminal, "12", "inventory max  12")
    terminal.type(b"\x13")


@pytest.mark.timeout(300)
def test_add_quote_fill_rebalance_pause_kill_and_restart(hall, tmp_path, places):
    config = settings(tmp_path / "markets.toml", hall.table())
    environment = {**places, **hall.secrets(), "PYTHONPATH": str(REPOSITORY)}
    chance = hall.middle()

    def opened():
        terminal = Terminal(["-m", "console", "--config", str(config)], 200, 60, environment)
        terminal.until(lambda: terminal.shows("1 Matches"), 60, "the console")
        return terminal

    terminal = opened()
    try:
        add_by_hand(terminal, chance)
        # both outcomes are bid in the one book
        wait(lambda: {(s, n) for s, n, _, _ in hall.open()} == {("BUY", 0), ("BUY", 1)}, 60, "no quotes")
        paid = hall.take("BUY", 0)
        terminal.until(lambda: terminal.shows("fills 1"), 20, "the fill")
        # the other direction now sells what is held: no cash for the other token
        terminal.until(lambda: [(s, n) for s, n, _, _ in hall.open()] == [("SELL", 0)], 40, "no rebalancing")
        terminal.until(lambda: terminal.shows("REBALANCING"), 10, "the word for it")
        (_, _, price, left) = hall.open()[0]
        assert left == 10
        assert price >= paid + 1  # a cent a contract is locked at least
        cash = hall.ask(lambda: hall.venue.ledger.cash)
        assert hall.take("SELL", 0) >= paid + 1
        terminal.until(lambda: terminal.shows("fills 2"), 20, "the second fill")
        assert hall.net() == 0
        wait(lambda: hall.ask(lambda: hall.venue.ledger.cash) > cash, 30, "the sale was never mined")
        terminal.until(lambda: re.search(r"locked\s+\+0\.[1-9]", terminal.screen.text), 20, "the lock")
        # paused: all proven gone at the venue; resumed: quoted again
        wait(lambda: len(hall.open()) == 2, 30, "no quotes after the lock")
        terminal.type(b"p")
        wait(lambda: not hall.open(), 20, "still resting")
        terminal.until(lambda: terminal.shows("paused"), 10, "the pause")
        typed(terminal, "p", "Resume")
        time.sleep(0.6)
        terminal.type(b"y")
        wait(lambda: len(hall.open()) == 2, 30, "not resumed")
        # killed with orders in the book, and proven
        terminal.type(b"\x0b")
        terminal.until(lambda: terminal.shows("KILLED"), 40, "the proof of the kill")
        assert hall.open() == []
        # the engine dies; a new one finds its latch and nothing amiss
        terminal.close()
        (pid,) = processes(config, "--detached")
        os.kill(pid, signal.SIGKILL)
        terminal = opened()
        terminal.until(lambda: terminal.shows("KILLED"), 40, "the latch was forgotten")
        assert not terminal.shows("MISMATCH")
        assert hall.open() == []
        # re-armed with a word and a reason it quotes again, on what it knew
        typed(terminal, "R", "Re-arm")
        typed(terminal, "RESUME", "RESUME")
        typed(terminal, "\t", "the reason")
        typed(terminal, "tested", "tested")
        terminal.type(b"\r")
        wait(lambda: len(hall.open()) == 2, 40, "not re-armed")
        assert terminal.shows("fills 2")
    finally:
        terminal.close()
        end_all(config)
    assert hall.open() == []
