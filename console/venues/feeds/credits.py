"""What a feed costs: credits counted before they are spent, kept in a file, and cut into days."""

from __future__ import annotations

import calendar
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from console.config.tables import FeedTable
from console.core.complaint import UNREADABLE
from console.core.units import SECOND, Nanos


class Unpaid(Exception):
    """A request the budget does not allow; one line saying why and until when."""

    def __init__(self, why: str, until: Nanos) -> None:
        super().__init__(why)
        self.until = until


class Account(Struct):
    """What is known of a feed's credits; written to the file after every change.

    `left` and `used` are as the provider told, less what was spent since. `stopped_until` is a moment
    before which nothing is asked, wall clock.
    """

    day: str = ""
    spent: int = 0  # on that day
    month: str = ""
    spent_month: int = 0
    left: int | None = None
    used: int | None = None
    stopped_until: Nanos = Nanos(0)
    stopped_why: str = ""


class Credits:
    """The budget of one feed, shared by every engine on this machine that uses its key."""

    def __init__(self, folder: Path, feed: str, table: FeedTable, month: int) -> None:
        """`month` is the smallest plan, taken for ours until the provider tells."""
        self._path = folder / f"{feed}.json"
        self._lock = folder / f"{feed}.lock"
        self._day_limit = table.credits_day
        self._reserve = table.reserve
        self._month = month
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    # ---- spending

    def take(self, cost: int, now: Nanos) -> None:
        """Count `cost` credits as spent; raises Unpaid instead where they are not there."""
        with self._open(now) as account:
            if now < account.stopped_until:
                raise Unpaid(account.stopped_why, account.stopped_until)
            left = self._left(account, now)
            if cost > left:
                raise self._why_none(account, now)
            account.spent += cost
            account.spent_month += cost
            if account.left is not None:
                account.left -= cost
            if account.used is not None:
                account.used += cost

    def told(
        self, now: Nanos, left: int | None, used: int | None, last: int | None = None, counted: int = 0
    ) -> None:
        """The provider's own account; `last` is what it took for a call that was counted as `counted`."""
        with self._open(now) as account:
            account.left = account.left if left is None else left
            account.used = account.used if used is None else used
            if last is not None:
                account.spent = max(0, account.spent + last - counted)
                account.spent_month = max(0, account.spent_month + last - counted)

    def stop(self, now: Nanos, why: str, until: Nanos) -> None:
        """Ask nothing before a moment."""
        with self._open(now) as account:
            account.stopped_until, account.stopped_why = until, why

    # ---- asking

    def account(self, now: Nanos) -> Account:
        """Everything as it stands."""
        return self._fresh(now)

    def left_today(self, now: Nanos) -> int:
        """What may still be spent before midnight UTC."""
        account = self._fresh(now)
        return 0 if now < account.stopped_until else self._left(account, now)

    def used_up(self, now: Nanos) -> Unpaid | None:
        """Why nothing more can be paid for and until when, None where something can."""
        account = self._fresh(now)
        return None if self.left_today(now) else self._why_none(account, now)

    # ---- inside

    def _left(self, account: Account, now: Nanos) -> int:
        """Today's budget less what is spent, and never into the reserve of the month."""
        left = self._month - account.spent_month if account.left is None else account.left
        if self._day_limit is not None:
            today = self._day_limit
        else:
            today = (left + account.spent - self._reserve) // days_left(now)
        return max(0, min(today - account.spent, left - self._reserve))

    def _why_none(self, account: Account, now: Nanos) -> Unpaid:
        left = self._month - account.spent_month if account.left is None else account.left
        if left - self._reserve <= 0:
            return Unpaid("the month's credits are used up to the reserve", next_month(now))
        return Unpaid(f"today's credits are used up ({account.spent})", next_day(now))

    @contextmanager
    def _open(self, now: Nanos) -> Iterator[Account]:
        """Read, change and write the file while nobody else does."""
        with open(os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600), "rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            account = self._fresh(now)
            yield account
            fresh = self._path.with_suffix(".new")
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(account))
            fresh.replace(self._path)

    def _fresh(self, now: Nanos) -> Account:
        """What the file says, with the days and months gone by taken into account."""
        try:
            account = msgspec.json.decode(self._path.read_bytes(), type=Account)
        except (FileNotFoundError, *UNREADABLE):  # nothing known: the provider will tell
            account = Account()
        moment = utc(now)
        day, month = f"{moment:%Y-%m-%d}", f"{moment:%Y-%m}"
        if account.day != day:
            account.day, account.spent = day, 0
        if account.month != month:
            account.month, account.spent_month = month, 0
            account.left = account.used = None
        return account


def utc(now: Nanos) -> datetime:
    """A moment of the wall clock, to the second."""
    return datetime.fromtimestamp(now // SECOND, tz=UTC)


def next_day(now: Nanos) -> Nanos:
    """Midnight UTC."""
    tomorrow = utc(now).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    return Nanos(int(tomorrow.timestamp()) * SECOND)


def next_month(now: Nanos) -> Nanos:
    """The first of next month, 00:00 UTC, when quotas begin anew."""
    moment = utc(now)
    days = calendar.monthrange(moment.year, moment.month)[1] - moment.day + 1
    first = moment.replace(hour=0, minute=0, second=0) + timedelta(days=days)
    return Nanos(int(first.timestamp()) * SECOND)


def days_left(now: Nanos) -> int:
    """Days of this month from today, today included."""
    moment = utc(now)
    return calendar.monthrange(moment.year, moment.month)[1] - moment.day + 1
