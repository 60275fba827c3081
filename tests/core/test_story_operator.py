"""Stories of the operator: pause, stop, settings, odds by hand, matches; what is wrong is one clear line."""

from __future__ import annotations

import pytest

from console.core import picture
from console.core.commands import Alert, AnyCommand, CancelOrder, PlaceOrder, Severity, Subscribe, Unsubscribe
from console.core.events import (
    AddMatch,
    AnyEvent,
    CancelMatch,
    ConfirmRules,
    ConsoleBack,
    ConsoleLost,
    OnConsoleLost,
    Pause,
    RemoveMatch,
    Resume,
    SetInventory,
    SetSetting,
    SetTheo,
    Settled,
    Stop,
)
from console.core.instruments import Instrument, Side, Venue
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.matches import State as Stage
from console.core.reasons import Reason
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import ONE, SECOND, Nanos, Price

from .story import NOON, A, B, K, M, P, Story, cents, contracts, dollars, game, with_values

SETTINGS = MatchSettings()
GHOST = MatchId("ghost")


def spec(**changes: object) -> MatchSpec:
    facts: dict[str, object] = {
        "id": M,
        "title": "match",
        "outcomes": ("home", "away"),
        "listings": (Listing(A, (0,)), Listing(B, (1,))),
        "may_none": False,
    }
    return MatchSpec(**{**facts, **changes})  # type: ignore[arg-type]


# ---- pause, resume, stop, cancel


def test_pause_pulls_and_resume_quotes_again() -> None:
    story = game()
    sent = story.tell(Pause(match=M))
    assert len(story.all(CancelOrder, sent)) == 2
    assert story.state.desks[M].reason is Reason.PAUSED
    assert story.all(PlaceOrder, story.wait(30)) == []
    story.tell(Resume(match=M))
    story.wait(3)
    assert story.resting() == 2


def test_pause_of_all_and_resume_of_one_are_two_things() -> None:
    story = game()
    story.tell(Pause())
    story.tell(Resume(match=M))
    story.wait(5)
    assert story.resting() == 0
    story.tell(Resume())
    story.wait(3)
    assert story.resting() == 2


def test_stop_pulls_by_order_id_and_nothing_brings_it_back() -> None:
    story = game()
    sent = story.tell(Stop(why="operator quits"))
    assert len(story.all(CancelOrder, sent)) == 2
    story.tell(Resume())
    story.tell(Resume(match=M))
    assert story.all(PlaceOrder, story.wait(30)) == []
    assert story.state.desks[M].reason is Reason.STOPPED


def test_a_stop_with_an_order_in_flight_cancels_it_when_it_lands() -> None:
    story = Story()
    story.up()
    story.add()
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(4)
    story.answering = False
    story.wait(1.5)
    story.tell(Stop(why="quit"))
    story.answering = True
    story.answer()
    story.wait(3)
    assert story.resting() == 0


def test_cancelling_a_match_once_lets_it_quote_again() -> None:
    story = game()
    assert len(story.all(CancelOrder, story.tell(CancelMatch(match=M)))) == 2
    story.wait(3)
    assert story.resting() == 2


@pytest.mark.parametrize(
    ("policy", "resting", "reason"),
    [
        (OnConsoleLost.STOP, 0, Reason.STOPPED),
        (OnConsoleLost.PAUSE, 0, Reason.PAUSED),
        (OnConsoleLost.KEEP, 2, Reason.TOP),
    ],
)
def test_a_lost_console_is_handled_as_set(policy: OnConsoleLost, resting: int, reason: Reason) -> None:
    story = game()
    story.tell(ConsoleLost(policy=policy))
    story.tell(ConsoleBack())  # coming back does not resume by itself
    story.wait(5)
    assert story.resting() == resting
    assert story.state.desks[M].reason is reason


def test_after_a_lost_console_paused_the_operator_resumes() -> None:
    story = game()
    story.tell(ConsoleLost(policy=OnConsoleLost.PAUSE))
    story.tell(Resume())
    story.wait(3)
    assert story.resting() == 2


# ---- refusals: one clear line each


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Pause(match=GHOST), "ghost: no such match"),
        (Resume(match=GHOST), "ghost: no such match"),
        (CancelMatch(match=GHOST), "ghost: no such match"),
        (CancelMatch(match=MatchId("")), "match: no such match"),
        (RemoveMatch(match=GHOST), "ghost: no such match"),
        (SetTheo(match=GHOST, odds=(1.9, 1.9)), "ghost: no such match"),
        (ConfirmRules(match=GHOST, rules_hash="x"), "ghost: no such match"),
        (SetSetting(match=GHOST, key="contracts", value="5"), "ghost: no such match"),
        (
            SetInventory(match=GHOST, instrument=A, size=0, cost=dollars(0), why=""),
            "ghost: no such match",
        ),
        (SetTheo(match=M, odds=(1.9,)), "match: odds: 1 prices for 2 outcomes"),
        (
            SetTheo(match=M, odds=(1.9, 0.9)),
            "match: odds: 0.9 is not decimal odds; they are above 1, for example 1.91",
        ),
        (
            SetSetting(match=M, key="contracts", value="many"),
            "contracts: 'many' is not a number from 0 in contracts",
        ),
        (
            SetSetting(match=M, key="contracts", value="200"),
            "contracts 200 is more than order_size_max 100: no quote could ever be placed",
        ),
        (
            SetSetting(match=M, key="edge_mim", value="1"),
            "edge_mim: no such setting; did you mean edge_min or edge_floor?",
        ),
        (SetSetting(key="daily_loss", value="-5"), "daily_loss: '-5' is not a number from 0 in dollars"),
        (SetSetting(key="contracts", value="5"), "contracts: no such setting"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(event: AnyEvent, text: str) -> None:
    story = game()
    before = story.state.desks[M].settings
    sent = story.tell(event)
    assert story.refusals(sent) == [text]
    assert story.state.desks[M].settings == before
    story.wait(3)
    assert story.resting() == 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"outcomes": ("home",)}, "outcomes: a match has 2 or 3, not 1"),
        ({"outcomes": ("home", "home")}, "outcomes: every outcome needs a name of its own"),
        ({"listings": ()}, "instruments: name at least one instrument to trade"),
        (
            {"listings": (Listing(A, (0,)), Listing(A, (1,)))},
            "instruments: the same instrument is listed twice",
        ),
        ({"listings": (Listing(A, (0, 1)),)}, "instruments: GAME-A must pay on some outcomes but not on all"),
        ({"listings": (Listing(A, (7,)),)}, "instruments: GAME-A must pay on some outcomes but not on all"),
        (
            {"listings": (Listing(Instrument(K, "GAME-A", Side.NO), (0,)),)},
            "instruments: list GAME-A by its YES leg",
        ),
        (
            {"listings": (Listing(Instrument(Venue.POLYMARKET, "t"), (0,)),)},
            "instruments: venue polymarket is not configured in this run",
        ),
        (
            {"start": Nanos(NOON + 5), "end": Nanos(NOON + 4)},
            "end: the match would end before it starts",
        ),
    ],
)
def test_a_match_that_makes_no_sense_is_refused(changes: dict[str, object], text: str) -> None:
    story = Story()
    sent = story.tell(AddMatch(spec=spec(**changes), settings=SETTINGS))
    assert story.refusals(sent) == [f"match: {text}"]
    assert story.all(Subscribe, sent) == []
    assert not story.state.desks


def test_settings_that_contradict_each_other_are_refused_with_the_arithmetic() -> None:
    story = Story()
    settings = with_values(SETTINGS, contracts=contracts(60), inventory_max=contracts(50))
    sent = story.tell(AddMatch(spec=spec(), settings=settings))
    assert story.refusals(sent) == [
        "match: contracts 60 is more than inventory_max 50: one fill would pass the limit"
    ]


def test_a_match_of_the_same_id_takes_new_facts_but_not_new_instruments() -> None:
    story = game()
    assert story.refusals(story.tell(AddMatch(spec=spec(title="new title"), settings=SETTINGS))) == []
    assert story.state.desks[M].spec.title == "new title"
    other = spec(listings=(Listing(A, (0,)),))
    assert story.refusals(story.tell(AddMatch(spec=other, settings=SETTINGS))) == [
        "match: exists with other outcomes or instruments; remove it first"
    ]


def test_a_postponed_match_that_was_done_is_quoted_again() -> None:
    story = Story()
    story.up()
    story.add(start=Nanos(NOON + 65 * SECOND))
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(20)
    assert story.state.desks[M].stage is Stage.DONE
    later = spec(start=Nanos(NOON + 7200 * SECOND))
    assert story.refusals(story.tell(AddMatch(spec=later, settings=SETTINGS))) == []
    story.wait(10)
    assert story.resting() == 2


# ---- removing


def test_a_match_with_orders_is_pulled_first_and_removed_then() -> None:
    story = game()
    sent = story.tell(RemoveMatch(match=M))
    assert story.refusals(sent) == ["match: 2 orders are being cancelled; remove it when they are gone"]
    story.wait(1)
    assert story.resting() == 0
    sent = story.tell(RemoveMatch(match=M))
    assert story.refusals(sent) == []
    assert [c.instrument for c in story.all(Unsubscribe, sent)] == [A, B]
    assert not story.state.desks
    assert not story.state.markets
    story.wait(5)


def test_a_match_with_a_position_is_kept() -> None:
    story = game()
    story.fill(story.order(A), 10)
    story.tell(Pause(match=M))
    story.wait(1)
    assert story.refusals(story.tell(RemoveMatch(match=M))) == [
        "match: has a position; close it or wait for the settlement"
    ]


def test_a_match_that_stood_still_to_go_is_quoted_once_it_is_wanted_again() -> None:
    story = game()
    story.fill(story.order(A), 10)
    told = story.all(Alert, story.tell(Pause(match=M, why="not configured any more")))
    assert [(alert.severity, alert.text) for alert in told] == [
        (Severity.WARN, "paused: not configured any more")
    ]
    story.wait(1)
    assert story.resting() == 0
    story.tell(AddMatch(spec=spec(), settings=SETTINGS))
    story.wait(10)
    assert story.resting() > 0
    story.tell(Pause(match=M))  # what the operator paused stays so
    story.tell(AddMatch(spec=spec(), settings=SETTINGS))
    story.wait(10)
    assert story.resting() == 0


def test_the_profit_of_a_removed_match_stays_in_the_total() -> None:
    story = game()
    story.fill(story.order(A), 10)
    story.tell(Pause(match=M))
    story.tell(Settled(instrument=A, payout=Price(0)))
    assert story.refusals(story.tell(RemoveMatch(match=M))) == []  # before the next mark was taken
    story.wait(2)
    assert story.state.account.day_profit == dollars(-4.9)
    assert picture.view(story.state, M).pnl.net == dollars(-4.9)


def test_removing_matches_for_ever_leaves_nothing_behind() -> None:
    story = Story()
    story.up()
    for n in range(30):
        one, other, match = Instrument(K, f"M{n}-A"), Instrument(K, f"M{n}-B"), MatchId(f"m{n}")
        story.add(match, pays={one: (0,), other: (1,)})
        story.book(one, {48: 100}, {56: 100})
        story.book(other, {43: 100}, {51: 100})
        story.fair(0.525, 0.475, match=match)
        story.wait(6)
        assert story.resting() == 2
        story.tell(RemoveMatch(match=match))
        story.wait(0.5)
        assert story.refusals(story.tell(RemoveMatch(match=match))) == []
    state = story.state
    assert not state.desks
    assert not state.markets
    assert not state.on_market
    assert not state.blotter.live


# ---- settings


def test_a_setting_takes_effect_at_once_and_says_what_it_was() -> None:
    story = game()
    sent = story.tell(SetSetting(match=M, key="edge_min", value="5", why="thin market"))
    assert story.refusals(sent) == []
    assert story.state.log[0].text.startswith("edge_min: 1 -> 5 (thin market)")
    story.wait(0.5)
    assert story.rests(A) == [(47, 10)]


def test_an_account_setting_reaches_the_budget() -> None:
    story = game()
    story.tell(SetSetting(key="write_burst", value="50"))
    assert story.state.connections[K].budget.left(story.ts) <= 50


# ---- odds by hand


def test_odds_by_hand_are_pinned_blended_and_withdrawn() -> None:
    story = game()
    story.tell(SetTheo(match=M, odds=(2.0, 2.0), pinned=True))
    desk = story.state.desks[M]
    assert desk.theo is not None
    assert desk.theo.fair[0b01] == 500_000
    story.tell(SetTheo(match=M, odds=()))
    story.wait(0.5)
    assert story.resting() == 0
    assert desk.reason is Reason.NO_THEO  # only our own market is left


@pytest.mark.parametrize("odds", [(52.0, 48.0), (60.0, 40.0), (1.2, 1.2), (100.0, 1.91)])
def test_odds_that_do_not_add_up_to_a_market_are_refused(odds: tuple[float, ...]) -> None:
    """52 48 typed as percentages would read as decimal odds and turn the match round."""
    story = game()
    sent = story.tell(SetTheo(match=M, odds=odds, pinned=True))
    (text,) = story.refusals(sent)
    assert text.startswith("match: odds: the prices add up to ")
    desk = story.state.desks[M]
    assert desk.theo is not None
    assert desk.theo.fair[0b01] == pytest.approx(525_000, abs=1)


def test_three_outcomes_by_hand() -> None:
    story = Story()
    story.up()
    story.add(pays={A: (0,), B: (1,), Instrument(K, "GAME-C"): (2,)}, names=("home", "draw", "away"))
    assert story.refusals(story.tell(SetTheo(match=M, odds=(2.1, 3.4, 3.65)))) == []


# ---- rules


def test_rules_are_confirmed_only_while_flat() -> None:
    story = game()
    story.fill(story.order(A), 10)
    assert story.refusals(story.tell(ConfirmRules(match=M, rules_hash="x"))) == [
        "match: confirm the rules while it has no position"
    ]


# ---- pictures


def test_the_picture_can_be_drawn_at_every_moment() -> None:
    story = Story(K, P, account=AccountSettings(stop_loss_pct=10))
    views = [picture.view(story.state, M)]
    said: list[AnyCommand] = story.add()
    views.append(picture.view(story.state, M))
    story.up()
    story.book(A, {48: 100}, {56: 100})
    views.append(picture.view(story.state, M))
    story.book(B, {43: 100}, {51: 100})
    story.fair(0.525, 0.475)
    story.wait(6)
    story.fill(story.order(A), 4)
    views.append(picture.view(story.state, M))
    match = views[-1].matches[0]
    home = match.outcomes[0]
    assert (home.position, home.average, home.quote) == (contracts(4), cents(49), cents(49))
    assert home.payout == dollars(4 * 0.51)
    assert match.exposure == contracts(4)
    assert views[-1].ladders[0].levels[0].price > views[-1].ladders[0].levels[-1].price
    assert views[-1].orders_open == story.resting()
    assert said
    assert ONE == 1_000_000
