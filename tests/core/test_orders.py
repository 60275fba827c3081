"""Our orders: what every fact makes of every state, and fills counted once whatever the order of messages."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest

from console.core.commands import AmendOrder, Basis, CeilingKind, PlaceOrder
from console.core.instruments import (
    Action,
    BookSide,
    ClientOrderId,
    Instrument,
    Side,
    TradeId,
    Venue,
    VenueOrderId,
)
from console.core.orders import ENDED_REMEMBERED, Blotter, Fact, Order, OrderState
from console.core.units import SECOND, Nanos

from .story import A, B, M, cents, contracts, levels

T = Nanos(1)
LATER = Nanos(T + SECOND)
BASIS = Basis(525_000, 525_000, 10_000, 0, 0, "manual:1.00")
VENUE_ID = VenueOrderId("v-1")


def place(
    order_id: str = "run-1",
    instrument: Instrument = A,
    action: Action = Action.BUY,
    price: float = 45,
    size: float = 10,
) -> PlaceOrder:
    return PlaceOrder(
        order_id=ClientOrderId(order_id),
        match=M,
        instrument=instrument,
        action=action,
        price=cents(price),
        size=contracts(size),
        ceiling=cents(price),
        ceiling_kind=CeilingKind.QUOTE,
        basis=BASIS,
    )


def amend(order: Order, price: float, size: float) -> AmendOrder:
    return AmendOrder(
        order_id=order.order_id,
        venue_order_id=order.venue_order_id,
        match=M,
        instrument=order.instrument,
        action=order.action,
        price=cents(price),
        size=contracts(size),
        ceiling=cents(price),
        ceiling_kind=CeilingKind.QUOTE,
        basis=BASIS,
    )


def placed(size: float = 10) -> tuple[Blotter, Order]:
    blotter = Blotter()
    return blotter, blotter.placed(place(size=size), 0, T)


def accepted(size: float = 10) -> tuple[Blotter, Order]:
    blotter, order = placed(size)
    blotter.accepted(order, VENUE_ID, T)
    return blotter, order


# ---- the transition table

S = OrderState
INTO: dict[OrderState, Callable[[Blotter, Order], None]] = {
    S.SUBMITTED: lambda b, o: None,
    S.ACCEPTED: lambda b, o: b.accepted(o, VENUE_ID, T),
    S.PARTIALLY_FILLED: lambda b, o: (b.accepted(o, VENUE_ID, T), b.filled(o, contracts(4), T))[0],
    S.PENDING_CANCEL: lambda b, o: (b.accepted(o, VENUE_ID, T), b.cancel_sent(o, T))[0],
    S.FILLED: lambda b, o: b.filled(o, contracts(10), T),
    S.CANCELED: lambda b, o: b.ended(o, Fact.CANCELED, T),
    S.REJECTED: lambda b, o: b.ended(o, Fact.REJECTED, T),
    S.EXPIRED: lambda b, o: b.ended(o, Fact.EXPIRED, T),
    S.UNKNOWN: lambda b, o: b.unanswered(o, T),
}
LEARN: dict[str, Callable[[Blotter, Order], None]] = {
    "accepted": lambda b, o: b.accepted(o, VENUE_ID, T),
    "rejected": lambda b, o: b.ended(o, Fact.REJECTED, T),
    "part": lambda b, o: b.filled(o, contracts(3), T),
    "all": lambda b, o: b.filled(o, contracts(10) - o.filled, T),
    "cancel": lambda b, o: b.cancel_sent(o, T),
    "refused": lambda b, o: b.cancel_refused(o, T),
    "canceled": lambda b, o: b.ended(o, Fact.CANCELED, T),
    "expired": lambda b, o: b.ended(o, Fact.EXPIRED, T),
    "silence": lambda b, o: b.unanswered(o, T),
}
SHORT = {
    "sub": S.SUBMITTED,
    "acc": S.ACCEPTED,
    "par": S.PARTIALLY_FILLED,
    "pen": S.PENDING_CANCEL,
    "fil": S.FILLED,
    "can": S.CANCELED,
    "rej": S.REJECTED,
    "exp": S.EXPIRED,
    "unk": S.UNKNOWN,
}
#          accepted rejected part all cancel refused canceled expired silence
TABLE = """
sub        acc      rej      par  fil pen    sub     can      exp     unk
acc        acc      acc      par  fil pen    acc     can      exp     unk
par        par      par      par  fil pen    par     can      exp     unk
pen        pen      rej      pen  fil pen    acc     can      exp     unk
fil        fil      fil      fil  fil fil    fil     fil      fil     fil
can        can      can      can  fil can    can     can      can     can
rej        acc      rej      par  fil rej    rej     rej      rej     rej
exp        exp      exp      exp  fil exp    exp     exp      exp     exp
unk        acc      rej      unk  fil pen    unk     can      exp     unk
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
CASES = [(SHORT[row[0]], fact, SHORT[to]) for row in ROWS for fact, to in zip(LEARN, row[1:], strict=True)]


@pytest.mark.parametrize(("state", "fact", "becomes"), CASES)
def test_every_fact_in_every_state(state: OrderState, fact: str, becomes: OrderState) -> None:
    blotter, order = placed()
    INTO[state](blotter, order)
    assert order.state is state
    LEARN[fact](blotter, order)
    assert order.state is becomes
    ended = becomes in (S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED)
    assert order.ended is ended
    assert (order.order_id in blotter.live) is not ended
    assert (order in blotter.of_match(M)) is not ended
    assert (order in blotter.on_book(A)) is not ended
    assert order.remaining == (0 if ended else contracts(10) - order.filled)


def test_a_cancel_refused_after_a_partial_fill_leaves_it_partially_filled() -> None:
    blotter, order = accepted()
    blotter.filled(order, contracts(4), T)
    blotter.cancel_sent(order, T)
    blotter.cancel_refused(order, T)
    assert order.state is S.PARTIALLY_FILLED
    assert not order.in_flight


# ---- what may be resting


def test_an_order_counts_from_the_moment_it_is_decided() -> None:
    blotter, order = placed()
    assert order.in_flight
    assert blotter.own_sizes(A, BookSide.BID) == {cents(45): contracts(10)}
    blotter.accepted(order, VENUE_ID, T)
    assert not order.in_flight


def test_while_an_amend_is_in_flight_both_versions_count() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 47, 15), T)
    assert order.in_flight
    assert order.remaining == contracts(15)
    assert list(order.versions()) == [(cents(45), contracts(10)), (cents(47), contracts(15))]
    assert blotter.own_sizes(A, BookSide.BID) == {cents(45): contracts(10), cents(47): contracts(15)}
    blotter.amended(order, cents(47), contracts(15), T)
    assert list(order.versions()) == [(cents(47), contracts(15))]
    assert not order.in_flight


def test_an_amend_refused_leaves_the_order_as_it_was() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 47, 15), T)
    blotter.amend_refused(order, T)
    assert list(order.versions()) == [(cents(45), contracts(10))]
    assert not order.in_flight


def test_a_full_fill_of_the_old_version_shows_when_the_amend_is_refused() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 47, 15), T)
    blotter.filled(order, contracts(10), T)
    assert order.remaining == contracts(5)  # the larger version may still rest
    blotter.amend_refused(order, T)
    assert order.state is S.FILLED
    assert order.order_id not in blotter.live


def test_an_amend_down_to_what_has_filled_ends_the_order() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 45, 4), T)
    blotter.filled(order, contracts(4), T)
    assert order.remaining == contracts(6)
    blotter.amended(order, cents(45), contracts(4), T)
    assert order.state is S.FILLED


def test_where_more_had_filled_than_was_asked_for_that_is_the_total_at_the_price_it_had() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 47, 4), T)
    blotter.amended(order, cents(47), contracts(6), T)
    assert (order.size, order.pending) == (contracts(6), None)
    assert order.versions() == ((cents(45), contracts(6)),)


def test_a_repeat_of_an_earlier_amend_is_no_answer_to_this_one() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 44, 10), T)
    blotter.amended(order, cents(44), contracts(10), T)
    blotter.amend_sent(order, amend(order, 45, 10), T)
    blotter.amended(order, cents(45), contracts(10), T)
    blotter.amend_sent(order, amend(order, 44, 2), T)
    blotter.amended(order, cents(44), contracts(10), T)  # told a second time, late
    assert list(order.versions()) == [(cents(45), contracts(10)), (cents(44), contracts(2))]
    blotter.amend_refused(order, T)
    assert list(order.versions()) == [(cents(45), contracts(10))]


def test_our_own_size_is_never_negative() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 47, 20), T)
    blotter.filled(order, contracts(15), T)  # more than the old version ever was
    blotter.forget_echoes(LATER)
    assert blotter.own_sizes(A, BookSide.BID) == {cents(45): 0, cents(47): contracts(5)}


@pytest.mark.parametrize(
    ("what", "left"),
    [
        ("filled", {45: 10}),  # 6 rest, 4 the public book may still show
        ("canceled", {45: 10}),
        ("moved", {45: 10, 40: 10}),
    ],
)
def test_what_was_filled_cancelled_or_moved_is_ours_in_the_public_book_for_a_second(
    what: str, left: dict[float, float]
) -> None:
    blotter, order = accepted()
    if what == "filled":
        blotter.filled(order, contracts(4), T)
    elif what == "canceled":
        blotter.ended(order, Fact.CANCELED, T)
    else:
        blotter.amend_sent(order, amend(order, 40, 10), T)
        blotter.amended(order, cents(40), contracts(10), T)
    assert blotter.own_sizes(A, BookSide.BID) == dict(levels(left))
    assert blotter.forget_echoes(Nanos(LATER - 1)) == []
    assert blotter.own_sizes(A, BookSide.BID) == dict(levels(left))
    assert blotter.forget_echoes(LATER) == [(A, BookSide.BID)]
    resting = {cents(price): size for price, size in ((order.price / 10_000, order.remaining),) if size}
    assert blotter.own_sizes(A, BookSide.BID) == resting


def test_what_stood_in_two_books_is_forgotten_in_both() -> None:
    blotter, order = accepted()
    blotter.mirror(B, A.symbol)  # bids for A are offers of B
    blotter.ended(order, Fact.CANCELED, T)
    assert blotter.forget_echoes(LATER) == [(A, BookSide.BID), (B, BookSide.ASK)]


def test_a_second_operation_is_not_sent_while_one_is_in_flight() -> None:
    blotter, order = accepted()
    blotter.amend_sent(order, amend(order, 47, 15), T)
    with pytest.raises(AssertionError, match="still in flight"):
        blotter.amend_sent(order, amend(order, 46, 15), T)


def test_a_client_order_id_is_used_once() -> None:
    blotter, _ = placed()
    with pytest.raises(AssertionError, match="used twice"):
        blotter.placed(place(), 0, T)


def test_a_looked_up_order_is_as_the_venue_tells() -> None:
    blotter, order = placed()
    blotter.accepted(order, VENUE_ID, T)
    blotter.amend_sent(order, amend(order, 47, 15), T)
    blotter.unanswered(order, T)
    blotter.accepted(order, VENUE_ID, T, (cents(47), contracts(15)))
    assert order.state is S.ACCEPTED
    assert list(order.versions()) == [(cents(47), contracts(15))]
    assert not order.in_flight


def test_orders_rest_where_their_leg_and_action_say() -> None:
    blotter = Blotter()
    no = Instrument(Venue.KALSHI, A.symbol, Side.NO)
    blotter.placed(place("r-1", A, Action.BUY, 45), 0, T)
    blotter.placed(place("r-2", no, Action.SELL, 56), 0, T)  # selling NO at 56 bids 44 for YES
    blotter.placed(place("r-3", no, Action.BUY, 40), 0, T)  # buying NO at 40 offers YES at 60
    blotter.placed(place("r-4", A, Action.SELL, 62), 0, T)
    blotter.placed(place("r-5", B, Action.BUY, 30), 0, T)
    assert blotter.own_sizes(A, BookSide.BID) == {cents(45): contracts(10), cents(44): contracts(10)}
    assert blotter.own_sizes(no, BookSide.ASK) == {cents(60): contracts(10), cents(62): contracts(10)}
    assert [order.order_id for order in blotter.on_book(no)] == ["r-1", "r-2", "r-3", "r-4"]


# ---- fills


def test_a_trade_is_new_once_per_venue() -> None:
    blotter = Blotter()
    assert blotter.is_new_trade(Venue.KALSHI, TradeId("t"))
    assert not blotter.is_new_trade(Venue.KALSHI, TradeId("t"))
    assert blotter.is_new_trade(Venue.POLYMARKET, TradeId("t"))


def test_an_order_is_found_by_our_id_else_by_the_venues() -> None:
    blotter, order = accepted()
    nobody = ClientOrderId("")
    assert blotter.find(Venue.KALSHI, order.order_id, VenueOrderId("")) is order
    assert blotter.find(Venue.KALSHI, nobody, VENUE_ID) is order
    assert blotter.find(Venue.POLYMARKET, nobody, VENUE_ID) is None
    assert blotter.find(Venue.KALSHI, nobody, VenueOrderId("")) is None


def test_ended_orders_are_forgotten_in_time() -> None:
    blotter = Blotter()
    for number in range(ENDED_REMEMBERED + 50):
        order = blotter.placed(place(f"run-{number}"), 0, T)
        blotter.accepted(order, VenueOrderId(f"v-{number}"), T)
        blotter.ended(order, Fact.CANCELED, T)
    assert len(blotter.orders) == ENDED_REMEMBERED
    assert not blotter.live
    assert blotter.find(Venue.KALSHI, ClientOrderId("run-0"), VenueOrderId("v-0")) is None


# ---- every order of messages


class Told:
    """Messages about one order of 10, in any order, any of them twice; trades are deduplicated by id."""

    def __init__(self) -> None:
        self.blotter, self.order = placed()
        self.counted = 0

    def tell(self, message: str) -> None:
        self.hear(message)
        self.check()

    def hear(self, message: str) -> None:
        blotter, order = self.blotter, self.order
        match message.split():
            case ["ack"]:
                blotter.accepted(order, VENUE_ID, T)
            case ["fill", trade, count]:
                if blotter.is_new_trade(Venue.KALSHI, TradeId(trade)):
                    self.counted += int(count)
                    blotter.filled(order, contracts(int(count)), T)
            case ["cancel"]:
                if not order.ended:
                    blotter.cancel_sent(order, T)
            case ["canceled"] | ["swept"]:
                blotter.ended(order, Fact.CANCELED, T)
            case ["expired"]:
                blotter.ended(order, Fact.EXPIRED, T)
            case ["refused"]:
                blotter.cancel_refused(order, T)
            case ["sweep"]:
                if not order.ended:
                    blotter.cancel_swept(order, T)
            case ["silence"]:
                blotter.unanswered(order, T)
            case ["amend", price, size]:
                if not order.ended and not order.in_flight:
                    blotter.amend_sent(order, amend(order, int(price), int(size)), T)
            case ["amended", price, size]:
                blotter.amended(order, cents(int(price)), contracts(int(size)), T)
            case ["amend-refused"]:
                blotter.amend_refused(order, T)
            case _:
                raise AssertionError(message)

    def check(self) -> None:
        blotter, order = self.blotter, self.order
        assert order.filled == contracts(self.counted)
        assert order.filled <= max(order.size, order.to_size)
        assert order.remaining >= 0
        live = not order.ended
        assert (list(blotter.live) == [order.order_id]) is live
        assert (blotter.of_match(M) == [order]) is live
        assert (blotter.on_book(A) == [order]) is live
        assert all(size >= 0 for size in blotter.own_sizes(A, BookSide.BID).values())
        if order.ended:
            assert order.remaining == 0
            assert not order.in_flight


AFTER = {  # what cannot be known before something else happened
    "refused": "cancel",
    "amend 46 12": "ack",
    "amended 46 12": "amend 46 12",
    "amend-refused": "amend 46 12",
    "fill t3 7": "amend 46 12",  # more than the first version had
    "sweep": "amend 46 12",
    "swept": "sweep",
}


def possible(order: tuple[str, ...]) -> bool:
    return all(
        order.index(cause) < order.index(message) for message, cause in AFTER.items() if message in order
    )


STORIES: list[tuple[tuple[str, ...], int, OrderState | None]] = [
    (("ack", "fill t1 3", "fill t2 7", "fill t1 3", "cancel", "refused"), 10, S.FILLED),
    (("ack", "fill t1 3", "fill t1 3", "cancel", "canceled", "ack"), 3, S.CANCELED),
    (("ack", "fill t1 3", "fill t2 7", "canceled", "silence", "cancel"), 10, S.FILLED),
    (("ack", "silence", "fill t1 4", "expired", "canceled", "fill t1 4"), 4, None),
    (("ack", "amend 46 12", "sweep", "amend-refused", "fill t1 4", "canceled"), 4, S.CANCELED),
    (("ack", "amend 46 12", "amended 46 12", "fill t1 5", "fill t3 7", "sweep", "swept"), 12, S.FILLED),
    (("ack", "amend 46 12", "amend-refused", "fill t1 5", "fill t2 5", "silence"), 10, S.FILLED),
]


@pytest.mark.parametrize(("messages", "filled", "ends"), STORIES)
def test_in_every_order_of_messages_fills_count_once_and_the_index_is_right(
    messages: tuple[str, ...], filled: int, ends: OrderState | None
) -> None:
    for order in filter(possible, set(permutations(messages))):
        told = Told()
        for message in order:
            told.tell(message)
        assert told.order.filled == contracts(filled)
        assert ends in (None, told.order.state), order
        assert told.order.ended


@pytest.mark.parametrize("messages", [messages for messages, _, _ in STORIES])
def test_our_sizes_are_those_of_a_blotter_that_is_asked_for_the_first_time(messages: tuple[str, ...]) -> None:
    for order in sorted(filter(possible, set(permutations(messages))))[::17]:
        told = Told()
        for count, message in enumerate(order, 1):
            told.tell(message)  # asked after every message
            fresh = Told()
            for again in order[:count]:
                fresh.hear(again)
            for side in BookSide:
                assert told.blotter.own_sizes(A, side) == fresh.blotter.own_sizes(A, side), order[:count]


def test_our_sizes_follow_orders_that_come_go_and_turn_out_otherwise() -> None:
    blotter, first = placed()

    def ours() -> dict[int, int]:
        return dict(blotter.own_sizes(A, BookSide.BID))

    assert ours() == {cents(45): contracts(10)}
    second = blotter.placed(place("run-2", price=44), 0, T)
    assert ours() == {cents(45): contracts(10), cents(44): contracts(10)}
    blotter.ended(first, Fact.REJECTED, T)
    assert ours() == {cents(44): contracts(10)}
    blotter.unanswered(second, T)
    blotter.accepted(second, VENUE_ID, T, told=(cents(43), contracts(8)))
    assert ours() == {cents(43): contracts(8)}
    blotter.filled(first, contracts(4), T)  # written off, and yet it rests
    assert ours() == {cents(43): contracts(8), cents(45): contracts(6 + 4)}  # 4 may still show


def test_more_filled_than_the_order_had_is_counted_and_shows() -> None:
    blotter, order = accepted()
    blotter.filled(order, contracts(10), T)
    blotter.filled(order, contracts(2), T)
    assert order.filled == contracts(12)
    assert order.remaining == 0


def test_an_order_written_off_that_fills_is_live_again() -> None:
    blotter, order = placed()
    blotter.ended(order, Fact.REJECTED, T)
    blotter.filled(order, contracts(4), T)
    assert order.remaining == contracts(6)
    assert blotter.of_match(M) == [order]
