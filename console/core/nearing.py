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
    near = {(usage.limit, usage.scope): usage for usage in near_limits(state)}
    for key in [key for key in state.neared if key not in near]:
        del state.neared[key]
    for key, usage in near.items():
        if key not in state.neared and usage.used * 100 >= usage.most * TOLD_PCT:
            state.neared[key] = None
            state.alert(usage.severity, _words(usage), usage.match)


def near_limits(state: State) -> Iterator[Usage]:
    """Every limit in force of which at least FORGOTTEN_PCT is used."""
    yield from _of_account(state)
    for desk in state.desks.values():
        yield from _of_match(state, desk)


def _is_near(used: int, most: int) -> bool:
    return used * 100 >= most * FORGOTTEN_PCT


def _exposed(desks: Collection[Desk], limit: str, scope: str, most: int, match: MatchId) -> Iterator[Usage]:
    """Worst losses together; measured only where what bounds them is near."""
    if _is_near(sum([desk.at_most for desk in desks]), most):
        used = sum([desk.worst for desk in desks])
        if _is_near(used, most):
            yield Usage(limit, scope, used, most, match)


def _of_account(state: State) -> Iterator[Usage]:
    settings, account, desks, none = state.settings, state.account, state.desks.values(), MatchId("")
    yield from _exposed(desks, "exposure_total", "", settings.exposure_total, none)
    for venue in state.connections:
        there = [desk for desk in desks if venue in desk.quoted_venues]
        yield from _exposed(there, "exposure_venue", venue.value, settings.exposure_venue, none)
    used = [
        ("open_orders", len(state.blotter.live), settings.open_orders),
        ("daily_loss", -account.day_profit, settings.daily_loss),
    ]
    if settings.drawdown is not None:
        used.append(("drawdown", account.drawdown, settings.drawdown))
    base = account.baseline
    if settings.stop_loss_pct is not None and base.equity_start is not None:
        most = settings.stop_loss_pct * base.equity_start // 100
        used.append(("stop_loss_pct", base.profit_start - account.profit, most))
    for limit, amount, most in used:
        if _is_near(amount, most):
            yield Usage(limit, "", amount, most)


def _of_match(state: State, desk: Desk) -> Iterator[Usage]:
    settings, match = desk.settings, desk.spec.id
    event = desk.spec.event
    shared = [other for other in state.desks.values() if event and other.spec.event == event] or [desk]
    yield from _exposed((desk,), "exposure_match", match, settings.exposure_match, match)
    if shared[0] is desk:
        least = min([other.settings.exposure_event for other in shared])
        yield from _exposed(shared, "exposure_event", event or match, least, match)
    if _is_near(-desk.mark, settings.max_loss_match):
        yield Usage("max_loss_match", match, -desk.mark, settings.max_loss_match, match)
    # Inventory is what a market maker lives with: said, but no warning.
    held = max([abs(exposed) for exposed in desk.exposures().values()], default=0)
    if _is_near(held, settings.inventory_max):
        yield Usage("inventory_max", match, held, settings.inventory_max, match, Severity.INFO)
    nets = [abs(holding.net) for position in desk.groups() for holding in position.holdings.values()]
    most_held = max(nets, default=0)
    if _is_near(most_held, settings.max_position):
        yield Usage("max_position", match, most_held, settings.max_position, match)


def _words(usage: Usage) -> str:
    plain = usage.limit == "open_orders"
    used, most = (str(n) if plain else f"{n / ONE:.2f}" for n in (usage.used, usage.most))
    scope = f" of {usage.scope}" if usage.scope and usage.scope != usage.match else ""
    return f"{usage.limit}{scope} at {usage.used * 100 // max(1, usage.most)} %: {used} of {most}"
