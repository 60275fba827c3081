"""The engine on the client on the sandbox: what others are shown, what it earns, when it stops."""

from __future__ import annotations

import asyncio
import time

import pytest

from console.core import checkpoint
from console.sandbox.prophetx import push
from console.verify import verify

from .rig import house, sandbox, until
from .stranger import Stranger
from .test_unreadable import without
from .watching import Witness, booked

both = pytest.mark.parametrize("dialect", ["v4", "legacy"])
SHARP = (1 + 100 / 110, 2.0)  # -110 at home, +100 away
WINNER, SPREAD, TOTAL = "px-20021000-219", "px-20021000-223--1.5", "px-20021000-225-8.5"


def story(work, seconds=150):
    asyncio.run(asyncio.wait_for(work(), seconds))


def clean(house):
    """What it wrote down proves itself."""
    (journal,) = house.journals.glob("*.sqlite")
    assert verify(journal).findings == ()


async def shows(stranger, odds, event_id=20_021_000, **which):
    """Wait until he is shown these odds, best first, on either side; returns his view."""
    async with asyncio.timeout(30):
        while True:
            sides = await stranger.shown(event_id, **which)
            if [levels[0][0] if levels else None for _, levels in sides] == list(odds):
                return sides
            await asyncio.sleep(0.3)


# ---- the taker's eye


@both
def test_others_are_shown_the_sharp_line_and_what_they_take_is_paid_to_the_cent(tmp_path, dialect):
    async def work():
        fixed = {WINNER: SHARP}
        async with (
            sandbox(events=1) as venue,
            Stranger(venue, dialect) as he,
            house(venue, tmp_path, fixed=fixed, dialect=dialect) as us,
        ):
            (home, for_home), (away, for_away) = await shows(he, (-110, 100))
            # $100 of ours behind either: he may risk 110 to win 100, and 100 to win 100
            assert (for_home, for_away) == ([(-110, 100.0, 110.0)], [(100, 100.0, 100.0)])
            ours = {(w.pool.line.sides[w.side].side_id, w.odds) for w in venue.user.live.values()}
            assert {(away, 110), (home, 100)} <= ours  # what we bet on: the crossed variant is none
            assert not {(home, -110), (home, 110), (away, -110), (away, 100)} & ours
            await he.bet(home, -110, 55.0)
            await he.bet(away, 100, 33.33)
            await us.until(lambda: us.state.fills == 2)
            assert sum(p.spent() for desk in us.state.desks.values() for p in desk.groups()) == 83_330_000
            venue.exchange.settle(20_021_000, home_wins=True)
            # on home 33.33 at +100 wins 33.33 less 2 %; on away 50 is lost
            await us.until(lambda: us.state.account.baseline.retired or us.view.pnl.realised)
            await until(lambda: venue.user.cash == 10_000_00 + 33_33 - 67 - 50_00)
            assert await us.stop() == 0  # it ties out with what the venue says
            assert [line for line in us.said if line.endswith("difference 0.000000")], us.said
            clean(us)

    story(work)


# ---- when the sharp line moves, and when it is time to stop


def our_odds(venue, which=WINNER):
    """What we bet at by side of a line, home (or over) first; None where we do not."""
    event, market = map(int, which.split("-")[1:3])
    found = [None, None]
    for wager in venue.user.live.values():
        if (wager.pool.fixture.event_id, wager.pool.market.market_id) == (event, market) and wager.resting:
            found[wager.side] = wager.odds
    return tuple(found)


def test_a_worse_line_is_followed_at_once_and_a_better_one_when_it_is_two_percent_better(tmp_path):
    async def work():
        async with (
            sandbox(events=1) as venue,
            house(venue, tmp_path, fixed={WINNER: SHARP}) as us,
        ):
            await us.until(lambda: our_odds(venue) == (100, 110))
            us.feed.fixed[WINNER] = (1 + 100 / 112, 1 + 102 / 100)
            # worse for us on away (+110 to +112): at once; better on home (+100 to -102, 1 %): not worth it
            await us.until(lambda: our_odds(venue) == (100, 112))
            await asyncio.sleep(3.0)
            assert our_odds(venue) == (100, 112)
            us.feed.fixed[WINNER] = (1 + 100 / 120, 1 + 110 / 100)
            await us.until(lambda: our_odds(venue) == (-110, 120))

    story(work)


@both
def test_nothing_rests_from_a_quarter_of_an_hour_before_the_start(tmp_path, dialect):
    async def work():
        async with sandbox(events=1) as venue:
            fixture = venue.exchange.fixtures[20_021_000]
            fixture.start = int(time.time()) + 900 + 12
            async with house(venue, tmp_path, dialect=dialect) as us:
                await us.until(lambda: len(venue.user.live) >= 4)
                await us.until(lambda: time.time() > fixture.start - 900)
                await us.until(lambda: venue.user.live == {}, 2.0)
                placed = len(venue.user.externals)
                await asyncio.sleep(3.0)
                assert len(venue.user.externals) == placed

    story(work)


def test_a_line_that_leaves_too_little_after_commission_is_not_shown(tmp_path):
    async def work():
        async with (
            sandbox(events=1) as venue,
            house(venue, tmp_path, fixed={WINNER: (1.985, 1.985)}, select={"markets": ["h2h"]}) as us,
        ):
            # -102 both ways is half a cent of margin a side, two per cent of the winnings are more
            await us.until(lambda: reasons(us, WINNER) == {"thin sharp margin"})
            assert venue.user.externals == {}

    story(work)


def reasons(us, match):
    return {o.reason.value for m in us.view.matches if m.id == match for o in m.outcomes}


def test_a_game_that_goes_live_is_left_with_what_is_held(tmp_path):
    async def work():
        async with (
            sandbox(events=1) as venue,
            Stranger(venue) as he,
            house(venue, tmp_path, fixed={WINNER: SHARP}) as us,
        ):
            (home, _), _ = await shows(he, (-110, 100))
            await he.bet(home, -110, 22.0)
            await us.until(lambda: us.state.fills == 1)
            venue.exchange.go_live(venue.exchange.fixtures[20_021_000])
            await us.until(lambda: us.state.blotter.live == {} and venue.user.live == {})
            placed = len(venue.user.externals)
            await asyncio.sleep(3.0)
            assert len(venue.user.externals) == placed
            assert await us.stop() == 0
            clean(us)

    story(work)


# ---- the preset margin


def test_the_preset_margin_stays_two_cents_from_fair_and_its_commission_on_either_side(tmp_path):
    async def work():
        async with (
            sandbox(events=1) as venue,
            house(venue, tmp_path, preset="margin", fixed={WINNER: SHARP}, quote_empty=True) as us,
        ):
            await us.until(lambda: None not in our_odds(venue))
            ladder = venue.exchange.ladder
            for side, odds in enumerate(our_odds(venue)):
                assert gain(SHARP, side, odds) >= 0.02
                shorter = ladder[ladder.index(odds) - 1]  # the next that gives more away
                assert gain(SHARP, side, shorter) < 0.02
            stakes = {w.stake for w in venue.user.live.values()}
            assert max(stakes) <= 5_00  # dollars a quote
            assert min(stakes) > 4_90

    story(work)


def gain(sharp, side, odds):
    """Expected cents a contract of a bet at these odds, by the lowest of two ways to see the sharp line."""
    implied = [1 / price for price in sharp]
    low, high = 0.5, 2.0
    while high - low > 1e-12:
        power = (low + high) / 2
        low, high = (power, high) if sum(p**power for p in implied) > 1 else (low, power)
    chance = min(implied[side] / sum(implied), implied[side] ** low)
    fair = implied[side] / sum(implied)
    price = 100 / (odds + 100) if odds > 0 else -odds / (100 - odds)
    return chance - price - 0.02 * fair * (1 - price)


# ---- limits


def test_thirty_events_stay_within_the_limits_of_event_and_account(tmp_path):
    async def work():
        async with sandbox(events=36, crowd=True, pace=6.0, health_s=5.0) as venue:
            witness = Witness(venue)
            async with house(venue, tmp_path, events=30) as us:
                await us.until(lambda: len(us.state.desks) == 90 and len(venue.user.live) >= 40, 60)
                seen = []
                for _ in range(80):
                    await asyncio.sleep(0.1)
                    worst = witness.worst()
                    seen.append((max(worst.values()), sum(worst.values())))
                    assert not witness.uncounted(us.state)
                assert max(event for event, _ in seen) <= 500_00
                assert 1800_00 < max(total for _, total in seen) <= 2000_00
                assert len({desk.spec.event for desk in us.state.desks.values()}) == 30
                assert [d for d in us.state.desks if any("limit" in why for why in reasons(us, d))]
                assert await us.stop() == 0
            witness.check()
            clean(us)

    story(work)


def test_a_token_that_ends_in_the_midst_of_it_is_noticed_by_nobody(tmp_path):
    async def work():
        async with sandbox(events=3, crowd=True, pace=6.0) as venue, house(venue, tmp_path) as us:
            await us.until(lambda: len(venue.user.live) >= 8)
            said, logins = list(us.said), venue.entry.logins
            venue.entry.expire()
            await us.until(lambda: venue.entry.refreshes >= 1)
            await asyncio.sleep(4.0)
            assert [
                line for line in us.said[len(said) :] if "prophetx" in line and "exposure" not in line
            ] == []
            assert (venue.entry.logins, us.state.rejects) == (logins, 0)
            assert len(venue.user.live) >= 8
            assert await us.stop() == 0
            clean(us)

    story(work)


def test_an_engine_that_is_gone_is_followed_by_one_that_knows_what_it_held(tmp_path):
    async def work():
        async with sandbox(events=1) as venue, Stranger(venue) as he:
            fixed = {WINNER: SHARP}
            async with house(venue, tmp_path, fixed=fixed) as us:
                (home, _), _ = await shows(he, (-110, 100))
                await he.bet(home, -110, 22.0)
                await us.until(lambda: us.state.fills == 1)
                assert await us.stop() == 0
                kept = checkpoint.encode(us.state, with_trades=True)
                held = booked(us.state)
            async with house(venue, tmp_path, run="r2", fixed=fixed, kept=kept) as later:
                await shows(he, (-110, 100))
                assert booked(later.state) == held == Witness(venue).staked()
                venue.exchange.settle(20_021_000, home_wins=False)
                await later.until(lambda: booked(later.state) == {})
                assert await later.stop() == 0
                assert not [line for line in later.said if "MISMATCH" in line]

    story(work)


# ---- what cannot be read

PICTURE = [
    "selections",
    "sequence_number",
    "sport_event_id",
    "market_id",
    "info",
    "price",
    "strike_id",
    "quantity",
]
PRIVATE = ["total_filled_quantity", "open_quantity", "status", "matching_status", "strike_id", "price"]
IN_LEGACY = {
    "price": "odds",
    "strike_id": "line_id",
    "quantity": "stake",
    "total_filled_quantity": "totally_matched_stake",
    "open_quantity": "unmatched_stake",
}


@both
def test_a_picture_without_a_needed_field_stops_its_market_and_says_which(tmp_path, dialect, monkeypatch):
    async def work():
        async with (
            sandbox(events=1) as venue,
            house(venue, tmp_path, fixed={WINNER: SHARP}, dialect=dialect) as us,
        ):
            side = venue.exchange.fixtures[20_021_000].markets[0].lines[0].sides[0].side_id
            whole = push.selections_change
            for number, word in enumerate(PICTURE):
                field = word if dialect == "v4" else IN_LEGACY.get(word, word)
                await us.until(lambda: None not in our_odds(venue))
                monkeypatch.setattr(push, "selections_change", lambda *a, f=field: without(whole(*a), f))
                venue.exchange.rest("crowd", side, 300 + 10 * number, 50_00)
                await us.until(lambda: our_odds(venue) == (None, None), 10)
                assert [line for line in us.view.log if f"`{field}`" in line.text], field
                monkeypatch.setattr(push, "selections_change", whole)
                venue.exchange.rest("crowd", side, 305 + 10 * number, 50_00)
            assert await us.stop() == 0

    story(work)


@both
def test_a_private_message_without_a_needed_field_stops_the_venue_and_says_which(
    tmp_path, dialect, monkeypatch
):
    async def work():
        async with (
            sandbox(events=1) as venue,
            house(venue, tmp_path, fixed={WINNER: SHARP}, dialect=dialect) as us,
        ):
            line = venue.exchange.fixtures[20_021_000].markets[0].lines[0]
            whole = push.update
            for number, word in enumerate(PRIVATE):
                field = word if dialect == "v4" else IN_LEGACY.get(word, word)
                await us.until(lambda: None not in our_odds(venue))
                monkeypatch.setattr(push, "update", lambda *a, f=field: without(whole(*a), f))
                venue.exchange.take(line.sides[number % 2].side_id, 3_00)
                await us.until(lambda f=field: [x for x in us.said if "down" in x and f"`{f}`" in x])
                monkeypatch.setattr(push, "update", whole)
            await us.until(lambda: booked(us.state) == Witness(venue).staked())  # nothing of it was lost
            assert await us.stop() == 0

    story(work)
