"""`mmconsole doctor --venue prophetx`, and sandboxes of venue and feeds on one world, as commands."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest

from .session import SandboxProcess, Session

FLAGS = ("--venue", "prophetx", "--json")


def doctor(session, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "console", "doctor", *("--config", str(session.config)), *FLAGS],
        env={**session.environment, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)}


@pytest.mark.parametrize("dialect", ["v4", "legacy"])
def test_the_doctor_passes_where_everything_is_right_and_says_what_is_not(places, tmp_path, dialect):
    venue = SandboxProcess(places)
    try:
        session = Session(venue, places, tmp_path, dialect=dialect)
        status, checks = doctor(session)
        needed = ("session", "clock", "ladder", "balance", "orders", "push", "leagues")
        assert {name: checks[f"prophetx {name}"]["passed"] for name in needed} == dict.fromkeys(needed, True)
        assert status == 0
        assert "cancels nothing when we are gone" in checks["prophetx dead man"]["seen"]
        venue.pull("fault", name="stale_balance")
        status, checks = doctor(session)
        assert (status, checks["prophetx balance"]["passed"]) == (1, False)
        assert "failed" in checks["prophetx balance"]["seen"]
        status, checks = doctor(session, PROPHETX_SECRET_KEY="another")
        assert (status, list(checks)) == (1, ["prophetx session", "watchdog"])
        assert "Unauthorized" in checks["prophetx session"]["seen"]
        assert venue.state()["logins"] == 1  # one session was enough, and a refused one is none
    finally:
        venue.close()


def test_feeds_on_the_same_world_price_what_the_venue_lists(places):
    both = SandboxProcess(places, "prophetx,odds")
    try:
        assert not both.odds.startswith(both.root)  # a server of its own
        path = "/sports/basketball_nba/odds?apiKey=k&bookmakers=pinnacle&markets=h2h,spreads,totals"
        told = []
        for base in (both.odds, f"{both.root}/the-odds-api/v4"):
            with urllib.request.urlopen(base + path, timeout=10) as answer:
                listed = json.load(answer)
            told.append(next(event for event in listed if event["home_team"] == "Quay Kings"))
        here, there = ([m["outcomes"] for m in e["bookmakers"][0]["markets"]] for e in told)
        assert told[0]["id"] == told[1]["id"]
        assert len(here) == len(there) == 3
        assert [len(outcomes) for outcomes in here] == [2, 2, 2]
    finally:
        both.close()
