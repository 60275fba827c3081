"""One session at ProphetX: logged in once, refreshed before it ends, never logged in again on every error."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.core.events import RejectReason
from console.keys import Secret
from console.venues.base.backoff import Backoff
from console.venues.base.lane import Lane, Reply, Request
from console.venues.base.protocol import Refused, Unanswered
from console.venues.base.wall import VenueClock, http_date_s
from console.venues.prophetx.dialects import V4, failure
from console.venues.prophetx.neutral import Envelope, Tokens, Unreadable

EARLY_S = 60.0  # refreshed this long before the end, but never before two thirds of its life
LIFE_S = 600  # of an access token that does not say: the shorter of the two lives documented
REFRESH_LIFE_S = 3 * 24 * 3600
CROWDED_S = 600.0  # after too many sessions: no login for so long
RETRY_S = 5.0
JSON = {"Content-Type": "application/json"}
UNAUTHORIZED = 401


class Kept(Struct, frozen=True):
    """A session as it is kept between runs; `owner` is a digest of the keys it belongs to."""

    owner: str
    base: str
    access_token: str
    access_until: float
    refresh_token: str
    refresh_until: float
    renew_at: float = 0.0


class Session:
    """Sends requests with a valid token. Renewals are serialised: ten callers log in once."""

    def __init__(
        self,
        lane: Lane,
        base: str,
        access_key: Secret,
        secret_key: Secret,
        kept: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`kept` is the file (mode 600) the session is kept in; a new process goes on with it."""
        self._lane = lane
        self._base = base
        self._access_key, self._secret_key = access_key, secret_key
        self._kept = kept
        self._now = now
        self._lock = asyncio.Lock()
        self._backoff = Backoff(1.0, 60.0)
        self._not_before = 0.0  # no renewal is tried earlier
        self._why = ""
        self._refused: list[str] = []  # tokens refused since one was last good
        self.clock = VenueClock()
        self.logins = 0
        self.refreshes = 0
        self._tokens = self._load()

    # ---- requests

    async def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """One request with a valid token; after a 401, which takes nothing, once more with a fresh one.

        Raises Refused when it certainly was not taken, Unanswered when nobody can tell.
        """
        token = await self._token()
        while True:
            reply = await self._request(method, path, body, token, headers)
            if reply.status != UNAUTHORIZED:
                self._refused.clear()
                return reply
            if self._now() < self._not_before:
                return reply
            if token not in self._refused:
                self._refused.append(token)
            if len(self._refused) > 2:  # refreshed, then logged in, and still refused: save the sessions
                self._refused.clear()
                self._wait(CROWDED_S, "tokens are refused right after a login")
                return reply
            token = await self._renewed(token)

    async def _request(
        self, method: str, path: str, body: bytes, token: str, headers: dict[str, str]
    ) -> Reply:
        auth = {"Authorization": f"Bearer {token}", **(JSON if body else {}), **headers}
        sent = self._now()
        reply = await self._lane.send(Request(method, path, auth, body))
        self._measure(reply, sent)
        return reply

    def _measure(self, reply: Reply, sent: float) -> None:
        theirs = http_date_s(reply.headers.get("Date", ""))
        if theirs is not None:
            self.clock.measure(theirs, sent, self._now(), resolution_s=1.0)

    # ---- tokens

    async def keep_fresh(self) -> None:
        """Refresh ahead of the end until cancelled, so that no order ever waits for it."""
        while True:
            try:
                await self._token()
            except (Refused, Unanswered):
                await asyncio.sleep(RETRY_S)
                continue
            left = self._tokens.renew_at - self._now() if self._tokens is not None else 0.0
            await asyncio.sleep(max(1.0, min(left, 60.0)))

    async def _token(self) -> str:
        tokens = self._tokens
        if tokens is not None and self._now() < tokens.renew_at:
            return tokens.access_token
        if tokens is not None and self._now() < tokens.access_until - 1.0 and self._lock.locked():
            return tokens.access_token  # somebody is renewing it: it still holds
        return await self._renewed(tokens.access_token if tokens is not None else "")

    async def _renewed(self, stale: str) -> str:
        """A token that is not `stale`; the caller before us may have got it already."""
        async with self._lock:
            tokens = self._tokens
            if tokens is not None and tokens.access_token != stale:
                return tokens.access_token
            kept = self._load()  # another process with our keys may have renewed the session we share
            if kept is not None and kept.access_token not in (stale, *self._refused):
                self._tokens = kept
                if self._now() < kept.renew_at:
                    return kept.access_token
            if self._now() < self._not_before:
                raise Refused(RejectReason.NOT_CONNECTED, self._why)
            tokens = self._tokens
            fresh = None if tokens is None or len(self._refused) > 1 else await self._refresh(tokens)
            self._tokens = fresh or await self._login()
            self._save(self._tokens)
            self._backoff.worked()
            return self._tokens.access_token

    async def _refresh(self, tokens: Kept) -> Kept | None:
        """Prolong the session; None when the venue will not, and only then is there another login."""
        if not tokens.refresh_token or self._now() >= tokens.refresh_until:
            return None
        reply = await self._ask(V4.paths.refresh, {"refresh_token": tokens.refresh_token})
        if reply.status in (400, 401, 403, 404):
            return None
        told = self._read(reply)
        self.refreshes += 1
        until = self._until(told.access_expire_time, LIFE_S)
        return msgspec.structs.replace(
            tokens,
            access_token=told.access_token,
            access_until=until,
            renew_at=self._renew_at(until),
            refresh_token=told.refresh_token or tokens.refresh_token,
        )

    async def _login(self) -> Kept:
        keys = {"access_key": self._access_key.reveal(), "secret_key": self._secret_key.reveal()}
        reply = await self._ask(V4.paths.login, keys)
        self.logins += 1
        told = self._read(reply)
        until = self._until(told.access_expire_time, LIFE_S)
        return Kept(
            owner=self._owner(),
            base=self._base,
            access_token=told.access_token,
            access_until=until,
            renew_at=self._renew_at(until),
            refresh_token=told.refresh_token,
            refresh_until=self._until(told.refresh_expire_time, REFRESH_LIFE_S),
        )

    async def _ask(self, path: str, fields: dict[str, str]) -> Reply:
        sent = self._now()
        try:
            reply = await self._lane.send(Request("POST", path, JSON, msgspec.json.encode(fields)))
        except (Refused, Unanswered) as error:
            self._wait(self._backoff.next_s(), f"no session: {error}")
            raise Refused(RejectReason.NOT_CONNECTED, self._why) from error
        self._measure(reply, sent)
        return reply

    def _read(self, reply: Reply) -> Tokens:
        """The tokens of an answer; raises Refused, and says when the next attempt may be made."""
        if reply.status == 200:
            try:
                return V4.read(reply.body, Envelope[Tokens]).data
            except Unreadable as error:
                self._wait(self._backoff.next_s(), f"session answer: {error}")
                raise Refused(RejectReason.NOT_CONNECTED, self._why) from error
        said = failure(reply.body)
        crowded = said.error == "session_num_exceed"
        words = "too many sessions at once: the oldest must end" if crowded else said.message or said.error
        self._wait(
            CROWDED_S if crowded else self._backoff.next_s(), f"no session: HTTP {reply.status} {words}"
        )
        raise Refused(RejectReason.NOT_CONNECTED, self._why)

    def _wait(self, seconds: float, why: str) -> None:
        self._not_before, self._why = self._now() + seconds, why

    def _renew_at(self, until: float) -> float:
        return until - min(EARLY_S, (until - self._now()) / 3.0)

    def _until(self, told: int | None, life: float) -> float:
        """When a token ends by our clock: seconds, or anything finer, since 1970; or a life in seconds."""
        if not told:
            return self._now() + life
        seconds = float(told)
        while seconds > 1e11:  # milliseconds, microseconds or nanoseconds
            seconds /= 1000.0
        if seconds < 1e8:
            return self._now() + seconds
        return seconds - (self.clock.offset_s if self.clock.measured else 0.0)

    # ---- between runs

    def _load(self) -> Kept | None:
        if self._kept is None or not self._kept.is_file():
            return None
        try:
            kept = msgspec.json.decode(self._kept.read_bytes(), type=Kept)
        except (*UNREADABLE, OSError):
            return None
        return kept if kept.owner == self._owner() and kept.base == self._base else None

    def _owner(self) -> str:
        pair = f"{self._access_key.reveal()}:{self._secret_key.reveal()}"
        return hashlib.sha256(pair.encode()).hexdigest()[:12]

    def _save(self, tokens: Kept) -> None:
        if self._kept is None:
            return
        fresh = self._kept.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(tokens))
        fresh.replace(self._kept)
