"""The venue's account of us, read whole whenever the engine asks, from a copy that may be late.

A list counts only if the copy is younger than the question: what was cancelled before it is then gone, what
was placed before it is there, whatever was told to us meanwhile or was lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from console.core.events import FeedStatus, MassStatus
from console.venues.base.protocol import Put, Refused, Unanswered
from console.venues.prophetx.account import (
    CREATED_S,
    UPDATED_S,
    Purse,
    adjusted,
    mass_status,
    missing,
    parse_balance,
    parse_transactions,
    purse,
)
from console.venues.prophetx.dialects import Dialect, failure
from console.venues.prophetx.neutral import Bet, Unreadable
from console.venues.prophetx.session import Session
from console.venues.prophetx.trading import Trading

ACCOUNT: Final = "prophetx account"  # among the feeds, so that a failure is seen
AGAIN_S: Final = 1.0  # between two looks at a copy that is too old
PATIENCE_S: Final = 90.0
RETRY_S: Final = 2.0
BLIND_POLL_S: Final = 5.0  # while the push socket is down, fills are looked for
ENDINGS: Final = ("settled", "closed", "manually_settled", "void")
ENDINGS_S: Final = 60.0
RECENT_S: Final = 3600
CLOCK_MARGIN_S: Final = 0.75  # how far we may be wrong about the venue's clock
SKEW_S: Final = 60  # the end of a window lies in the future: clocks differ


class Ledger:
    """Answers `Reconcile`; `doubt` is called when a list makes no sense."""

    def __init__(
        self,
        dialect: Dialect,
        session: Session,
        trading: Trading,
        put: Put,
        doubt: Callable[[str], None],
        *,
        on_match: bool,
    ) -> None:
        """`on_match`: cash leaves when a bet is matched, not when it is placed."""
        self._on_match = on_match
        self._doubt = doubt
        self._dialect = dialect
        self._session = session
        self._trading = trading
        self._put = put
        self._asked = asyncio.Event()
        self._endings_due = 0.0
        self._endings_since: float | None = None
        self._cash_seen: Purse | None = None
        self._paid: set[str] | None = None  # ids of movements of cash, those of before us included
        self.listening = False  # the private channel tells us what happens
        self._why = ""  # the last read failed so

    def ask(self) -> None:
        """Read the account; requests that come together share one answer."""
        self._asked.set()

    async def run(self) -> None:
        """Read when asked, and look for fills while the socket is down, until cancelled."""
        while True:
            asked = True
            try:
                async with asyncio.timeout(BLIND_POLL_S):
                    await self._asked.wait()
            except TimeoutError:
                asked = False
                if self.listening:
                    continue
            self._asked.clear()
            try:
                status = await self.read()
                self._say("")
                if asked:
                    self._put(status)
            except (Refused, Unanswered, Unreadable) as error:
                self._say(str(error) or "no answer")
                if isinstance(error, Unreadable):  # no list will ever be read like this: say so, loudly
                    self._doubt(str(error))
                await asyncio.sleep(RETRY_S)
                if asked:
                    self._asked.set()

    def _say(self, why: str) -> None:
        """What keeps us from knowing how we stand is to be seen, once."""
        if why != self._why:
            self._why = why
            self._put(FeedStatus(feed=ACCOUNT, up=not why, why=why))

    async def read(self) -> MassStatus:
        """The whole account, fills and settlements told on the way.

        Raises Refused, Unanswered and Unreadable.
        """
        began = self._now_s()
        until = time.monotonic() + PATIENCE_S
        while True:
            listed, synced = await self._resting()
            if synced >= began + CLOCK_MARGIN_S:
                break
            if time.monotonic() > until:
                raise Unanswered("the venue's lists stay older than our question")
            await asyncio.sleep(AGAIN_S)
        await self._endings()
        bets = self._trading.bets
        cash = await self._cash()
        bets.forget(self._now_s())
        return mass_status(bets, missing(bets, listed, synced), cash)

    async def _resting(self) -> tuple[list[Bet], float]:
        """What is open or waits to be, and how old the list is."""
        now = self._now_s()
        found: list[Bet] = []
        synced = now
        for status, back in (("open", CREATED_S), ("inactive", RECENT_S)):
            begin = int(now - back)
            async for page in self._trading.pages(from_=begin, to=int(now) + SKEW_S, status=status):
                found += page.bets
                synced = min(synced, page.synced_s)
        for bet in found:
            self._trading.learn(bet)
        return found, synced

    async def _endings(self) -> None:
        """What was settled lately; the private channel tells it too, unless we were away."""
        if time.monotonic() < self._endings_due:
            return
        now = self._now_s()
        since = now - UPDATED_S if self._endings_since is None else self._endings_since - RECENT_S
        for status in ENDINGS:
            window = {"updated_at_from": int(since), "updated_at_to": int(now) + SKEW_S}
            async for page in self._trading.pages(status=status, **window):
                for bet in page.bets:
                    self._trading.learn(bet)
        self._endings_since = now
        self._endings_due = time.monotonic() + ENDINGS_S

    async def _cash(self) -> Purse:
        reply = await self._session.send("GET", self._dialect.paths.balance)
        if reply.status != 200:
            raise Unanswered(f"balance: HTTP {reply.status} {failure(reply.body).error}")
        found = purse(parse_balance(self._dialect, reply.body), on_match=self._on_match)
        if found != self._cash_seen:
            await self._payments()
        self._cash_seen = found
        return found

    async def _payments(self) -> None:
        """What came in or went out without trading, each movement once.

        Nobody has published what this list looks like. One that cannot be read leaves a deposit unexplained:
        the cash is then not as counted, which the operator has to accept.
        """
        try:
            reply = await self._session.send("GET", self._dialect.paths.transactions)
            moved = parse_transactions(self._dialect, reply.body) if reply.status == 200 else ()
        except (Refused, Unanswered, Unreadable):
            return
        known, self._paid = self._paid, {str(one.id) for one in moved} | (self._paid or set())
        if known is not None:
            for event in adjusted(one for one in moved if str(one.id) not in known):
                self._put(event)

    def reconnected(self) -> None:
        """The socket is new: settlements may have been missed."""
        self._endings_due = 0.0

    def _now_s(self) -> float:
        return time.time() + self._session.clock.offset_s
