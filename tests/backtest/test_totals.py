"""A long simulation in pieces: resumed where it stopped, added up, and a failing seed made short."""

import json

import pytest

from console.__main__ import main
from console.backtest.plan import plan_of
from console.backtest.shrink import shrink, story
from console.backtest.simulate import Violation, simulate, simulate_plan
from console.backtest.totals import Ledger, TotalsError, words


def test_a_long_run_goes_on_where_it_stopped_and_adds_up(tmp_path, capsys):
    kept = tmp_path / "seeds.jsonl"
    arguments = ["simulate", "--events", "300", "--resume", str(kept)]
    assert main([*arguments, "--seeds", "1..2"]) == 0
    first = kept.read_bytes()
    assert main([*arguments, "--seeds", "1..3", "--json"]) == 0
    assert kept.read_bytes().startswith(first)
    totals = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert totals["seeds"] == 3
    assert totals["events"] >= 900
    assert totals["violations"] == 0


def test_a_line_cut_short_is_run_again(tmp_path):
    kept = tmp_path / "seeds.jsonl"
    ledger = Ledger(kept, 300)
    for seed in (1, 2):
        ledger.add(simulate(seed, 300))
    kept.write_bytes(kept.read_bytes()[:-40])
    again = Ledger(kept, 300)
    assert again.open_seeds(range(1, 4)) == [2, 3]
    again.add(simulate(2, 300))
    assert Ledger(kept, 300).open_seeds(range(1, 3)) == []


def test_a_file_of_something_else_is_refused(tmp_path):
    kept = tmp_path / "seeds.jsonl"
    kept.write_text("{}\n")
    with pytest.raises(TotalsError, match="line 1: no report"):
        Ledger(kept, 300)
    kept.unlink()
    Ledger(kept, 300).add(simulate(1, 300))
    with pytest.raises(TotalsError, match="fewer than 5000 events"):
        Ledger(kept, 5000)


def test_totals_are_one_line_and_the_misfortunes(tmp_path):
    ledger = Ledger(tmp_path / "seeds.jsonl", 300)
    ledger.add(simulate(1, 300))
    assert words(ledger.totals()).startswith("1 seeds, ")
    assert "misfortunes" in words(ledger.totals())


def test_a_failing_seed_is_made_short(monkeypatch):
    """A rule that fails whenever more than one match is made: nothing else of the plan is needed."""
    from console.backtest import shrink as shrinking

    def fails(plan, events):
        report = simulate_plan(plan, 50)
        if plan.matches < 2:
            return report
        broken = Violation(plan.seed, 40, 1.0, "two", "there are two", ("{}",))
        return type(report)(
            **{name: getattr(report, name) for name in report.__struct_fields__} | {"violations": (broken,)}
        )

    monkeypatch.setattr(shrinking, "simulate_plan", fails)
    plan = plan_of(1)
    short, violation = shrink(plan, Violation(1, 40, 1.0, "two", "there are two", ("{}",)), lambda _: None)
    assert short.matches == 2
    assert short.crashes_per_hour == short.whims_per_hour == 0.0
    assert violation.invariant == "two"
    assert story(short, violation) == [
        "seed 1, 40 events, 1.0 s:",
        "  matches = 2",
        "  two: there are two",
        "  the last records:",
        "    {}",
    ]
