"""The REST side of the pretended Kalshi: doors, shapes, order calls, budgets, lag."""

from __future__ import annotations

import asyncio
import stat
import time

import aiohttp
import pytest

from console.core.units import CENT, ONE
from tests.sandbox.kalshi_stranger import API, ORDERS, assert_like, example, open_sandbox, run

# ---- at the door


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_keys_are_private_files_and_open_the_door(tmp_path, kind):
    async def story():
        async with open_sandbox(tmp_path, kind=kind) as s:
            assert stat.S_IMODE(s.key.path.stat().st_mode) == 0o600
            status, body = await s.ask("GET", "/portfolio/balance?exchange_index=3")
            assert (status, body["balance_dollars"]) == (200, "500.0000")

    run(story)


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda s: {}, "401_missing_signature"),
        (lambda s: s.headers("GET", "x", signed_path=f"{API}/portfolio/balance?a=b"), "401_bad_signature"),
        (lambda s: s.headers("GET", f"{API}/portfolio/balance", 1_795_217_400_000), "401_timestamp_expired"),
        (
            lambda s: {**s.headers("GET", f"{API}/portfolio/balance"), "KALSHI-ACCESS-KEY": "nobody"},
            "401_unknown_key",
        ),
    ],
)
def test_whoever_signs_wrongly_is_told_how(tmp_path, spoil, name):
    async def story():
        async with open_sandbox(tmp_path) as s:
            status, body = await s.ask("GET", "/portfolio/balance?a=b", headers=spoil(s))
            assert (status, body["error"]["code"]) == (401, example(f"errors/{name}")["error"]["code"])
            assert body["error"].get("details") == example(f"errors/{name}")["error"].get("details")
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await s.session.ws_connect(f"{s.base}/trade-api/ws/v2")
            assert refused.value.status == 401

    run(story)


def test_old_order_calls_are_gone(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            for method, path in (("POST", "/portfolio/orders"), ("DELETE", "/portfolio/orders/x")):
                status, body = await s.ask(method, path, {})
                assert (status, body["error"]["code"]) == (410, "deprecated_v1_order_endpoint")

    run(story)


# ---- shapes


def test_every_body_has_the_shape_of_its_example(tmp_path):
    async def story():
        async with open_sandbox(tmp_path, scale=5.0) as s:
            _, ask = s.best()
            group = (
                await s.ask(
                    "POST", "/portfolio/order_groups/create", {"contracts_limit": 50, "exchange_index": 3}
                )
            )[1]
            assert_like(group, "rest/order_group_create_response")
            made = await s.place(
                expiration_time=int(time.time()) + 60,
                order_group_id=group["order_group_id"],
                exchange_index=3,
            )
            assert_like(made, "rest/order_create_response_resting")
            took = await s.place(
                price=f"{ask / ONE:.4f}", count="1.00", post_only=None, time_in_force="immediate_or_cancel"
            )
            assert_like(took, "rest/order_create_response_filled")
            for path, name, lacking, more in (
                ("/exchange/status", "exchange_status", (), ()),
                ("/exchange/schedule", "exchange_schedule", (), ()),
                ("/exchange/user_data_timestamp", "user_data_timestamp", (), ()),
                ("/series", "series_list", (), ()),
                ("/series/KXNBAGAME", "series_nba", (), ()),
                (
                    f"/events/{s.event}",
                    "event_two_outcome",
                    ("primary_participant_key", "basketball_team"),
                    ("team",),
                ),
                (
                    f"/markets/{s.ticker}",
                    "market_active",
                    ("primary_participant_key", "basketball_team"),
                    ("team",),
                ),
                (
                    "/markets?limit=2",
                    "markets_list",
                    ("primary_participant_key", "basketball_team"),
                    ("team",),
                ),
                (f"/markets/{s.ticker}/orderbook", "orderbook", (), ()),
                (f"/markets/orderbooks?tickers={s.ticker}&tickers={s.other}", "orderbooks_batch", (), ()),
                ("/markets/trades", "trades", (), ()),
                ("/account/limits", "account_limits", (), ()),
                ("/account/endpoint_costs", "account_endpoint_costs", (), ()),
                ("/portfolio/balance", "balance", (), ()),
                (
                    "/portfolio/orders",
                    "orders_list",
                    ("order_group_id", "expiration_time"),
                    ("order_group_id", "expiration_time"),
                ),
                ("/portfolio/fills", "fills", (), ()),
                ("/portfolio/positions", "positions", (), ()),
                ("/portfolio/orders/queue_positions", "queue_positions", (), ()),
                (f"/portfolio/orders/{made['order_id']}/queue_position", "queue_position", (), ()),
                ("/portfolio/order_groups", "order_groups_list", (), ()),
                (f"/portfolio/order_groups/{group['order_group_id']}", "order_group", (), ()),
                ("/events/fee_changes", "event_fee_changes", (), ()),
            ):
                assert_like(await s.listed(path), f"rest/{name}", lacking, more)
            amended = (
                await s.ask(
                    "POST",
                    f"{ORDERS}/{made['order_id']}/amend",
                    {
                        "ticker": s.ticker,
                        "side": "bid",
                        "price": "0.0900",
                        "count": "4.00",
                        "exchange_index": 3,
                    },
                )
            )[1]
            assert_like(amended, "rest/order_amend_response")
            path = f"{ORDERS}/{made['order_id']}"
            assert_like(
                (await s.ask("POST", f"{path}/decrease", {"reduce_to": "2.00", "market_ticker": s.ticker}))[
                    1
                ],
                "rest/order_decrease_response",
            )
            assert_like(
                (await s.ask("DELETE", f"{path}?market_ticker={s.ticker}"))[1], "rest/order_cancel_response"
            )
            await s.sandbox.act("close", s.ticker)
            await s.sandbox.act("settle", s.ticker)
            assert_like(await s.listed("/portfolio/settlements"), "rest/settlements")
            assert_like(
                await s.listed(f"/markets/{s.ticker}"),
                "rest/market_settled_yes",
                ("primary_participant_key", "basketball_team"),
                ("team",),
            )
            assert s.sandbox.house.bank.defect() == ""

    run(story)


@pytest.mark.parametrize(
    ("changes", "status", "code", "details"),
    [
        ({"count": 5}, 400, None, "count must be a string"),
        ({"price": 0.1}, 400, None, "price must be a string"),
        ({"self_trade_prevention_type": None}, 400, None, "self_trade_prevention_type is required"),
        ({"price": "0.1050"}, 400, "invalid_price", None),
        ({"price": "1.0000"}, 400, "invalid_price", None),
        ({"count": "0.001"}, 400, "invalid_order_size", None),
        ({"count": "9000.00", "price": "0.4000"}, 400, "insufficient_balance", None),
        ({"client_order_id": "with.dot"}, 400, "invalid_parameters", "client_order_id"),
        ({"reduce_only": True}, 400, "invalid_parameters", "reduce_only needs immediate_or_cancel"),
        ({"expiration_time": 1_700_000_000}, 400, "invalid_parameters", "expiration_time"),
        ({"exchange_index": 0}, 404, "market_not_found", None),
        ({"ticker": "KXNOBODY"}, 404, "market_not_found", None),
        ({"order_group_id": "nobody"}, 404, "order_group_not_found", None),
        ({"price": "0.9900"}, 400, "invalid_order", "post only cross"),
    ],
)
def test_what_is_wrong_is_refused_in_the_venues_words(tmp_path, changes, status, code, details):
    async def story():
        async with open_sandbox(tmp_path) as s:
            told, body = await s.ask(
                "POST",
                ORDERS,
                {**s.order(), **{k: v for k, v in changes.items() if v is not None}}
                if None not in changes.values()
                else s.order(**changes),
            )
            assert told == status
            error = body.get("error", body)
            assert error["code"] == (code or "bad_request")
            assert error.get("details") == details
            assert s.sandbox.house.resting() == []

    run(story)


def test_a_client_id_is_used_up_for_ever(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            made = await s.place(client_order_id="once")
            await s.ask("DELETE", f"{ORDERS}/{made['order_id']}?exchange_index=3")
            status, body = await s.ask("POST", ORDERS, s.order(client_order_id="once"))
            assert (status, body["error"]["code"]) == (409, "order_already_exists")

    run(story)


def test_a_cancel_without_a_route_looks_on_shard_0(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            made = await s.place()
            assert (await s.ask("DELETE", f"{ORDERS}/{made['order_id']}"))[0] == 404
            assert (await s.ask("DELETE", f"{ORDERS}/{made['order_id']}?market_ticker={s.ticker}"))[0] == 200
            assert (await s.ask("DELETE", f"{ORDERS}/{made['order_id']}?market_ticker={s.ticker}"))[0] == 404

    run(story)


def test_fill_or_kill_needs_all_of_it_and_immediate_takes_what_there_is(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            _, ask = s.best()
            price = f"{ask / ONE:.4f}"
            status, body = await s.ask(
                "POST",
                ORDERS,
                s.order(price=price, count="900.00", post_only=None, time_in_force="fill_or_kill"),
            )
            there = dict(s.sandbox.floor.market(s.ticker).snapshot().asks)[ask]
            if there < 900 * ONE:
                assert (status, body["error"]["code"]) == (409, "fill_or_kill_insufficient_resting_volume")
            took = await s.place(price=price, count="1.00", post_only=None, time_in_force="fill_or_kill")
            assert (took["fill_count"], took["remaining_count"]) == ("1.00", "0.00")
            nothing = await s.place(price="0.0100", post_only=None, time_in_force="immediate_or_cancel")
            assert (nothing["fill_count"], nothing["remaining_count"]) == ("0.00", "0.00")
            assert "average_fill_price" not in nothing

    run(story)


@pytest.mark.parametrize(("stp", "mine_left"), [("taker_at_cross", 1), ("maker", 0)])
def test_nobody_trades_with_himself(tmp_path, stp, mine_left):
    async def story():
        async with open_sandbox(tmp_path) as s:
            bid, ask = s.best()
            await s.place(side="ask", price=f"{(ask - CENT) / ONE:.4f}", count="2.00")
            took = await s.place(
                price=f"{ask / ONE:.4f}",
                count="3.00",
                post_only=None,
                time_in_force="immediate_or_cancel",
                self_trade_prevention_type=stp,
            )
            assert len(s.sandbox.house.resting()) == mine_left
            assert took["fill_count"] == ("0.00" if mine_left else "3.00")
            assert bid < ask

    run(story)


def test_an_amend_may_take_and_only_fewer_contracts_keep_the_turn(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            made = await s.place(count="5.00")
            (ticket,) = s.sandbox.house.resting()
            s.sandbox.floor.exchange.rest("other", s.ticker, ticket.side, 10 * CENT, 3 * ONE)
            path = f"/portfolio/orders/{made['order_id']}/queue_position"
            ahead = (await s.ask("GET", path))[1]["queue_position_fp"]
            change = {"ticker": s.ticker, "side": "bid", "price": "0.1000", "exchange_index": 3}
            await s.ask("POST", f"{ORDERS}/{made['order_id']}/amend", {**change, "count": "4.00"})
            assert (await s.ask("GET", path))[1]["queue_position_fp"] == ahead
            await s.ask("POST", f"{ORDERS}/{made['order_id']}/amend", {**change, "count": "6.00"})
            assert float((await s.ask("GET", path))[1]["queue_position_fp"]) >= float(ahead) + 3
            _, ask = s.best()
            crossing = {**change, "price": f"{ask / ONE:.4f}", "count": "6.00"}
            status, body = await s.ask("POST", f"{ORDERS}/{made['order_id']}/amend", crossing)
            assert status == 200
            assert float(body["fill_count"]) > 0
            for wrong, code in (
                ({"side": "ask"}, "order_side_mismatch"),
                ({"ticker": s.other}, "order_ticker_mismatch"),
            ):
                other = await s.place()
                status, body = await s.ask(
                    "POST", f"{ORDERS}/{other['order_id']}/amend", {**change, "count": "5.00", **wrong}
                )
                assert (status, body["error"]["code"]) == (400, code)

    run(story)


def test_cancel_all_is_204_and_sweeps_on_for_a_minute(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            for ticker in (s.ticker, s.shard0):
                await s.place(ticker=ticker)
            assert await s.ask("DELETE", ORDERS) == (204, None)
            assert s.sandbox.house.resting() == []
            for cents in range(2, 10):
                await s.place(price=f"0.0{cents}00")
            end = time.monotonic() + 5
            while len(s.sandbox.house.resting()) == 8:
                assert time.monotonic() < end
                await asyncio.sleep(0.05)

    run(story)


# ---- budgets, pages, lag


def test_a_batch_is_admitted_whole_or_not_at_all(tmp_path):
    async def story():
        async with open_sandbox(tmp_path, faults=["basic"]) as s:
            s.sandbox.rest.write.per_s = 0
            status, body = await s.ask(
                "POST", f"{ORDERS}/batched", {"orders": [s.order() for _ in range(11)]}
            )
            assert (status, body) == (429, example("errors/429_rate_limited"))
            status, body = await s.ask(
                "POST",
                f"{ORDERS}/batched",
                {"orders": [s.order(price=f"0.{n:02d}00") for n in range(1, 10)] + [s.order(price="0.9900")]},
            )
            assert status == 201
            assert [("error" in entry) for entry in body["orders"]] == [False] * 9 + [True]
            assert (await s.ask("POST", ORDERS, s.order()))[0] == 429

    run(story)


def test_pages_end_with_an_empty_cursor_and_garbage_begins_again(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            first = (await s.ask("GET", "/markets?limit=10"))[1]
            second = (await s.ask("GET", f"/markets?limit=10&cursor={first['cursor']}"))[1]
            assert (len(first["markets"]), second["cursor"]) == (10, "")
            assert not {m["ticker"] for m in first["markets"]} & {m["ticker"] for m in second["markets"]}
            again = (await s.ask("GET", "/markets?limit=10&cursor=rubbish"))[1]
            assert [m["ticker"] for m in again["markets"]] == [m["ticker"] for m in first["markets"]]
            status, body = await s.ask("GET", "/markets?limit=1001")
            assert (status, body["msg"]) == (400, "parameter validation failed: limit")

    run(story)


def test_reads_lag_behind_and_say_how_far(tmp_path):
    async def story():
        async with open_sandbox(tmp_path) as s:
            made = await s.place()
            assert (await s.ask("GET", f"/portfolio/orders/{made['order_id']}"))[0] == 404
            listed = await s.listed(f"/portfolio/orders/{made['order_id']}")
            assert listed["order"]["status"] == "resting"
            await s.ask("DELETE", f"{ORDERS}/{made['order_id']}?exchange_index=3")
            stale = (await s.ask("GET", f"/portfolio/orders/{made['order_id']}"))[1]
            assert stale["order"]["status"] == "resting"

    run(story)


def test_collateral_moves_between_shards(tmp_path):
    async def story():
        async with open_sandbox(tmp_path, faults=["unfunded"]) as s:
            status, body = await s.ask("POST", ORDERS, s.order())
            assert (status, body["error"]["code"]) == (404, "user_not_found")
            await s.ask(
                "POST",
                "/portfolio/intra_exchange_instance_transfer",
                {"amount": 2_500_000, "source_exchange_shard": 0, "destination_exchange_shard": 3},
            )
            await s.place()
            rows = (await s.listed("/portfolio/balance"))["balance_breakdown"]
            assert {r["exchange_index"]: r["balance"] for r in rows} == {0: "750.0000", 3: "249.5000"}

    run(story)
