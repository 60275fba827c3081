"""Stories of a restart: what was known comes back; orders are found, cancelled or proven gone."""

from __future__ import annotations

import msgspec
import pytest

from console.core import checkpoint, marks, picture
from console.core.checkpoint import CheckpointError
from console.core.commands import CancelAll, CancelOrder, Lookup, PlaceOrder, Subscribe
from console.core.events import (
    CancelMatch,
    ConfirmRules,
    Flatten,
    Kill,
    MarketStatus,
    MassStatus,
    OpenOrder,
    Pause,
    Rearm,
    Resume,
    SetSetting,
    Settled,
    Stop,
)
from console.core.instruments import Action, ClientOrderId, MarketState, VenueOrderId
from console.core.matches import MatchId
from console.core.orders import OrderState
from console.core.reasons import Reason
from console.core.settings import CEILING, AccountSettings, MatchSettings
from console.core.units import Price

from .story import (
    PA,
    PB,
    A,
    B,
    K,
    M,
    P,
    Story,
    cents,
    contracts,
    dollars,
    game,
    with_values,
)

SETTINGS = MatchSettings()


def traded() -> Story:
    """Long 10 of A and 4 of B, two quotes out."""
    story = game()
    story.fill(story.order(A), 10, fee=0.05)
    story.tell(Resume(match=M))  # the venue said it charges nothing
    story.wait(1)
    story.fill(story.order(B), 4)
    story.wait(1)
    return story


def again(later: Story) -> Story:
    """Bring a restarted engine back to quoting."""
    later.up()
    later.book(A, {48: 100, 47: 100}, {56: 100, 57: 100})
    later.book(B, {43: 100, 42: 100}, {51: 100, 52: 100})
    later.fair(0.525, 0.475)
    later.wait(20)
    return later


def test_positions_fills_and_profit_come_back() -> None:
    before = traded()
    later = before.restart()
    was, now = (story.state.desks[M].positions[K] for story in (before, later))
    assert now.profits() == was.profits()
    assert (now.cash, now.fees, now.fills, now.locked) == (was.cash, was.fees, was.fills, was.locked)
    assert now.average(0b01) == was.average(0b01)
    assert now.reducible(0b10) == was.reducible(0b10)
    assert later.state.fills == before.state.fills == 2
    assert marks.at_theo(later.state.desks[M]) is None  # no theo yet: unknown, not zero


def test_symbols_are_subscribed_and_known_without_being_defined_again() -> None:
    later = traded().restart()
    assert [c.instrument for c in later.all(Subscribe)] == [A, B]
    again(later)
    assert later.rests(A)


def test_matches_settings_and_pauses_come_back() -> None:
    story = game(with_values(SETTINGS, contracts=contracts(7)))
    story.tell(SetSetting(key="daily_loss", value="33"))
    story.tell(Pause(match=M))
    later = story.restart()
    again(later)
    assert later.state.desks[M].settings.contracts == contracts(7)
    assert later.state.desks[M].reason is Reason.PAUSED
    assert later.resting() == 0
    later.tell(Resume(match=M))
    later.wait(6)
    assert later.rests(A) == [(49, 7)]


def test_a_global_pause_comes_back() -> None:
    story = game()
    story.tell(Pause())
    later = again(story.restart())
    assert later.resting() == 0
    assert later.state.desks[M].reason is Reason.PAUSED


def test_manual_odds_come_back_pinned() -> None:
    later = game().restart()
    later.up()
    later.book(A, {48: 100}, {56: 100})
    later.book(B, {43: 100}, {51: 100})
    later.wait(6)
    desk = later.state.desks[M]
    assert desk.board.pinned
    assert desk.theo is not None
    assert desk.theo.fair[0b01] == pytest.approx(525_000, abs=1)


def test_orders_count_as_unknown_until_looked_up_and_are_pulled() -> None:
    before = game()
    resting = list(before.clerks[K].orders)
    later = before.restart()
    assert [o.state for o in later.state.blotter.live.values()] == [OrderState.UNKNOWN] * 2
    assert later.state.desks[M].worst == dollars(9.3)  # without a theo a void match is worth nothing
    later.up()
    assert {c.order_id for c in later.all(Lookup)} == set(resting)  # with the first account of the venue
    later.wait(0.3)
    assert later.resting() == 0  # nothing rests that was not decided by this run
    again(later)
    assert later.rests(A) == [(49, 10)]


def test_orders_gone_while_we_were_away_are_proven_gone_and_replaced() -> None:
    before = game()
    clerk = before.clerks[K]
    clerk.gone |= set(clerk.orders)
    clerk.orders.clear()
    later = again(before.restart())
    assert later.rests(A) == [(49, 10)]
    assert len(later.all(PlaceOrder)) == 2


def test_a_fill_while_we_were_away_is_found_by_the_account_of_the_venue() -> None:
    before = game()
    filled = before.clerks[K].fill(before.order(A), contracts(10))[0]
    later = before.restart()
    later.talking = False
    later.up()
    status = later.clerks[K].status()
    later.tell(msgspec.structs.replace(status, fills=(filled,)))
    assert later.state.desks[M].positions[K].held(A) == contracts(10)
    assert later.state.blotter.orders[filled.order_id].state is OrderState.FILLED  # type: ignore[union-attr]


def test_fills_counted_before_are_not_counted_again() -> None:
    before = traded()
    fills = tuple(before.clerks[K].fills)
    later = before.restart()
    for filled in fills:
        later.tell(filled)
    assert later.state.desks[M].positions[K].profits() == before.state.desks[M].positions[K].profits()


def test_an_orphan_of_an_earlier_run_is_cancelled_a_strangers_order_is_not() -> None:
    story = game().restart("run2").restart("run3")
    story.up()
    orders = (
        OpenOrder(
            ClientOrderId("run1-77"), VenueOrderId("x"), A, Action.BUY, cents(40), contracts(5), contracts(0)
        ),
        OpenOrder(
            ClientOrderId("other-1"), VenueOrderId("y"), A, Action.BUY, cents(40), contracts(5), contracts(0)
        ),
        OpenOrder(ClientOrderId(""), VenueOrderId("z"), A, Action.BUY, cents(40), contracts(5), contracts(0)),
    )
    sent = story.tell(MassStatus(venue=K, orders=orders, fills=(), positions=(), cash=dollars(1000)))
    assert [c.venue_order_id for c in story.all(CancelOrder, sent)] == ["x"]
    again = story.tell(MassStatus(venue=K, orders=orders, fills=(), positions=(), cash=dollars(1000)))
    assert [c.venue_order_id for c in story.all(CancelOrder, again)] == ["x"]


def test_client_order_ids_are_never_used_again() -> None:
    before = game()
    later = again(before.restart("run2"))
    later.tell(CancelMatch(match=M))
    later.wait(5)
    assert {c.order_id for c in later.all(PlaceOrder)}.isdisjoint(
        {c.order_id for c in before.all(PlaceOrder)}
    )


def test_an_amend_in_flight_comes_back_with_both_versions() -> None:
    story = game()
    story.answering = False
    story.book(A, {50: 100}, {56: 100})
    story.wait(0.2)
    order_id = story.order(A)
    later = story.restart()
    versions = list(later.state.blotter.orders[order_id].versions())
    assert versions == [(cents(49), contracts(10)), (cents(51), contracts(10))]


# ---- loss limits


def losing(amount: float) -> Story:
    """Long 50 of A at 49, marked so that the account has lost `amount` dollars."""
    settings = with_values(
        SETTINGS, contracts=contracts(50), max_loss_match=dollars(1_000), repeated_fills=1_000
    )
    account = AccountSettings(daily_loss=dollars(10), drawdown=dollars(10))
    story = game(settings, account)
    story.fill(story.order(A), 50)
    mark = 49 - amount * 2  # cents: 50 contracts
    story.book(A, {mark - 1: 100}, {mark + 1: 100})
    story.book(B, {99 - mark: 100}, {101 - mark: 100})
    story.fair(mark / 100, 1 - mark / 100)
    story.wait(2)
    return story


def test_a_restart_at_ninety_percent_of_the_loss_limit_is_still_at_ninety_percent() -> None:
    before = losing(9)
    assert before.state.account.day_profit == pytest.approx(-dollars(9), abs=100)
    later = before.restart()
    later.wait(2)
    assert later.state.account.day_profit == pytest.approx(-dollars(9), abs=100)
    assert later.state.account.drawdown == pytest.approx(dollars(9), abs=100)
    assert later.state.account.halt == ""
    later.up()
    later.book(A, {28: 100}, {30: 100})  # one more dollar and a half
    later.book(B, {70: 100}, {72: 100})
    later.fair(0.28, 0.72)
    later.wait(3)
    assert later.state.account.halt == "daily_loss"


def test_a_loss_halt_comes_back_and_is_not_waved_through() -> None:
    before = losing(11)
    assert before.state.account.halt == "daily_loss"
    later = again(before.restart())
    assert later.state.desks[M].reason is Reason.LOSS
    assert later.resting() == 0


def test_the_peak_persists_over_a_restart() -> None:
    story = losing(-3)
    assert story.state.account.baseline.peak > dollars(2.5)
    later = story.restart()
    later.wait(2)
    assert later.state.account.baseline.peak == story.state.account.baseline.peak


# ---- the format


def test_a_checkpoint_survives_encoding_twice() -> None:
    story = traded()
    once = checkpoint.encode(story.state)
    later = story.restart("run1")  # the same run id: nothing else changes
    twice = checkpoint.encode(later.state)
    first, second = checkpoint.decode(once), checkpoint.decode(twice)
    assert [m.positions for m in first.matches] == [m.positions for m in second.matches]
    assert [(m.spec, m.settings, m.mark) for m in first.matches] == [
        (m.spec, m.settings, m.mark) for m in second.matches
    ]
    assert first.trades == second.trades
    assert first.baseline == second.baseline
    assert [o.order_id for o in first.orders] == [o.order_id for o in second.orders]


def test_confirmed_rules_come_back_as_one_position() -> None:
    story = Story(K, P)
    story.up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)})
    story.tell(ConfirmRules(match=M, rules_hash="abc"))
    for one, other in ((A, B), (PA, PB)):
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.fill(story.order(A), 10)
    story.fill(story.order(PB), 4)
    later = story.restart()
    was, now = story.state.desks[M], later.state.desks[M]
    assert len(now.groups()) == 1
    assert now.groups()[0].profits() == was.groups()[0].profits()


@pytest.mark.parametrize("data", [b"", b"{}", b"rubbish", b'{"schema": 999}'])
def test_a_checkpoint_that_cannot_be_read_says_so(data: bytes) -> None:
    with pytest.raises(CheckpointError, match="checkpoint: "):
        checkpoint.decode(data)


def test_the_picture_of_a_restarted_engine_can_be_drawn() -> None:
    later = again(traded().restart())
    seen = picture.view(later.state, M)
    assert seen.matches[0].outcomes[0].position == contracts(10)
    assert seen.fills == 2


# ---- what the venue said of a market, and a venue that is gone


def test_a_market_that_was_paused_is_not_quoted_after_a_restart_until_the_venue_opens_it() -> None:
    before = game()
    for instrument in (A, B):
        before.tell(MarketStatus(instrument=instrument, state=MarketState.PAUSED))
    later = before.restart().up()
    later.book(A, {48: 100}, {56: 100})
    later.book(B, {43: 100}, {51: 100})
    later.wait(10)
    assert later.all(PlaceOrder) == []
    assert later.state.desks[M].reason is Reason.NOT_OPEN
    for instrument in (A, B):
        later.tell(MarketStatus(instrument=instrument, state=MarketState.OPEN))
    later.wait(8)
    assert later.resting() == 2


def at_two_venues() -> Story:
    """Long 10 of A at Kalshi and of B at Polymarket, an order still out at both."""
    story = Story(K, P).up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)})
    for first, second in ((A, B), (PA, PB)):
        story.book(first, {48: 100}, {56: 100})
        story.book(second, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.fill(story.order(A), 10)
    story.fill(story.order(PB), 10)
    story.wait(1)
    return story


def test_what_is_held_at_a_venue_that_is_not_configured_any_more_is_kept_and_shown() -> None:
    before = at_two_venues()
    out = before.state.orders_at(P)
    later = before.restart("run2", K).up()
    assert [text for text in later.alerts() if "polymarket" in text] == [
        "polymarket: not configured in this run: 1 positions there are kept and nothing is traded; "
        f"{out} orders may still rest there"
    ]
    later.book(A, {48: 100}, {56: 100})
    later.book(B, {43: 100}, {51: 100})
    later.wait(30)
    desk = later.state.desks[M]
    assert desk.positions[P].held(PB) == contracts(10)
    shown = picture.view(later.state, M)
    assert {venue.venue: venue.halt for venue in shown.venues}[P] == "down: not configured in this run"
    assert any(held.instrument == PB and held.net == contracts(10) for held in shown.holdings)
    asked = [c for c in later.sent if getattr(getattr(c, "instrument", None), "venue", None) is P]
    assert asked == [c for c in later.sent if getattr(c, "venue", None) is P] == []


def test_every_command_of_the_operator_can_be_given_while_a_venue_is_gone() -> None:
    later = at_two_venues().restart("run2", K).up()
    later.wait(2)
    later.tell(Settled(instrument=PB, payout=Price(0)))  # nobody speaks for it
    assert later.state.desks[M].positions[P].held(PB) == contracts(10)
    assert later.refusals(later.tell(Kill(by="me", venue=P))) == ["polymarket is not configured in this run"]
    later.tell(Flatten(match=M, floor=cents(40)))
    later.wait(2)
    later.tell(Pause())
    later.tell(Kill(by="me"))
    later.wait(10)
    assert [c.venue for c in later.all(CancelAll)] != []
    assert all(c.venue is K for c in later.all(CancelAll))
    later.tell(Rearm(word="RESUME", reason="story"))
    later.wait(10)
    later.tell(Stop(why="story"))
    later.wait(2)


def test_with_the_venue_again_everything_there_goes_on() -> None:
    before = at_two_venues()
    between = before.restart("run2", K).up()
    between.wait(2)
    between.clerks[P] = before.clerks[P]
    later = between.restart("run3", K, P)
    later.up()
    later.wait(10)
    assert later.state.desks[M].positions[P].held(PB) == contracts(10)
    assert later.state.connections[P].trouble(later.state.settings, later.state.ts) is None
    assert later.state.connections[P].till.expected is not None


@pytest.mark.parametrize(("away_s", "known"), [(1, True), (90, False)])
def test_a_late_fill_of_an_order_that_had_ended_finds_its_match(away_s: float, known: bool) -> None:
    """Two matches share a symbol: without the order nobody could tell whose fill it was."""
    before = game(SETTINGS)
    twin = MatchId("twin")
    before.add(twin, settings=with_values(SETTINGS, placement=CEILING, half_spread=cents(6)))
    before.fair(0.525, 0.475, match=twin)
    before.wait(6)
    ours = next(o for o in before.state.blotter.of_match(twin) if o.instrument == A)
    before.alive = False
    unseen = before.clerks[K].fill(ours.order_id, contracts(4))[0]
    before.alive = True
    before.tell(CancelMatch(match=twin))
    before.wait(away_s)
    assert ours.ended
    later = before.restart()
    later.tell(unseen)
    assert later.state.desks[twin].positions[K].held(A) == (contracts(4) if known else 0)
    assert later.state.desks[M].positions[K].held(A) == (0 if known else contracts(4))
