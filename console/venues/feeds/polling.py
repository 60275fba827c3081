"""The loop every feed lives in: one request serves all matches of a league, asked as often as it can be paid.

Odds are never older than the engine is told: a request that fails brings nothing, and what was brought
before ages by itself.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Iterable
from typing import Protocol

import msgspec
from msgspec import Struct

from console.config.tables import FeedTable
from console.core.commands import AnyCommand, UnwatchOdds, WatchOdds
from console.core.events import AnyEvent, FeedStatus
from console.core.matches import MatchId, MatchSpec
from console.core.units import SECOND, Nanos
from console.venues.base.backoff import Backoff
from console.venues.base.protocol import Put
from console.venues.feeds.credits import Credits, Unpaid, next_day
from console.venues.feeds.leagues import League, league_of
from console.venues.feeds.lines import Parsed
from console.venues.feeds.schedule import Demand, Pace, pace
from console.venues.feeds.shapes import Unreadable
from console.venues.feeds.watch import Watch
from console.venues.feeds.wire import IN_FLIGHT, Clock, Denied, FeedFailed, Spent, Wire, Wrong

REST_MOST_S = 60.0  # plans are made afresh this often
GATHER_S = 0.2  # matches are added in handfuls: wait for the rest of them
WRONG_REST = 3600 * SECOND  # a request that made no sense is not repeated before
SLOWED = 1.5  # from so much slower than wanted on it is worth a word
NEVER = Nanos(2**62)
LEARNING = ""  # among the names of leagues


class Asked(Struct, frozen=True):
    """What one poll is for: a league, its matches, and the feed's events already paired with them."""

    league: League
    matches: tuple[MatchSpec, ...]
    events: dict[MatchId, str]


class Api(Protocol):
    """One feed's own way: what a poll of a league costs and how it is made."""

    @property
    def name(self) -> str:
        """As in settings, journal and screen."""

    @property
    def books(self) -> tuple[str, ...]:
        """The books it is asked for."""

    @property
    def wire(self) -> Wire:
        """Its requests; opened by whoever runs it."""

    @property
    def learn_s(self) -> float:
        """How often `learn` is due."""

    def covers(self, league: League) -> bool:
        """Whether it knows the league at all."""

    def cost(self, asked: Asked) -> int:
        """Credits the next `fetch` will take, as far as can be known."""

    async def learn(self) -> None:
        """Find out what is needed before anything is asked; raises FeedFailed, Unreadable, Unpaid."""

    async def fetch(self, asked: Asked) -> Parsed:
        """Every event and line of a league; raises FeedFailed, Unreadable, Unpaid."""


class Polling:
    """Runs one feed."""

    def __init__(
        self, api: Api, wire: Wire, watch: Watch, purse: Credits, table: FeedTable, clock: Clock
    ) -> None:
        self._api = api
        self._wire = wire
        self._watch = watch
        self._purse = purse
        self._poll_s = float(table.poll_s)
        self._clock = clock
        self._put: Put | None = None
        self._wake = asyncio.Event()
        self._places = asyncio.Semaphore(IN_FLIGHT[api.name])
        self._asked: dict[str, Nanos] = {}  # when each league was asked last
        self._not_before: dict[str, Nanos] = {}  # leagues that failed
        self._backoff = Backoff(5.0, 120.0)
        self._learned = Nanos(0)
        self._learn_after = Nanos(0)  # it failed
        self._status: tuple[object, ...] | None = None
        self._denied = ""
        self._blocked: Unpaid | None = None
        self._troubles: dict[str, str] = {LEARNING: "not asked yet"}  # by league
        self._unreadable: dict[str, str] = {}
        self._busy: set[str] = set()  # leagues that are being asked

    # ---- the engine's side

    def send(self, command: AnyCommand) -> None:
        """Take `WatchOdds` and `UnwatchOdds`."""
        match command:
            case WatchOdds():
                league = league_of(command.spec.league)
                if self._watch.add(command.spec):
                    self._asked.pop(league.id if league is not None else "", None)
                    self._wake.set()
            case UnwatchOdds():
                self._watch.drop(command.match)
                self._wake.set()
            case _:
                pass

    async def run(self, put: Put) -> None:
        """Ask and tell until cancelled."""
        self._put, self._status = put, None
        self._busy.clear()
        async with self._wire, asyncio.TaskGroup() as group:
            while True:
                await self._learn(group)
                plan = self._round(group)
                self._tell_status(plan)
                await self._rest(plan)

    # ---- one round

    async def _learn(self, group: asyncio.TaskGroup) -> None:
        """What is needed before anything is asked; later looks at it keep nobody waiting."""
        now = self._clock.wall()
        if self._denied or now < self._learned + self._api.learn_s * SECOND or self._is_blocked(now):
            return
        if now < self._learn_after or LEARNING in self._busy:
            return
        self._busy.add(LEARNING)
        if self._learned:
            group.create_task(self._look_again())
        else:
            await self._look_again()

    async def _look_again(self) -> None:
        now = self._clock.wall()
        if await self._guarded(self._api.learn(), None):
            self._learned = now
        self._busy.discard(LEARNING)

    def _round(self, group: asyncio.TaskGroup) -> Pace:
        """Begin to ask every league that is due; one that takes long keeps no other waiting."""
        self._say(self._watch.homeless())
        for league, _ in self._watch.leagues.values():
            if not self._api.covers(league):
                self._say(self._watch.failed(league, f"{league.title} is not there"))
        now = self._clock.wall()
        asked = self._wanted()
        plan = self._plan(asked, now)
        if self._denied or self._is_blocked(now) or not self._learned:
            return plan
        due = [one for one in asked if self._due(one.league.id, plan) <= now]
        due.sort(key=lambda one: min(min(self._watch.starts_of(spec)) for spec in one.matches))
        for one in due:
            self._busy.add(one.league.id)
            group.create_task(self._poll(one, plan.gaps[one.league.id]))
        return plan

    async def _poll(self, asked: Asked, gap_s: float) -> None:
        """One league; what it says goes to the engine at once."""

        async def fetch() -> None:
            self._asked[asked.league.id] = self._clock.wall()
            parsed = await self._api.fetch(asked)
            broken = [str(trouble) for trouble in parsed.troubles if trouble.broken]
            self._unreadable[asked.league.id] = f"{broken[0]} ({len(broken)})" if broken else ""
            self._say(self._watch.answer(asked.league, parsed, math.ceil(min(gap_s, 86_400.0))))

        async with self._places:  # the soonest start first, not all of them a little
            if await self._guarded(fetch(), asked.league):
                self._not_before.pop(asked.league.id, None)
        self._busy.discard(asked.league.id)
        self._wake.set()

    async def _guarded(self, work: Awaitable[None], league: League | None) -> bool:
        """Do something that may fail in all the ways a feed can; True when it worked."""
        name = league.id if league is not None else LEARNING
        try:
            await work
        except Unpaid as unpaid:
            self._blocked = unpaid
        except Denied as denied:
            self._denied = f"the key is not taken: {denied}"
        except Spent:
            pass  # the account is stopped and says why
        except Wrong as wrong:
            self._failed(name, str(wrong), WRONG_REST)
            if league is not None:
                self._troubles.pop(name)
                self._say(self._watch.failed(league, str(wrong)))
        except (FeedFailed, Unreadable) as failed:
            self._failed(name, str(failed), round(self._backoff.next_s() * SECOND))
        else:
            self._troubles.pop(name, None)
            self._blocked = None
            self._backoff.worked()
            return True
        return False

    def _failed(self, name: str, why: str, rest: int) -> None:
        """Not again before some rest."""
        self._troubles[name] = why
        after = Nanos(self._clock.wall() + rest)
        if name == LEARNING:
            self._learn_after = after
        else:
            self._not_before[name] = after

    # ---- plans

    def _wanted(self) -> list[Asked]:
        return [
            Asked(league, tuple(matches), {spec.id: self._watch.event_of(spec.id) for spec in matches})
            for league, matches in self._watch.leagues.values()
            if self._api.covers(league)
        ]

    def _plan(self, asked: Iterable[Asked], now: Nanos) -> Pace:
        demands = [
            Demand(
                one.league.id,
                max(1, self._api.cost(one)),
                tuple(start for spec in one.matches for start in self._watch.starts_of(spec)),
            )
            for one in asked
        ]
        return pace(demands, now, next_day(now), self._poll_s, self._purse.left_today(now))

    def _due(self, league: str, plan: Pace) -> Nanos:
        """When a league is to be asked next; never when all its matches are played."""
        gap_s = plan.gaps.get(league)
        if gap_s is None or math.isinf(gap_s) or league in self._busy:
            return NEVER
        asked = self._asked.get(league)
        due = Nanos(0) if asked is None else Nanos(asked + round(gap_s * SECOND))
        return max(due, self._not_before.get(league, Nanos(0)))

    def _is_blocked(self, now: Nanos) -> bool:
        if self._blocked is not None and now >= self._blocked.until:
            self._blocked = None
            self._learned = Nanos(0)  # a new day or month: the provider has new numbers
        account = self._purse.account(now)
        return self._blocked is not None or now < account.stopped_until

    def _next(self, plan: Pace) -> Nanos:
        now = self._clock.wall()
        if self._denied:
            return NEVER
        if self._is_blocked(now):
            until = self._blocked.until if self._blocked is not None else Nanos(0)
            return max(until, self._purse.account(now).stopped_until)
        if not self._learned:
            return self._learn_after
        unpaid = self._purse.used_up(now)
        if unpaid is not None and plan.gaps:
            return unpaid.until
        return min((self._due(league, plan) for league in plan.gaps), default=NEVER)

    async def _rest(self, plan: Pace) -> None:
        """Until the next league is due, or a match is added."""
        ahead_s = (self._next(plan) - self._clock.wall()) / SECOND
        rest_s = min(REST_MOST_S, max(0.0, ahead_s))
        sleeping = asyncio.ensure_future(self._clock.sleep(rest_s))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
            if self._wake.is_set():
                await self._clock.sleep(GATHER_S)
                self._wake.clear()
        finally:
            sleeping.cancel()  # not awaited: our own cancellation must not be taken for theirs
            waking.cancel()

    # ---- telling

    def _say(self, events: Iterable[AnyEvent]) -> None:
        assert self._put is not None, "a feed runs before it speaks"
        for event in events:
            self._put(event)

    def _tell_status(self, plan: Pace) -> None:
        """How the feed stands, when that changed."""
        now = self._clock.wall()
        account = self._purse.account(now)
        up, why = self._standing(plan, now)
        ahead = self._next(plan)
        status = FeedStatus(
            feed=self._api.name,
            up=up,
            why=why,
            credits_left=account.left,
            credits_used=account.used,
            budget_left=self._purse.left_today(now),
            next_poll_wall=Nanos(0) if ahead == NEVER else max(now, ahead),
        )
        facts = msgspec.structs.astuple(status)  # not the event itself, which is stamped in place
        if facts != self._status:
            self._status = facts
            self._say([status])

    def _standing(self, plan: Pace, now: Nanos) -> tuple[bool, str]:
        if self._denied:
            return False, self._denied
        if self._is_blocked(now):
            return False, str(self._blocked or self._purse.account(now).stopped_why)
        unpaid = self._purse.used_up(now)
        if unpaid is not None and plan.gaps:
            return False, str(unpaid)
        if self._troubles:
            return False, next(iter(self._troubles.values()))
        unreadable = next(filter(None, self._unreadable.values()), "")
        if unreadable:
            return True, f"unreadable: {unreadable}"
        slowed = [gap for gap in plan.gaps.values() if not math.isinf(gap)]
        if max(plan.near, plan.far) >= SLOWED and slowed:
            return True, "slowed by the budget"
        return True, ""
