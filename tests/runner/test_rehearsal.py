"""What would be quoted, found out without a trace: the same as is quoted when the match is added."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from console.core import picture
from console.core.commands import AnyCommand, PlaceOrder, Subscribe
from console.core.events import AddMatch, AnyEvent, BalanceUpdate, BookSnapshot, InstrumentDefined
from console.core.instruments import Instrument
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.reasons import Reason
from console.core.settings import AccountSettings, MatchSettings
from console.core.units import ONE, Cash, Price, Size
from console.link.messages import Answer, Ask
from console.runner import peek as peek_module
from console.runner.answers import answer
from console.runner.peek import Peek
from console.runner.rehearsal import rehearse
from tests.core.story import KALSHI, A, B, K, M, Story, contracts, dollars, game, levels

NEW_A, NEW_B = Instrument(K, "NEW-A"), Instrument(K, "NEW-B")
NEW = MatchSpec(
    id=MatchId("new"),
    title="A v B",
    outcomes=("A", "B"),
    listings=(Listing(NEW_A, (0,)), Listing(NEW_B, (1,))),
)
BOOKS = {NEW_A: ({48: 100, 47: 100}, {56: 100}), NEW_B: ({43: 100}, {51: 100})}
ODDS = (1 / 0.525, 1 / 0.475)


def shown() -> dict[Instrument, list]:
    return {
        instrument: [
            BookSnapshot(instrument=instrument, bids=levels(bids), asks=levels(asks)),
            InstrumentDefined(instrument=instrument, spec=KALSHI),
        ]
        for instrument, (bids, asks) in BOOKS.items()
    }


def orders(places: Sequence) -> set:
    return {(o.instrument, o.action, o.price, o.size, o.ceiling) for o in places}


def added(story: Story, settings: MatchSettings) -> set:
    """The orders of the new match when it is really there."""
    before = len(story.sent)
    story.add(NEW.id, {NEW_A: (0,), NEW_B: (1,)}, names=("A", "B"), settings=settings)
    for instrument, (bids, asks) in BOOKS.items():
        story.book(instrument, bids, asks)
    story.odds(*ODDS, match=NEW.id)
    story.answering = False
    story.wait(5.5)
    return orders(o for o in story.all(PlaceOrder, story.sent[before:]) if o.match == NEW.id)


def test_it_would_quote_what_it_then_quotes() -> None:
    story, settings = game(), MatchSettings(contracts=contracts(7))
    preview = rehearse(story.state, AddMatch(spec=NEW, settings=settings, odds=ODDS), shown())
    assert [match.id for match in preview.matches] == [NEW.id]
    assert len(preview.orders) == 2
    assert orders(preview.orders) == added(story, settings)


def test_nothing_of_it_reaches_the_engine() -> None:
    story = game()
    before = msgspec.json.encode(list(story.state.blotter.live)), len(story.state.log)
    rehearse(story.state, AddMatch(spec=NEW, settings=MatchSettings(), odds=ODDS), shown())
    assert (msgspec.json.encode(list(story.state.blotter.live)), len(story.state.log)) == before
    assert list(story.state.desks) == [M]
    assert NEW_A not in story.state.markets


def test_what_others_use_of_the_limits_is_not_there_any_more() -> None:
    account = AccountSettings(exposure_total=dollars(5), exposure_venue=dollars(500))
    story = game(account=account)  # whichever of its quotes fills, nearly five dollars are at risk
    preview = rehearse(story.state, AddMatch(spec=NEW, settings=MatchSettings(), odds=ODDS), shown())
    reasons = [(outcome.reason, outcome.limit) for outcome in preview.matches[0].outcomes]
    assert (Reason.LIMIT, "exposure_total") in reasons


def test_without_a_price_from_elsewhere_it_says_that_there_is_none() -> None:
    story = game()
    preview = rehearse(story.state, AddMatch(spec=NEW, settings=MatchSettings()), shown())
    assert preview.matches[0].reason is Reason.NO_THEO
    assert preview.orders == ()


def test_a_book_that_did_not_come_is_missed() -> None:
    story = game()
    preview = rehearse(story.state, AddMatch(spec=NEW, settings=MatchSettings(), odds=ODDS), {})
    assert preview.matches[0].reason is Reason.NO_BOOK


def test_a_match_that_is_there_keeps_its_books_odds_and_position() -> None:
    story = Story().up()
    story.add(settings=MatchSettings(contracts=contracts(20)))
    story.book(A, {48: 100}, {56: 100})
    story.book(B, {43: 100}, {51: 100})
    story.odds(*ODDS)
    story.wait(6)
    story.fill(story.order(A), 20)
    story.wait(3)
    desk = story.state.desks[M]
    wanted = AddMatch(spec=desk.spec, settings=msgspec.structs.replace(desk.settings, edge_min=Price(20_000)))
    preview = rehearse(story.state, wanted, {})
    assert preview.matches[0].outcomes[0].position == contracts(20)
    live = {o.instrument: o.price for o in story.state.blotter.live.values()}
    for order in preview.orders:
        assert order.price <= live[order.instrument]  # a cent more is wanted
    assert {order.instrument for order in preview.orders} == set(live)
    assert preview.ladders[0].levels == tuple(
        msgspec.structs.replace(level, own_bid=new.own_bid, own_ask=new.own_ask, ahead=None)
        for level, new in zip(
            picture.view(story.state, M).ladders[0].levels, preview.ladders[0].levels, strict=True
        )
    )


# ---- looking at books


class Wire:
    """Answers a subscription with facts and a book, unless it is deaf."""

    def __init__(self, deaf: bool = False) -> None:
        self.sent: list[AnyCommand] = []
        self.passed: list[AnyEvent] = []
        self.peek = Peek(self.passed.append, self.send)
        self._deaf = deaf

    def send(self, command: AnyCommand) -> None:
        self.sent.append(command)
        if isinstance(command, Subscribe) and not self._deaf:
            for event in shown()[command.instrument]:
                asyncio.get_running_loop().call_soon(self.peek.put, event)

    def names(self) -> list[tuple[str, str]]:
        return [(type(command).__name__, command.instrument.symbol) for command in self.sent]


def test_a_look_leaves_nothing_behind() -> None:
    async def steps() -> None:
        wire = Wire()
        found = await wire.peek.look([NEW_A, NEW_B], lambda _: False)
        assert {instrument: len(events) for instrument, events in found.items()} == {NEW_A: 2, NEW_B: 2}
        assert wire.names() == [
            ("Subscribe", "NEW-A"),
            ("Subscribe", "NEW-B"),
            ("Unsubscribe", "NEW-A"),
            ("Unsubscribe", "NEW-B"),
        ]
        assert len(wire.passed) == 4

    asyncio.run(steps())


def test_two_looks_at_once_share_the_subscription() -> None:
    async def steps() -> None:
        wire = Wire()
        looks = [wire.peek.look([NEW_A], lambda _: False) for _ in range(2)]
        both = await asyncio.gather(*looks)
        assert all(len(found[NEW_A]) == 2 for found in both)
        assert wire.names() == [("Subscribe", "NEW-A"), ("Unsubscribe", "NEW-A")]

    asyncio.run(steps())


def test_what_the_engine_trades_meanwhile_stays_subscribed_and_is_told_anew() -> None:
    async def steps() -> None:
        wire = Wire()
        looking = asyncio.create_task(wire.peek.look([NEW_A], lambda _: True))
        await asyncio.sleep(0)
        wire.peek.subscribes(NEW_A)
        await looking
        wire.peek.subscribes(NEW_A)  # no look is going on: nothing to undo
        assert wire.names() == [("Subscribe", "NEW-A"), ("Unsubscribe", "NEW-A")]

    asyncio.run(steps())


def test_a_venue_that_shows_nothing_is_not_waited_for_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(peek_module, "PATIENCE_S", 0.05)

    async def steps() -> None:
        wire = Wire(deaf=True)
        assert await wire.peek.look([NEW_A], lambda _: False) == {NEW_A: []}
        assert wire.names()[-1] == ("Unsubscribe", "NEW-A")

    asyncio.run(steps())


# ---- questions


def asked(story: Story, what: str, argument: str = "") -> Answer:
    async def ask() -> Answer:
        return await answer(Ask(request=1, what=what, argument=argument), story.state, None, Wire().peek)

    return asyncio.run(ask())


def test_would_quote_is_asked_with_a_match() -> None:
    story = game()
    wanted = AddMatch(spec=NEW, settings=MatchSettings(), odds=ODDS)
    told = asked(story, "would_quote", msgspec.json.encode(wanted).decode())
    assert told.error == ""
    assert told.preview is not None
    assert len(told.preview.orders) == 2


def test_would_quote_says_what_is_wrong_with_the_match() -> None:
    story = game()
    assert asked(story, "would_quote", "nonsense").error.startswith("would_quote: ")
    bad = AddMatch(spec=msgspec.structs.replace(NEW, outcomes=("A",)), settings=MatchSettings())
    assert "a match has 2 or 3" in asked(story, "would_quote", msgspec.json.encode(bad).decode()).error
    huge = AddMatch(spec=NEW, settings=MatchSettings(contracts=Size(1000 * ONE)))
    assert "order_size_max" in asked(story, "would_quote", msgspec.json.encode(huge).decode()).error


def test_fills_and_log_are_searched_further_back_than_a_view_goes() -> None:
    story = game()
    for _ in range(3):
        story.fill(story.order(A), 2)
        story.wait(1)
    assert len(asked(story, "fills").fills) == 3
    assert asked(story, "fills", "game-b").fills == ()
    assert all("fill buy" in line.text for line in asked(story, "log", "FILL game-a").log)
    assert len(asked(story, "log", "fill GAME-A").log) == 3
    assert asked(story, "nothing").error == "no such question: nothing"


def test_cash_in_another_pocket_pays_for_nothing() -> None:
    story = game()
    left, right = (msgspec.structs.replace(KALSHI, pocket=name) for name in ("left", "right"))
    pockets = (("left", Cash(0)), ("right", dollars(1000)))
    story.tell(BalanceUpdate(venue=K, cash=dollars(1000), pockets=pockets))
    books = shown()
    for instrument, spec in ((NEW_A, left), (NEW_B, right)):
        books[instrument][1] = InstrumentDefined(instrument=instrument, spec=spec)
    preview = rehearse(story.state, AddMatch(spec=NEW, settings=MatchSettings(), odds=ODDS), books)
    assert [order.instrument for order in preview.orders] == [NEW_B]
    assert preview.matches[0].outcomes[0].reason is Reason.NO_BALANCE
