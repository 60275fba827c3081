"""What is listed, as matches and instruments; what is picked of it; what is found by words."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from console.core.events import AddMatch, BookSnapshot, FeedStatus, RemoveMatch, Trade
from console.core.instruments import BookSide, Instrument, MarketState, Side, Venue
from console.core.ladders import price_of_american
from console.core.matches import Kind
from console.core.presets import PRESETS
from console.core.units import ONE, SECOND
from console.venues.base.protocol import LookupFailed, Unanswered
from console.venues.prophetx.books import snapshots, trades
from console.venues.prophetx.catalogue import (
    by_side,
    league_of,
    offers,
    parse_events,
    parse_markets,
    side_of,
    spec_of,
    start_of,
)
from console.venues.prophetx.dialects import LEGACY, V4
from console.venues.prophetx.finder import Finder
from console.venues.prophetx.ladder import FALLBACK
from console.venues.prophetx.neutral import MatchUpdate, Unreadable
from console.venues.prophetx.selection import Picker, Wish, choose, choose_events

from .samples import CELTICS, KNICKS, example, raw

(EVENT,) = parse_events(V4, raw(example("get_sport_events_response")))
START = 1_795_221_000 * SECOND  # 2026-11-21 00:30 UTC


def listed(change=lambda message: None, dialect=V4):
    message = example(f"{dialect.name}_get_multiple_markets_response")
    change(message)
    return offers(EVENT, parse_markets(dialect, raw(message))[20021871])


def kinds(found):
    return [(offer.spec.kind.value, offer.spec.line) for offer in found if offer.spec is not None]


@pytest.mark.parametrize("dialect", [V4, LEGACY], ids=["v4", "legacy"])
def test_every_line_is_a_match_with_home_or_over_first(dialect):
    found = listed(dialect=dialect)
    assert kinds(found) == [
        ("h2h", ""),
        ("spread", "-1.5"),
        ("spread", "-2.5"),
        ("total", "226.5"),
        ("total", "227.5"),
    ]
    moneyline, spread, _, total, _ = (offer.spec for offer in found)
    assert moneyline.outcomes == ("New York Knicks", "Boston Celtics")
    assert [listing.instrument for listing in moneyline.listings] == [KNICKS, CELTICS]
    assert [listing.pays for listing in moneyline.listings] == [(0,), (1,)]
    assert (moneyline.title, moneyline.event, moneyline.league) == (
        "Boston Celtics at New York Knicks",
        "px-20021871",
        "nba",
    )
    assert (moneyline.start, moneyline.may_none) == (START, False)
    assert spread.outcomes == ("New York Knicks -1.5", "Boston Celtics +1.5")
    assert (spread.id, spread.title) == ("px-20021871-223--1.5", "Boston Celtics at New York Knicks: -1.5")
    assert (total.outcomes, total.title) == (
        ("Over 226.5", "Under 226.5"),
        "Boston Celtics at New York Knicks: o/u 226.5",
    )
    assert len({offer.spec.event for offer in found}) == 1  # one fixture for the event limit
    assert all(offer.spec.defect() is None for offer in found)


def test_sides_listed_the_other_way_round_are_turned():
    def turn(message):
        for market in message["data"]["20021871"]:
            for holder in market.get("market_strikes") or [market]:
                holder["selections"].reverse()

    assert [offer.spec for offer in listed(turn)] == [offer.spec for offer in listed()]
    assert [offer.levels for offer in listed(turn)] == [offer.levels for offer in listed()]


def test_sides_that_cannot_be_told_apart_make_no_match():
    def strangers(message):
        for side in message["data"]["20021871"][0]["selections"]:
            for level in side:
                level["competitor_id"] = 7

    assert listed(strangers)[0].spec is None
    assert "told apart" in listed(strangers)[0].why


@pytest.mark.parametrize("handicaps", [(None, 1.5), (-1.5, None), (-1.5, -1.5), (1.5, 1.5)])
def test_a_handicap_that_its_sides_do_not_agree_on_makes_no_match(handicaps):
    def muddle(message):
        (spread,) = (m for m in message["data"]["20021871"] if m["type"] == "spread")
        for side, strike in zip(spread["market_strikes"][0]["selections"], handicaps, strict=True):
            for level in side:
                level["strike"] = strike

    (_, muddled, sound, *_) = listed(muddle)
    assert (muddled.spec, sound.spec.line) == (None, "-2.5")
    assert "its sides say handicaps of" in muddled.why


def test_a_market_that_cannot_be_read_costs_no_other_market_or_event():
    message = example("v4_get_multiple_markets_response")
    markets = message["data"]["20021871"]
    whole = len(parse_markets(V4, raw(message))[20021871])
    markets.append({"id": 9, "type": "player_points", "market_strikes": "of another make"})
    assert len(parse_markets(V4, raw(message))[20021871]) == whole  # of no interest
    markets[0]["sub_type"] = None
    assert len(offers(EVENT, parse_markets(V4, raw(message))[20021871])) == 5
    del markets[0]["status"]
    with pytest.raises(Unreadable, match="`status`"):
        parse_markets(V4, raw(message))
    troubles = {}
    found = parse_markets(V4, raw(message), troubles)
    assert len(found[20021871]) == whole - 1
    assert list(troubles) == [20021871]
    assert "`status`" in troubles[20021871]


def test_an_event_that_cannot_be_read_costs_no_other():
    message = example("get_sport_events_response")
    message["data"]["sport_events"].insert(0, {"event_id": 7, "type": "match"})
    troubles = []
    assert parse_events(V4, raw(message), troubles) == (EVENT,)
    assert len(troubles) == 1
    assert troubles[0].startswith("event 7: ")


def test_both_sides_with_one_id_are_unreadable():
    def same(message):
        for side in message["data"]["20021871"][0]["selections"]:
            for level in side:
                level["strike_id"] = "x"

    with pytest.raises(Unreadable, match="both sides"):
        listed(same)


@pytest.mark.parametrize("what", ["first_half", "player_points"])
def test_parts_of_a_game_and_players_are_other_questions(what):
    def part(message):
        message["data"]["20021871"][0]["sub_type"] = what

    assert kinds(listed(part))[0][0] == "spread"


def test_a_market_that_is_not_active_is_paused_and_one_of_a_started_game_closed():
    def paused(message):
        message["data"]["20021871"][0]["status"] = "suspended"

    assert listed(paused)[0].state is MarketState.PAUSED
    assert listed()[0].state is MarketState.OPEN
    live = msgspec.structs.replace(EVENT, status="live")
    markets = parse_markets(V4, raw(example("v4_get_multiple_markets_response")))[20021871]
    assert {offer.state for offer in offers(live, markets)} == {MarketState.CLOSED}


def test_the_main_line_is_the_one_the_venue_names_and_without_a_name_all_are():
    assert [offer.main for offer in listed()] == [True, True, False, True, False]

    def nameless(message):
        for market in message["data"]["20021871"]:
            for line in market.get("market_strikes") or []:
                del line["favourite"]

    assert [offer.main for offer in listed(nameless)] == [True] * 5


@pytest.mark.parametrize("symbol", ["", "x", "1-2", "1-2-", "a-2-c", "1-b-c", "-1-2-c"])
def test_a_symbol_of_another_make_is_none(symbol):
    assert side_of(Instrument(Venue.PROPHETX, symbol)) is None


def test_a_symbol_says_where_its_side_is():
    side = side_of(KNICKS)
    assert (side.event, side.market, side.side_id) == (20021871, 219, "16168ec20ba1f801300d9aff814e6fcf")
    assert side.instrument == KNICKS
    assert set(by_side(listed())) >= {KNICKS, CELTICS}


def test_a_start_that_cannot_be_read_is_said():
    with pytest.raises(Unreadable, match="scheduled"):
        start_of(msgspec.structs.replace(EVENT, scheduled="tonight"))
    assert start_of(msgspec.structs.replace(EVENT, scheduled="2026-11-21T00:30:00")) == START


@pytest.mark.parametrize(
    ("tournament", "league"),
    [
        ("French Open (M)", "atp"),
        ("French Open (W)", "wta"),
        ("ATP Indian Wells", "atp"),
        ("WTA Doha", "wta"),
    ],
)
def test_tennis_is_two_leagues_whatever_the_draw_is_called(tournament, league):
    named = msgspec.structs.replace(EVENT, sport_name="Tennis", tournament_name=tournament)
    assert league_of(named) == league


def test_the_facts_of_a_side():
    offer = listed()[0]
    spec = spec_of(FALLBACK, 20_000, offer.sides[1], offer.market, "Basketball")
    assert spec.mirror == CELTICS.symbol
    assert (len(spec.prices), spec.sellable, spec.two_sided, spec.amendable) == (291, False, False, False)
    assert (spec.fees.maker_rate, spec.size_step) == (20_000, 10_000)


# ---- books


def test_each_book_has_its_own_offers_and_the_mirror_of_the_others():
    offer = listed()[0]
    first, second = snapshots((KNICKS, CELTICS), offer.levels)
    # takers of the Knicks at -118 can win 540: makers of the Celtics bet 540 at +118
    assert first.asks[0] == (price_of_american(-118), round((540 + 637.2) * ONE))
    assert second.bids[0] == (price_of_american(118), round((540 + 637.2) * ONE))
    assert second.asks[0][0] == price_of_american(112)
    assert first.bids[0][0] == price_of_american(-112)
    for book, mirror in ((first, second), (second, first)):
        assert [(ONE - price, size) for price, size in book.bids] == list(mirror.asks)
    assert max(p for p, _ in first.bids) < min(p for p, _ in first.asks)


def test_a_side_nobody_offers_is_empty():
    offer = listed()[2]
    first, second = snapshots((KNICKS, CELTICS), offer.levels)
    assert (first.bids, second.asks) == ((), ())
    assert isinstance(first, BookSnapshot)
    assert len(first.asks) == len(second.bids) == 1


def test_odds_that_are_not_american_are_unreadable():
    offer = listed()[0]
    level = msgspec.structs.replace(offer.levels[0][0], odds=2)
    with pytest.raises(Unreadable, match="American"):
        snapshots((KNICKS, CELTICS), ((level,), ()))


def test_a_trade_is_told_from_the_side_that_was_taken():
    told = V4.read(raw(example("ws_v4_matched_order_decoded")), MatchUpdate).info
    (one,) = trades(told, KNICKS, None)
    assert one == Trade(instrument=KNICKS, price=price_of_american(-120), size=88 * ONE, taker=BookSide.BID)
    both = trades(told, KNICKS, CELTICS)
    assert both[1] == Trade(
        instrument=CELTICS, price=price_of_american(120), size=88 * ONE, taker=BookSide.ASK
    )
    assert KNICKS.side is Side.YES


# ---- picking

WISH = Wish(leagues=("NBA",), kinds=(Kind.H2H, Kind.TOTAL), lookahead_h=24, events_max=2)
HOUR = 3600 * SECOND


def event(number, hours, **changes):
    start = f"2026-11-21T{hours:02d}:00:00Z"
    return msgspec.structs.replace(EVENT, event_id=number, scheduled=start, **changes)


def test_the_next_events_within_the_lookahead_are_chosen():
    midnight = 1_795_219_200 * SECOND
    events = [event(1, 9), event(2, 3), event(3, 0), event(4, 5)]
    chosen = choose_events(events, WISH, midnight, 900 * SECOND)
    assert [e.event_id for e in chosen] == [2, 4]  # 3 starts within the quarter of an hour, 1 is one too many
    short = msgspec.structs.replace(WISH, lookahead_h=4)
    assert [e.event_id for e in choose_events(events, short, midnight, 0)] == [2]


def test_one_match_is_chosen_for_each_main_line_wished_for():
    assert [(s.kind, s.line) for s in choose(listed(), WISH)] == [(Kind.H2H, ""), (Kind.TOTAL, "226.5")]


class Pages:
    """The venue's catalogue, asked by path."""

    def __init__(self):
        self.asked = []
        self.events = example("get_sport_events_response")
        self.broken = False

    async def ask(self, path):
        self.asked.append(path.partition("?")[0])
        if self.broken:
            raise Unanswered("no answer")
        if "tournaments" in path:
            return raw(example("get_tournaments_response"))
        if "sport_events" in path:
            return raw(self.events if "=132" in path else example("get_sport_events_empty_response"))
        return raw(example("v4_get_multiple_markets_response"))


def picker(pages, taken=(), hours_before=4):
    now = [START - hours_before * HOUR]
    made = Picker(Finder(V4, pages.ask), WISH, PRESETS["sharp_copy"], taken, 60.0, wall=lambda: now[0])
    return made, now


def test_matches_are_added_once_and_dropped_when_they_are_over():
    async def story():
        pages, told = Pages(), []
        made, now = picker(pages)
        await made.pick(told.append)
        await made.pick(told.append)
        assert [e.spec.id for e in told] == ["px-20021871-219", "px-20021871-225-226.5"]
        assert all(isinstance(e, AddMatch) and e.settings.preset == "sharp_copy" for e in told)
        now[0] = START + 9 * HOUR
        await made.pick(told.append)
        assert told[2:] == [RemoveMatch(match=e.spec.id) for e in told[:2]]

    asyncio.run(story())


def test_a_postponed_match_is_told_again_and_a_configured_one_never():
    async def story():
        pages, told = Pages(), []
        made, _ = picker(pages, taken=["px-20021871-219"])
        await made.pick(told.append)
        assert [e.spec.id for e in told] == ["px-20021871-225-226.5"]
        pages.events["data"]["sport_events"][0]["scheduled"] = "2026-11-21T02:30:00Z"
        made._finder._events.clear()
        await made.pick(told.append)
        assert told[1].spec.start == START + 2 * HOUR

    asyncio.run(story())


def test_a_catalogue_that_cannot_be_read_is_said_where_feeds_are():
    async def story():
        pages, told = Pages(), []
        pages.broken = True
        made, _ = picker(pages)
        said = asyncio.Event()
        task = asyncio.create_task(made.run(lambda event: (told.append(event), said.set())))
        await asyncio.wait_for(said.wait(), 10)
        task.cancel()
        assert told == [FeedStatus(feed="prophetx picks", up=False, why="no answer")]

    asyncio.run(story())


def test_words_find_lines_and_nonsense_is_said():
    async def story():
        finder = Finder(V4, Pages().ask)
        found = await finder.find("knicks nba")
        assert [view.title for view in found] == [
            "Boston Celtics at New York Knicks",
            "Boston Celtics at New York Knicks: -1.5",
            "Boston Celtics at New York Knicks: o/u 226.5",
        ]
        assert found[0].instrument == KNICKS
        with pytest.raises(LookupFailed, match="nothing like 'cricket'"):
            await finder.find("cricket")

    asyncio.run(story())
