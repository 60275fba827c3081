"""Stories of the kill switch: everything is cancelled everywhere, again and again, until it is proven."""

from __future__ import annotations

import msgspec
import pytest

from console.core import checkpoint, picture
from console.core.commands import (
    Alert,
    AmendOrder,
    AnyCommand,
    CancelAll,
    CancelOrder,
    Latch,
    Lookup,
    PlaceOrder,
    Reconcile,
    Refuse,
    Severity,
)
from console.core.engine import Engine
from console.core.events import (
    Flatten,
    Kill,
    Mode,
    OrderAccepted,
    OrderCanceled,
    OutcomeUnknown,
    Pause,
    Rearm,
    Resume,
    Started,
    Stop,
    VenueUp,
)
from console.core.instruments import Instrument, RunId, Venue, VenueOrderId
from console.core.matches import MatchId
from console.core.orders import Operation, Order
from console.core.reasons import Reason
from console.core.recovery import recover
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import Nanos
from console.core.view import KillPhase

from .story import PA, PB, A, B, K, M, P, Story, cents, contracts, dollars, game

KILL = Kill(by="operator")


def two_venues() -> Story:
    story = Story(K, P)
    story.up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)})
    for one, other in ((A, B), (PA, PB)):
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.resting() == 4
    return story


def leaving(commands: list[AnyCommand]) -> list[AnyCommand]:
    return [c for c in commands if isinstance(c, PlaceOrder | AmendOrder)]


def test_the_latch_comes_first_then_every_venue_is_swept() -> None:
    story = two_venues()
    sent = [c for c in story.tell(KILL) if not isinstance(c, Alert)]
    assert sent[0] == Latch(reason="operator")
    assert {c.venue for c in sent if isinstance(c, CancelAll)} == {K, P}
    assert {c.venue for c in sent if isinstance(c, Reconcile)} == {K, P}
    assert story.resting() == 0
    assert leaving(sent) == []
    assert not [c for c in sent if isinstance(c, CancelOrder)]  # by account, not by memory


def test_it_is_repeated_at_growing_intervals_until_proven() -> None:
    story = game()
    story.answering = False
    times = [0.0 for _ in story.all(CancelAll, story.tell(KILL))]
    for tenth in range(1, 101):
        times += [tenth / 10 for _ in story.all(CancelAll, story.wait(0.1))]
    # 0.25, 0.5, 1, 2, 2 ... seconds apart, at the ticks of a tenth
    assert times == [0.0, 0.3, 0.8, 1.8, 3.8, 5.8, 7.8, 9.8]


def test_two_empty_lists_two_seconds_apart_are_the_proof() -> None:
    story = game()
    story.tell(KILL)
    sweep = story.state.connections[K].sweep
    assert sweep is not None
    assert not sweep.proven
    story.wait(1.9)
    assert not sweep.proven
    story.wait(2)
    assert sweep.proven
    assert story.all(CancelAll, story.wait(30)) == []
    view = picture.view(story.state, M)
    kill = view.kill
    assert kill is not None
    assert (kill.phase, kill.at_kill, kill.left, kill.unproven) == (KillPhase.KILLED, 2, 0, ())
    said = [line.text for line in view.log if line.text == "kalshi: nothing rests, proven by two empty lists"]
    assert len(said) == 1  # said once, however often it is looked at again


def test_an_order_that_rests_at_a_list_starts_the_proof_again() -> None:
    story = game()
    story.answering = False
    story.tell(KILL)
    kept = dict(story.clerks[K].orders)
    story.unanswered.clear()
    story.clerks[K].orders.clear()
    story.tell(story.clerks[K].status())
    story.wait(1)
    story.clerks[K].orders = kept
    story.tell(story.clerks[K].status())  # a late order turned up
    story.clerks[K].orders = {}
    story.wait(1.5)
    story.tell(story.clerks[K].status())
    sweep = story.state.connections[K].sweep
    assert sweep is not None
    assert not sweep.proven
    story.wait(2)
    story.tell(story.clerks[K].status())
    # ended? our two orders are only looked up now
    for order_id in list(story.state.blotter.live):
        story.tell(OrderCanceled(order_id=order_id))
    story.tell(story.clerks[K].status())
    story.wait(2.1)
    story.tell(story.clerks[K].status())
    assert sweep.proven


def test_a_place_still_in_flight_holds_back_the_proof() -> None:
    story = Story()
    story.up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(4)
    story.answering = False
    story.wait(1.5)
    places = story.all(PlaceOrder)
    story.tell(KILL)
    story.unanswered.clear()
    sweep = story.state.connections[K].sweep
    assert sweep is not None
    for _ in range(3):
        story.tell(story.clerks[K].status())
        story.wait(2.1)
    assert not sweep.proven
    for place in places:
        story.tell(OrderCanceled(order_id=place.order_id))
    story.tell(story.clerks[K].status())
    story.wait(2.1)
    story.tell(story.clerks[K].status())
    assert sweep.proven


@pytest.mark.parametrize("event", ["fill", "ack", "unknown", "resume", "settings", "book"])
def test_nothing_leaves_after_a_kill_whatever_happens(event: str) -> None:
    story = game()
    story.answering = False
    order_id = story.order(A)
    story.tell(KILL)
    sent: list[AnyCommand] = []
    for _ in range(40):
        match event:
            case "fill" if order_id in story.clerks[K].orders:
                sent += story.fill(order_id, 1)
            case "ack":
                sent += story.tell(OrderAccepted(order_id=order_id, venue_order_id=VenueOrderId("v")))
            case "unknown":
                sent += story.tell(OutcomeUnknown(order_id=order_id))
            case "resume":
                sent += story.tell(Pause()) + story.tell(Resume())
            case "settings":
                sent += story.add(settings=MatchSettings(contracts=contracts(5)))
            case _:
                sent += story.book(A, {40: 100}, {60: 100})
        sent += story.wait(1)
    assert leaving(sent) == []
    assert story.state.desks[M].reason is Reason.KILLED


def test_a_venue_that_comes_up_under_the_latch_is_swept_too() -> None:
    story = two_venues()
    story.tell(KILL)
    story.wait(10)
    sent = story.tell(VenueUp(venue=P))
    assert P in {c.venue for c in story.all(CancelAll, sent)}
    assert leaving(sent + story.wait(10)) == []


def test_a_second_kill_sweeps_again_and_keeps_the_first_record() -> None:
    story = game()
    story.tell(KILL)
    story.wait(10)
    sent = story.tell(Kill(by="second console"))
    assert story.all(CancelAll, sent)
    assert sent[0] == Latch(reason="operator")  # the first may not have been written
    assert story.state.kill is not None
    assert story.state.kill.by == "operator"


@pytest.mark.parametrize("venue", [None, K])
@pytest.mark.parametrize("by", ["", "  "])
def test_a_kill_by_nobody_latches_all_the_same(by: str, venue: Venue | None) -> None:
    """An empty reason would lift the latch."""
    story = game()
    sent = story.tell(Kill(by=by, venue=venue))
    assert [latch.reason for latch in story.all(Latch, sent)] == ["somebody"]
    assert leaving(story.wait(30)) == []
    assert story.resting() == 0


def test_a_venue_that_stays_silent_shows_as_incomplete() -> None:
    story = two_venues()
    story.answering = False
    story.tell(KILL)
    story.wait(11)
    kill = picture.view(story.state, M).kill
    assert kill is not None
    assert (kill.phase, kill.left, set(kill.unproven)) == (KillPhase.INCOMPLETE, 4, {K, P})


def test_two_hundred_orders_go_with_one_request_a_venue() -> None:
    story = Story(account=AccountSettings(write_tokens_per_s=10_000, write_burst=10_000))
    story.up()
    story.clerks[K].cash = dollars(10_000)
    story.tell(story.clerks[K].status())
    for n in range(100):
        one, other = Instrument(K, f"M{n}-A"), Instrument(K, f"M{n}-B")
        match = MatchId(f"m{n}")
        story.add(match, pays={one: (0,), other: (1,)}, settings=MatchSettings(contracts=contracts(1)))
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
        story.fair(0.525, 0.475, match=match)
    story.wait(7)
    assert story.resting() == 200
    sent = story.tell(KILL)
    assert len(story.all(CancelAll, sent)) == 1
    assert story.resting() == 0
    story.wait(6)
    sweep = story.state.connections[K].sweep
    assert sweep is not None
    assert sweep.proven


# ---- re-arm


@pytest.mark.parametrize(
    ("word", "reason", "text"),
    [
        ("resume", "checked", "re-arm: type the word RESUME"),
        ("", "checked", "re-arm: type the word RESUME"),
        ("RESUME", "  ", "re-arm: give a reason, it is journalled"),
    ],
)
def test_re_arming_needs_the_word_and_a_reason(word: str, reason: str, text: str) -> None:
    story = game()
    story.tell(KILL)
    assert story.refusals(story.tell(Rearm(word=word, reason=reason))) == [text]
    assert story.state.kill is not None
    assert leaving(story.wait(10)) == []


def test_re_arming_when_nothing_is_killed_is_refused() -> None:
    story = game()
    assert story.refusals(story.tell(Rearm(word="RESUME", reason="x"))) == [
        "nothing to re-arm: the kill latch is not engaged"
    ]


def test_after_re_arming_the_venues_are_reconciled_and_warmed_up_before_quoting() -> None:
    story = game()
    story.tell(KILL)
    story.wait(10)
    story.talking = False
    sent = story.tell(Rearm(word="RESUME", reason="checked by hand"))
    assert story.all(Latch, sent) == [Latch(reason="")]
    assert leaving(sent + story.wait(10)) == []
    assert story.state.desks[M].reason is Reason.RECONCILING
    story.talking = True
    assert leaving(story.wait(4.5)) == []
    story.wait(5)
    assert story.resting() == 2


# ---- the latch over a restart


def test_a_latch_of_an_earlier_run_is_engaged_from_the_first_event() -> None:
    story = Story(latched="operator")
    assert story.state.kill is not None
    story.up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.fair(0.525, 0.475)
    assert leaving(story.wait(30)) == []
    assert story.all(CancelAll)


def test_a_kill_in_the_checkpoint_holds_even_when_the_latch_could_not_be_written() -> None:
    story = game()
    story.tell(KILL)
    later = story.restart(latched="")
    later.up()
    assert later.state.kill is not None
    assert leaving(later.wait(20)) == []


def test_killed_while_looking_up_an_unknown_order_it_stays_looked_up() -> None:
    story = game()
    story.answering = False
    order_id = story.order(A)
    story.tell(OutcomeUnknown(order_id=order_id))
    story.tell(KILL)
    assert [c for c in story.all(Lookup, story.wait(6)) if c.order_id == order_id]


def test_the_checkpoint_of_a_killed_engine_can_be_read() -> None:
    story = game()
    story.tell(KILL)
    kept = checkpoint.decode(checkpoint.encode(story.state))
    assert kept.killed == "operator"
    assert msgspec.json.decode(checkpoint.encode(story.state))["killed"] == "operator"


# ---- one venue


def test_one_venue_killed_is_swept_by_account_and_the_other_goes_on() -> None:
    story = two_venues()
    sent = story.tell(Kill(by="operator", venue=K))
    assert story.all(Latch, sent) == [Latch(reason="operator", venue=K)]
    assert [command.venue for command in story.all(CancelAll, sent)] == [K]
    assert story.state.kill is None
    assert not story.clerks[K].orders
    placed = story.all(PlaceOrder, story.wait(60))
    assert {place.instrument.venue for place in placed} <= {P}
    assert story.rests(PA)
    assert story.state.connections[K].sweep is not None
    assert story.state.connections[K].sweep.proven


def test_one_venue_stays_killed_over_a_restart_until_re_armed() -> None:
    story = two_venues()
    story.tell(Kill(by="operator", venue=K))
    later = story.restart()
    later.up()
    for instrument, price in ((A, 48), (B, 43), (PA, 48), (PB, 43)):
        later.book(instrument, {price: 100}, {price + 8: 100})
    assert {place.instrument.venue for place in later.all(PlaceOrder, later.wait(30))} == {P}
    lifted = later.tell(Rearm(word="RESUME", reason="looked"))
    assert Latch(reason="", venue=K) in lifted
    later.wait(30)
    assert later.state.connections[K].killed == ""


def test_a_latch_file_of_one_venue_is_obeyed_from_the_first_event() -> None:
    story = Story(K, P)
    story.tell(
        Started(
            run_id=RunId("run2"),
            mode=Mode.SIM,
            account="test",
            settings=AccountSettings(),
            venues=(K, P),
            latched_venues=((K, "mmconsole kill"),),
        )
    )
    assert story.state.connections[K].killed == "mmconsole kill"
    assert story.state.connections[P].killed == ""


def test_a_venue_that_is_not_there_cannot_be_killed() -> None:
    story = game()
    assert story.refusals(story.tell(Kill(by="x", venue=P))) == ["polymarket is not configured in this run"]


def placing() -> tuple[Story, Order]:
    """An order whose place was sent and not answered."""
    story = Story().up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(4)
    story.answering = False
    story.wait(1.5)
    order = next(o for o in story.state.blotter.live.values() if o.pending is Operation.PLACE)
    return story, order


def test_an_order_that_comes_to_rest_behind_the_sweep_is_cancelled_at_once() -> None:
    story, order = placing()
    story.tell(KILL)
    story.tell(OutcomeUnknown(order_id=order.order_id, text="no answer in time"))
    told = OrderAccepted(
        order_id=order.order_id, venue_order_id=VenueOrderId("late"), price=order.price, size=order.size
    )
    assert [c.order_id for c in story.all(CancelOrder, story.tell(told))] == [order.order_id]


def test_an_order_whose_place_was_on_the_way_at_the_kill_is_cancelled_as_it_comes_to_rest() -> None:
    story, order = placing()
    story.tell(KILL)
    story.wait(3.8)
    told = OrderAccepted(order_id=order.order_id, venue_order_id=VenueOrderId("late"))
    assert [c.order_id for c in story.all(CancelOrder, story.tell(told))] == [order.order_id]


# ---- read back after a crash


def test_a_latch_that_was_lifted_before_the_crash_stays_lifted() -> None:
    """The run began with one venue latched; its operator re-armed, a checkpoint was taken, then it died."""
    story = Story(K, P).up()
    run = RunId("began-latched")
    at = {"ts": story.ts, "wall": story.wall, "run_id": run, "mode": Mode.SIM, "account": "test"}
    facts = {"settings": AccountSettings(), "venues": (K, P), "latched_venues": ((K, "operator"),)}
    engine = Engine()
    engine.on_event(Started(**at, **facts))
    later = {"ts": Nanos(story.ts + 1), "wall": Nanos(story.wall + 1)}
    engine.on_event(Rearm(word="RESUME", reason="looked", **later))
    kept = checkpoint.encode(engine.state)
    again = checkpoint.decode(recover(Started(**at, **facts, checkpoint=kept), ()))
    assert again.killed_venues == ()


def test_a_run_that_was_stopping_is_read_back_as_one() -> None:
    """What it refused because it was stopping is refused in reading it back, too."""
    story = game()
    story.fill(story.order(A), 10)
    story.tell(Stop(why="console lost"))
    kept = checkpoint.encode(story.state)
    started = Started(
        ts=story.ts,
        wall=story.wall,
        run_id=story.state.run_id,
        mode=Mode.SIM,
        account="test",
        settings=AccountSettings(),
        venues=(K,),
        checkpoint=kept,
    )
    flatten = Flatten(ts=story.ts, wall=story.wall, match=M, floor=cents(7))
    assert checkpoint.decode(recover(started, [flatten])).matches[0].paused == ""


@pytest.mark.parametrize("refused", [True, False])
def test_a_resume_that_was_refused_is_read_back_as_refused(refused: bool) -> None:
    """The limit that was breached held for a while only, and the marks of that moment are nowhere written."""
    story = game()
    story.state.account.halt = "daily_loss"
    started = Started(
        ts=story.ts,
        wall=story.wall,
        run_id=story.state.run_id,
        mode=Mode.SIM,
        account="test",
        settings=AccountSettings(),
        venues=(K,),
        checkpoint=checkpoint.encode(story.state),
    )
    resume = Resume(ts=story.ts, wall=story.wall)
    said = Refuse(text="still breached") if refused else Alert(severity=Severity.WARN, text="resumed")
    again = checkpoint.decode(recover(started, [resume, said, resume, said]))
    assert again.account_halt == ("daily_loss" if refused else "")
