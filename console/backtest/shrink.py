"""A failing seed made short: everything taken away that the failure does not need."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from console.backtest.plan import Plan
from console.backtest.simulate import Report, Violation, simulate_plan
from console.core.settings import AccountSettings, MatchSettings
from console.sim.dials import CALM, Dials
from console.sim.world import CASH

KINDS = 400  # plans tried at most


def shrink(plan: Plan, violation: Violation, tried: Callable[[int], None]) -> tuple[Plan, Violation]:
    """The plainest plan found that breaks the same invariant no later; `tried` counts the attempts."""
    best, attempts = violation, 0
    again = True
    while again:
        again = False
        for candidate in _plainer(plan):
            attempts += 1
            tried(attempts)
            found = _broken(candidate, best)
            if found is not None:
                plan, best, again = candidate, found, True
                break
            if attempts >= KINDS:
                return plan, best
    return plan, best


def story(plan: Plan, violation: Violation) -> list[str]:
    """What the plan still holds, and how it ends."""
    default = Plan(seed=plan.seed)
    lines = [f"seed {plan.seed}, {violation.event} events, {violation.at_s:.1f} s:"]
    for name in plan.__struct_fields__:
        value = getattr(plan, name)
        if name not in ("seed", "dials", "account", "settings") and value != getattr(default, name):
            lines.append(f"  {name} = {value}")
    lines += [f"  dials.{name} = {value}" for name, value in _differs(plan.dials, CALM)]
    lines += [f"  account.{name} = {value}" for name, value in _differs(plan.account, AccountSettings())]
    for settings in plan.settings:
        lines += [f"  settings.{name} = {value}" for name, value in _differs(settings, MatchSettings())]
    lines += [f"  {violation.invariant}: {violation.line}", "  the last records:"]
    return [*lines, *(f"    {record}" for record in violation.records[-12:])]


def _broken(plan: Plan, before: Violation) -> Violation | None:
    report: Report = simulate_plan(plan, before.event)
    for violation in report.violations:
        if violation.invariant == before.invariant and violation.event <= before.event:
            return violation
    return None


def _plainer(plan: Plan) -> Iterator[Plan]:
    """Plans with one thing less, the largest steps first."""
    replace = msgspec.structs.replace
    if plan.dials != CALM:
        yield replace(plan, dials=CALM)
    for name in (
        "whims_per_hour",
        "looks_per_hour",
        "crashes_per_hour",
        "clock_jumps_per_hour",
        "together_per_hour",
    ):
        if getattr(plan, name):
            yield replace(plan, **{name: 0.0})
    for name in ("twin", "confirm_rules", "personas"):
        if getattr(plan, name):
            yield replace(plan, **{name: False})
    if plan.scale != 1.0:
        yield replace(plan, scale=1.0)
    if plan.cash != CASH:
        yield replace(plan, cash=CASH)
    for fewer in (1, 2, 3, 5, 7):
        if fewer < plan.matches:
            yield replace(plan, matches=fewer)
    for name, _ in _differs(plan.dials, CALM):
        yield replace(plan, dials=replace(plan.dials, **{name: getattr(CALM, name)}))
    if len(plan.settings) > 1:
        yield from (replace(plan, settings=(one,)) for one in plan.settings)
    for name, _ in _differs(plan.account, AccountSettings()):
        plain = replace(plan.account, **{name: getattr(AccountSettings(), name)})
        if plain.defect() is None:
            yield replace(plan, account=plain)
    for number, settings in enumerate(plan.settings):
        for name, _ in _differs(settings, MatchSettings()):
            easier = replace(settings, **{name: getattr(MatchSettings(), name)})
            if easier.defect() is None:
                yield replace(plan, settings=(*plan.settings[:number], easier, *plan.settings[number + 1 :]))


def _differs(one: Dials | AccountSettings | MatchSettings, plain: object) -> list[tuple[str, object]]:
    names = one.__struct_fields__
    return [(name, getattr(one, name)) for name in names if getattr(one, name) != getattr(plain, name)]
