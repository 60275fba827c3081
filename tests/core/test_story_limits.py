"""Stories of soft before hard: told at 70 %, smaller towards a limit, back by itself, never silently."""

from __future__ import annotations

import pytest

from console.core import checkpoint
from console.core.commands import Alert, PlaceOrder, Severity
from console.core.events import AddMatch, RemoveMatch, Resume, SetSetting
from console.core.reasons import Reason
from console.core.risk import Books
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import ONE

from .story import A, B, M, Story, contracts, dollars, game, with_values
from .test_risk import RICH, WIDE, Gate

# ---- warned


def told(story: Story, limit: str) -> list[str]:
    return [text for text in story.alerts() if text.startswith(limit)]


def test_a_limit_is_told_at_seventy_percent_once() -> None:
    story = game(account=AccountSettings(open_orders=3))
    story.wait(60)
    assert told(story, "open_orders") == []  # two of three
    story.tell(SetSetting(key="open_orders", value="2"))
    story.wait(120)
    assert told(story, "open_orders at") == ["open_orders at 100 %: 2 of 2"]


def test_it_is_told_again_only_after_it_fell_well_below() -> None:
    """Hovering about the mark is one warning, not a hundred."""
    story = game(MatchSettings(max_loss_match=dollars(4), repeated_fills=1_000))
    story.fill(story.order(A), 10)
    for lost in (2.9, 2.6, 3.0, 2.5, 2.9):
        lose(story, lost)
    assert len(told(story, "max_loss_match")) == 1
    lose(story, 2.0)
    lose(story, 2.9)
    assert len(told(story, "max_loss_match")) == 2


def lose(story: Story, lost: float) -> None:
    """Ten of A bought at 49: each cent is ten cents."""
    worth = round(49 - lost * 10)
    story.book(A, {worth - 1: 100}, {worth + 1: 100})
    story.book(B, {99 - worth: 100}, {101 - worth: 100})
    story.fair(worth / 100, 1 - worth / 100)
    story.wait(1.5)


def test_exposure_of_match_event_venue_and_account_are_each_told() -> None:
    """Two quotes of ten at 49 and 44 can lose 4.90 together: one of them pays."""
    settings = MatchSettings(exposure_match=dollars(7), exposure_event=dollars(7))
    account = AccountSettings(exposure_venue=dollars(7), exposure_total=dollars(7))
    story = game(settings, account)
    story.wait(2)
    worst = story.state.desks[M].worst
    assert worst >= dollars(4.9)
    for limit in ("exposure_match", "exposure_event", "exposure_venue of kalshi", "exposure_total"):
        assert len(told(story, limit)) == 1, limit


def test_inventory_is_said_without_alarm() -> None:
    story = game(MatchSettings(inventory_max=contracts(14), contracts=contracts(10), repeated_fills=1_000))
    story.fill(story.order(A), 10)
    story.wait(2)
    said = [alert for alert in story.all(Alert) if alert.text.startswith("inventory_max")]
    assert [(alert.text, alert.severity) for alert in said] == [
        ("inventory_max at 71 %: 10.00 of 14.00", Severity.INFO)
    ]


# ---- tapered


@pytest.mark.parametrize(
    ("used", "size"),
    [
        (60, 10),
        (70, 10),  # 30 of 100 are left: still whole
        (73, 9),
        (85, 5),
        (97, 1),
        (99.5, 1),  # 50 cents of room hold one contract at 45
        (99.6, 0),  # 40 cents do not
        (100, 0),
        (101, 0),
    ],
)
@pytest.mark.parametrize("limit", ["match", "event", "venue", "total"])
def test_sizes_shrink_towards_an_exposure_limit(limit: str, used: float, size: int) -> None:
    settings, account = WIDE, RICH
    if limit in ("match", "event"):
        settings = with_values(WIDE, **{f"exposure_{limit}": dollars(100)})
    else:
        account = AccountSettings(
            **{"exposure_total": dollars(10_000), "exposure_venue": dollars(10_000)}
            | {f"exposure_{limit}": dollars(100)}
        )
    gate = Gate(with_values(settings, contracts=contracts(10)), account)
    if limit == "match" and used:
        gate.hold(A, 2 * used, 50)  # lost if A loses
    amount = dollars(used)
    books = Books(*(amount if limit == name else 0 for name in ("event", "venue", "total")))
    verdict = gate.ask(gate.wanted(price=45, size=10), books=books)
    assert verdict.size == contracts(size)
    assert verdict.limit == ("" if size == 10 else f"exposure_{limit}")


def test_a_tapered_quote_rests_and_is_not_replaced_for_ever() -> None:
    """At 85 % of the limit three contracts rest: they are a quote, not the rest of one."""
    story = game(MatchSettings(exposure_match=dollars(6), repeated_fills=1_000))
    story.wait(5)
    before = len(story.all(PlaceOrder))
    assert story.resting()
    story.wait(60)
    assert len(story.all(PlaceOrder)) <= before + 1


def test_what_reduces_is_never_tapered() -> None:
    gate = Gate(with_values(WIDE, exposure_match=dollars(5)))
    gate.hold(B, 10, 50)  # five dollars at risk: the limit
    assert gate.ask(gate.wanted(A, 45, 10)).size == contracts(10)


# ---- overridden for a while


def test_an_override_returns_by_itself_and_both_are_journalled() -> None:
    story = game()
    for_a_minute = SetSetting(match=M, key="edge_min", value="2", for_s=60, by="console", why="thin market")
    sent = story.tell(for_a_minute)
    assert [a.text for a in story.all(Alert, sent)] == ["edge_min: 1 -> 2 for 60 s by console (thin market)"]
    story.wait(59)
    assert story.state.desks[M].settings.edge_min == 20_000
    story.wait(2)
    assert story.state.desks[M].settings.edge_min == 10_000
    assert "edge_min: 2 -> 1 (its time is over)" in story.alerts()


def test_an_override_of_an_override_returns_to_what_was_there_first() -> None:
    story = game()
    story.tell(SetSetting(key="daily_loss", value="70", for_s=60))
    story.wait(30)
    story.tell(SetSetting(key="daily_loss", value="90", for_s=60))
    story.wait(31)
    assert story.state.settings.daily_loss == dollars(90)
    story.wait(30)
    assert story.state.settings.daily_loss == story.state.account.settings.daily_loss == dollars(50)


def test_a_lasting_change_ends_the_override() -> None:
    story = game()
    story.tell(SetSetting(key="daily_loss", value="70", for_s=10))
    story.tell(SetSetting(key="daily_loss", value="60"))
    story.wait(20)
    assert story.state.settings.daily_loss == dollars(60)


def test_an_override_that_cannot_be_taken_back_stops_its_match() -> None:
    """A limit meant for ten seconds must not go on for a day."""
    story = game()
    story.tell(SetSetting(match=M, key="inventory_max", value="80", for_s=10))
    story.tell(SetSetting(match=M, key="contracts", value="60"))
    story.wait(12)
    assert story.state.desks[M].reason is Reason.PAUSED
    assert story.resting() == 0
    assert any("inventory_max cannot go back to 50, paused" in text for text in story.alerts())


def test_an_override_ends_on_time_though_the_process_was_restarted() -> None:
    story = game()
    story.tell(SetSetting(match=M, key="edge_min", value="2", for_s=60))
    later = story.restart(pause_s=30)
    later.up()
    later.wait(29)
    assert later.state.desks[M].settings.edge_min == 20_000
    later.wait(2)
    assert later.state.desks[M].settings.edge_min == 10_000


def test_a_match_taken_off_takes_its_overrides_along() -> None:
    story = Story()
    story.add()
    story.tell(SetSetting(match=M, key="edge_min", value="2", for_s=5))
    story.tell(RemoveMatch(match=M))
    story.wait(10)
    assert story.state.overrides == {}


def test_for_no_time_is_refused() -> None:
    story = game()
    assert story.refusals(story.tell(SetSetting(match=M, key="edge_min", value="2", for_s=-1))) == [
        "edge_min: for a time of -1 s is no time"
    ]


# ---- C33


def test_every_change_says_what_from_to_who_and_why() -> None:
    story = game()
    story.tell(SetSetting(key="daily_loss", value="70", by="console", why="a large day"))
    story.tell(SetSetting(match=M, key="contracts", value="5"))
    assert "daily_loss: 50 -> 70 by console (a large day)" in story.alerts()
    assert "contracts: 10 -> 5" in story.alerts()


def test_a_match_added_again_says_what_changed() -> None:
    story = game()
    spec = story.state.desks[M].spec
    changed = with_values(story.state.desks[M].settings, edge_min=20_000, contracts=5 * ONE)
    story.tell(AddMatch(spec=spec, settings=changed))
    assert "edge_min: 1 -> 2 (match added again)" in story.alerts()
    assert "contracts: 10 -> 5 (match added again)" in story.alerts()


def test_a_settings_file_that_changed_between_two_runs_is_told() -> None:
    story = game()
    kept = story.restart()  # same settings: nothing to say
    assert [text for text in kept.alerts() if "settings of this run" in text] == []
    story.state.settings = AccountSettings(daily_loss=dollars(20))
    later = Story(account=AccountSettings(), run="run3", kept=checkpoint.encode(story.state))
    assert "daily_loss: 20 -> 50 (settings of this run)" in later.alerts()
    assert story.refusals(story.tell(Resume())) == []
