"""Limits being neared: told once at 70 % of each, and again only after it fell well below (C27)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct

from console.core.commands import Severity
from console.core.desk import Desk
from console.core.matches import MatchId
from console.core.state import State
from console.core.units import ONE

TOLD_PCT = 70
FORGOTTEN_PCT = 60


class Usage(Struct, frozen=True, array_like=True):
    """How much of one limit is used; `scope` is empty for the account, else a match, event or venue."""

    limit: str
    scope: str
    used: int
    most: int
    match: MatchId = MatchId("")
    severity: Severity = Severity.WARN


def tell(state: State) -> None:
    """Alert to every limit that is newly neared."""
    for usage in usages(state, FORGOTTEN_PCT):
        key, share = (usage.limit, usage.scope), usage.used * 100
        if key in state.neared:
            if share < usage.most * FORGOTTEN_PCT:
                del state.neared[key]
        elif share >= usage.most * TOLD_PCT:
            state.neared[key] = None
            state.alert(usage.severity, _words(usage), usage.match)


def usages(state: State, from_pct: int = 0) -> Iterator[Usage]:
    """Every limit in force and how much of it is used, exactly from `from_pct` of the limit up."""
    yield from _of_account(state, from_pct)
    for desk in state.desks.values():
        yield from _of_match(state, desk, from_pct)


def _exposed(desks: Collection[Desk], most: int, from_pct: int) -> int:
    """Worst losses together; below `from_pct` of `most` no less than these, which is quicker."""
    used = sum([desk.at_most for desk in desks])
    return used if used * 100 < most * from_pct else sum([desk.worst for desk in desks])


def _of_account(state: State, from_pct: int) -> Iterator[Usage]:
    settings, account, desks = state.settings, state.account, state.desks.values()
    most = settings.exposure_total
    yield Usage("exposure_total", "", _exposed(desks, most, from_pct), most)
    most = settings.exposure_venue
    for venue in state.connections:
        there = [desk for desk in desks if venue in desk.quoted_venues]
        yield Usage("exposure_venue", venue.value, _exposed(there, most, from_pct), most)
    yield Usage("open_orders", "", len(state.blotter.live), settings.open_orders)
    yield Usage("daily_loss", "", -account.day_profit, settings.daily_loss)
    if settings.drawdown is not None:
        yield Usage("drawdown", "", account.drawdown, settings.drawdown)
    base = account.baseline
    if settings.stop_loss_pct is not None and base.equity_start is not None:
        loss_most = settings.stop_loss_pct * base.equity_start // 100
        yield Usage("stop_loss_pct", "", base.profit_start - account.profit, loss_most)


def _of_match(state: State, desk: Desk, from_pct: int) -> Iterator[Usage]:
    settings, match = desk.settings, desk.spec.id
    event = desk.spec.event
    shared = [other for other in state.desks.values() if event and other.spec.event == event] or [desk]
    most = settings.exposure_match
    yield Usage("exposure_match", match, _exposed((desk,), most, from_pct), most, match)
    if shared[0] is desk:
        most = min([other.settings.exposure_event for other in shared])
        yield Usage("exposure_event", event or match, _exposed(shared, most, from_pct), most, match)
    yield Usage("max_loss_match", match, -desk.mark, settings.max_loss_match, match)
    # Inventory is what a market maker lives with: said, but no warning.
    held = max([abs(exposed) for exposed in desk.exposures().values()], default=0)
    yield Usage("inventory_max", match, held, settings.inventory_max, match, Severity.INFO)
    nets = [abs(holding.net) for position in desk.groups() for holding in position.holdings.values()]
    held_most = max(nets, default=0)
    yield Usage("max_position", match, held_most, settings.max_position, match)


def _words(usage: Usage) -> str:
    plain = usage.limit == "open_orders"
    used, most = (str(n) if plain else f"{n / ONE:.2f}" for n in (usage.used, usage.most))
    scope = f" of {usage.scope}" if usage.scope and usage.scope != usage.match else ""
    return f"{usage.limit}{scope} at {usage.used * 100 // max(1, usage.most)} %: {used} of {most}"
