"""Whatever grows has an end: what is remembered of orders, trades, fills, lines and waiting events."""

from __future__ import annotations

from console.core.commands import Basis, CeilingKind, PlaceOrder
from console.core.curve import POINTS_MAX
from console.core.events import BookDelta, OrderRejected, RejectReason
from console.core.instruments import Action, BookSide, ClientOrderId, TradeId
from console.core.orders import Blotter, Fact
from console.core.state import FILLS_KEPT, LOG_LINES
from console.core.units import Nanos, Price, Size
from console.runner.inbox import Inbox

from .story import A, K, M, contracts, game


def test_ended_orders_and_trades_are_forgotten_in_time() -> None:
    blotter = Blotter()
    for number in range(3_000):
        command = PlaceOrder(
            order_id=ClientOrderId(f"run1-{number}"),
            match=M,
            instrument=A,
            action=Action.BUY,
            price=Price(450_000),
            size=contracts(1),
            ceiling=Price(450_000),
            ceiling_kind=CeilingKind.QUOTE,
            basis=Basis(0, 0, 0, 0, 0, ""),
        )
        blotter.ended(blotter.placed(command, 0, Nanos(number)), Fact.CANCELED, Nanos(number))
    assert len(blotter.orders) == 500
    for number in range(25_000):
        assert blotter.is_new_trade(K, TradeId(f"t{number}"))
    assert len(blotter.trades()) == 20_000


def test_log_fills_and_curve_are_windows() -> None:
    story = game()
    for number in range(LOG_LINES + 500):
        story.state.note(f"line {number}")
    assert len(story.state.log) == LOG_LINES == 2000
    story.wait(500)
    curve = story.state.account.curve
    assert (curve.step_s, POINTS_MAX) == (2, 480)
    assert POINTS_MAX // 2 <= len(curve.points) <= POINTS_MAX
    assert story.state.recent_fills.maxlen == FILLS_KEPT == 2000


def test_books_that_wait_are_given_up_and_fills_are_not() -> None:
    inbox = Inbox()
    delta = BookDelta(instrument=A, side=BookSide.BID, price=Price(450_000), change=Size(1))
    for _ in range(30_000):
        inbox.put(delta)
    assert len(inbox) == 20_001
    inbox.put(OrderRejected(order_id=ClientOrderId("run1-1"), reason=RejectReason.OTHER))
    assert len(inbox) == 20_002
