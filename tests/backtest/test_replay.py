"""Replays of made up recordings: what is counted, what must never be, and that it is the same every time."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tapes import BEGAN_MS, MadeUp, made_up, write

from console.backtest.replay import SILENCE, Replay, ReplayError, overridden, pinned_odds, replay
from console.backtest.report import Report, Valued, as_json, as_text
from console.backtest.tape import Tape
from console.core.commands import AmendOrder, CancelOrder, PlaceOrder
from console.core.events import AddMatch, MassStatus, OrderFilled, SetTheo, Settled, Started
from console.core.settings import AccountSettings, SettingError
from console.core.units import CENT, ONE, SECOND
from console.journal import Reader
from console.sim.paper import PaperDials
from console.venues.recording import RecordingError

EAGER = ("edge_min=0", "vol_factor=0", "improve_step=0", "rival_size_min=0", "max_loss_match=10000")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return made_up(tmp_path_factory.mktemp("tape") / "made-up.gz", 12_000)


@pytest.fixture(scope="module")
def report(recording):
    return replay([recording], settings=EAGER)


# ---- what is counted


def test_replay_trades_and_nothing_forbidden_happens(report):
    assert report.events >= 12_002  # the frames, and the two facts said of a market first met
    assert report.orders > 20
    assert report.fills > 10
    assert report.clean
    assert (report.stale_books, report.halted) == (0, "")
    assert report.events_per_s == round(report.events / report.seconds)


def test_market_at_the_end_is_the_public_one(recording):
    made = MadeUp("MADEUP-A", 1)
    for _ in made.frames(12_000):
        pass
    (market,) = replay([recording], settings=EAGER).markets
    assert market.bid == max(made.yes) * CENT
    assert market.ask == (100 - max(made.no)) * CENT


def test_every_market_of_every_file_is_a_match(tmp_path):
    files = [made_up(tmp_path / f"{n}.gz", 1500, ticker=f"MADEUP-{n}") for n in range(3)]
    report = replay(files, settings=EAGER)
    assert [market.symbol for market in report.markets] == ["MADEUP-0", "MADEUP-1", "MADEUP-2"]
    assert report.files == 3
    assert report.clean


def test_orders_stay_within_their_ceilings_and_fills_within_the_orders(recording):
    tape = Tape([recording], overridden(EAGER)[0])
    running = Replay(tape, AccountSettings())
    prices, sizes = {}, {}
    submit = tape.submit

    def watched(command, ts):
        if isinstance(command, PlaceOrder | AmendOrder):
            bought = command.action.value == "buy"
            assert command.price <= command.ceiling if bought else command.price >= command.ceiling
            prices.setdefault(command.order_id, set()).add(command.price)
            sizes[command.order_id] = max(sizes.get(command.order_id, 0), command.size)
        submit(command, ts)

    tape.submit = watched
    running.run()
    filled = {}
    for fill in tape.exchange.wallet.mass_status(0, tape.now).fills:
        assert fill.price in prices[fill.order_id]
        filled[fill.order_id] = filled.get(fill.order_id, 0) + fill.size
    assert filled
    assert all(size <= sizes[order_id] for order_id, size in filled.items())


def test_profit_is_what_the_venue_says(recording, tmp_path):
    """A settled tape: the engine's profit is the change of the paper account's cash, to the millionth."""
    path = tmp_path / "events" / "MADEUP-A" / "day.gz"
    made_up(path, 6000)
    _sidecar(path, "MADEUP", close_ms=BEGAN_MS + 100_000, paid="1.0000")
    tape = Tape([path], overridden(EAGER)[0])
    running = Replay(tape, AccountSettings())
    running.run()
    report = running.report(1, 1.0, "")
    assert report.fills > 5
    assert [market.valued for market in report.markets] == [Valued.SETTLED]
    assert report.markets[0].net == 0
    assert report.pnl == tape.exchange.wallet.money.cash - tape.exchange.wallet.money.paid_in
    assert report.resting == 0
    assert report.clean


def _sidecar(path, event, close_ms, paid):
    def iso(ms):
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")

    market = {
        "ticker": "MADEUP-A",
        "event_ticker": event,
        "status": "finalized",
        "result": "yes",
        "yes_sub_title": "Yes",
        "rules_primary": "made up",
        "rules_secondary": "",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "close_time": iso(close_ms),
        "title": "Made up?",
        "settlement_value_dollars": paid,
        "settlement_ts": iso(close_ms + 5000),
    }
    event = {"event_ticker": event, "series_ticker": "M", "title": "Made up", "mutually_exclusive": False}
    sidecar = path.parent.parent.parent / "metadata" / "MADEUP.json"
    sidecar.parent.mkdir()
    sidecar.write_text(json.dumps({"response": {"event": event, "markets": [market]}}))


# ---- fair value


def test_pinned_probability_is_the_theo(recording):
    tape = Tape([recording], overridden(EAGER)[0], odds=pinned_odds(0.6, ())[0])
    running = Replay(tape, AccountSettings())
    while tape.recorded < 2000:
        running.step()
    (desk,) = running.engine.state.desks.values()
    assert desk.theo.outcomes == (600_000, 400_000)
    assert [source.name for source in desk.theo.sources if source.weight] == ["manual"]


def _own(tape):
    return [place for m in tape.exchange.markets.values() for place in m.bids.places + m.asks.places]


def test_tape_speaks_where_nothing_is_pinned_and_never_of_our_own_orders(recording):
    tape = Tape([recording], overridden(EAGER)[0])
    running = Replay(tape, AccountSettings())
    while tape.recorded < 2000 or not _own(tape):  # a better price is a cancel first
        running.step()
    (desk,) = running.engine.state.desks.values()
    assert desk.theo.why is None
    assert {source.name for source in desk.theo.sources} == {"kalshi", "tape"}
    market = tape.exchange.markets[desk.spec.listings[0].instrument]
    half = market.bids if market.bids.places else market.asks
    price, size = half.public_best()
    assert half.sizes[price] == size


@pytest.mark.parametrize(
    ("theo", "odds", "message"),
    [
        (1.0, (), "theo: 1 is not a probability"),
        (0.0, (), "theo: 0 is not a probability"),
        (0.5, (2.0, 2.0), "theo: give a probability or odds, not both"),
        (None, (2.0,), "odds: give two, of YES and NO, not 1"),
    ],
)
def test_senseless_fair_value_is_refused(theo, odds, message):
    with pytest.raises(ReplayError, match=message):
        pinned_odds(theo, odds)


def test_odds_of_both_sides_are_pinned_as_they_are():
    assert pinned_odds(None, (1.91, 2.0)) == ((1.91, 2.0), "odds 1.91 / 2, pinned")


# ---- settings


def test_settings_are_of_the_match_or_of_the_account():
    match, account = overridden(["edge_min=2", "daily_loss=7.5", " levels = 3"])
    assert (match.edge_min, match.levels, account.daily_loss) == (2 * CENT, 3, 7_500_000)
    assert (match.in_play, match.no_legs) == (True, True)


def test_settings_that_only_make_sense_together_may_come_in_any_order():
    match, _ = overridden(["kelly_pct=25", "bankroll=500", "contracts=200", "order_size_max=500", *BIG])
    assert match.bankroll == 500 * ONE


BIG = ["inventory_max=500", "max_position=900"]


@pytest.mark.parametrize("text", ["edge_min", "edge_mni=2", "edge_min=x", "kelly_pct=25"])
def test_wrong_setting_is_one_line(text):
    with pytest.raises(SettingError):
        overridden([text])


# ---- the same every time


def test_same_recording_has_the_same_decisions(recording, report):
    again = replay([recording], settings=EAGER)
    assert again.digest == report.digest
    same = {"seconds": 0.0, "events_per_s": 0}
    assert msgspec.structs.replace(again, **same) == msgspec.structs.replace(report, **same)


def test_decisions_do_not_hang_on_the_hash_seed(recording, report):
    program = (
        "import sys; from pathlib import Path; from console.backtest.replay import replay; "
        "print(replay([Path(sys.argv[1])], settings=sys.argv[2:]).digest)"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program, str(recording), *EAGER],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == report.digest


def test_decisions_hang_on_what_is_set(recording, report):
    assert replay([recording], settings=(*EAGER, "contracts=9")).digest != report.digest
    assert replay([recording], settings=EAGER, dials=PaperDials(request_ms=30)).digest != report.digest


# ---- the journal


def test_journal_holds_every_command_and_account_event_and_no_market_data(recording, report, tmp_path):
    journalled = replay([recording], settings=EAGER, journal=tmp_path / "journal")
    assert journalled.digest == report.digest
    commands, events = [], []
    for record in Reader(Path(journalled.journal)).all():
        if record.kind == "command":
            commands.append(record.command())
        else:
            events.append(record.event())

    def of(kind, among):
        return sum(isinstance(item, kind) for item in among)

    assert isinstance(events[0], Started)
    assert of(PlaceOrder, commands) == report.orders
    assert of(AmendOrder, commands) == report.amends
    assert of(CancelOrder, commands) == report.cancels
    assert of(OrderFilled, events) == report.fills
    assert of(AddMatch, events) == 1
    assert of(MassStatus, events) > 1
    assert not {type(event).__name__ for event in events} & {"BookDelta", "Tick", "Trade", "OddsUpdate"}


def test_two_replays_may_share_a_folder(tmp_path):
    path = made_up(tmp_path / "tape.gz", 300)
    paths = {replay([path], journal=tmp_path / "journal").journal for _ in range(2)}
    assert len(paths) == 2


# ---- time


def test_long_silence_of_the_recording_costs_no_ticks(tmp_path):
    first, second = MadeUp("MADEUP-A", 1), MadeUp("MADEUP-B", 2)
    day_ms = 24 * 3600 * 1000
    late = ({**frame, "recv_ms": frame["recv_ms"] + day_ms} for frame in second.frames(300))
    files = [write(tmp_path / "a.gz", first.frames(300)), write(tmp_path / "b.gz", late)]
    tape = Tape(files, overridden(EAGER)[0])
    running = Replay(tape, AccountSettings())
    steps = 0
    while running.step():
        steps += 1
    assert steps < 5000  # a day has 864,000 tenths of a second
    report = running.report(2, 1.0, "")
    assert report.clean
    assert report.recorded_s > 86_400
    assert SILENCE == 60 * SECOND


def test_end_of_trading_ends_quoting(tmp_path):
    path = tmp_path / "events" / "MADEUP-A" / "day.gz"
    made_up(path, 3000)
    _sidecar(path, "MADEUP", close_ms=BEGAN_MS + 40_000, paid="0.0000")
    tape = Tape([path], overridden(EAGER)[0])
    running = Replay(tape, AccountSettings())
    last = [0]
    submit = tape.submit

    def watched(command, ts):
        if isinstance(command, PlaceOrder | AmendOrder):
            last[0] = ts
        submit(command, ts)

    tape.submit = watched
    running.run()
    closed = (BEGAN_MS + 40_000) * 1_000_000
    assert 0 < last[0] <= closed
    assert tape.exchange.orders() == ()


def test_file_that_is_no_recording_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(RecordingError, match=r"notes\.txt"):
        replay([path])


# ---- what is printed


def test_json_has_money_in_dollars_and_nulls_for_the_unknown(report):
    document = json.loads(as_json(report), parse_float=Decimal)
    assert document["orders"] == report.orders
    assert document["pnl"] == Decimal(report.pnl) / ONE
    assert document["markets"][0]["bid"] == Decimal(report.markets[0].bid) / ONE
    unknown = msgspec.structs.replace(report, pnl=None)
    assert json.loads(as_json(unknown))["pnl"] is None


def test_text_says_what_matters(report):
    text = as_text(report)
    assert report.digest in text
    assert "MADEUP-A" in text
    assert "the tape's own microprice" in text
    assert "unknown" in as_text(msgspec.structs.replace(report, pnl=None))


def test_report_is_clean_only_without_violations(report):
    assert isinstance(report, Report)
    for field in ("negative_levels", "crossed_books", "above_ceiling"):
        assert not msgspec.structs.replace(report, **{field: 1}).clean
    assert not msgspec.structs.replace(report, defect="money").clean


def test_theo_is_told_as_an_operator_would(recording):
    tape = Tape([recording], overridden(())[0], odds=(2.0, 2.0))
    told = tape.advance(tape.began)
    assert [type(event).__name__ for event in told] == ["VenueUp", "AddMatch", "SetTheo"]
    assert isinstance(told[2], SetTheo)
    assert told[2].pinned
    assert not any(isinstance(event, Settled) for event in told)
