"""Stories of odds feeds: a pairing is proven by names and by price before anything of it counts."""

from __future__ import annotations

import msgspec
import pytest

from console.core import checkpoint, picture
from console.core.commands import CancelOrder, PlaceOrder, UnwatchOdds, WatchOdds
from console.core.events import (
    AddMatch,
    ConfirmPairing,
    OddsPaired,
    OddsSuspended,
    OddsUnpaired,
    OddsUpdate,
    SetTheo,
)
from console.core.matches import State as Stage
from console.core.pairing import Proof, Verdict, judge
from console.core.reasons import Reason
from console.core.settings import MatchSettings
from console.core.units import MILLISECOND, SECOND, Nanos
from console.core.view import SourceView

from .story import NOON, PA, PB, A, B, K, M, P, Story, with_values

SETTINGS = MatchSettings()
NAMES = ("Los Angeles Lakers", "Boston Celtics")


class Feeds(Story):
    """A story whose odds come over feeds: each with its own line, asked every 60 s."""

    def pair(self, feed: str = "feed1", event: str = "e1", doubt: str = "", **facts: object) -> None:
        told = {"names": NAMES, "confidence": 100, **facts}
        self.tell(OddsPaired(match=M, feed=feed, event=event, doubt=doubt, **told))  # type: ignore[arg-type]

    def line(
        self,
        *chances: float,
        feed: str = "feed1",
        source: str = "pinnacle",
        lag_s: float = 0,
        stamped: bool = True,
        changed_s: float | None = None,
    ) -> list[object]:
        """A line without margin, seen by the provider `lag_s` ago; `changed_s`: standing since then."""
        return list(
            self.tell(
                OddsUpdate(
                    match=M,
                    source=source,
                    odds=tuple(1.0 / p for p in chances),
                    provider_wall=Nanos(self.wall - round(lag_s * SECOND)) if stamped else Nanos(0),
                    feed=feed,
                    changed_wall=Nanos(0)
                    if changed_s is None
                    else Nanos(self.wall - round(changed_s * SECOND)),
                    poll_s=60,
                )
            )
        )

    def source(self, name: str = "pinnacle") -> SourceView:
        (found,) = [s for s in picture.view(self.state, M).sources if s.name == name]
        return found

    def note(self, name: str = "pinnacle") -> str:
        return self.source(name).note

    def poll(self, times: int, *chances: float, every_s: int = 30, feed: str = "feed1") -> None:
        """Time passes and the feed is asked again and again; its stamp is always fresh."""
        for _ in range(times):
            self.wait(every_s)
            self.line(*chances, feed=feed)


def tale(mid: int = 52, settings: MatchSettings = SETTINGS, **facts: object) -> Feeds:
    """Two Kalshi tickers around `mid` cents, connected, nothing said of the fair value yet."""
    story = Feeds()
    story.up()
    story.add(settings=settings, **facts)
    market(story, mid)
    return story


def market(story: Story, mid: int) -> None:
    story.book(A, {mid - 4: 100, mid - 5: 100}, {mid + 4: 100, mid + 5: 100})
    other = 100 - mid
    story.book(B, {other - 4: 100, other - 5: 100}, {other + 4: 100, other + 5: 100})


# ---- orientation


@pytest.mark.parametrize(
    ("said", "market", "verdict"),
    [
        ((0.62, 0.38), (0.60, 0.40), Verdict.AGREE),
        ((0.62, 0.38), (0.40, 0.60), Verdict.REVERSED),
        ((0.52, 0.48), (0.51, 0.49), Verdict.EVEN),  # 1 apart, reversed 3 apart: no telling
        ((0.54, 0.46), (0.49, 0.51), Verdict.EVEN),
        ((0.545, 0.455), (0.485, 0.515), Verdict.APART),  # 6 apart, reversed 3: only 3 better
        ((0.545, 0.455), (0.455, 0.545), Verdict.REVERSED),
        ((0.70, 0.30), (0.55, 0.45), Verdict.APART),
        ((0.90, 0.10), (0.30, 0.70), Verdict.APART),  # neither this way nor the other
        ((0.45, 0.27, 0.28), (0.44, 0.27, 0.29), Verdict.AGREE),  # home and away; the draw has its name
        ((0.28, 0.27, 0.45), (0.44, 0.27, 0.29), Verdict.REVERSED),
        ((0.36, 0.28, 0.36), (0.37, 0.28, 0.35), Verdict.EVEN),
    ],
)
def test_prices_tell_the_order_of_the_outcomes_or_say_that_they_cannot(
    said: tuple[float, ...], market: tuple[float, ...], verdict: Verdict
) -> None:
    outcomes = ("home", "away") if len(said) == 2 else ("home", "Draw", "away")
    assert judge(said, [market], outcomes) is verdict


def test_without_a_price_to_hold_it_against_nothing_is_proven() -> None:
    assert judge((0.5, 0.5), [], ("home", "away")) is None


def test_a_line_proven_by_names_and_price_is_quoted_on() -> None:
    story = tale(62)
    story.pair()
    story.line(0.62, 0.38)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.PROVEN
    assert (story.source().feed, story.note()) == ("feed1", "")
    story.wait(6)
    assert story.resting() == 2


def test_an_even_market_is_taken_on_its_names_and_watched() -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49)
    pairing = story.state.desks[M].pairings["feed1"]
    assert pairing.proof is Proof.NAMES
    story.wait(6)
    assert story.resting() == 2
    # The market leaves the middle, the line as its mirror: at once out, at the second poll an alert.
    market(story, 58)
    story.line(0.42, 0.58)
    assert story.resting() == 0
    assert pairing.proof is Proof.WAITING
    story.wait(30)
    story.line(0.42, 0.58)
    assert pairing.proof is Proof.DOUBTED
    assert any("say the reverse" in alert and "kalshi" in alert for alert in story.alerts())


def test_prices_the_wrong_way_round_are_kept_out_until_the_operator_looks() -> None:
    story = tale(62)
    story.pair()
    for _ in range(3):
        story.line(0.38, 0.62)
        story.wait(30)
    assert story.all(PlaceOrder) == []
    assert story.state.desks[M].reason is Reason.NO_THEO
    shown = story.source()
    assert shown.weight == 0
    assert shown.probabilities == pytest.approx((380_000, 620_000), abs=1)
    assert "prices say the reverse of Los Angeles Lakers / Boston Celtics" in shown.note
    story.line(0.62, 0.38)  # a doubt does not go away by itself
    assert story.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED
    story.tell(ConfirmPairing(match=M, feed="feed1", event="e1", names=NAMES))
    story.wait(6)
    assert story.resting() == 2


def test_an_unproven_line_values_nothing_and_suspects_nobody() -> None:
    """No mark, no blend, no disagreement, no suspicion may come of it."""
    story = tale(50)
    story.odds(2.0, 2.0)
    story.wait(6)
    assert story.resting() == 2
    story.pair("other", doubt="names only 70 alike")
    for _ in range(20):
        story.line(0.80, 0.20, feed="other", source="softbook")
        story.wait(1)
    assert story.resting() == 2
    assert story.note("softbook") == "names only 70 alike"
    assert set(story.state.desks[M].board.sources) == {"pinnacle", "kalshi"}


def test_no_book_no_proof_until_one_comes() -> None:
    story = tale(62)
    story.book(A, {}, {})
    story.book(B, {}, {})
    story.pair()
    story.line(0.62, 0.38)
    story.wait(10)
    assert story.note() == "orientation: no price to prove it by yet"
    assert story.resting() == 0
    market(story, 62)  # nothing new from the feed is needed
    story.wait(6)
    assert story.resting() == 2


@pytest.mark.parametrize(
    ("books", "quote_empty", "proof"),
    [
        ((({30: 9}, {90: 9}), ({10: 9}, {70: 9})), False, Proof.NAMES),  # too wide to tell
        ((({69: 9}, {95: 9}), ({5: 9}, {31: 9})), False, Proof.WAITING),  # a bid above what it says
        ((({30: 9}, {55: 9}), ({45: 9}, {70: 9})), False, Proof.WAITING),  # an ask below
        ((({30: 9}, {}), ({}, {70: 9})), False, Proof.WAITING),  # one-sided
        ((({30: 9}, {}), ({}, {70: 9})), True, Proof.NAMES),
        ((({}, {}), ({}, {})), True, Proof.NAMES),  # whoever is first finds nobody
        ((({75: 9}, {}), ({}, {})), True, Proof.WAITING),
    ],
)
def test_where_prices_cannot_tell_names_will_do_unless_a_price_speaks_against_them(
    books: tuple[tuple[dict[float, float], dict[float, float]], ...], quote_empty: bool, proof: Proof
) -> None:
    story = tale(62, settings=with_values(SETTINGS, quote_empty=quote_empty))
    for instrument, (bids, asks) in zip((A, B), books, strict=True):
        story.book(instrument, bids, asks)
    story.pair()
    story.line(0.62, 0.38)
    story.wait(1)
    assert story.state.desks[M].pairings["feed1"].proof is proof


def test_odds_by_hand_prove_a_line_where_no_book_does() -> None:
    story = tale(62)
    story.book(A, {}, {})
    story.book(B, {}, {})
    story.tell(SetTheo(match=M, odds=(1 / 0.6, 1 / 0.4)))
    story.pair()
    story.line(0.62, 0.38)
    assert story.note() == ""


def test_a_price_that_agrees_with_nobody_waits() -> None:
    story = tale(62)
    story.pair()
    story.line(0.80, 0.20)
    story.wait(6)
    assert story.note() == "orientation: its price 80/20 agrees with nobody"
    assert story.resting() == 0
    story.line(0.62, 0.38)
    story.wait(6)
    assert story.resting() == 2


def test_a_doubt_about_names_is_settled_by_the_operator_only() -> None:
    story = tale(62)
    story.pair(doubt="names only 71 alike: A's for Athletics", confidence=71)
    story.line(0.62, 0.38)
    story.wait(10)
    assert story.resting() == 0
    assert "feed1: Los Angeles Lakers / Boston Celtics: names only 71 alike" in story.alerts()[-1]
    assert story.refusals(story.tell(ConfirmPairing(match=M, feed="feed1", event="e2", names=NAMES))) == [
        "match: feed1 is not paired with e2 so"
    ]
    story.tell(ConfirmPairing(match=M, feed="feed1", event="e1", names=NAMES))
    story.wait(6)
    assert story.resting() == 2


def test_a_proven_pairing_survives_a_market_that_ran_ahead_but_not_a_mirror_that_stays() -> None:
    story = tale(58)
    story.pair()
    story.line(0.58, 0.42)
    story.wait(6)
    market(story, 42)  # the venue moved first; the feed lags one poll
    story.line(0.58, 0.42)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.PROVEN
    assert story.state.desks[M].reason in (Reason.DISAGREEMENT, Reason.STALE_THEO)
    story.line(0.42, 0.58)
    assert story.note() == ""
    for _ in range(3):
        story.wait(30)
        story.line(0.58, 0.42)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED
    assert "say the reverse" in story.note()


def test_the_same_pairing_again_keeps_its_proof_another_event_begins_anew() -> None:
    story = tale(62)
    story.pair()
    story.line(0.62, 0.38)
    story.pair(confidence=98)
    assert story.note() == ""
    story.pair(event="e2")
    assert story.state.desks[M].board.sources["pinnacle"].note == "paired anew"
    assert story.state.desks[M].pairings["feed1"].proof is Proof.WAITING
    story.line(0.61, 0.39)
    assert story.note() == ""


def test_what_a_feed_cannot_pair_is_shown_with_its_reason() -> None:
    story = tale(62)
    story.tell(OddsUnpaired(match=M, feed="feed1", why="double-header: two events at 17:05 and 20:10"))
    assert story.note("feed1") == "double-header: two events at 17:05 and 20:10"
    story.pair()
    story.line(0.62, 0.38)
    story.wait(6)
    assert story.resting() == 2
    sent = story.tell(OddsUnpaired(match=M, feed="feed1", why="no longer listed"))
    assert len(story.all(CancelOrder, sent)) == 2
    assert story.note() == "no longer paired"


def test_odds_without_a_pairing_are_not_taken() -> None:
    story = tale(62)
    story.line(0.62, 0.38)
    assert "pinnacle" not in story.state.desks[M].board.sources


def test_a_confirmed_pairing_outlives_a_restart() -> None:
    story = tale(62)
    story.pair(doubt="names only 71 alike")
    story.tell(ConfirmPairing(match=M, feed="feed1", event="e1", names=NAMES))
    kept = checkpoint.decode(checkpoint.encode(story.state))
    assert [one.event for one in kept.matches[0].confirmed] == ["e1"]
    later = Feeds(kept=checkpoint.encode(story.state), run="run2")
    later.pair(doubt="names only 71 alike")
    assert later.state.desks[M].pairings["feed1"].proof is Proof.CONFIRMED
    later.pair(event="e2", doubt="names only 71 alike")
    assert later.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED


# ---- one book over two feeds


def two_feeds() -> Feeds:
    story = tale(50)
    for feed in ("feed1", "feed2"):
        story.pair(feed, event=f"{feed}-e")
        story.line(0.51, 0.49, feed=feed)
    story.wait(1)
    return story


def test_one_book_over_two_feeds_is_one_source() -> None:
    story = two_feeds()
    theo = story.state.desks[M].theo
    assert theo is not None
    assert sorted(s.name for s in theo.sources) == ["kalshi", "pinnacle"]


def test_the_fresher_look_counts_and_says_who_brought_it() -> None:
    story = two_feeds()
    story.wait(60)
    story.line(0.52, 0.48, feed="feed1", lag_s=5)
    story.line(0.51, 0.49, feed="feed2", lag_s=40)  # older than what is known
    assert story.source().probabilities == (520_000, 480_000)
    assert story.source().feed == "feed1"
    story.wait(30)
    story.line(0.53, 0.47, feed="feed2", lag_s=10)
    assert (story.source().probabilities, story.source().feed) == ((530_000, 470_000), "feed2")


def test_a_feed_without_stamps_that_lags_does_not_turn_the_price_back() -> None:
    story = two_feeds()
    story.wait(60)
    story.line(0.53, 0.47, feed="feed1")
    story.wait(10)
    story.line(0.51, 0.49, feed="feed2", stamped=False, changed_s=300)
    assert (story.source().probabilities, story.source().feed) == ((530_000, 470_000), "feed1")
    story.line(0.53, 0.47, feed="feed2", stamped=False, changed_s=20)  # it caught up: a fresh confirmation
    assert (story.source().confirmed_age_ms, story.source().feed) == (0, "feed2")


def test_one_price_rounded_by_another_feed_is_no_move() -> None:
    """American whole numbers differ from decimal odds by a tenth of a cent: the price still stands since."""
    story = two_feeds()
    story.wait(60)
    story.line(0.5095, 0.4905, feed="feed1")
    shown = story.source()
    assert (shown.feed, shown.confirmed_age_ms, shown.change_age_ms) == ("feed1", 0, 61_000)
    assert shown.probabilities == (510_000, 490_000)
    story.line(0.513, 0.487, feed="feed2")
    assert story.source().change_age_ms == 0


def test_when_one_feed_falls_silent_the_other_carries_on_from_the_price_that_is_known() -> None:
    story = two_feeds()
    story.line(0.53, 0.47, feed="feed1")
    for _ in range(8):  # its price is older than one that is known: it confirms nothing
        story.wait(30)
        story.line(0.51, 0.49, feed="feed2", stamped=False, changed_s=400)
    assert story.note() == "stale"
    story.line(0.53, 0.47, feed="feed2", stamped=False, changed_s=200)
    assert (story.note(), story.source().feed) == ("", "feed2")
    for _ in range(8):
        story.wait(30)
        story.line(0.53, 0.47, feed="feed2", stamped=False, changed_s=200)
    assert story.note() == ""


def test_a_feed_that_never_had_a_line_takes_nobody_elses_down() -> None:
    story = tale(62)
    story.pair()
    story.line(0.62, 0.38)
    story.wait(6)
    story.pair("feed2", event="e2")
    sent = story.tell(OddsSuspended(match=M, source="pinnacle", feed="feed2", why="no h2h offered"))
    assert story.all(CancelOrder, sent) == []
    assert story.note() == ""
    story.line(0.62, 0.38, feed="feed2", lag_s=-70)
    assert story.note() == ""


def test_a_book_that_is_not_offered_says_why_there_is_no_theo() -> None:
    story = tale(62)
    story.pair()
    story.tell(OddsSuspended(match=M, source="pinnacle", feed="feed1", why="its prices are 3-way"))
    assert (story.note(), story.source().feed) == ("its prices are 3-way", "feed1")
    story.line(0.62, 0.38)
    assert story.note() == ""


def test_a_doubt_about_names_that_goes_lets_prices_decide() -> None:
    """The operator gives the match its start: the same event, now beyond doubt."""
    story = tale(62)
    story.pair(doubt="the match has no start to tell the day by")
    story.line(0.62, 0.38)
    story.pair()
    story.line(0.62, 0.38)
    assert story.note() == ""
    story.pair(doubt="names only 70 alike")  # and the other way round
    story.wait(1)
    assert story.state.desks[M].pairings["feed1"].proof is Proof.DOUBTED
    assert story.resting() == 0


def test_a_line_one_feed_took_down_comes_back_by_what_another_saw_later() -> None:
    story = two_feeds()
    story.wait(10)
    story.tell(OddsSuspended(match=M, source="pinnacle", feed="feed1", why="suspended"))
    story.line(0.51, 0.49, feed="feed2", lag_s=5)  # seen before it was taken down
    assert story.note() == "suspended"
    story.wait(10)
    story.line(0.51, 0.49, feed="feed2", lag_s=5)
    assert story.note() == ""


def test_a_stamp_in_our_future_proves_nothing() -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49)
    story.wait(6)
    story.line(0.51, 0.49, lag_s=-59)
    assert story.note() == ""
    story.line(0.51, 0.49, lag_s=-61)
    assert story.note() == "stamp ahead of our clock"
    assert story.resting() == 0


# ---- ages


def test_three_stamps_of_a_line_are_shown() -> None:
    story = tale(50)
    story.pair()
    story.line(0.51, 0.49, lag_s=20, changed_s=400)
    story.wait(5)
    shown = story.source()
    assert (shown.change_age_ms, shown.stamp_age_ms, shown.received_age_ms) == (405_000, 25_000, 5_000)
    assert shown.confirmed_age_ms == 25_000
    assert shown.odds == pytest.approx((1 / 0.51, 1 / 0.49))
    assert [name for name, _ in shown.methods] == [
        "multiplicative",
        "additive",
        "power",
        "shin",
        "odds_ratio",
        "probit",
    ]


@pytest.mark.parametrize(("poll_s", "limit_s"), [(60, 180), (100, 300), (300, 900), (3600, 900)])
def test_a_line_may_be_as_old_as_three_polls_but_never_older_than_a_quarter_of_an_hour(
    poll_s: int, limit_s: int
) -> None:
    story = tale(50)
    story.pair()
    update = OddsUpdate(
        match=M, source="pinnacle", odds=(2.0, 2.0), provider_wall=story.wall, feed="feed1", poll_s=poll_s
    )
    story.tell(update)
    story.wait(limit_s - 1)
    assert story.resting() == 2
    story.wait(2)
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.NO_THEO  # the market we quote on is left


def signalled(settings: MatchSettings = SETTINGS) -> Feeds:
    """Quoted on Kalshi; Polymarket is only looked at. The sharp line comes over a feed."""
    story = Feeds(K, P)
    story.up()
    story.add(
        pays={A: (0,), B: (1,), PA: (0,), PB: (1,)}, signals=(PA, PB), settings=settings, start=Nanos(0)
    )
    market(story, 50)
    story.book(PA, {49: 500}, {51: 500})
    story.book(PB, {49: 500}, {51: 500})
    story.pair()
    story.line(0.50, 0.50)
    story.poll(20, 0.50, 0.50)
    assert story.resting() == 2
    return story


def drift(story: Feeds) -> None:
    """Polymarket's microprice goes from 50.0 to 51.6: no shock, but more than 1 ¢ and 3 sigma."""
    story.book(PA, {50: 400}, {52: 100})
    story.book(PB, {47: 700}, {49: 300})


def test_a_quiet_market_keeps_its_quotes_however_long_the_line_stands() -> None:
    story = signalled()
    cancels = len(story.all(CancelOrder))
    story.poll(240, 0.50, 0.50)  # two hours
    assert story.resting() == 2
    assert story.source().change_age_ms > 7_200_000
    assert len(story.all(CancelOrder)) == cancels


def test_stamps_that_advance_while_another_moved_make_a_line_suspect_on_schedule() -> None:
    story = signalled()
    drift(story)
    story.wait(9)
    story.line(0.50, 0.50)
    assert story.note() == ""  # a flicker of nine seconds is no evidence
    story.wait(2.5)
    assert story.note() == "suspect: others moved"
    story.line(0.50, 0.50)  # a fresh stamp proves a poll, not a price
    assert story.note() == "suspect: others moved"
    assert story.resting() == 0
    assert story.state.desks[M].reason is Reason.STALE_THEO
    story.poll(20, 0.50, 0.50)
    assert story.resting() == 0
    story.line(0.516, 0.484)  # it moves too: trusted again, quoted after the warm-up
    story.wait(6)
    assert story.note() == ""
    assert story.resting() == 2


def test_one_soft_book_alone_does_not_talk_us_out_of_the_sharp_line() -> None:
    story = signalled()
    story.pair("feed3", event="e3")
    for chances, seconds in (((0.5, 0.5), 320), ((0.53, 0.47), 15)):
        for _ in range(seconds):
            story.wait(1)
            story.line(*chances, feed="feed3", source="softbook")
            if story.ts % (30 * SECOND) == 0:
                story.line(0.50, 0.50)
    assert story.note() == ""
    assert story.resting() == 2


def test_a_shock_over_a_feed_pauses_until_ten_seconds_after_the_last_shocked_sample() -> None:
    story = signalled()
    sent = story.line(0.535, 0.465)
    assert len(story.all(CancelOrder, sent)) == 2  # type: ignore[arg-type]
    assert story.state.desks[M].reason is Reason.SHOCK
    # the price of ten seconds ago differs in the samples 0 to 9 s after the jump; then ten seconds more
    assert story.all(PlaceOrder, story.wait(18.8)) == []
    story.wait(0.5)
    assert story.resting() == 2


# ---- start, end, credits


def test_a_feed_that_starts_earlier_than_we_thought_stops_us_earlier() -> None:
    hour = 3600 * SECOND
    story = tale(50, start=Nanos(NOON + 2 * hour))
    story.pair(start=Nanos(NOON + hour))
    story.line(0.51, 0.49)
    assert any("starts 60 min before our start time" in alert for alert in story.alerts())
    assert story.state.desks[M].start == NOON + hour
    story.pair(start=Nanos(NOON + 3 * hour))  # a later one moves nothing
    assert story.state.desks[M].start == NOON + 2 * hour


def test_an_unproven_event_does_not_move_the_start() -> None:
    story = tale(50, start=Nanos(NOON + 3600 * SECOND))
    story.pair(doubt="names only 70 alike", start=Nanos(NOON + 60 * SECOND))
    assert story.state.desks[M].start == NOON + 3600 * SECOND


def test_a_match_that_is_done_costs_no_more_credits() -> None:
    story = tale(50, start=Nanos(NOON + 100 * SECOND))
    story.pair()
    story.line(0.51, 0.49)
    sent = story.wait(45)
    assert story.state.desks[M].stage is Stage.DONE
    assert [c.match for c in story.all(UnwatchOdds, sent)] == [M]
    assert story.all(UnwatchOdds, story.wait(60)) == []
    desk = story.state.desks[M]
    postponed = msgspec.structs.replace(desk.spec, start=Nanos(NOON + 7200 * SECOND))
    sent = story.tell(AddMatch(spec=postponed, settings=desk.settings)) + story.wait(6)
    assert [c.spec.start for c in story.all(WatchOdds, sent)] == [postponed.start]


def test_a_value_typed_to_expire_is_not_renewed_by_a_restart() -> None:
    story = tale(50, settings=with_values(SETTINGS, manual_ttl_s=100))
    story.tell(SetTheo(match=M, odds=(2.0, 2.0)))
    story.wait(90)
    again = Feeds(kept=checkpoint.encode(story.state), run="run2")
    manual = again.state.desks[M].board.sources["manual"]
    assert (again.ts - manual.confirmed_ts) // MILLISECOND == 90_000
