"""The tape as a world: the same facade as the simulated one, matches met on the way, its own pace."""

import asyncio
import inspect
import itertools

import pytest
from tapes import BEGAN_MS, MadeUp, made_up, write

from console.backtest.pace import STEP_S, Playing, SpeedError, Tempo, parse_speed
from console.backtest.tape import CONFIRM_EVERY, Tape
from console.core.commands import Alert, Reconcile, Resync, Severity, Subscribe
from console.core.events import (
    AddMatch,
    BookDelta,
    BookSnapshot,
    InstrumentDefined,
    MarketStatus,
    MassStatus,
    OddsSuspended,
    OddsUpdate,
    VenueUp,
)
from console.core.instruments import Instrument, Venue
from console.core.settings import MatchSettings
from console.core.units import MILLISECOND, ONE, SECOND
from console.sim.clock import NEVER
from console.sim.world import World

YES = Instrument(Venue.KALSHI, "MADEUP-A")
SUBSCRIBE = Subscribe(instrument=YES)


def tape_of(tmp_path, frames=600, **facts):
    return Tape([made_up(tmp_path / "tape.gz", frames)], MatchSettings(), **facts)


def run(tape, until):
    seen = []
    while tape.next_ts() <= until:
        seen += tape.advance(tape.next_ts())
    return seen


@pytest.mark.parametrize(
    "name", ["listings", "venues", "spec_of", "odds_now", "now", "submit", "advance", "next_ts", "over"]
)
def test_tape_has_the_facade_of_the_world(name):
    mine, theirs = getattr(Tape, name), getattr(World, name)
    assert isinstance(mine, property) is isinstance(theirs, property)
    if not isinstance(mine, property):
        assert list(inspect.signature(mine).parameters) == list(inspect.signature(theirs).parameters)


def test_venue_is_up_and_the_match_added_before_anything_else(tmp_path):
    tape = tape_of(tmp_path)
    assert tape.next_ts() == tape.began == BEGAN_MS * MILLISECOND
    up, added = tape.advance(tape.began)
    assert isinstance(up, VenueUp)
    assert isinstance(added, AddMatch)
    assert added.spec.outcomes == ("Yes", "No")
    assert [(listing.instrument, listing.pays) for listing in added.spec.listings] == [(YES, (0,))]
    assert tape.listings == (added.spec,)
    assert tape.venues == (Venue.KALSHI,)


def test_nothing_of_a_market_is_told_before_it_is_subscribed(tmp_path):
    tape = tape_of(tmp_path)
    tape.advance(tape.began)
    assert run(tape, tape.began + SECOND) == []
    tape.submit(SUBSCRIBE, tape.now)
    seen = run(tape, tape.now + SECOND)
    assert [type(event) for event in seen[:3]] == [InstrumentDefined, MarketStatus, BookSnapshot]
    assert tape.spec_of(YES) == seen[0].spec
    assert all(later.ts >= earlier.ts for earlier, later in itertools.pairwise(seen))
    assert all(event.wall == event.ts for event in seen)


def test_answers_come_between_recorded_events_in_order_of_time(tmp_path):
    tape = tape_of(tmp_path)
    tape.advance(tape.began)
    tape.submit(SUBSCRIBE, tape.now)
    asked = tape.began + SECOND
    run(tape, asked)
    tape.submit(Reconcile(venue=Venue.KALSHI), asked)
    seen = run(tape, asked + SECOND)
    (status,) = [event for event in seen if isinstance(event, MassStatus)]
    assert status.ts == asked + 35 * MILLISECOND
    assert [event.ts for event in seen] == sorted(event.ts for event in seen)


def test_command_of_long_ago_takes_effect_now(tmp_path):
    tape = tape_of(tmp_path)
    tape.advance(tape.began + SECOND)
    tape.submit(Resync(instrument=YES), tape.began)
    tape.submit(SUBSCRIBE, tape.began)
    seen = run(tape, tape.began + 2 * SECOND)
    assert seen[0].ts == tape.began + SECOND


def test_words_to_the_operator_go_nowhere(tmp_path):
    tape = tape_of(tmp_path)
    tape.submit(Alert(severity=Severity.INFO, text="hello"), tape.began)
    run(tape, NEVER - 1)
    assert tape.over
    assert tape.next_ts() == NEVER


def test_reading_ahead_changes_nothing(tmp_path):
    told = []
    for ahead in (False, True):
        tape = tape_of(tmp_path, 700, ahead=ahead)
        tape.advance(tape.began)
        tape.submit(SUBSCRIBE, tape.now)
        told.append(run(tape, NEVER - 1))
    assert told[0] == told[1]
    assert len(told[0]) > 600


def test_microprice_is_told_at_most_once_a_second_while_it_moves(tmp_path):
    tape = tape_of(tmp_path, 3000)
    tape.advance(tape.began)
    tape.submit(SUBSCRIBE, tape.now)
    updates = [event for event in run(tape, NEVER - 1) if isinstance(event, OddsUpdate)]
    assert len(updates) > 20
    gaps = [later.ts - earlier.ts for earlier, later in itertools.pairwise(updates)]
    assert min(gaps) >= SECOND
    assert all(sum(1 / price for price in event.odds) == pytest.approx(1.0) for event in updates)
    moved = [b.odds != a.odds or b.ts - a.ts >= CONFIRM_EVERY for a, b in itertools.pairwise(updates)]
    assert all(moved)
    assert tape.odds_now(tape.listings[0].id) == updates[-1].odds


def test_microprice_is_that_of_the_public_book(tmp_path):
    """Bid 40 x 30 against ask 44 x 10: (40 * 10 + 44 * 30) / 40 = 43 cents."""
    told = {"yes_dollars_fp": [["0.4000", "30.00"]], "no_dollars_fp": [["0.5600", "10.00"]]}
    frames = [_frame(n, 1000 * n, "orderbook_snapshot", told) for n in range(1, 4)]
    tape = Tape([write(tmp_path / "tape.gz", iter(frames))], MatchSettings())
    tape.advance(tape.began)
    tape.submit(SUBSCRIBE, tape.began)
    (update,) = [event for event in run(tape, NEVER - 1) if isinstance(event, OddsUpdate)]
    assert 1 / update.odds[0] == pytest.approx(0.43)


def test_microprice_is_withdrawn_while_a_side_is_empty(tmp_path):
    full = {"yes_dollars_fp": [["0.4000", "30.00"]], "no_dollars_fp": [["0.5600", "10.00"]]}
    bare = {"yes_dollars_fp": [["0.4000", "30.00"]]}
    frames = [_frame(n, 1000 * n, "orderbook_snapshot", full if n < 4 else bare) for n in range(1, 8)]
    tape = Tape([write(tmp_path / "tape.gz", iter(frames))], MatchSettings())
    tape.advance(tape.began)
    tape.submit(SUBSCRIBE, tape.began)
    said = [event for event in run(tape, NEVER - 1) if isinstance(event, OddsUpdate | OddsSuspended)]
    assert [type(event) for event in said] == [OddsUpdate, OddsSuspended]
    assert tape.odds_now(tape.listings[0].id) == ()


def test_pinned_odds_silence_the_tape(tmp_path):
    tape = tape_of(tmp_path, odds=(1.9, 2.1))
    tape.advance(tape.began)
    tape.submit(SUBSCRIBE, tape.now)
    assert not [event for event in run(tape, NEVER - 1) if isinstance(event, OddsUpdate)]
    assert tape.odds_now(tape.listings[0].id) == (1.9, 2.1)


def test_markets_begun_later_are_met_later(tmp_path):
    late = [{**frame, "recv_ms": frame["recv_ms"] + 5000} for frame in MadeUp("MADEUP-B", 2).frames(200)]
    files = [made_up(tmp_path / "a.gz", 400), write(tmp_path / "b.gz", iter(late))]
    tape = Tape(files, MatchSettings())
    tape.advance(tape.began)
    assert [spec.id for spec in tape.listings] == ["MADEUP-A"]
    added = [event for event in run(tape, NEVER - 1) if isinstance(event, AddMatch)]
    assert [event.spec.id for event in added] == ["MADEUP-B"]
    assert len(tape.listings) == 2


# ---- pace


@pytest.mark.parametrize(("text", "speed"), [("1", 1.0), ("2.5x", 2.5), (" 100 ", 100.0)])
def test_speed_is_a_multiple(text, speed):
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "fast", "", "nan", "101"])
def test_other_speeds_are_refused(text):
    with pytest.raises(SpeedError, match="neither max nor a number"):
        parse_speed(text)


def test_tape_is_played_at_its_pace(tmp_path):
    """At four times its speed, ten seconds of ours bring forty of the tape, in small steps."""
    tape = tape_of(tmp_path, 6000)
    clock, put, slept = [0], [], []

    async def sleep(seconds):
        slept.append(seconds)
        clock[0] += round(seconds * SECOND)
        for event in put:
            if isinstance(event, AddMatch):
                tape.submit(SUBSCRIBE, tempo.now())
        kept.extend(put)
        put.clear()
        if clock[0] >= 10 * SECOND:
            raise asyncio.CancelledError

    kept = []
    tempo = Tempo(tape.began, 4.0, lambda: clock[0])
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Playing(tape, tempo, sleep).run(put.append))
    assert 39.5 * SECOND <= kept[-1].ts - tape.began <= 40 * SECOND
    assert max(slept) <= STEP_S
    assert sum(isinstance(event, BookDelta) for event in kept) > 1000


def test_recorded_time_waits_for_a_burst_to_be_read(tmp_path):
    """A thousand times too many events in one step: the clock of the run stands still meanwhile."""
    tape = tape_of(tmp_path, 6000)
    clock, slept = [0], []

    async def sleep(seconds):
        slept.append(seconds)
        clock[0] += round(seconds * SECOND)
        if len(slept) > 1:
            raise asyncio.CancelledError

    put = []
    tempo = Tempo(tape.began, 100.0, lambda: clock[0])
    clock[0] = SECOND  # late by a second of ours, a hundred of the tape
    tape.submit(SUBSCRIBE, tape.began)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Playing(tape, tempo, sleep).run(put.append))
    assert slept[0] == len(put) / 20_000 > STEP_S
    assert tempo.now() <= tape.began + 100 * SECOND + round(STEP_S * 100 * SECOND)


def _frame(number, ms, kind, msg):
    event = {"type": kind, "sid": 1, "seq": number, "msg": {"market_ticker": "MADEUP-A", **msg}}
    return {"recv_ms": BEGAN_MS + ms, "event": event}


def test_sizes_are_exact(tmp_path):
    tape = tape_of(tmp_path)
    tape.advance(tape.began)
    market = tape.exchange.markets[YES]
    assert all(size % (ONE // 100) == 0 for size in market.bids.sizes.values())
