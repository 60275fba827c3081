"""The doctor of Kalshi: every failure is one line with what to do, and the dead man is proven."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from kalshi_stage import sandbox_of

from console.config.read import load
from console.keys import Keys
from console.venues.kalshi import doctor as doctor_module
from console.venues.kalshi import opening


def run(story):
    asyncio.run(story())


def config_of(sandbox, tmp_path, outcomes=("Boston", "Denver"), tickers=None, rest=None):
    events = sandbox.house.catalogue.matches
    event = next(e for e in events if e.startswith("KXNBAGAME"))
    tickers = tickers or sandbox.house.catalogue.tickers(event)
    base = f"127.0.0.1:{sandbox.port}"
    rows = [
        f'{{ venue = "kalshi", symbol = "{ticker}", outcomes = ["{outcome}"] }}'
        for ticker, outcome in zip(tickers, outcomes, strict=True)
    ]
    path = tmp_path / "markets.toml"
    path.write_text(
        f"""[engine]
mode = "demo"
[venues.kalshi]
enabled = true
rest = "{rest or f"http://{base}/trade-api/v2"}"
stream = "ws://{base}/trade-api/ws/v2"
[[match]]
id = "m"
outcomes = {json.dumps(list(outcomes))}
instruments = [{", ".join(rows)}]
"""
    )
    return load(path, {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)})


def keys_of(sandbox, kind="ed25519", key_id=None):
    key = next(key for key in sandbox.gate.keys if key.kind == kind)
    return Keys({"KALSHI_KEY_ID": key_id or key.key_id, "KALSHI_PRIVATE_KEY_PATH": str(key.path)}, None)


async def examined(sandbox, tmp_path, keys=None, **options):
    checks = await opening.examine(config_of(sandbox, tmp_path, **options), keys or keys_of(sandbox))
    for check in checks:
        assert "\n" not in f"{check.seen}{check.remedy}"
        assert check.passed or check.remedy, check.name
    return {check.name: check for check in checks}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(doctor_module, "LEASE_S", 2)
    monkeypatch.setattr(doctor_module, "POLL_S", 0.1)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_sound_venue_passes_and_the_dead_man_is_proven(tmp_path, kind):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            checks = await examined(sandbox, tmp_path, keys_of(sandbox, kind))
            assert all(check.passed for check in checks.values())
            assert "one left alone was gone after" in checks["kalshi dead man"].seen
            assert sandbox.house.resting() == []
            assert sandbox.house.groups.known == {}
            assert sandbox.house.bank.nets == {}

    run(story)


def test_a_missing_key_is_said_and_what_is_public_still_examined(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            checks = await examined(sandbox, tmp_path, Keys({}, None))
            assert not checks["kalshi key"].passed
            assert "KALSHI_KEY_ID" in checks["kalshi key"].seen
            assert "kalshi signature" not in checks
            assert any(name.startswith("kalshi market") for name in checks)

    run(story)


def test_a_key_of_another_place_is_said(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            checks = await examined(sandbox, tmp_path, keys_of(sandbox, key_id="other"))
            assert "NOT_FOUND" in checks["kalshi signature"].seen
            assert "belong together" in checks["kalshi signature"].remedy
            assert "kalshi dead man" not in checks

    run(story)


def test_nobody_there_is_one_line(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            checks = await examined(sandbox, tmp_path, rest="http://127.0.0.1:9/trade-api/v2")
            assert not checks["kalshi reached"].passed
            assert set(checks) == {"kalshi reached", "kalshi key"}

    run(story)


def test_an_empty_shard_is_named(tmp_path):
    async def story():
        async with sandbox_of(tmp_path, ["unfunded"]) as sandbox:
            checks = await examined(sandbox, tmp_path)
            assert not checks["kalshi funds"].passed
            assert "transfer collateral to shard 3" in checks["kalshi funds"].remedy
            assert checks["kalshi dead man"].seen == "not tried: a check before it failed"

    run(story)


def test_an_empty_shard_beside_a_funded_one_is_a_note_and_keeps_nothing_from_starting(tmp_path):
    async def story():
        async with sandbox_of(tmp_path, ["unfunded"]) as sandbox:
            of = sandbox.house.catalogue
            events = [next(e for e in of.matches if e.startswith(s)) for s in ("KXNBAGAME", "KXNHLGAME")]
            dry, wet = (of.tickers(event)[0] for event in events)
            names = [of.listing(ticker)["yes_sub_title"] for ticker in (dry, wet)]
            checks = await examined(sandbox, tmp_path, outcomes=names, tickers=(dry, wet))
            funds = checks["kalshi funds"]
            assert (funds.passed, funds.needed) == (False, False)
            assert funds.seen == "shard 0: $1000.00, shard 3: $0.00"
            assert "transfer collateral to shard 3" in funds.remedy
            assert checks["kalshi order group"].passed
            assert checks["kalshi dead man"].passed

    run(story)


def test_teams_the_wrong_way_round_are_refused(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            checks = await examined(sandbox, tmp_path, outcomes=("Denver", "Boston"))
            wrong = [check for name, check in checks.items() if name.startswith("kalshi market")]
            assert [check.passed for check in wrong] == [False, False]
            assert "seems to be another one" in wrong[0].remedy

    run(story)


def test_a_market_that_is_not_listed_is_a_note(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            event = next(e for e in sandbox.house.catalogue.matches if e.startswith("KXNBAGAME"))
            tickers = [sandbox.house.catalogue.tickers(event)[0], "KXNOBODY-26NOV20AB-B"]
            checks = await examined(sandbox, tmp_path, tickers=tickers)
            note = checks["kalshi market KXNOBODY-26NOV20AB-B"]
            assert (note.passed, note.needed) == (False, False)
            assert checks["kalshi dead man"].passed

    run(story)


def test_without_a_match_the_dead_man_is_proven_on_any_market(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            config = config_of(sandbox, tmp_path)
            bare = msgspec.structs.replace(config, matches=())
            checks = {c.name: c for c in await opening.examine(bare, keys_of(sandbox))}
            assert checks["kalshi dead man"].passed
            assert [name for name, c in checks.items() if c.needed and not c.passed] == []

    run(story)


def test_a_clock_that_is_off_is_a_failure(tmp_path, monkeypatch):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            monkeypatch.setattr(doctor_module, "CLOCK_MAX_S", -1.0)
            checks = await examined(sandbox, tmp_path)
            assert "set this machine's clock" in checks["kalshi clock"].remedy

    run(story)


def test_an_order_that_outlives_its_end_is_found_and_cancelled(tmp_path, monkeypatch):
    async def story():
        monkeypatch.setattr(doctor_module, "LEASE_PATIENCE_S", 3.5)
        async with sandbox_of(tmp_path) as sandbox:
            sandbox.house.tick = lambda: None  # nothing ever ends there by itself
            checks = await examined(sandbox, tmp_path)
            assert "still rested" in checks["kalshi dead man"].seen
            assert sandbox.house.resting() == []

    run(story)


def test_a_pause_of_the_exchange_is_told(tmp_path):
    async def story():
        async with sandbox_of(tmp_path) as sandbox:
            await sandbox.act("halt")
            checks = await examined(sandbox, tmp_path)
            assert "do not trade now" in checks["kalshi reached"].seen
            assert checks["kalshi dead man"].seen == "no market is open to prove it on"

    run(story)
