"""Stories of loss limits: fed, halting, surviving, never waved through; and what is no loss at all."""

from __future__ import annotations

import pytest

from console.core.account import Account, Baseline
from console.core.commands import CancelOrder, PlaceOrder
from console.core.events import (
    BalanceUpdate,
    BookStale,
    CashAdjusted,
    OddsSuspended,
    Pause,
    Resume,
    SetInventory,
    SetSetting,
    SetTheo,
    Settled,
)
from console.core.fees import NO_FEES, FeeKind, FeeModel
from console.core.instruments import BookSide, InstrumentSpec
from console.core.marks import loss_mark
from console.core.reasons import Reason
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import ONE, SECOND, Nanos, Price

from .story import NOON, A, B, K, M, Story, cents, contracts, dollars, game, with_values

SETTINGS = MatchSettings(
    contracts=contracts(50), max_loss_match=dollars(1_000), repeated_fills=1_000, adverse_prematch=Price(0)
)
WIDE = AccountSettings(daily_loss=dollars(1_000), drawdown=None)


def long_fifty(account: AccountSettings = WIDE, settings: MatchSettings = SETTINGS) -> Story:
    """Long 50 of A at 49 cents and nothing out."""
    story = game(settings, account)
    story.fill(story.order(A), 50)
    story.wait(2)
    return story


def mark(story: Story, cents_of_a: float) -> None:
    """Move the market and the fair value of A; each cent is half a dollar."""
    story.book(A, {cents_of_a - 1: 100}, {cents_of_a + 1: 100})
    story.book(B, {99 - cents_of_a: 100}, {101 - cents_of_a: 100})
    story.fair(cents_of_a / 100, 1 - cents_of_a / 100)
    story.wait(2)


def halted(story: Story) -> str:
    return story.state.account.halt


# ---- the limits


@pytest.mark.parametrize(
    ("account", "name"),
    [
        (AccountSettings(daily_loss=dollars(10), drawdown=None), "daily_loss"),
        (AccountSettings(daily_loss=dollars(1_000), drawdown=dollars(10)), "drawdown"),
        (AccountSettings(daily_loss=dollars(1_000), drawdown=None, stop_loss_pct=1), "stop_loss_pct"),
    ],
)
def test_each_account_limit_pulls_everything_at_its_loss_and_not_before(
    account: AccountSettings, name: str
) -> None:
    story = long_fifty(account)  # equity at the start was $1,000: one per cent is $10
    mark(story, 34)  # 7.5 dollars lost, 9 below the peak
    story.wait(25)
    assert halted(story) == ""
    assert story.state.desks[M].reason is not Reason.LOSS
    mark(story, 28.9)
    assert halted(story) == name
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.LOSS
    assert any(f"loss limit {name}" in text for text in story.alerts())
    assert story.all(PlaceOrder, story.wait(30)) == []


def test_a_match_limit_pulls_that_match_only() -> None:
    story = long_fifty(settings=with_values(SETTINGS, max_loss_match=dollars(10)))
    mark(story, 28.9)
    assert story.state.desks[M].loss_halt == "max_loss_match"
    assert halted(story) == ""
    assert story.resting() == 0
    refusals = story.refusals(story.tell(Resume(match=M)))
    assert refusals == ["match: max_loss_match is still breached: raise the limit first"]
    story.tell(SetSetting(match=M, key="max_loss_match", value="30"))
    assert story.refusals(story.tell(Resume(match=M))) == []
    story.wait(30)
    assert story.state.desks[M].reason is not Reason.LOSS


def test_the_drawdown_is_measured_from_the_peak() -> None:
    story = long_fifty(AccountSettings(daily_loss=dollars(1_000), drawdown=dollars(10)))
    mark(story, 65)  # 8 dollars up
    peak = story.state.account.baseline.peak
    assert peak > dollars(7)
    mark(story, 48)
    assert halted(story) == ""
    mark(story, 44)  # 2.5 down: more than ten below the peak
    assert halted(story) == "drawdown"
    assert story.refusals(story.tell(Resume())) == []  # the operator goes on from here
    assert halted(story) == ""
    assert story.state.account.drawdown <= 0


def test_a_breach_that_stands_is_not_waved_through() -> None:
    story = long_fifty(AccountSettings(daily_loss=dollars(10), drawdown=None))
    mark(story, 28)
    assert story.refusals(story.tell(Resume())) == [
        "daily_loss is still breached: raise the limit first, or wait for the next day"
    ]
    assert halted(story) == "daily_loss"
    story.tell(SetSetting(key="daily_loss", value="20"))
    story.tell(Resume())
    assert halted(story) == ""


def test_a_loss_regained_does_not_lift_the_halt_by_itself() -> None:
    story = long_fifty(AccountSettings(daily_loss=dollars(10), drawdown=None))
    mark(story, 28)
    mark(story, 50)
    assert story.state.account.breach() == ""
    assert story.all(PlaceOrder, story.wait(60)) == []
    story.tell(Resume())
    story.wait(5)
    assert story.resting() > 0


def test_the_day_begins_anew_but_the_halt_stays_until_the_operator() -> None:
    story = long_fifty(AccountSettings(daily_loss=dollars(10), drawdown=None))
    mark(story, 28)
    story.wall = Nanos(NOON + 12 * 3600 * SECOND)  # midnight UTC
    story.wait(1)
    assert story.state.account.day_profit == 0
    assert halted(story) == "daily_loss"
    story.tell(Resume())
    assert halted(story) == ""
    mark(story, 27)
    assert halted(story) == ""  # half a dollar into the new day


def test_the_start_of_the_day_is_a_setting() -> None:
    account = Account(AccountSettings(day_start_utc_s=6 * 3600))
    account.mark(0, Nanos(5 * 3600 * SECOND), Nanos(1))
    assert account.baseline.day == -1 or account.baseline.day_start == 0
    account.mark(dollars(-5), Nanos((5 * 3600 + 3599) * SECOND), Nanos(2))
    assert account.day_profit == dollars(-5)
    account.mark(dollars(-5), Nanos(6 * 3600 * SECOND), Nanos(3))
    assert account.day_profit == 0


# ---- what counts


def test_deposits_are_no_profit_and_withdrawals_no_loss() -> None:
    story = long_fifty(AccountSettings(daily_loss=dollars(10), drawdown=dollars(10), stop_loss_pct=1))
    before = story.state.account.profit
    story.tell(CashAdjusted(venue=K, amount=dollars(-900), why="withdrawal"))
    story.tell(BalanceUpdate(venue=K, cash=dollars(75)))
    story.wait(3)
    assert story.state.account.profit == before
    assert halted(story) == ""
    story.tell(BalanceUpdate(venue=K, cash=dollars(5_000)))
    story.wait(3)
    assert story.state.account.profit == before


def test_the_equity_at_the_start_is_known_when_every_venue_told_its_cash() -> None:
    story = Story()
    story.add()
    story.wait(3)
    assert story.state.account.baseline.equity_start is None
    story.up()
    story.wait(2)
    assert story.state.account.baseline.equity_start == dollars(1_000)
    story.tell(BalanceUpdate(venue=K, cash=dollars(9_000)))
    story.wait(2)
    assert story.state.account.baseline.equity_start == dollars(1_000)  # deposits excluded


def test_the_loss_mark_is_the_lower_of_fair_value_and_mid() -> None:
    story = long_fifty()
    story.book(A, {41: 100}, {43: 100})
    story.fair(0.50, 0.50)
    story.wait(1.5)
    assert story.state.desks[M].mark == pytest.approx(dollars(50 * (0.42 - 0.49)), abs=dollars(0.3))
    story.book(A, {58: 100}, {60: 100})
    story.wait(2)
    assert story.state.desks[M].mark == pytest.approx(dollars(50 * (0.50 - 0.49)), abs=100)


def test_a_stale_mark_falls_back_to_what_selling_would_bring() -> None:
    story = long_fifty()
    story.book(A, {30: 100}, {70: 100})
    story.wait(1)
    story.clerks[K].books.pop(A)
    story.tell(BookStale(instrument=A, why="frozen"))
    story.wait(2)
    assert story.state.desks[M].mark == dollars(50 * (0.30 - 0.49))


def test_a_position_without_any_mark_stops_the_match() -> None:
    story = long_fifty()
    story.clerks[K].books.clear()
    for instrument in (A, B):
        story.book(instrument, {}, {})
    story.tell(SetTheo(match=M, odds=()))
    story.tell(OddsSuspended(match=M, source="manual"))
    story.wait(3)
    assert story.state.desks[M].unvalued
    assert story.resting() == 0


def test_a_holding_nobody_can_value_stops_a_match_that_could_be_quoted() -> None:
    story = Story()
    story.up()
    story.add(settings=SETTINGS)
    story.book(A, {48: 100}, {56: 100})  # B has no book yet
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.resting() == 1
    story.clerks[K].positions[B] = contracts(5)
    story.tell(SetInventory(match=M, instrument=B, size=contracts(5), cost=dollars(2), why="bought by hand"))
    story.wait(1.2)
    assert story.state.desks[M].reason is Reason.UNVALUED
    assert story.resting() == 0
    story.book(B, {43: 100}, {51: 100})
    story.wait(8)
    assert story.resting() > 0


def test_a_missing_mark_keeps_the_last_known_loss() -> None:
    story = long_fifty(AccountSettings(daily_loss=dollars(10), drawdown=None))
    mark(story, 30)  # 9.5 lost
    lost = story.state.account.profit
    story.book(A, {}, {})
    story.tell(SetTheo(match=M, odds=()))
    story.wait(3)
    assert story.state.account.profit == lost  # not zero


def test_a_settled_match_keeps_its_profit_in_the_days_result() -> None:
    story = long_fifty()
    story.tell(Settled(instrument=A, payout=Price(0)))
    story.tell(Settled(instrument=B, payout=Price(1_000_000)))
    story.wait(2)
    assert story.state.account.day_profit == dollars(-24.5)


def test_limits_count_in_every_mode_the_same() -> None:
    assert Baseline().day == -1
    story = long_fifty(AccountSettings(daily_loss=dollars(10), drawdown=None))
    sent = story.all(CancelOrder)
    mark(story, 28)
    assert len(story.all(CancelOrder)) > len(sent)


# ---- the marks


def profit_of(story: Story) -> float:
    return story.state.account.profit / ONE


def quiet_fifty(fees: FeeModel = NO_FEES) -> Story:
    """Long 50 of A at 49, in a book of others alone; fair value 52.5."""
    spec = InstrumentSpec(two_sided=True, amendable=True, fees=fees)
    story = Story(account=WIDE).up()
    story.add(settings=SETTINGS, specs={A: spec, B: spec})
    story.book(A, {48: 100, 47: 100}, {56: 100, 57: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.fill(story.order(A), 50)
    story.tell(Pause(match=M))
    story.wait(2)
    return story


def test_our_own_quotes_are_no_mid() -> None:
    """Others are at 30 and 56, the mid is 43; our own bid at 49 must not make it 52.5."""
    story = game(with_values(SETTINGS, contracts=contracts(10)), WIDE)
    story.fill(story.order(A), 10)
    story.wait(3)
    assert story.rests(A)
    bid = story.rests(A)[0][0]
    story.state.markets[A].book.delta(BookSide.BID, cents(48), -contracts(100), story.ts)
    story.state.markets[A].book.delta(BookSide.BID, cents(47), -contracts(100), story.ts)
    story.state.markets[A].book.delta(BookSide.BID, cents(30), contracts(100), story.ts)
    assert story.state.markets[A].book.best_bid_price() == cents(bid)
    assert loss_mark(story.state, story.state.desks[M], A, contracts(10)) == cents(43)


def test_without_theo_it_is_worth_what_all_of_it_would_bring_after_fees() -> None:
    story = quiet_fifty(FeeModel(FeeKind.QUADRATIC, maker_rate=0, taker_rate=70_000))
    story.book(A, {48: 20, 40: 10}, {56: 100})  # 13.6 for thirty, nothing for the rest; mid is 52
    story.tell(SetTheo(match=M, odds=()))
    story.wait(2)
    fee = 0.07 * (13.6 / 30) * (1 - 13.6 / 30) * 30
    assert profit_of(story) == pytest.approx(13.6 - fee - 24.5, abs=0.02)


def test_a_stale_book_is_worth_what_it_last_would_have_paid() -> None:
    story = quiet_fifty()
    story.book(A, {48: 20, 40: 10}, {56: 100})
    story.clerks[K].books.clear()
    story.tell(BookStale(instrument=A, why="gap"))
    story.wait(2)
    assert profit_of(story) == pytest.approx(13.6 - 24.5, abs=0.001)


def test_contracts_of_a_no_leg_are_bought_back_at_depth() -> None:
    story = quiet_fifty()
    story.tell(SetInventory(match=M, instrument=A, size=contracts(-40), cost=dollars(18), why="story"))
    story.clerks[K].positions[A] = contracts(-40)
    story.book(A, {40: 100}, {56: 20, 60: 10})  # 17.2 for thirty; nobody sells the other ten
    story.tell(SetTheo(match=M, odds=()))
    story.wait(2)
    before = story.state.desks[M].positions[K].cash / ONE
    assert profit_of(story) == pytest.approx(before - 17.2 - 10, abs=0.001)


def test_a_side_nobody_stands_on_is_no_panic_while_theo_and_book_are_believed() -> None:
    story = quiet_fifty()
    story.book(A, {48: 5}, {})
    story.wait(2)
    assert profit_of(story) == pytest.approx(50 * 0.48 - 24.5, abs=0.001)
