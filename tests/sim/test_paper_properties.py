"""The paper exchange against venues that match for real, and against arithmetic, on random tapes."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st
from paper_bench import ASK, BID, BUY, KALSHI, NO, SELL, YES, PaperBench

from console.core.commands import AmendOrder, CancelOrder
from console.core.events import BookDelta, OrderFilled, Trade
from console.core.fees import KALSHI_MAKER, FeeModel
from console.core.instruments import InstrumentSpec, Side, Venue
from console.core.units import CENT, ONE
from console.sim.clock import Clock
from console.sim.exchange import Exchange
from console.sim.queues import Queues
from console.sim.requests import execute

OUR_BID = 50
cents = st.integers(46, 54)
sizes = st.integers(1, 30)
rests = st.tuples(st.just("rest"), st.sampled_from((BID, ASK)), cents, sizes)
takes = st.tuples(st.just("take"), st.sampled_from((BID, ASK)), cents, sizes)
pulls = st.tuples(st.just("pull"), st.integers(0, 40), st.just(0), sizes)


class Floor:
    """A venue that matches for real, with other people on it, and us or not."""

    def __init__(self):
        self.exchange = Exchange(Venue.KALSHI, Clock(0, 0))
        self.exchange.open_market("T", KALSHI)
        self.exchange.account.money.pay_in(1000 * ONE)
        self.exchange.subscribe(YES)
        self.resting = []

    def act(self, kind, who, price, size):
        """What happened, as the public sees it."""
        self.exchange.public.clear()
        if kind == "rest":
            self.resting.append(self.exchange.rest("other", "T", who, price * CENT, size * ONE))
        elif kind == "take":
            self.exchange.take("taker", "T", who, size * ONE, price * CENT)
        elif who < len(self.resting) and self.resting[who] is not None:
            self.exchange.pull(self.resting[who], size * ONE)
        return list(self.exchange.public)

    def filled(self):
        return sum(fill.size for fill in self.exchange.account.fills) / ONE


def first_fills(actions, before, swap):
    """Contracts filled when either of us is filled first: (on paper, at the real venue)."""
    without, with_us, bench = Floor(), Floor(), PaperBench()
    bench.book({}, {})
    for step, action in enumerate(actions):
        if step == before:
            order = bench.order(YES, BUY, OUR_BID, 10)
            answer = bench.ask(order)
            (real,) = execute(with_us.exchange, order)
            assert type(real) is type(answer[-1])
        bench.wait(1000)
        public = without.act(*action)
        with_us.act(*action)
        for event in swapped(public) if swap else public:
            if isinstance(event, BookDelta):
                bench.delta(event.side, event.price / CENT, event.change / ONE)
            elif isinstance(event, Trade):
                bench.trade(event.taker, event.price / CENT, event.size / ONE)
        paper, real_fill = bench.filled(), with_us.filled()
        if paper or real_fill:
            return paper, real_fill
    return 0, 0


def swapped(events):
    """The same messages with every trade before the change of the book it made."""
    ordered = []
    for event in events:
        if isinstance(event, Trade) and ordered and isinstance(ordered[-1], BookDelta):
            ordered.insert(len(ordered) - 1, event)
        else:
            ordered.append(event)
    return ordered


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(rests, rests, takes, pulls), min_size=2, max_size=40),
    st.integers(0, 10),
    st.booleans(),
)
def test_we_are_never_filled_sooner_or_more_than_in_a_real_queue(actions, before, swap):
    paper, real = first_fills(actions, before, swap)
    assert paper <= real


@settings(max_examples=300, deadline=None)
@given(
    st.lists(rests, min_size=2, max_size=40),  # a taker who finds too little leaves no trace
    st.integers(0, 10),
    st.booleans(),
)
def test_where_nobody_cancels_we_are_filled_exactly_as_in_a_real_queue(actions, before, swap):
    paper, real = first_fills(actions, before, swap)
    assert paper == real


# ---- arithmetic on any tape, sensible or not

places = st.tuples(
    st.just("place"), st.sampled_from(((YES, BUY), (NO, BUY), (YES, SELL), (NO, SELL))), cents, sizes
)
amends = st.tuples(st.just("amend"), st.integers(0, 12), cents, sizes)
cancels = st.tuples(st.just("cancel"), st.integers(0, 12), cents, sizes)
trades = st.tuples(st.just("trade"), st.sampled_from((BID, ASK)), cents, sizes)
deltas = st.tuples(st.just("delta"), st.sampled_from((BID, ASK)), cents, st.integers(-30, 30))
books = st.tuples(st.just("book"), st.just(BID), st.integers(47, 52), sizes)
FEES = InstrumentSpec(two_sided=True, amendable=True, fees=FeeModel(maker_rate=KALSHI_MAKER, unit=100))


class Story:
    """A random tape and random requests, kept from taking a level below zero or crossing the public book."""

    def __init__(self):
        self.bench = PaperBench(FEES, cash=60 * ONE)
        self.bench.book({48: 10}, {53: 10})
        self.bench.subscribe()
        self.sent = []
        self.public = {BID: {48: 10}, ASK: {53: 10}}
        self.reach = defaultdict(float)  # contracts that traded or came across, by side of ours that was hit

    def tell(self, kind, who, price, size):
        bench = self.bench
        if kind == "place":
            self.sent.append(bench.order(*who, price if who[0].side is Side.YES else 100 - price, size))
            bench.submit(self.sent[-1])
        elif kind in ("amend", "cancel") and who < len(self.sent):
            self._request(kind, self.sent[who], price, size)
        elif kind == "trade":
            bench.trade(who, price, size)
            self.reach[BID if who is ASK else ASK] += size
        elif kind == "delta":
            self._delta(who, price, size)
        elif kind == "book":
            self._book(price, size)
        bench.wait(7)

    def _request(self, kind, place, price, size):
        told = {"order_id": place.order_id, "venue_order_id": "", "instrument": place.instrument}
        if kind == "cancel":
            self.bench.submit(CancelOrder(**told))
            return
        price = (price if place.instrument.side is Side.YES else 100 - price) * CENT
        rest = {
            name: getattr(place, name) for name in ("match", "action", "ceiling", "ceiling_kind", "basis")
        }
        self.bench.submit(AmendOrder(**told, **rest, price=price, size=size * ONE))

    def _delta(self, side, price, size):
        levels, others = self.public[side], self.public[ASK if side is BID else BID]
        size = max(size, -levels.get(price, 0))
        crossed = any(n and (at <= price if side is BID else at >= price) for at, n in others.items())
        if size == 0 or (size > 0 and crossed):
            return
        levels[price] = levels.get(price, 0) + size
        self.bench.delta(side, price, size)
        if size > 0:
            self.reach[ASK if side is BID else BID] += size

    def _book(self, price, size):
        self.public = {BID: {price - 1: size}, ASK: {price + 1: size}}
        self.bench.book(self.public[BID], self.public[ASK])
        self.reach[BID] += size
        self.reach[ASK] += size


tapes = st.lists(st.one_of(places, places, amends, cancels, trades, deltas, deltas, books), max_size=60)


@settings(max_examples=150, deadline=None)
@given(tapes)
def test_money_is_conserved_and_what_is_shown_is_never_crossed(tape):
    story = Story()
    for step in tape:
        story.tell(*step)
        assert story.bench.exchange.defect() is None
        bids, asks = story.bench.shown()
        assert min([*bids.values(), *asks.values()], default=1) > 0
        assert not bids or not asks or max(bids) < min(asks)
    told = story.bench.shown()
    levels = [{p // CENT: n / ONE for p, n in half.levels()} for half in halves(story.bench)]
    assert told == tuple(levels)
    assert story.bench.status().cash >= 0


@settings(max_examples=150, deadline=None)
@given(tapes)
def test_we_never_trade_more_than_reached_us(tape):
    story = Story()
    for step in tape:
        story.tell(*step)
    story.bench.fills()
    filled = defaultdict(float)
    for fill in story.bench.seen:
        if isinstance(fill, OrderFilled):
            bought = (fill.instrument.side is Side.YES) is (fill.action is BUY)
            filled[BID if bought else ASK] += fill.size / ONE
    assert all(filled[side] <= story.reach[side] for side in (BID, ASK))


@settings(max_examples=60, deadline=None)
@given(tapes)
def test_same_tape_and_requests_have_the_same_answers(tape):
    seen = []
    for _ in range(2):
        story = Story()
        for step in tape:
            story.tell(*step)
        seen.append(story.bench.seen)
    assert seen[0] == seen[1]


def halves(bench):
    market = bench.exchange.markets[YES]
    return market.bids, market.asks


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from((BID, ASK)), cents, st.integers(-40, 40), st.booleans()), max_size=60)
)
def test_the_best_public_price_is_that_of_the_record(changes):
    queues = Queues(YES, FEES)
    queues.snapshot([(47 * CENT, 10 * ONE)], [(53 * CENT, 10 * ONE)], 0)
    for side, price, change, asked in changes:
        queues.delta(side, price * CENT, change * ONE)
        if asked:  # now and then: what is kept between two questions must hold too
            for half in (queues.bids, queues.asks):
                levels = {at: size for at, size in half.sizes.items() if size}
                best = max(levels, key=lambda at, sign=half.sign: sign * at, default=None)
                assert half.public_best() == (None if best is None else (best, levels[best]))
