"""Ways to take a control out of a process: patches of named functions and values, nothing of the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def nothing(*_: Any, **__: Any) -> None:
    return None


def always(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def put(target: str, value: Any) -> Callable[[], None]:
    """Patch `module:attribute` or `module:Class.attribute`."""

    def patch() -> None:
        module, _, path = target.partition(":")
        owner = __import__(module, fromlist=["_"])
        *owners, name = path.split(".")
        for step in owners:
            owner = getattr(owner, step)
        assert hasattr(owner, name), f"{target} is not there to be taken out"
        setattr(owner, name, value)

    return patch


def around(target: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[], None]:
    """Patch a function by one made of it."""

    def patch() -> None:
        module, _, path = target.partition(":")
        owner = __import__(module, fromlist=["_"])
        *owners, name = path.split(".")
        for step in owners:
            owner = getattr(owner, step)
        setattr(owner, name, wrap(getattr(owner, name)))

    return patch


def several(*patches: Callable[[], None]) -> Callable[[], None]:
    def patch() -> None:
        for each in patches:
            each()

    return patch


def deaf_to(*names: str) -> Callable[[], None]:
    """A connection that never gives one of these reasons for trouble."""

    def wrap(trouble: Callable[..., Any]) -> Callable[..., Any]:
        def quiet(*arguments: Any) -> Any:
            found = trouble(*arguments)
            return None if found is not None and found.name in names else found

        return quiet

    return around("console.core.connection:Connection.trouble", wrap)


def without_caps(*names: str) -> Callable[[], None]:
    """Limits on the size of one order that are not looked at."""

    def wrap(caps: Callable[..., Iterable[tuple[int, str]]]) -> Callable[..., Any]:
        return lambda *arguments: [cap for cap in caps(*arguments) if cap[1] not in names]

    return around("console.core.risk:_caps", wrap)


def no_pause_for(name: str) -> Callable[[], None]:
    """A reason that no longer pauses a side."""

    def wrap(pause: Callable[..., None]) -> Callable[..., None]:
        def maybe(state: Any, desk: Any, gained: int, reason: Any, seconds: int) -> None:
            if reason.name != name:
                pause(state, desk, gained, reason, seconds)

        return maybe

    return around("console.core.outcomes:_pause_side", wrap)


def endless(render: Callable[..., bytes]) -> Callable[..., bytes]:
    """Orders of Kalshi that rest until somebody cancels them."""
    import msgspec

    return lambda command, *rest: render(msgspec.structs.replace(command, expires=0), *rest)


def believed(becomes: Callable[..., Any]) -> Callable[..., Any]:
    """Orders are as they should be without being looked at."""

    async def at_once(*_: Any, **__: Any) -> bool:
        return True

    return at_once


def old_books() -> None:
    """Books of any age."""
    from console.core.markets import Market

    trouble = Market.trouble
    Market.trouble = lambda self, ts, age_max_s, quote_empty: trouble(self, ts, 10**9, quote_empty)  # type: ignore[method-assign]


def old_lines() -> None:
    """Odds of any age."""
    from console.core import sources

    init = sources.Limits.__init__

    def endless(self: Any, settings: Any, phase: Any) -> None:
        init(self, settings, phase)
        self.age = dict.fromkeys(self.age, 10**18)

    sources.Limits.__init__ = endless  # type: ignore[method-assign]


def sound_books() -> None:
    """A crossed, gapped or empty book is as good as any."""
    from console.core.book import Book

    Book.problem = lambda self, quote_empty: None  # type: ignore[method-assign]
    Book.distrust = lambda self, why: None  # type: ignore[method-assign]


def forgetful_baseline() -> None:
    """A restart begins the losses anew."""
    from console.core import account, checkpoint, engine

    restore = checkpoint.restore

    def forget(state: Any, data: bytes) -> None:
        restore(state, data)
        state.account.baseline, state.account.halt = account.Baseline(), ""

    engine.restore = forget  # type: ignore[attr-defined]


def forgiving_losses() -> None:
    """A loss regained lifts its own halt."""
    from console.core import marks

    mark_all = marks.mark_all

    def forgive(state: Any) -> None:
        mark_all(state)
        if not state.account.breach():
            state.account.halt = ""

    marks.mark_all = forgive


def no_warm_up() -> None:
    """Data that came back is quoted on at once."""
    from console.core import quotes

    standing = quotes.standing

    def at_once(state: Any, desk: Any, *more: Any) -> Any:
        desk.good_since = -(10**18)
        return standing(state, desk, *more)

    quotes.standing = at_once


def floor_of_nothing() -> None:
    """Exits at any price."""
    from console.core import flatten

    begin = flatten.begin
    flatten.begin = lambda state, desk, _: begin(state, desk, 1)  # type: ignore[assignment]


def lost_means_refused() -> None:
    """A request without an answer counts as not taken."""
    from console.core.orders import Blotter, Fact

    def refused(self: Any, order: Any, ts: int) -> None:
        self.ended(order, Fact.REJECTED, ts)

    Blotter.unanswered = refused  # type: ignore[method-assign]


def fills_counted_again() -> None:
    """A fill told twice is two."""
    from console.core.orders import Blotter

    Blotter.is_new_trade = lambda self, venue, trade_id: True  # type: ignore[method-assign]


def missing_is_zero() -> None:
    """A position without a mark is worth what it cost."""
    from console.core import marks

    at_loss_marks = marks.at_loss_marks

    def zero(state: Any, desk: Any) -> int:
        return at_loss_marks(state, desk) or 0

    marks.at_loss_marks = zero  # type: ignore[assignment]


def deaf_latches() -> None:
    from console.folders import Latches

    Latches.engaged = lambda self, venue: False  # type: ignore[method-assign]


def latch_not_written() -> None:
    from console.core import killing

    killing.Latch = lambda **_: killing.Reconcile(venue=None)  # type: ignore[assignment,misc,arg-type,attr-defined]


def silent_settings() -> None:
    """Changes are made without a word."""
    from console.core.commands import Severity
    from console.core.state import State

    alert = State.alert

    def quiet(self: Any, severity: Severity, text: str, match: Any = "") -> None:
        if " -> " not in text:
            alert(self, severity, text, match)

    State.alert = quiet  # type: ignore[method-assign]


def any_ledger() -> None:
    """Records of one ledger are read for another."""
    import msgspec

    from console.journal import Reader

    started = Reader.started
    Reader.started = lambda self: msgspec.structs.replace(started(self), ledger="")  # type: ignore[method-assign]


def missing_reads_zero() -> None:
    """A field that is not there is nothing to complain about."""
    from console.venues.kalshi import frames

    frames.Parser._unusual = lambda self, raw, why: frames.OtherFrame("unknown")  # type: ignore[method-assign,call-arg]


def open_gate() -> None:
    """Checks are made and believed whatever they say."""
    from console.runner import runner

    class Passed:
        def __init__(self, name: str, passed: bool, seen: str, remedy: str = "", needed: bool = True) -> None:
            self.name, self.seen, self.remedy = name, seen, remedy
            self.passed, self.needed = True, False

    pass_gate = runner.Runner._pass_gate

    async def believe(self: Any, gate: Any) -> None:
        async def passed() -> Any:
            return [Passed(check.name, True, check.seen) for check in await gate()]

        await pass_gate(self, passed)

    runner.Runner._pass_gate = believe  # type: ignore[method-assign]


def orphans_ignored() -> None:
    from console.core import reconcile

    match_orders = reconcile._match_orders
    reconcile._match_orders = lambda *arguments: (match_orders(*arguments)[0], 0)


def answers_prove() -> None:
    """Whatever a venue answers counts as if it had told a fill."""
    from console.core import outcomes

    learn = outcomes.learn

    def proof(state: Any, event: Any) -> None:
        for connection in state.connections.values():
            connection.private_ts = state.ts
        learn(state, event)

    outcomes.learn = proof


def kept_alive_for_ever() -> None:
    from console.core import keepalive

    keep_alive = keepalive.keep_alive

    def always_on(state: Any) -> None:
        kill, state.kill = state.kill, None
        keep_alive(state)
        state.kill = kill

    keepalive.keep_alive = always_on


def sweep_once() -> None:
    from console.core import killing

    killing.sweep_on = nothing


def kill_from_memory() -> None:
    """Kill cancels the orders it knows of, by their ids."""
    from console.core import killing

    killing.CancelAll = lambda venue: killing.Reconcile(venue=venue)  # type: ignore[assignment,misc]


async def no_sweep(self: Any, patience_s: float, look: Any = None) -> list[Any]:
    return []
