"""Who may come in: key pairs, sessions, tokens that end at a stated time, and how many requests a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from msgspec import Struct

from console.sandbox.prophetx.exchange import Turned
from console.sandbox.prophetx.luck import Luck

SESSIONS_MAX = 20
REFRESH_S = 3 * 24 * 3600
REQUESTS_PER_S = 50
QUERY_BURST = 3.0  # of market, event and ladder queries; one a second after that


class KeyPair(Struct, frozen=True):
    """A key pair and the user it is of."""

    access_key: str
    secret_key: str
    user_id: str


class Session(Struct):
    """One login."""

    user_id: str
    access: str
    access_until: float
    refresh: str
    refresh_until: float


class Bucket:
    """Tokens refilled by time."""

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s, self._burst = per_s, burst
        self._left, self._filled = burst, now

    def take(self, now: float) -> bool:
        """Whether there was one."""
        self._left = min(self._burst, self._left + (now - self._filled) * self._per_s)
        self._filled = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class Entry:
    """The door of the sandbox."""

    def __init__(self, pairs: tuple[KeyPair, ...], luck: Luck, now: Callable[[], float]) -> None:
        self._pairs = {pair.access_key: pair for pair in pairs}
        self._luck = luck
        self._now = now
        self._sessions: dict[str, Session] = {}  # by refresh token
        self._recent: dict[str, deque[float]] = {}
        self._queries: dict[str, Bucket] = {}
        self.life_s = 600.0
        self.sessions_max = SESSIONS_MAX
        self.logins = 0
        self.refreshes = 0
        self.refused = 0  # requests over the limit

    def login(self, access_key: object, secret_key: object) -> dict[str, object]:
        """Open a session; raises Turned."""
        pair = self._pairs.get(str(access_key))
        if pair is None or pair.secret_key != secret_key:
            raise Turned(401, "unauthorized", "Unauthorized")
        self._forget()
        if len([s for s in self._sessions.values() if s.user_id == pair.user_id]) >= self.sessions_max:
            said = f"Cannot authorize new session, only {self.sessions_max} sessions can exist simultaneously"
            raise Turned(403, "session_num_exceed", said)
        self.logins += 1
        now = self._now()
        refresh = f"R.{self._luck.digits(32)}"
        session = Session(pair.user_id, "", 0.0, refresh, now + REFRESH_S)
        self._sessions[refresh] = session
        return {
            **self._access(session),
            "refresh_token": refresh,
            "refresh_expire_time": int(session.refresh_until),
        }

    def refresh(self, token: object) -> dict[str, object]:
        """A new access token of a session; raises Turned."""
        session = self._sessions.get(str(token))
        if session is None or self._now() >= session.refresh_until:
            raise Turned(401, "unauthorized", "Unauthorized")
        self.refreshes += 1
        return self._access(session)

    def _access(self, session: Session) -> dict[str, object]:
        session.access = f"A.{self._luck.digits(32)}"
        session.access_until = self._now() + self.life_s
        return {"access_token": session.access, "access_expire_time": int(session.access_until)}

    def user_of(self, authorization: str) -> str:
        """Whose request it is; raises Turned."""
        token = authorization.removeprefix("Bearer ")
        for session in self._sessions.values():
            if session.access == token and authorization != token and self._now() < session.access_until:
                return session.user_id
        raise Turned(401, "unauthorized", "Unauthorized")

    def expire(self) -> None:
        """End every access token now."""
        for session in self._sessions.values():
            session.access_until = 0.0

    def end_sessions(self) -> None:
        """End every session: only a login helps."""
        self._sessions.clear()

    def count(self, user_id: str, *, query: bool) -> None:
        """One more request; raises Turned over the limit."""
        now = self._now()
        recent = self._recent.setdefault(user_id, deque())
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        bucket = self._queries.setdefault(user_id, Bucket(1.0, QUERY_BURST, now))
        if len(recent) >= REQUESTS_PER_S or (query and not bucket.take(now)):
            self.refused += 1
            said = "Rate limit reached, can only send up to 50 requests per seconds"
            raise Turned(429, "rate_limit_reached", said)
        recent.append(now)

    def _forget(self) -> None:
        now = self._now()
        for token in [t for t, s in self._sessions.items() if now >= s.refresh_until]:
            del self._sessions[token]
