"""C2: whatever is wanted, nothing leaves above its ceiling, far through theo or across the book."""

from __future__ import annotations

import random

from console.core.commands import CeilingKind
from console.core.instruments import Action, Instrument, Side
from console.core.planner import Wanted
from console.core.quoting import Edge
from console.core.reasons import Reason
from console.core.units import ONE, Price

from .story import A, B, contracts
from .test_risk import Gate

NO_A = Instrument(A.venue, A.symbol, Side.NO)
NO_B = Instrument(B.venue, B.symbol, Side.NO)
LEGS = (A, B, NO_A, NO_B)


def test_of_fifty_thousand_random_orders_none_leaves_outside_the_collar() -> None:
    dice = random.Random(2)
    gate = Gate()
    gate.hold(A, 50, 40)
    left = 0
    for _ in range(500):
        best_bid, spread = dice.randint(1, 90), dice.randint(1, 9)
        gate.story.book(A, {best_bid: 100}, {best_bid + spread: 100})
        gate.story.book(B, {max(1, 99 - best_bid - spread): 100}, {100 - best_bid: 100})
        for _ in range(100):
            route = gate.desk.keys[dice.choice(LEGS), dice.choice(list(Action))]
            bid, ceiling, fair = (Price(dice.randint(1, 99) * 10_000) for _ in range(3))
            edge = Edge(fair, fair, fair, 0, fair)
            wanted = Wanted(
                route=route,
                level=0,
                bid=bid,
                size=contracts(1),
                ceiling=ceiling,
                kind=dice.choice(list(CeilingKind)),
                edge=edge,
                fee=0,
                even=0,
                closes=contracts(1),
                reason=Reason.TOP,
            )
            verdict = gate.ask(wanted)
            if verdict.size == 0:
                continue
            left += 1
            assert bid <= ceiling
            assert bid <= fair + gate.desk.settings.collar
            book = gate.desk.markets[route.instrument.yes].book
            assert book is not None
            yes_price = bid if route.side.value == "bid" else ONE - bid
            if route.side.value == "bid":
                ask = book.best_ask_price()
                assert ask is None or yes_price < ask
            else:
                best = book.best_bid_price()
                assert best is None or yes_price > best
    assert left > 2_000
