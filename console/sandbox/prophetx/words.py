"""The two vocabularies as the venue writes them: every object it sends, in either."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from msgspec import Struct

from console.sandbox.prophetx.exchange import User
from console.sandbox.prophetx.pool import Pool, Result, State, Wager, profit
from console.sandbox.prophetx.programme import Fixture, MarketOf, Side

Json = Any


class Words(Struct, frozen=True):
    """One vocabulary."""

    v4: bool
    odds: str
    stake: str
    line: str
    line_id: str
    lines: str
    filled: str
    fill_odds: str
    total: str
    open: str
    order: str
    orders: str
    id: str
    succeeded: str
    failed: str
    strategy: str
    match: str


V4 = Words(
    True,
    "price",
    "quantity",
    "strike",
    "strike_id",
    "market_strikes",
    "filled_quantity",
    "fill_price",
    "total_filled_quantity",
    "open_quantity",
    "order",
    "orders",
    "order_id",
    "succeed_orders",
    "failed_orders",
    "order_strategy",
    "matched_order",
)
LEGACY = Words(
    False,
    "odds",
    "stake",
    "line",
    "line_id",
    "market_lines",
    "matched_stake",
    "matched_odds",
    "totally_matched_stake",
    "unmatched_stake",
    "wager",
    "wagers",
    "wager_id",
    "succeed_wagers",
    "failed_wagers",
    "wager_strategy",
    "matched_bet",
)
_RESULTS = {Result.WON: ("won", "profit"), Result.LOST: ("lost", "loss")}


def dollars(cents: int) -> float:
    """Cents as the venue writes money."""
    return round(cents / 100, 2)


def number(value: Fraction | None) -> float | int:
    """A line: 0 where there is none."""
    if value is None:
        return 0
    return int(value) if value.denominator == 1 else float(value)


def iso(seconds: float) -> str:
    """A moment as the venue writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# ---- what is listed


def event(fixture: Fixture, now: float) -> Json:
    """A sport event."""
    return {
        "event_id": fixture.event_id,
        "name": fixture.name,
        "display_name": fixture.name,
        "type": "match",
        "sub_type": None,
        "status": fixture.status,
        "scheduled": datetime.fromtimestamp(fixture.start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sport_name": fixture.league.sport,
        "tournament_id": fixture.league.tournament,
        "tournament_name": fixture.league.name,
        "competitors": [
            {"id": fixture.home_id, "name": fixture.home, "display_name": fixture.home, "side": "home"},
            {"id": fixture.away_id, "name": fixture.away, "display_name": fixture.away, "side": "away"},
        ],
        "updated_at": int(now * 1e9),
    }


def tournament(fixture: Fixture, now: float) -> Json:
    """A tournament."""
    league = fixture.league
    return {
        "id": league.tournament,
        "name": league.name,
        "sport": {"id": league.sport_id, "name": league.sport},
        "category": {"name": league.country, "countryCode": league.country},
        "updated_at": int(now * 1e9),
    }


def market(words: Words, fixture: Fixture, listed: MarketOf, pools: dict[str, Pool], now: float) -> Json:
    """A market with its lines."""
    told: dict[str, Json] = {
        "id": listed.market_id,
        "event_id": fixture.event_id,
        "name": listed.name,
        "display_name": listed.name,
        "type": listed.kind,
        "sub_type": listed.kind,
        "category_name": "Game Lines",
        "status": listed.status,
        "updated_at": int(now * 1e9),
    }
    if listed.kind == "moneyline":
        told["selections"] = selections(words, pools[listed.lines[0].key], now)
        return told
    told[words.lines] = [
        {
            "id": line.line_id,
            "name": f"{listed.name} {number(line.number)}",
            words.line: number(line.number),
            "favourite": line.favourite,
            "type": listed.kind,
            "status": listed.status,
            "selections": selections(words, pools[line.key], now),
        }
        for line in listed.lines
    ]
    return told


def selections(words: Words, pool: Pool, now: float) -> Json:
    """Both sides of a line, ten levels each; a side without offers holds one level without odds."""
    return [_side(words, pool, side, now) for side in (0, 1)]


def _side(words: Words, pool: Pool, side: int, now: float) -> Json:
    named = pool.line.sides[side]
    shown = pool.shown(side)
    if not shown:
        return [_level(words, named, None, 0, 0, now)]
    return [_level(words, named, level.odds, level.wins, level.risks, now) for level in shown]


def _level(words: Words, side: Side, odds: int | None, wins: int, risks: int, now: float) -> Json:
    display = "odds" if not words.v4 else "price"
    return {
        "outcome_id": side.outcome_id,
        "name": side.name,
        "display_name": side.name,
        "competitor_id": side.competitor_id,
        words.line: number(side.line),
        words.line_id: side.side_id,
        words.odds: odds,
        f"display_{display}": "" if odds is None else f"{odds:+d}",
        f"display_{words.line}": "",
        words.stake: dollars(wins),
        "value": dollars(risks),
        "updated_at": int(now * 1e9),
    }


# ---- wagers


def row(words: Words, wager: Wager) -> Json:
    """A wager in an answer or a list: what was matched is the total."""
    side = wager.pool.line.sides[wager.side]
    told = {
        words.id: wager.wager_id,
        "external_id": wager.external_id,
        "user_id": wager.user,
        "sport_event_id": wager.pool.fixture.event_id,
        "market_id": wager.pool.market.market_id,
        "outcome_id": side.outcome_id,
        words.line: number(side.line),
        words.line_id: side.side_id,
        words.odds: wager.odds,
        words.stake: dollars(wager.stake),
        "profit": dollars(profit(wager.stake, wager.odds)),
        words.filled: dollars(wager.filled),
        words.open: dollars(wager.open),
        "matching_status": wager.matching,
        "winning_status": result(words, wager.result),
        "status": wager.state.value,
        "created_at": iso(wager.created),
        "updated_at": iso(wager.changed),
    }
    if not words.v4:
        told["id"] = wager.wager_id
    return told


def update(words: Words, wager: Wager, kind: str, sequence: int) -> Json:
    """A wager in a private message: what was matched is the latest part, beside the total."""
    told = row(words, wager)
    del told["created_at"], told["updated_at"]
    told[words.filled] = dollars(wager.latest if kind == "matching" else 0)
    told[words.fill_odds] = wager.fill_odds
    told[words.total] = dollars(wager.filled)
    return {"info": {**told, "update_type": kind, "sequence_number": sequence}}


def result(words: Words, outcome: Result) -> str:
    """How it came out, in the words of the dialect."""
    return _RESULTS[outcome][words.v4] if outcome in _RESULTS else outcome.value


def balance(words: Words, user: User, cents: int, now: float, known: bool) -> Json:
    """Cash: `cents` of it."""
    told = {
        "balance": dollars(cents),
        f"matched_{words.order}_balance": dollars(user.matched),
        f"unmatched_{words.order}_balance": dollars(user.unmatched),
        f"unmatched_{words.order}_balance_status": "succeed" if known else "failed",
        f"unmatched_{words.order}_last_synced_at": iso(now),
    }
    return {**told, "gec_balance": 0.0} if words.v4 else told


def is_listed(wager: Wager, status: str, matching: str) -> bool:
    """Whether a wager belongs to a list asked for by status."""
    return status in ("", wager.state.value) and matching in ("", wager.matching)


# ---- push


def selections_change(words: Words, pool: Pool, now: float) -> Json:
    """`market_selections`."""
    return {
        "sport_event_id": pool.fixture.event_id,
        "market_id": pool.market.market_id,
        "info": {
            "id": pool.market.market_id,
            "name": pool.market.name,
            "type": pool.market.kind,
            words.line: number(pool.line.number),
            "sequence_number": pool.sequence,
            "selections": selections(words, pool, now),
        },
    }


def trade_change(words: Words, pool: Pool, side: int, odds: int, cents: int, sequence: int) -> Json:
    """`matched_order`: what the taker of a side risked."""
    named = pool.line.sides[side]
    return {
        "info": {
            "sport_event_id": pool.fixture.event_id,
            "market_id": pool.market.market_id,
            "outcome_id": named.outcome_id,
            words.line: number(named.line),
            words.line_id: named.side_id,
            words.odds: odds,
            words.fill_odds: odds,
            words.filled: dollars(cents),
            f"origin_market_{words.line}": number(pool.line.number),
            "sequence_number": sequence,
        }
    }


def event_change(fixture: Fixture, now: float) -> Json:
    """`sport_event`."""
    told: dict[str, Json] = {"id": str(fixture.event_id), "tournament_id": str(fixture.league.tournament)}
    return {**told, "info": event(fixture, now)} if fixture.listed else told


def wrapped(change: str, op: str, payload: Json, now: float) -> str:
    """The second and third layer of a push frame."""
    body = base64.b64encode(json.dumps(payload, separators=(",", ":")).encode()).decode()
    return json.dumps({"change_type": change, "op": op, "payload": body, "timestamp": int(now * 1e9)})


FINAL = (State.SETTLED, State.CLOSED, State.VOID)
