"""`mmconsole coverage` and the making of feeds: against the sandbox in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from console.config.read import load
from console.keys import KeyMissing, Keys
from console.launch.sources import FEEDS, feeds

KEYS = {kit.key: f"canary-{name}" for name, kit in FEEDS.items()}
MATCHES = """
[[match]]
id = "late"
league = "nba"
outcomes = ["Boston", "Denver"]
start = 2030-01-01T00:00:00Z
instruments = [{ venue = "kalshi", symbol = "A", outcomes = ["Boston"] }]

[[match]]
id = "lost"
league = "korfball"
outcomes = ["A", "B"]
instruments = [{ venue = "kalshi", symbol = "B", outcomes = ["A"] }]
"""


@pytest.fixture
def sandbox():
    """Addresses of the feeds in a sandbox of its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "console", "sandbox", "odds"], stdout=subprocess.PIPE, text=True
    )
    addresses = {}
    for _ in FEEDS:
        name, _, address = process.stdout.readline().strip().partition(": ")
        addresses[name] = address
    yield addresses
    process.kill()
    process.wait()


def coverage(places, tmp_path, addresses, *arguments, keys=KEYS, more=""):
    tables = "".join(
        f'[feeds.{name}]\nenabled = true\naddress = "{address}"\n' for name, address in addresses.items()
    )
    settings = tmp_path / "markets.toml"
    settings.write_text(more + tables + MATCHES)
    return subprocess.run(
        [sys.executable, "-m", "console", "coverage", "--config", str(settings), *arguments],
        env={**places, **keys},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_what_is_covered_and_why_the_rest_is_not(sandbox, places, tmp_path):
    one = {"the_odds_api": sandbox["the_odds_api"]}
    done = coverage(places, tmp_path, one)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "the_odds_api nba: 1 of 2 matches covered" in lines
    assert any("ok   Boston at Denver" in line and "pinnacle" in line for line in lines)
    assert any("--   Boston v Denver" in line and "h or more apart" in line for line in lines)
    assert "the_odds_api cs2: Counter-Strike 2 is not there" in lines
    assert any(line.startswith("lost: league 'korfball' is not known") for line in lines)
    everything = (
        done.stdout
        + done.stderr
        + "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    )
    assert "canary" not in everything


def test_one_league_as_json(sandbox, places, tmp_path):
    done = coverage(places, tmp_path, sandbox, "--league", "nba", "--json")
    assert done.returncode == 0, done.stderr
    found = {one["feed"]: one for one in json.loads(done.stdout)["coverage"]}
    assert set(found) == set(FEEDS)
    for one in found.values():
        covered = {match["match"]: match for match in one["matches"]}
        assert covered["nba-bos-den"]["names"] == ["Boston Celtics", "Denver Nuggets"]
        assert covered["nba-bos-den"]["books"] == ["pinnacle"]
        assert covered["late"]["why"]


def test_what_a_venue_lists_is_covered_too(places, tmp_path):
    """A venue is connected to before it is searched."""
    command = [sys.executable, "-m", "console", "sandbox", "kalshi,odds"]
    said = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=places) as process:
        try:
            while not said or not said[-1].startswith("the_odds_api: "):
                said.append(process.stdout.readline().strip())
            kalshi = [line for line in said if line.startswith(("rest = ", "stream = "))]
            tables = ["[engine]", 'mode = "paper"', "[venues.kalshi]", "enabled = true", *kalshi]
            done = coverage(
                places,
                tmp_path,
                {"the_odds_api": said[-1].partition(": ")[2]},
                *("--league", "nba"),
                more="\n".join(tables) + "\n",
            )
        finally:
            process.kill()
    assert done.stderr == ""
    assert any("ok   Boston at Denver" in line and "pinnacle" in line for line in done.stdout.splitlines())
    assert "kalshi" not in done.stdout


def test_a_feed_that_cannot_be_asked_is_a_failure_with_its_reason(places, tmp_path):
    done = coverage(places, tmp_path, {"the_odds_api": "http://127.0.0.1:9/v4"}, "--league", "nba")
    assert done.returncode == 1
    assert "the_odds_api nba: no answer: ConnectError" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "addresses", "keys", "said"),
    [
        ((), {}, KEYS, "coverage: no odds feed is enabled"),
        (("--league", "nbaa"), {"oddspapi": "http://x"}, KEYS, "league: 'nbaa' is not one of nba"),
        ((), {"oddspapi": "http://x"}, {}, "ODDSPAPI_KEY is not set"),
        (
            (),
            {"oddspapi": "http://x"},
            {"ODDSPAPI_KEY": "a b"},
            "ODDSPAPI_KEY: has characters that no key has",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_clear_line(arguments, addresses, keys, said, places, tmp_path):
    done = coverage(places, tmp_path, addresses, *arguments, keys=keys)
    assert done.returncode == 2
    assert done.stderr.strip().startswith(f"mmconsole: {said}")
    assert "a b" not in done.stderr


def test_feeds_are_made_with_their_own_keys_and_count_apart_from_local_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    settings = tmp_path / "markets.toml"
    settings.write_text(
        "[feeds.the_odds_api]\nenabled = true\n[feeds.oddspapi]\nenabled = true\naddress = 'http://127.0.0.1:1'\n"
    )
    config = load(settings, {})
    made = feeds(config, Keys(KEYS, None))
    assert [feed.name for feed in made] == ["the_odds_api", "oddspapi"]
    folders = sorted(os.listdir(tmp_path / "mmconsole"))
    assert folders == ["feeds", "feeds-local"]
    with pytest.raises(KeyMissing, match="ODDS_API_KEY"):
        feeds(config, Keys({}, None))
