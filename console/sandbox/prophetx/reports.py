"""The reporting copy that lists are read from: always a little, sometimes much older than the truth."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from console.sandbox.prophetx.exchange import Exchange, Turned
from console.sandbox.prophetx.faults import Faults
from console.sandbox.prophetx.pool import Wager
from console.sandbox.prophetx.words import Json, Words, iso, row

DAY_S = 24 * 3600
LAG_S, LONG_LAG_S = 1.0, 8.0
LIMIT = 100


class Kept(Struct):
    """A wager as it was when the copy last heard of it."""

    number: int
    user: str
    event: int
    market: int
    status: str
    matching: str
    created: float
    changed: float
    v4: Json
    legacy: Json


class Reports:
    """Hears of every change and shows it when it is `lag` old."""

    def __init__(
        self, exchange: Exchange, faults: Faults, words: tuple[Words, Words], now: Callable[[], float]
    ) -> None:
        self._faults = faults
        self._words = words
        self._now = now
        self._coming: deque[tuple[float, str, Kept]] = deque()
        self._copy: dict[str, Kept] = {}
        self.lag_s = LAG_S
        self.synced = now() - LAG_S
        exchange.on_wager.append(lambda wager, _: self.heard(wager))

    def heard(self, wager: Wager) -> None:
        """A wager was placed or changed."""
        if not wager.external_id:
            return
        v4, legacy = self._words
        kept = Kept(
            wager.number,
            wager.user,
            wager.pool.fixture.event_id,
            wager.pool.market.market_id,
            wager.state.value,
            wager.matching,
            wager.created,
            wager.changed,
            row(v4, wager),
            row(legacy, wager),
        )
        self._coming.append((self._now(), wager.wager_id, kept))

    def sync(self) -> None:
        """Let the copy catch up as far as it does."""
        if self._faults.strikes("no_reports", 0.1):
            raise Turned(503, "reporting_not_available")
        lag = LONG_LAG_S if self._faults.on("lag") else self.lag_s
        self.synced = max(self.synced, self._now() - lag)
        while self._coming and self._coming[0][0] <= self.synced:
            _, wager_id, kept = self._coming.popleft()
            self._copy[wager_id] = kept

    def one(self, words: Words, user: str, wager_id: str) -> Json:
        """A wager by its id; raises Turned."""
        self.sync()
        kept = self._copy.get(wager_id)
        if kept is None or kept.user != user:
            raise Turned(404, "data_not_found")
        return {"data": kept.v4 if words.v4 else kept.legacy, "last_synced_at": iso(self.synced)}

    def page(self, words: Words, user: str, asked: dict[str, str]) -> Json:
        """A page of the history; raises Turned."""
        self.sync()
        created = _window(asked, "from", "to", 7 * DAY_S, "invalid_from_to_range")
        changed = _window(asked, "updated_at_from", "updated_at_to", 2 * DAY_S, "invalid_updated_at_range")
        if created is None and changed is None:
            raise Turned(400, "missing_date_range")
        rows = [
            kept
            for kept in self._copy.values()
            if kept.user == user
            and (created is None or created[0] <= kept.created <= created[1])
            and (changed is None or changed[0] <= kept.changed <= changed[1])
            and _has(kept, asked)
        ]
        rows.sort(key=lambda kept: -kept.number)
        try:
            begin = int(asked.get("next_cursor") or 0)
            limit = min(LIMIT, int(asked.get("limit") or LIMIT))
        except ValueError:
            raise Turned(400, "invalid_cursor") from None
        chosen = rows[begin : begin + limit]
        more = str(begin + limit) if begin + limit < len(rows) else ""
        told = [kept.v4 if words.v4 else kept.legacy for kept in chosen]
        return {"data": {words.orders: told, "next_cursor": more}, "last_synced_at": iso(self.synced)}


def _has(kept: Kept, asked: dict[str, str]) -> bool:
    wanted = (
        ("status", kept.status),
        ("matching_status", kept.matching),
        ("event_id", str(kept.event)),
        ("market_id", str(kept.market)),
    )
    return all(asked.get(key, value) == value for key, value in wanted)


def _window(asked: dict[str, str], first: str, last: str, most: int, too_long: str) -> tuple[int, int] | None:
    """A window in epoch seconds, None when it is not asked for; raises Turned."""
    if first not in asked and last not in asked:
        return None
    begin, end = _seconds(asked, first), _seconds(asked, last)
    if begin > end:
        raise Turned(400, "from_date_greater_than_to_date")
    if end - begin > most:
        raise Turned(400, too_long)
    return begin, end


def _seconds(asked: dict[str, str], key: str) -> int:
    text = asked.get(key, "")
    if not text.isdecimal():
        raise Turned(400, f"invalid_{key}")
    return int(text)
