"""Venues that net against each other: only on rules a person confirmed, and no longer once those change."""

from __future__ import annotations

from console.core.commands import Severity
from console.core.desk import Desk
from console.core.events import OrderFilled
from console.core.fees import NO_FEES
from console.core.instruments import Venue
from console.core.positions import Position
from console.core.provisional import Unsettled, bring_back, kept
from console.core.rules import pair_hash
from console.core.state import State


def told_rules(desk: Desk) -> str:
    """The hash of all settlement rules as the venues tell them now; empty while one has not."""
    specs = {instrument: market.spec for instrument, market in desk.markets.items()}
    return pair_hash({i: spec.rules_hash if spec is not None else "" for i, spec in specs.items()})


def recheck(state: State, desk: Desk) -> None:
    """A venue told its facts again: rules that are no longer those confirmed end the netting, and the match
    waits for its operator.
    """
    told, confirmed = told_rules(desk), desk.rules_confirmed
    if not confirmed or not told or told == confirmed or len(desk.venues) < 2:
        return
    split(desk)
    desk.paused = "settlement rules changed"
    state.remeasure(desk)
    desk.urge(state.ts)
    state.alert(
        Severity.ERROR,
        f"settlement rules changed: {confirmed[:12]} was confirmed, {told[:12]} holds now; the "
        "venues no longer net, read the rules and confirm or resume",
        desk.spec.id,
    )


def split(desk: Desk) -> None:
    """Make one position over several venues a position for each, at what their contracts cost.

    Profit realised between venues stays with the first of them; fills that may still fail can be taken
    back as before.
    """
    merged, group = desk.groups()[0], desk.group_of(desk.venues[0])
    unsettled = desk.unsettled.pop(group, None)
    if unsettled is not None:
        bring_back(merged, unsettled.before)
    apart = _apart(desk, merged)
    desk.part(apart)
    if unsettled is None:
        return
    for venue, position in apart.items():
        fills = tuple(fill for fill in unsettled.fills if fill.instrument.venue is venue)
        still = tuple(fill.trade_id for fill in fills if fill.trade_id in unsettled.open)
        if still:
            desk.unsettled[venue] = Unsettled(kept(venue, position), fills, still)
        for fill in fills:
            _book(desk, position, fill)


def _apart(desk: Desk, merged: Position) -> dict[Venue, Position]:
    apart = {venue: Position(desk.outcomes, desk.spec.may_none) for venue in desk.venues}
    for listing in desk.spec.listings:
        apart[listing.instrument.venue].list(listing.instrument, listing.pays)
    for instrument, held in merged.holdings.items():
        holding = apart[instrument.venue].holdings[instrument]
        holding.settled, holding.paid = held.settled, held.paid
    for instrument, held in merged.holdings.items():
        if held.net:
            apart[instrument.venue].override(instrument, held.net, held.basis)
        apart[instrument.venue].holdings[instrument].commission = held.commission
    first = apart[desk.venues[0]]
    rest = merged.cash - sum(position.cash for position in apart.values())
    first.cash += rest
    first.locked += rest
    first.fees, first.fills = merged.fees, merged.fills
    for position in apart.values():
        position.forget_branches()
    return apart


def _book(desk: Desk, position: Position, fill: OrderFilled) -> None:
    spec = desk.markets[fill.instrument.yes].spec
    fees = spec.fees if spec is not None else NO_FEES
    position.fill(fill.instrument, fill.action, fill.size, fill.cost, fill.fee, fees)
