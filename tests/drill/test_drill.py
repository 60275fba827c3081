"""The drills, short: each becomes safe within its limit, and what it wrote is verified."""

import asyncio

from console.__main__ import main
from console.drill.command import Drilled, _broken, line, one
from console.drill.processes import PROCESS_DRILLS
from console.drill.rehearsals import REHEARSALS, Rehearsed
from console.drill.stage import SHORT, DrillError, Stage
from console.verify import verify


def test_every_rehearsed_failure_becomes_safe_in_time(tmp_path):
    """All at once: each on an engine and a world of its own."""

    async def rehearsed(name):
        root = tmp_path / name
        root.mkdir()
        async with Stage(root, SHORT).playing() as stage:
            return name, await REHEARSALS[name](stage)

    async def all_of_them():
        return dict(await asyncio.gather(*(rehearsed(name) for name in REHEARSALS)))

    went = asyncio.run(all_of_them())
    assert went.keys() == REHEARSALS.keys()
    for name, outcome in went.items():
        assert outcome.safe_s <= outcome.limit_s, name
        assert outcome.orders > 0, name
    journals = sorted(tmp_path.rglob("*.sqlite"))
    assert len(journals) == len(REHEARSALS)
    assert not [finding for path in journals for finding in verify(path).findings]


def test_every_failure_of_the_process_becomes_safe_in_time(tmp_path):
    """All at once, too: each on an engine process of its own."""

    async def broken(name):
        root = tmp_path / name
        root.mkdir()
        return name, await _broken(name, root)

    async def all_of_them():
        return dict(await asyncio.gather(*(broken(name) for name in PROCESS_DRILLS)))

    went = asyncio.run(all_of_them())
    assert went.keys() == PROCESS_DRILLS.keys()
    for name, outcome in went.items():
        assert outcome.safe_s <= outcome.limit_s, name
        assert outcome.orders > 0, name
    journals = sorted(tmp_path.rglob("*.sqlite"))
    assert len(journals) >= len(PROCESS_DRILLS)
    assert not [finding for path in journals for finding in verify(path).findings]


def test_one_drill_from_its_beginning_to_its_verified_journal():
    outcome = one("clock-jump", SHORT)
    assert outcome.passed, line(outcome)
    assert "verified" in line(outcome)


def test_what_does_not_become_safe_is_said_and_is_status_1(monkeypatch, capsys):
    async def never(name, pace, root):
        raise DrillError("not within 2 s: quotes on silent odds")

    from console.drill import command

    monkeypatch.setattr(command, "_rehearsed", never)
    assert main(["drill", "stale-odds"]) == 1
    assert "FAIL  not within 2 s: quotes on silent odds" in capsys.readouterr().out


def test_a_journal_that_is_not_clean_fails_the_drill():
    went = Rehearsed(1.0, 2.0, 3, 4.5, "fine")
    outcome = Drilled("stale-odds", False, went, 1, 10, ("records 3 to 4 are missing",))
    assert "NOT CLEAN: records 3 to 4 are missing" in line(outcome)


def test_an_unknown_drill_lists_the_known_ones(capsys):
    assert main(["drill", "earthquake"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("mmconsole: drill: 'earthquake' is not one of feed-freeze, stale-odds")
    assert said.count("\n") == 1
