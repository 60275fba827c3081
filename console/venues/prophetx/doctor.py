"""What must be right before real bets leave: session, clock, ladder, cash, lists, push, leagues, dead man."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from console.config.tables import ProphetXTable
from console.core.events import Mode
from console.keys import Keys
from console.venues.base.lane import Lane
from console.venues.base.protocol import Check, Refused, Unanswered
from console.venues.prophetx.account import history_path, parse_balance, parse_page
from console.venues.prophetx.catalogue import parse_tournaments
from console.venues.prophetx.dialects import DIALECTS, Dialect, failure, query
from console.venues.prophetx.finder import LEAGUES
from console.venues.prophetx.kit import base_of, push_of, session_of
from console.venues.prophetx.ladder import FALLBACK, parse_ladder
from console.venues.prophetx.neutral import Envelope, Unreadable
from console.venues.prophetx.push import Health, parse
from console.venues.prophetx.pusher import Frame, Pusher
from console.venues.prophetx.registering import read_config, register
from console.venues.prophetx.session import Session

PUSH_PATIENCE_S = 12.0
CLOCK_S = 2.0
LAG_S = 60.0


async def examine(table: ProphetXTable, mode: Mode, keys: Keys, folder: Path | None) -> Sequence[Check]:
    """Every check, in the order in which one needs the other."""
    missing = [n for n in ("PROPHETX_ACCESS_KEY", "PROPHETX_SECRET_KEY") if keys.find(n) is None]
    if missing:
        remedy = "make a key pair in the web page of this environment and put it in .env (mode 600)"
        return [Check("prophetx keys", False, f"{' and '.join(missing)} not set", remedy)]
    lane = Lane(base_of(table, mode))
    await lane.open()
    try:
        return await _Examination(table, mode, session_of(table, mode, keys, lane, folder)).all()
    finally:
        await lane.close()


class _Examination:
    def __init__(self, table: ProphetXTable, mode: Mode, session: Session) -> None:
        self._table = table
        self._base = base_of(table, mode)
        self._dialect: Dialect = DIALECTS[table.dialect]
        self._session = session

    async def all(self) -> list[Check]:
        """Session first: without it nothing else can be asked."""
        first = await self._try("session", self._check_session, "check the keys and their environment")
        if not first.passed:
            return [first]
        return [
            first,
            self._clock(),
            await self._try(
                "ladder", self._check_ladder, "the 291 rungs of 2024 are used until it is", False
            ),
            await self._try("balance", self._check_balance, "nothing is placed while it cannot be read"),
            await self._try("orders", self._check_orders, "nothing is placed before it is reconciled"),
            await self._try("push", self._check_push, "fills would be seen late: check the network"),
            await self._try("leagues", self._check_leagues, "see leagues in [venues.prophetx.select]", False),
            Check(
                "prophetx dead man",
                False,
                "the venue cancels nothing when we are gone; "
                f"${self._table.max_unattended_exposure} may rest while nobody watches",
                "run `mmconsole watch`; the engine starts it for real orders",
                needed=False,
            ),
        ]

    async def _try(
        self, name: str, check: Callable[[], Awaitable[tuple[bool, str]]], remedy: str, needed: bool = True
    ) -> Check:
        try:
            passed, seen = await check()
        except (Refused, Unanswered, Unreadable) as error:
            passed, seen = False, str(error) or "no answer"
        return Check(f"prophetx {name}", passed, seen, remedy, needed)

    async def _get(self, path: str) -> bytes:
        reply = await self._session.send("GET", path)
        if reply.status != 200:
            said = failure(reply.body)
            raise Unreadable(f"HTTP {reply.status} {said.message or said.error}")
        return reply.body

    async def _check_session(self) -> tuple[bool, str]:
        await self._get(self._dialect.paths.connection)
        how = "logged in" if self._session.logins else "the session of an earlier run goes on"
        return True, f"{how} at {self._base}, dialect {self._dialect.name}"

    def _clock(self) -> Check:
        clock = self._session.clock
        seen = f"{clock.offset_s:+.1f} s" if clock.measured else "not told"
        good = clock.measured and abs(clock.offset_s) <= CLOCK_S
        return Check("prophetx clock", good, seen, "set this machine's clock (chrony, ntpd)")

    async def _check_ladder(self) -> tuple[bool, str]:
        body = await self._get(self._dialect.paths.ladder)
        ladder = parse_ladder(self._dialect.read(body, Envelope[tuple[int, ...]]).data)
        fresh = set(ladder.rungs) - set(FALLBACK.rungs)
        return True, f"{len(ladder.rungs)} rungs, {len(fresh)} more than the fallback"

    async def _check_balance(self) -> tuple[bool, str]:
        told = parse_balance(self._dialect, await self._get(self._dialect.paths.balance))
        good = told.unmatched_status == "succeed" and told.unmatched is not None and told.balance > 0
        bound = f"{told.unmatched:.2f} unmatched" if told.unmatched is not None else "unmatched not told"
        return good, f"${told.balance:.2f}, {bound} ({told.unmatched_status or 'no status'})"

    async def _check_orders(self) -> tuple[bool, str]:
        now = int(time.time())
        path = history_path(self._dialect, from_=now - 6 * 24 * 3600, to=now + 3600, status="open")
        page = parse_page(self._dialect, await self._get(path))
        lag = time.time() + self._session.clock.offset_s - page.synced_s
        more = " or more" if page.cursor else ""
        return lag < LAG_S, f"{len(page.bets)}{more} open bets; the lists are {max(0.0, lag):.1f} s late"

    async def _check_leagues(self) -> tuple[bool, str]:
        body = await self._get(query(self._dialect.paths.tournaments, has_active_events="true"))
        listed = parse_tournaments(self._dialect, body)
        names = {t.name.lower() for t in listed} | {t.sport.name.lower() for t in listed}
        found = [league for league in LEAGUES if league.lower() in names]
        return bool(found), f"{len(listed)} tournaments, with {', '.join(found) or 'none of ours'}"

    async def _check_push(self) -> tuple[bool, str]:
        """Connect, register, join, and wait for a sign of health of the private channel."""
        joined, healthy = asyncio.Event(), asyncio.Event()
        lost: list[str] = []

        def heard(frame: Frame) -> None:
            with contextlib.suppress(Unreadable):
                if isinstance(parse(self._dialect, frame), Health):
                    healthy.set()

        scheme, host = push_of(self._table, self._base)
        pusher = Pusher(
            lambda: read_config(self._session, self._dialect),
            lambda socket_id: register(self._session, self._dialect, socket_id, (), ()),
            heard,
            lambda _: joined.set(),
            lost.append,
            scheme=scheme,
            host=host,
        )
        task = asyncio.create_task(pusher.run())
        try:
            async with asyncio.timeout(PUSH_PATIENCE_S):
                await joined.wait()
                await healthy.wait()
        except TimeoutError:
            why = lost[-1] if lost else "no sign of health" if joined.is_set() else "not joined"
            return False, f"{why} within {PUSH_PATIENCE_S:g} s"
        finally:
            channels = len(pusher.channels)
            task.cancel()
        return True, f"{channels} channels joined, the private one is healthy"
