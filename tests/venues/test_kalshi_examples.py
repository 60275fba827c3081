"""Every example message of the venue: what it sends is read, and what we send says what it should."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from kalshi_samples import EXAMPLES, example, raw
from kalshi_stage import stage, until

from console.core.commands import Unsubscribe
from console.core.events import AnyEvent
from console.core.instruments import BookSide
from console.core.units import ONE
from console.venues.kalshi import account, facts, groups, listings, mirror, orders, polling, status
from console.venues.kalshi.account import Fill
from console.venues.kalshi.discovery import _page
from console.venues.kalshi.errors import parse_fault
from console.venues.kalshi.frames import Parser
from console.venues.kalshi.own import OwnOrders
from console.venues.kalshi.private import CHANNELS, parse_private

MARKET, EVENT = listings.parse_market, listings.parse_event
READ: dict[str, Callable[[bytes], Any]] = {
    "account_endpoint_costs": account.parse_costs,
    "account_limits": account.parse_limits,
    "balance": account.parse_balance,
    "event_two_outcome": EVENT,
    "events_list_nested": _page,
    "exchange_status": status.parse_status,
    "exchange_status_thursday_pause": status.parse_status,
    "fills": account.parse_fills,
    "market_active": MARKET,
    "market_settled_no": MARKET,
    "market_settled_scalar_void": MARKET,
    "market_settled_yes": MARKET,
    "market_subcent_esports": MARKET,
    "market_tapered_deci_cent": MARKET,
    "markets_list": listings.parse_markets,
    "order_amend_response": orders.parse_changed,
    "order_cancel_response": orders.parse_changed,
    "order_create_response_filled": orders.parse_created,
    "order_create_response_ioc_no_fill": orders.parse_created,
    "order_create_response_resting": orders.parse_created,
    "order_decrease_response": orders.parse_changed,
    "order_group_create_response": groups.parse_group,
    "order_resting_partial": account.parse_order,
    "orderbooks_batch": mirror.parse_books,
    "orders_batch_cancel_response_mixed": orders.parse_batch_canceled,
    "orders_batch_create_response_mixed": lambda body: orders.parse_batch_created(
        body, ["mm-lal-bid-000001"]
    ),
    "orders_list": account.parse_orders,
    "positions": account.parse_positions,
    "series_fee_changes": lambda body: msgspec.json.decode(body, type=facts._SeriesChanges),
    "series_nba": listings.parse_series,
    "settlements": account.parse_settlements,
    "trades": polling.parse_trades,
    "user_data_timestamp": account.parse_as_of,
}
# Sent by us: `test_kalshi_orders` compares each with what we render.
RENDERED = {
    "order_amend_request",
    "order_amend_request_expiry_only",
    "order_create_request_ask_gtt_group",
    "order_create_request_bid_postonly",
    "order_create_request_ioc_reduce_only",
    "order_decrease_request_by",
    "order_group_create_request",
    "orders_batch_cancel_request",
    "orders_batch_create_request",
}
# What the console neither sends nor reads: money is moved by hand, limits of groups stay as they are.
ELSEWHERE = {
    "event_fee_changes",
    "exchange_schedule",
    "order_decrease_request_to",
    "order_group",
    "order_group_limit_request",
    "order_groups_list",
    "orderbook",
    "orderbook_empty",
    "queue_position",
    "queue_positions",
    "series_list",
    "shard_transfer_request",
    "shard_transfer_response",
    "target_balance_allocation_request",
}
PRIVATE = ("fill", "user_order", "market_position", "order_group")


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (EXAMPLES / folder).glob("*.json"))


def test_no_example_is_forgotten() -> None:
    assert set(names("rest")) == {*READ, *RENDERED, *ELSEWHERE}


@pytest.mark.parametrize("name", READ)
def test_every_body_is_read_to_something(name) -> None:
    assert READ[name](raw(example(f"rest/{name}.json"))) not in (None, "", (), {})


@pytest.mark.parametrize("name", names("errors"))
def test_every_error_has_a_code_or_words(name) -> None:
    fault = parse_fault(raw(example(f"errors/{name}.json")), int(name[:3]))
    assert fault.text
    assert "HTTP status" not in fault.text


@pytest.mark.parametrize("name", [name for name in names("ws") if not name.startswith("cmd_")])
def test_every_frame_becomes_events_that_the_journal_renders_and_reads_back(name) -> None:
    body = example(f"ws/{name}.json")
    parser = Parser(use_yes_price="yes_leg" in name)
    for frame in body.get("frames", [body]):
        private = parse_private(raw(frame))
        assert (private is not None) is name.startswith(PRIVATE)
        events: list[AnyEvent] = [*parser.translate(parser.decode(raw(frame)))]
        if isinstance(private, Fill):
            events.append(private.event(OwnOrders()))
        for event in events:
            again = msgspec.json.decode(msgspec.json.encode(event), type=AnyEvent)
            assert again == event


# ---- commands


def plain(command: dict[str, Any]) -> str:
    """A command without what differs from session to session."""
    params = {**command.get("params", {})}
    for key in ("sid", "sids"):
        if params.pop(key, None) is not None:
            params["sids"] = 1
    if "market_tickers" in params:
        params["market_tickers"] = "some"
    return json.dumps({"cmd": command["cmd"], "params": params}, sort_keys=True)


def test_commands_say_what_the_examples_say(tmp_path, monkeypatch) -> None:
    said: list[dict[str, Any]] = []
    monkeypatch.setattr("console.venues.kalshi.client.IDLE_S", 0.3)

    async def story():
        async with stage(tmp_path) as s:
            command = type(s.sandbox.streams.sessions[0]).command
            monkeypatch.setattr(
                "console.sandbox.kalshi.stream.Session.command",
                lambda session, text: (said.append(json.loads(text)), command(session, text)),
            )
            await s.sandbox.streams.close_all()
            await until(lambda: any("fill" in c.get("params", {}).get("channels", ()) for c in said))
            await s.subscribed(s.a)
            await s.subscribed(s.a, s.shard0)
            s.client.send(Unsubscribe(instrument=s.shard0))
            await s.sandbox.act("gap")
            s.take(s.a, BookSide.ASK, ONE, ONE // 100)
            await until(lambda: any(c["cmd"] == "list_subscriptions" for c in said))
            await until(lambda: any(c.get("params", {}).get("action") == "get_snapshot" for c in said))

    asyncio.run(story())
    assert len({command["id"] for command in said}) == len(said)
    sent = {plain(command) for command in said}
    ours = [
        n
        for n in names("ws")
        if n.startswith("cmd_") and n not in ("cmd_unsubscribe", "cmd_subscribe_ticker_snapshot")
    ]
    assert {plain(example(f"ws/{name}.json")) for name in ours} <= sent
    private = next(c for c in said if "fill" in c["params"].get("channels", ()))
    assert private["params"]["channels"] == list(CHANNELS)
