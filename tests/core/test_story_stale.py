"""Stories of losing sight: each gate alone pulls the quotes in time, and lets them back by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.core.commands import AnyCommand, CancelOrder, PlaceOrder, Resync
from console.core.events import (
    BalanceUpdate,
    BookDelta,
    BooksConfirmed,
    BookStale,
    GameEnded,
    GameStarted,
    MarketStatus,
    OddsSuspended,
    OddsUpdate,
    OrderAccepted,
    OrderCancelRejected,
    OutcomeUnknown,
    RejectReason,
    Resume,
    Tick,
    VenueDown,
    VenueUp,
)
from console.core.instruments import BookSide, MarketState, VenueOrderId
from console.core.matches import State as Stage
from console.core.reasons import Reason
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import SECOND, Nanos

from .story import (
    KALSHI,
    NOON,
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
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND


def sharp(settings: MatchSettings = SETTINGS, **facts: object) -> Story:
    """Quoting on a sportsbook's line instead of a pinned value: fair 52.5 / 47.5."""
    story = Story()
    story.up()
    story.add(settings=settings, **facts)
    story.book(A, {48: 100, 47: 100}, {56: 100})
    story.book(B, {43: 100, 42: 100}, {51: 100})
    story.odds(1 / 0.525, 1 / 0.475)
    story.wait(6)
    assert story.resting() == 2
    return story


def pulled_after(story: Story, limit_s: float) -> float:
    """Seconds until the first cancel; fails when nothing is pulled within the limit and one more second."""
    for tenth in range(1, round(limit_s * 10) + 60):
        if story.all(CancelOrder, story.wait(0.1)):
            return tenth / 10
    raise AssertionError("nothing was pulled")


# ---- C9: each gate alone


@pytest.mark.parametrize("quiet_s", [0, 120], ids=["at once", "long quiet"])
def test_a_frozen_book_is_pulled_within_its_limit_and_a_second(quiet_s: int) -> None:
    story = game()
    story.wait(quiet_s)
    story.clerks[K].books.clear()  # nobody answers a probe either
    story.alive = False
    assert 9 < pulled_after(story, 10) <= 11
    assert story.state.desks[M].reason is Reason.STALE_BOOK
    assert story.resting() == 0


def test_in_play_a_book_may_be_three_seconds_old() -> None:
    story = sharp(with_values(SETTINGS, in_play=True))
    story.tell(GameStarted(match=M))
    story.wait(2)
    story.clerks[K].books.clear()
    story.alive = False
    assert 2 < pulled_after(story, 3) <= 4


def test_one_frozen_symbol_is_pulled_alone() -> None:
    story = game()
    story.clerks[K].books.pop(A)  # nobody answers a probe
    story.tell(BookStale(instrument=A, why="frozen"))
    story.wait(1)
    assert story.rests(A) == []
    assert story.rests(B) == [(44, 10)]


@pytest.mark.parametrize("quiet_s", [0, 110], ids=["at once", "long quiet"])
def test_odds_nobody_repeats_are_pulled_within_their_limit_and_a_second(quiet_s: int) -> None:
    story = sharp()
    story.wait(14)  # to the next poll
    story.lines.clear()
    story.wait(quiet_s)
    assert 175 < quiet_s + pulled_after(story, 180 - quiet_s) <= 181
    assert story.state.desks[M].reason in (Reason.STALE_THEO, Reason.NO_THEO)


def test_a_providers_stamp_that_stands_still_ages_the_line() -> None:
    story = sharp()
    stuck = story.wall
    for _ in range(6):
        story.lines.clear()
        story.wait(30)
        # polled every 30 s, but the provider has nothing newer
        story.tell(OddsUpdate(match=M, source="pinnacle", odds=(1 / 0.525, 1 / 0.475), provider_wall=stuck))
    story.wait(5)
    assert story.resting() == 0
    assert story.state.desks[M].reason in (Reason.STALE_THEO, Reason.NO_THEO)


def test_blind_to_fills_is_pulled_within_fifteen_seconds_and_one() -> None:
    story = game()
    story.talking = False
    after = pulled_after(story, 15)
    assert 7 < after <= 16
    assert story.state.desks[M].reason is Reason.FILLS_BLIND


def test_answers_to_what_we_ask_prove_no_sight_of_fills() -> None:
    """The way of requests works and the private stream is dead: every cancel and place is answered."""
    story = game()
    story.talking = False
    order_id = story.order(A)
    for _ in range(18):
        story.wait(1)
        story.tell(OrderAccepted(order_id=order_id, venue_order_id=VenueOrderId("v")))
        story.tell(OrderCancelRejected(order_id=order_id, reason=RejectReason.OTHER))
    assert story.state.connections[K].trouble(story.state.settings, story.ts) is Reason.FILLS_BLIND


def test_a_request_without_an_answer_proves_no_sight_of_fills() -> None:
    """A half-open line: everything times out; each time-out is a message, but proves nothing."""
    story = game()
    story.talking = story.answering = False
    order_id = story.order(A)
    for _ in range(18):
        story.wait(1)
        story.tell(OutcomeUnknown(order_id=order_id))
    assert story.state.connections[K].trouble(story.state.settings, story.ts) is Reason.FILLS_BLIND


def test_a_balance_nobody_tells_is_pulled_within_its_limit_and_a_second() -> None:
    story = game(account=AccountSettings(balance_age_max_s=10, fills_blind_s=1_000, reconcile_s=1_000))
    assert 3 < pulled_after(story, 10) <= 11
    assert story.state.desks[M].reason is Reason.NO_BALANCE
    story.tell(BalanceUpdate(venue=K, cash=dollars(100)))
    story.wait(7)
    assert story.resting() == 2


def test_quotes_come_back_by_themselves_after_a_warm_up() -> None:
    story = game()
    story.clerks[K].books.clear()
    story.alive = False
    story.wait(12)
    assert story.resting() == 0
    story.alive = True
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    assert story.all(PlaceOrder, story.wait(4.9)) == []
    story.wait(0.2)
    assert story.resting() == 2


# ---- C10: books that are not sound


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda s: s.book(A, {57: 5, 48: 100}, {56: 100}), Reason.CROSSED_BOOK),
        (lambda s: s.book(A, {56: 5, 48: 100}, {56: 100}), Reason.CROSSED_BOOK),
        (lambda s: s.tell(BookStale(instrument=A, why="sequence gap")), Reason.STALE_BOOK),
        (
            lambda s: s.tell(
                BookDelta(instrument=A, side=BookSide.BID, price=cents(45.5), change=contracts(1))
            ),
            Reason.STALE_BOOK,
        ),
        (
            lambda s: s.tell(
                BookDelta(instrument=A, side=BookSide.BID, price=cents(48), change=-contracts(999))
            ),
            Reason.STALE_BOOK,
        ),
    ],
    ids=["crossed", "locked", "gap", "off the ladder", "negative"],
)
def test_an_unsound_book_is_pulled_at_once_and_read_again(
    spoil: Callable[[Story], list[AnyCommand]], reason: Reason
) -> None:
    story = game()
    story.answering = False
    sent = spoil(story)
    assert [c.instrument for c in story.all(CancelOrder, sent)] == [A]
    assert [c.instrument for c in story.all(Resync, sent + story.wait(0.3))] == [A]
    assert story.state.desks[M].markets[A].trouble(story.ts, 10, quote_empty=False) is reason
    story.answering = True
    story.answer()
    story.book(A, {48: 100}, {56: 100})
    story.wait(1)
    assert story.rests(A) == [(49, 10)]


def test_an_empty_book_is_not_quoted_unless_told_to() -> None:
    for quote_empty in (False, True):
        story = Story()
        story.up()
        story.add(settings=with_values(SETTINGS, quote_empty=quote_empty))
        story.book(A, {}, {})
        story.book(B, {43: 100}, {51: 100})
        story.fair(0.525, 0.475)
        story.wait(6)
        assert story.rests(A) == ([(48, 10)] if quote_empty else [])
        assert story.rests(B) == [(44, 10)]


def test_an_unsound_book_is_asked_for_again_and_again_but_not_in_a_storm() -> None:
    story = game()
    story.clerks[K].books.clear()
    story.tell(BookStale(instrument=A, why="gap"))
    asked = [c for c in story.all(Resync, story.wait(10)) if c.instrument == A]
    assert 4 <= len(asked) <= 6  # every two seconds


def test_quiet_books_are_probed_before_they_are_too_old() -> None:
    story = game()
    story.wait(70)  # quiet for more than a minute: evaluated every five seconds
    story.alive = False  # the stream says nothing, the venue answers probes
    assert story.all(Resync, story.wait(5.2))  # half way: there is time for an answer to come
    sent = story.wait(60)
    assert story.all(CancelOrder, sent) == []
    assert 4 <= len([c for c in story.all(Resync, sent) if c.instrument == A]) <= 30


def test_a_book_read_afresh_proves_nothing_of_another() -> None:
    story = game()
    story.alive = False  # the stream says nothing
    story.clerks[K].books.clear()
    for _ in range(11):
        story.wait(1)
        story.book(A, {48: 100}, {56: 100})
    assert story.rests(A)
    assert story.rests(B) == []


# ---- the venue


def test_a_venue_that_goes_down_is_pulled_and_reconciled_before_it_is_quoted_again() -> None:
    story = game()
    sent = story.tell(VenueDown(venue=K, why="socket closed"))
    assert len(story.all(CancelOrder, sent)) == 2
    assert story.state.desks[M].reason is Reason.VENUE_DOWN
    assert "kalshi down: socket closed" in story.alerts()
    story.talking = False
    story.tell(VenueUp(venue=K))
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    assert story.all(PlaceOrder, story.wait(10)) == []
    assert story.state.desks[M].reason is Reason.RECONCILING
    story.talking = True
    story.wait(10)
    assert story.resting() == 2


def test_cancels_a_dead_venue_refuses_are_not_sent_in_a_storm() -> None:
    story = game()
    story.answering = False
    story.tell(VenueDown(venue=K, why="socket closed"))
    cancels = 0
    for _ in range(100):
        story.wait(0.1)
        while story.unanswered:
            command = story.unanswered.popleft()
            if isinstance(command, CancelOrder):
                cancels += 1
                story.tell(OrderCancelRejected(order_id=command.order_id, reason=RejectReason.NOT_CONNECTED))
    assert cancels <= 2 * 15  # two orders for ten seconds


def test_one_venue_of_two_goes_on_when_the_other_is_down() -> None:
    story = Story(K, P)
    story.up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)})
    for one, other in ((A, B), (PA, PB)):
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    assert story.resting() == 4
    story.tell(VenueDown(venue=P, why="gone"))
    story.wait(1)
    assert story.rests(PA) == story.rests(PB) == []
    assert story.rests(A) == [(49, 10)]


@pytest.mark.parametrize("state", [MarketState.PAUSED, MarketState.CLOSED, MarketState.RESOLVED])
def test_the_venues_own_status_stops_quoting(state: MarketState) -> None:
    story = game()
    sent = story.tell(MarketStatus(instrument=A, state=state))
    assert [c.instrument for c in story.all(CancelOrder, sent)] == [A]
    story.tell(MarketStatus(instrument=A, state=MarketState.OPEN))
    story.wait(1)
    assert story.rests(A) == [(49, 10)]


# ---- C22: start, stop and end


def test_quotes_are_pulled_a_minute_before_the_start_and_the_match_is_done() -> None:
    story = sharp(start=Nanos(NOON + 100 * SECOND))
    story.wait(33.9)
    assert story.resting() == 2
    story.wait(0.3)  # 60 s before the start, to the tenth
    assert story.resting() == 0
    story.wait(1)
    assert story.state.desks[M].stage is Stage.DONE
    assert story.all(PlaceOrder, story.wait(30)) == []


def test_a_game_that_starts_early_stops_quoting() -> None:
    story = sharp(start=Nanos(NOON + HOUR))
    sent = story.tell(GameStarted(match=M))
    assert len(story.all(CancelOrder, sent)) == 2
    assert story.state.desks[M].reason is Reason.STARTED


def test_in_play_quoting_goes_on_until_ten_minutes_before_the_end() -> None:
    settings = with_values(SETTINGS, in_play=True, frozen_inplay_s=100_000)
    story = sharp(settings, start=Nanos(NOON + 20 * SECOND), end=Nanos(NOON + 660 * SECOND))
    story.tell(GameStarted(match=M))
    story.wait(50)
    assert story.resting() == 2
    story.wait(5)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.STARTED


def test_in_play_without_a_scheduled_end_a_decided_match_is_left() -> None:
    settings = with_values(SETTINGS, in_play=True)
    story = game(settings)
    story.tell(GameStarted(match=M))
    story.wait(3)
    assert story.resting() == 2
    story.fair(0.955, 0.045)
    story.wait(1)
    assert story.resting() == 0
    assert story.state.desks[M].stage is Stage.DONE


def test_a_game_that_ended_stops_quoting() -> None:
    story = game()
    assert len(story.all(CancelOrder, story.tell(GameEnded(match=M)))) == 2


# ---- theo


def test_a_line_that_stood_before_the_start_is_judged_as_in_play_at_once() -> None:
    """What may stand for hours before the game stands too long the moment it starts."""
    story = sharp(with_values(SETTINGS, in_play=True))
    for _ in range(75):
        story.odds(1 / 0.525, 1 / 0.475)
        story.wait(1)
    assert story.resting() == 2
    sent = story.tell(GameStarted(match=M))
    assert len(story.all(CancelOrder, sent)) == 2


def test_a_line_taken_down_is_pulled_at_once() -> None:
    story = sharp()
    sent = story.tell(OddsSuspended(match=M, source="pinnacle"))
    assert len(story.all(CancelOrder, sent)) == 2


def test_sources_that_disagree_stop_quoting() -> None:
    story = sharp()
    sent = story.odds(1 / 0.60, 1 / 0.40, source="book1")
    assert len(story.all(CancelOrder, sent)) == 2
    assert story.state.desks[M].reason is Reason.DISAGREEMENT


def test_broken_odds_silence_their_source_and_nothing_else() -> None:
    story = sharp()
    for odds in ((1.0, 15.0), (1.9,), (1.9, float("nan"))):
        story.odds(*odds, source="book1")
    story.wait(1)
    assert story.resting() == 2
    story.odds(0.5, 1.9)
    story.wait(1)
    assert story.resting() == 0


def test_a_shock_pulls_at_once_until_ten_seconds_after_the_last_shocked_sample() -> None:
    story = sharp()
    story.wait(60)
    sent = story.odds(1 / 0.565, 1 / 0.435)
    assert len(story.all(CancelOrder, sent)) == 2
    assert story.state.desks[M].reason is Reason.SHOCK
    # the price of ten seconds ago differs in the samples 0 to 9 s after the jump; then ten seconds more
    assert story.all(PlaceOrder, story.wait(18.8)) == []
    story.wait(0.5)
    assert story.resting() == 2


def test_a_shock_of_an_exchange_book_is_seen_within_a_second() -> None:
    story = Story(K, P)
    story.up()
    story.add(pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, signals=(PA, PB))
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.book(PA, {51: 100}, {54: 100})
    story.book(PB, {46: 100}, {49: 100})
    story.wait(70)
    assert story.resting() == 2
    story.book(PA, {56: 100}, {59: 100})
    story.book(PB, {41: 100}, {44: 100})
    story.wait(1.1)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.SHOCK


def test_a_shocked_line_that_is_then_taken_down_still_pauses() -> None:
    story = sharp()
    story.odds(1 / 0.525, 1 / 0.475, source="book1")
    story.wait(60)
    story.odds(1 / 0.565, 1 / 0.435)
    story.lines.pop((M, "pinnacle"))
    sent = story.tell(OddsSuspended(match=M, source="pinnacle"))
    assert story.all(PlaceOrder, sent + story.wait(9.8)) == []
    story.wait(0.5)
    assert story.resting() == 2


def test_ticks_alone_change_nothing_in_a_sound_market() -> None:
    story = game()
    for _ in range(200):
        story.tell(BooksConfirmed(venue=K))
        story.tell(Tick())
    assert story.resting() == 2
    assert KALSHI.two_sided


# ---- the wall clock


def test_a_clock_set_a_little_pauses_for_a_moment() -> None:
    story = game()
    story.wall = Nanos(story.wall + SECOND)
    story.wait(1)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.CLOCK
    story.wait(20)
    assert story.resting() == 2


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumped_by_an_hour_pauses_until_the_operator_looked(hours: int) -> None:
    """A lid that was closed, or a time server gone mad: starts, stops and stamps are in doubt."""
    story = game()
    story.wall = Nanos(story.wall + hours * 3600 * SECOND)
    story.wait(0.2)
    story.wait(0.2)
    assert story.resting() == 0
    assert story.all(PlaceOrder, story.wait(120)) == []
    assert f"the wall clock jumped by {hours * 3600:+.1f} s: paused until you resume" in story.alerts()
    story.tell(Resume())
    story.wait(20)
    assert story.resting() == 2
