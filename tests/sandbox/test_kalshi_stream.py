"""The stream of the pretended Kalshi, its misfortunes and its money."""

from __future__ import annotations

import asyncio
import json

import pytest

from console.core.units import CENT, ONE
from console.sandbox.command import Opening, SandboxError
from console.sandbox.kalshi.faults import FAULTS, chosen
from console.sandbox.kalshi.recorded import Recording
from tests.sandbox.kalshi_stranger import ORDERS, assert_like, open_sandbox, run

# ---- the stream


async def heard(socket, kind, seconds=5.0):
    """The next frame of a type; everything before it is passed over."""
    async with asyncio.timeout(seconds):
        while True:
            frame = json.loads((await socket.receive()).data)
            if frame["type"] == kind:
                return frame


def test_one_sequence_runs_over_all_markets_of_a_subscription(tmp_path):
    async def story():
        async with open_sandbox(tmp_path, scale=20.0) as s:
            headers = s.headers("GET", "/trade-api/ws/v2")
            async with s.session.ws_connect(f"{s.base}/trade-api/ws/v2", headers=headers) as socket:
                await socket.send_json(
                    {
                        "id": 1,
                        "cmd": "subscribe",
                        "params": {
                            "channels": ["orderbook_delta", "trade"],
                            "market_tickers": [s.ticker, s.other],
                            "use_yes_price": True,
                        },
                    }
                )
                acks = [await heard(socket, "subscribed") for _ in range(1)]
                assert acks[0]["msg"] == {"channel": "orderbook_delta", "sid": 1}
                due, tickers = 1, set()
                while due < 200:
                    frame = json.loads((await socket.receive()).data)
                    if frame.get("sid") == 1 and "seq" in frame:
                        assert frame["seq"] == due
                        due += 1
                        tickers.add(frame["msg"]["market_ticker"])
                assert tickers == {s.ticker, s.other}
                await socket.send_json(
                    {
                        "id": 7,
                        "cmd": "update_subscription",
                        "params": {"sids": [1], "market_tickers": [s.other], "action": "get_snapshot"},
                    }
                )
                while True:
                    frame = await heard(socket, "orderbook_snapshot")
                    if frame.get("id") == 7:
                        break
                assert_like(frame, "ws/orderbook_snapshot_reply_to_get_snapshot")

    run(story)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"id": 3, "cmd": "dance"}, 5),
        ({"id": 3, "cmd": "subscribe"}, 2),
        ({"id": 3, "cmd": "subscribe", "params": {"channels": []}}, 3),
        ({"id": 3, "cmd": "subscribe", "params": {"channels": ["ticker_v2"]}}, 8),
        ({"id": 3, "cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}, 14),
        ({"id": 3, "cmd": "unsubscribe", "params": {}}, 4),
        ({"id": 3, "cmd": "unsubscribe", "params": {"sids": [9]}}, 7),
        ({"id": 3, "cmd": "update_subscription", "params": {"sids": [1, 2]}}, 12),
    ],
)
def test_wrong_commands_get_the_venues_numbers(tmp_path, command, code):
    async def story():
        async with open_sandbox(tmp_path) as s:
            headers = s.headers("GET", "/trade-api/ws/v2")
            async with s.session.ws_connect(f"{s.base}/trade-api/ws/v2", headers=headers) as socket:
                await socket.send_json(command)
                told = await heard(socket, "error")
                assert (told["id"], told["msg"]["code"]) == (3, code)

    run(story)


def test_private_frames_have_the_shape_of_their_examples(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            headers = s.headers("GET", "/trade-api/ws/v2")
            async with s.session.ws_connect(f"{s.base}/trade-api/ws/v2", headers=headers) as socket:
                await socket.send_json(
                    {
                        "id": 2,
                        "cmd": "subscribe",
                        "params": {
                            "channels": ["fill", "user_orders", "market_positions", "order_group_updates"]
                        },
                    }
                )
                _, ask = s.best()
                group = (
                    await s.ask(
                        "POST",
                        "/portfolio/order_groups/create",
                        {"contracts_limit_fp": "150.00", "exchange_index": 3},
                    )
                )[1]
                assert_like(await heard(socket, "order_group_updates"), "ws/order_group_created")
                await s.place(
                    price=f"{ask / ONE:.4f}",
                    count="2.00",
                    post_only=None,
                    time_in_force="immediate_or_cancel",
                )
                assert_like(await heard(socket, "fill"), "ws/fill_taker")
                assert_like(await heard(socket, "market_position"), "ws/market_position")
                await s.place(order_group_id=group["order_group_id"])
                resting = await heard(socket, "user_order")
                while resting["msg"]["status"] != "resting":
                    resting = await heard(socket, "user_order")
                assert_like(resting, "ws/user_order_resting", (), ("order_group_id",))
                await s.ask(
                    "PUT", f"/portfolio/order_groups/{group['order_group_id']}/trigger?exchange_index=3"
                )
                assert (await heard(socket, "user_order"))["msg"]["status"] == "canceled"
                assert_like(await heard(socket, "order_group_updates"), "ws/order_group_triggered")

    run(story)


def test_no_levels_come_in_the_prices_that_were_asked_for(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            _, ask = s.best()
            for yes_price, shown in ((True, ask), (False, ONE - ask)):
                headers = s.headers("GET", "/trade-api/ws/v2")
                async with s.session.ws_connect(f"{s.base}/trade-api/ws/v2", headers=headers) as socket:
                    await socket.send_json(
                        {
                            "id": 1,
                            "cmd": "subscribe",
                            "params": {
                                "channels": ["orderbook_delta"],
                                "market_tickers": [s.ticker],
                                "use_yes_price": yes_price,
                            },
                        }
                    )
                    told = await heard(socket, "orderbook_snapshot")
                    assert told["msg"]["no_dollars_fp"][-1][0] == f"{shown / ONE:.4f}"

    run(story)


# ---- misfortunes and money


def test_faults_are_named_and_a_wrong_name_lists_them():
    assert chosen(["gap", "storm"]) == ("gap", "storm")
    for words in (["help"], ["gap", "typo"]):
        with pytest.raises(SandboxError) as told:
            chosen(words)
        assert all(name in str(told.value) for name in FAULTS)
    assert Opening(0, 7, (), "").seed == 7


def test_shards_together_hold_what_the_purse_behind_them_holds(tmp_path):
    async def story():
        async with open_sandbox(tmp_path, scale=50.0) as s:
            s.sandbox.rest.write.per_s = s.sandbox.rest.write.capacity = 100_000
            s.sandbox.rest.write._tokens = 1e9
            for _ in range(40):
                for ticker in (s.ticker, s.other, s.shard0):
                    bid, ask = s.best(ticker)
                    for side, price in (("bid", ask - CENT), ("ask", bid + CENT)):
                        body = s.order(
                            ticker=ticker,
                            side=side,
                            price=f"{price // CENT * CENT / ONE:.4f}",
                            post_only=None,
                        )
                        await s.ask("POST", ORDERS, body)
                assert s.sandbox.house.bank.defect() == ""
                assert s.sandbox.floor.exchange.defect() is None
            assert s.sandbox.house.shown.fills or s.sandbox.house.shown._coming

    run(story)


def test_a_recording_is_read_and_folded(tmp_path):
    rows = [
        {
            "recv_ms": 1000,
            "event": {
                "type": "orderbook_snapshot",
                "sid": 1,
                "seq": 1,
                "msg": {"market_ticker": "X-1", "yes_dollars_fp": [["0.4800", "10.00"]]},
            },
        },
        {
            "recv_ms": 1500,
            "event": {
                "type": "orderbook_delta",
                "sid": 1,
                "seq": 2,
                "msg": {
                    "market_ticker": "X-1",
                    "price_dollars": "0.4800",
                    "delta_fp": "-10.00",
                    "side": "yes",
                },
            },
        },
    ]
    path = tmp_path / "made-up.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    recording = Recording(path)
    frames = list(recording.frames())
    assert [at for at, _ in frames] == [0.0, 0.5]
    recording.fold(frames[0][1])
    assert recording.ladder("X-1", "yes", yes_price=True) == [["0.4800", "10.00"]]
    recording.fold(frames[1][1])
    assert recording.ladder("X-1", "yes", yes_price=True) == []
    (tmp_path / "rubbish").write_text("rubbish")
    with pytest.raises(SandboxError):
        Recording(tmp_path / "rubbish")
