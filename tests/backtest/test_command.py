"""`mmconsole replay` and `simulate` as a person types them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tapes import made_up

from console.__main__ import main
from console.backtest.command import JOURNALS_KEPT, bar, probability
from console.backtest.replay import ReplayError
from console.core.events import Mode
from console.folders import state_folder


@pytest.fixture(autouse=True)
def _own_state(places, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", places["XDG_STATE_HOME"])


@pytest.fixture
def recording(tmp_path):
    return str(made_up(tmp_path / "tape.gz", 2000))


def test_replay_prints_one_json_object(recording, capsys):
    assert main(["replay", recording, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"events", "seconds", "orders", "fills", "pnl", "digest"} <= set(document)
    assert [set(market) >= {"symbol", "bid", "ask"} for market in document["markets"]] == [True]


def test_replay_at_full_speed_prints_a_summary(recording, capsys):
    assert main(["replay", recording, "--speed", "max", "--theo", "55%"]) == 0
    said = capsys.readouterr()
    assert "0.55 for YES, pinned" in said.out
    assert said.err == ""  # no progress where nobody watches


def test_an_interrupted_replay_says_so_in_one_line_and_leaves_nobody_behind(tmp_path, places):
    tape = made_up(tmp_path / "tape.gz", 250_000)
    command = [sys.executable, "-m", "console", "replay", str(tape), "--speed", "max"]
    replaying = subprocess.Popen(
        command, env=os.environ | places, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    children, deadline = [], time.monotonic() + 20.0
    while len(children) < 2 and time.monotonic() < deadline:  # one reads, one writes
        time.sleep(0.02)
        children = Path(f"/proc/{replaying.pid}/task/{replaying.pid}/children").read_text().split()
    time.sleep(0.3)
    replaying.send_signal(signal.SIGINT)
    said, complaint = replaying.communicate(timeout=20.0)
    assert replaying.returncode == 130
    assert (said, complaint) == ("", "mmconsole: interrupted\n")
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_replay_takes_sharp_odds(recording, capsys):
    assert main(["replay", recording, "--odds", "-110", "+100", "--json"]) == 0
    assert "odds 1.90" in json.loads(capsys.readouterr().out)["theo_source"]


def test_replays_keep_their_last_journals_only(recording, capsys):
    journals = state_folder(os.environ, Mode.REPLAY, "tape") / "journal"
    journals.mkdir()
    for number in range(JOURNALS_KEPT + 5):
        (journals / f"replay-{number:020d}.sqlite").touch()
    main(["replay", recording])
    assert len(list(journals.glob("*.sqlite"))) == JOURNALS_KEPT + 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["/nowhere.gz"], "/nowhere.gz"),
        ([__file__], "not a recording"),
        (["RECORDING", "--theo", "7"], "theo: 7 is not a probability"),
        (["RECORDING", "--theo", "much"], "theo: 'much' is not a probability"),
        (["RECORDING", "--odds", "1.9", "0.2x"], "0.2x"),
        (["RECORDING", "--set", "edge_mni=2"], "edge_mni: no such setting"),
        (["RECORDING", "--speed", "fast"], "neither max nor a number"),
        (["RECORDING", "--speed", "1e9"], "neither max nor a number"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(recording, capsys, arguments, line):
    assert main(["replay", *(recording if word == "RECORDING" else word for word in arguments)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("mmconsole: ")
    assert line in said
    assert said.count("\n") == 1


def test_probability_may_be_a_percentage():
    assert probability("55%") == pytest.approx(0.55)
    assert probability(None) is None
    with pytest.raises(ReplayError):
        probability("")


def test_simulate_prints_violations_and_digest(capsys):
    assert main(["simulate", "--seed", "3", "--events", "500", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["violations"] == []
    assert len(document["digest"]) == 64


def test_simulate_takes_a_range_of_seeds(capsys):
    assert main(["simulate", "--seeds", "1..2", "--events", "300", "--calm", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [1, 2]


@pytest.mark.parametrize(
    "arguments", [["--seeds", "9..1"], ["--seeds", "many"], ["--events", "0"], ["--jobs", "0"]]
)
def test_senseless_simulations_are_refused(capsys, arguments):
    assert main(["simulate", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_progress_is_a_bar():
    assert bar(1, 2) == "[###############...............] 1/2"
