"""What is broken in the pretended world, and what must then hold: one rehearsal each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from console.core.events import Kill
from console.core.instruments import Venue
from console.core.reasons import Reason
from console.core.units import SECOND
from console.drill.stage import DrillError, Stage
from console.sim.dials import CALM, Dials

LONG = 10**12  # nanoseconds: until it is mended
K, P, X = Venue.KALSHI, Venue.POLYMARKET, Venue.PROPHETX


class Rehearsed(Struct, frozen=True):
    """How a rehearsal went: seconds until safe, and what rested at its beginning and at most until then."""

    safe_s: float
    limit_s: float
    orders: int
    dollars: float
    note: str


Rehearsal = Callable[[Stage], Awaitable[Rehearsed]]


def _weather(stage: Stage, dials: Dials, *venues: Venue) -> None:
    for venue in venues or stage.world.venues:
        stage.world.wire(venue).weather(dials)


async def _pulled(stage: Stage, limit_s: float, what: str, *venues: Venue, note: str) -> Rehearsed:
    """Wait until nothing rests at the venues concerned."""
    orders, dollars = stage.resting(*venues), stage.dollars(*venues)
    safe_s = await stage.until(lambda: not stage.resting(*venues), limit_s, what)
    return Rehearsed(safe_s, limit_s, orders, dollars, note)


async def feed_freeze(stage: Stage) -> Rehearsed:
    """A venue's stream falls silent, its pings are answered, and books cannot be read either."""
    _weather(stage, msgspec.structs.replace(CALM, reads_lost=1.0), K)
    stage.world.wire(K).freeze(stage.now, LONG)
    return await _pulled(stage, stage.pace.book_s + 2.0, "quotes on frozen books", K, note="kalshi alone")


async def stale_odds(stage: Stage) -> Rehearsed:
    """Every sportsbook falls silent."""
    stage.world.hush(LONG)
    return await _pulled(stage, stage.pace.odds_s + 2.0, "quotes on silent odds", note="all venues")


async def storm_429(stage: Stage) -> Rehearsed:
    """Every request is refused for five seconds, and in the middle of it somebody kills."""
    _weather(stage, msgspec.structs.replace(CALM, rate_limited=1.0))
    await asyncio.sleep(1.0)
    asked = stage.state.next_order
    refusal = await stage.runner.tell(Kill(by="drill"))
    if refusal:
        raise DrillError(refusal)
    orders, dollars = stage.resting(), stage.dollars()
    await asyncio.sleep(4.0)
    _weather(stage, CALM)
    sweeps = [connection.sweep for connection in stage.state.connections.values()]
    safe_s = await stage.until(
        lambda: not stage.resting() and all(sweep is not None and sweep.proven for sweep in sweeps),
        15.0,
        "the proof of the kill",
    )
    if stage.state.next_order != asked:
        raise DrillError("an order was decided after the kill")
    return Rehearsed(4.0 + safe_s, 19.0, orders, dollars, "the storm lasts 5 s, the kill is proven after it")


async def half_open(stage: Stage) -> Rehearsed:
    """A connection that stands and carries nothing, either way."""
    _weather(stage, msgspec.structs.replace(CALM, request_lost=1.0, reads_lost=1.0), K, P)
    for venue in (K, P):
        stage.world.wire(venue).freeze(stage.now, LONG)
    limit_s = max(stage.pace.expiry_s + 2.0, stage.pace.heartbeat_ms / 1000 + 2.0)
    note = "no cancel gets there: ended by kalshi's leases and polymarket's heartbeat"
    return await _pulled(stage, limit_s, "orders nobody can cancel", K, P, note=note)


async def clock_jump(stage: Stage) -> Rehearsed:
    """The wall clock goes wrong by an hour."""
    stage.clock.shift_s = 3600.0
    done = await _pulled(stage, 3.0, "quotes on a clock that jumped", note="paused until resumed")
    if not stage.state.paused:
        raise DrillError("it did not stay paused")
    return done


async def venue_rejects(stage: Stage) -> Rehearsed:
    """A venue refuses every order; the quotes that rest there may stay."""
    _weather(stage, msgspec.structs.replace(CALM, rejected=1.0), K)
    before, orders, dollars = stage.state.rejects, stage.resting(K), stage.dollars(K)
    await stage.until(lambda: stage.state.rejects > before, 20.0, "a refusal")

    def paused() -> bool:
        desks = [desk for desk in stage.state.desks.values() if set(desk.venues) == {K}]
        pauses = [pause for desk in desks for pause in desk.side_pauses.values()]
        return any(pause.reason is Reason.REJECTED for pause in pauses)

    safe_s = await stage.until(paused, 30.0, "a side paused after three refusals")
    refused = stage.state.rejects - before
    return Rehearsed(safe_s, 30.0, orders, dollars, f"{refused} refusals until a side paused; no storm")


async def duplicate_fills(stage: Stage) -> Rehearsed:
    """Every answer and every fill comes twice."""
    _weather(stage, msgspec.structs.replace(CALM, duplicated=1.0))
    fills, orders, dollars = stage.state.fills, stage.resting(), stage.dollars()
    await stage.until(lambda: stage.state.fills >= fills + 3, 90.0, "three fills")
    _weather(stage, CALM)

    def agrees() -> bool:
        held: dict[str, int] = {}
        for desk in stage.state.desks.values():
            for position in desk.groups():
                for instrument, holding in position.holdings.items():
                    held[instrument.symbol] = held.get(instrument.symbol, 0) + holding.net
        theirs = {i.symbol: net for v in stage.world.venues for i, net in stage.world.positions(v).items()}
        return all(held.get(symbol, 0) == net for symbol, net in theirs.items())

    safe_s = await stage.until(agrees, 15.0, "positions that are the venues'")
    return Rehearsed(safe_s, 15.0, orders, dollars, f"{stage.state.fills - fills} fills, each counted once")


async def network_cut(stage: Stage) -> Rehearsed:
    """Every connection is gone for longer than leases last."""
    gone_s = max(stage.pace.expiry_s, stage.pace.heartbeat_ms / 1000) + 3.0
    left, dollars = stage.resting(), stage.dollars()
    for venue in stage.world.venues:
        stage.world.wire(venue).cut(stage.now, int(gone_s * SECOND))
    safe_s = await stage.until(lambda: not stage.resting(K, P), gone_s, "the dead man's switches")
    rest = stage.resting(X)

    def reconciled() -> bool:
        return all(
            connection.up and not connection.reconciling for connection in stage.state.connections.values()
        )

    await stage.until(reconciled, gone_s + 20.0, "venues that agree with our records again")
    if any(connection.mismatch for connection in stage.state.connections.values()):
        raise DrillError("a mismatch after the line came back")
    note = f"prophetx has no switch: {rest} orders rested there until the line came back"
    return Rehearsed(safe_s, gone_s, left, dollars, note)


async def credential_revoked(stage: Stage) -> Rehearsed:
    """The key of two venues is refused from now on: for orders, cancels and reads."""
    revoked = msgspec.structs.replace(CALM, rejected=1.0, reads_lost=1.0)
    _weather(stage, revoked, K, P)
    limit_s = max(stage.pace.expiry_s, stage.pace.heartbeat_ms / 1000, stage.pace.blind_s) + 4.0
    note = "no cancel is taken: ended by leases and heartbeat, which stop with the key"
    done = await _pulled(stage, limit_s, "orders under a revoked key", K, P, note=note)

    def blind() -> bool:
        troubles = [stage.state.connections[v].trouble(stage.state.settings, stage.state.ts) for v in (K, P)]
        return None not in troubles

    await stage.until(blind, stage.pace.balance_s + 5.0, "both known to be blind")
    return done


REHEARSALS: dict[str, Rehearsal] = {
    "feed-freeze": feed_freeze,
    "stale-odds": stale_odds,
    "429-storm": storm_429,
    "half-open": half_open,
    "clock-jump": clock_jump,
    "venue-rejects": venue_rejects,
    "duplicate-fills": duplicate_fills,
    "network-cut": network_cut,
    "credential-revoked": credential_revoked,
}
