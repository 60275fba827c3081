"""Limits being neared: told once at 70 % of each, and again only after it fell well below (C27)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from console.core.commands import Severity
from console.core.desk import Desk
from console.core.matches import MatchId
from console.core.state import State
from console.core.units import ONE

TOLD_PCT = 70
FORGOTTEN_PCT = 60
NO_MATCH = MatchId("")


class Usage(Struct, frozen=True, array_like=True):
    """How much of one limit is used; `scope` is empty for the account, else a match, event or venue."""

    limit: str
    scope: str
    used: int
    most: int
    match: MatchId = NO_MATCH
    severity: Severity = Severity.WARN


def tell(state: State) -> None:
    """Alert to every limit that is newly neared."""
    near = near_limits(state)
    if not near and not state.neared:
        return
    known = {(usage.limit, usage.scope) for usage in near}
    for key in [key for key in state.neared if key not in known]:
        del state.neared[key]
    for usage in near:
        key = usage.limit, usage.scope
        if key not in state.neared and usage.used * 100 >= usage.most * TOLD_PCT:
            state.neared[key] = None
            state.alert(usage.severity, _words(usage), usage.match)


def near_limits(state: State) -> list[Usage]:
    """Every limit in force of which at least FORGOTTEN_PCT is used."""
    near = _of_account(state)
    events: dict[str, list[Desk]] = {}
    for desk in state.desks.values():
        events.setdefault(desk.spec.event, []).append(desk)
    for desk in state.desks.values():
        near += _of_match(desk, events[desk.spec.event] if desk.spec.event else (desk,))
    return near


def _is_near(used: int, most: int) -> bool:
    return used * 100 >= most * FORGOTTEN_PCT


def _exposed(
    desks: Collection[Desk], limit: str, scope: str, most: int, match: MatchId = NO_MATCH
) -> list[Usage]:
    """Worst losses together; measured only where what bounds them is near."""
    if _is_near(sum([desk.at_most for desk in desks]), most):
        used = sum([desk.worst for desk in desks])
        if _is_near(used, most):
            return [Usage(limit, scope, used, most, match)]
    return []


def _of_account(state: State) -> list[Usage]:
    settings, account, desks = state.settings, state.account, state.desks.values()
    near = _exposed(desks, "exposure_total", "", settings.exposure_total)
    for venue in state.connections:
        there = [desk for desk in desks if venue in desk.quoted_venues]
        near += _exposed(there, "exposure_venue", venue.value, settings.exposure_venue)
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
    return near + [Usage(limit, "", amount, most) for limit, amount, most in used if _is_near(amount, most)]


def _of_match(desk: Desk, shared: Sequence[Desk]) -> list[Usage]:
    """The limits of a match, and of its event with the first one of those that share it."""
    settings, match = desk.settings, desk.spec.id
    near = _exposed((desk,), "exposure_match", match, settings.exposure_match, match)
    if shared[0] is desk:
        least = min([other.settings.exposure_event for other in shared])
        near += _exposed(shared, "exposure_event", desk.spec.event or match, least, match)
    if _is_near(-desk.mark, settings.max_loss_match):
        near.append(Usage("max_loss_match", match, -desk.mark, settings.max_loss_match, match))
    # Inventory is what a market maker lives with: said, but no warning.
    held = max([abs(exposed) for exposed in desk.exposures().values()], default=0)
    if _is_near(held, settings.inventory_max):
        near.append(Usage("inventory_max", match, held, settings.inventory_max, match, Severity.INFO))
    nets = [abs(holding.net) for position in desk.groups() for holding in position.holdings.values()]
    most_held = max(nets, default=0)
    if _is_near(most_held, settings.max_position):
        near.append(Usage("max_position", match, most_held, settings.max_position, match))
    return near


def _words(usage: Usage) -> str:
    plain = usage.limit == "open_orders"
    used, most = (str(n) if plain else f"{n / ONE:.2f}" for n in (usage.used, usage.most))
    scope = f" of {usage.scope}" if usage.scope and usage.scope != usage.match else ""
    return f"{usage.limit}{scope} at {usage.used * 100 // max(1, usage.most)} %: {used} of {most}"
