"""A series whose fees are not what the venue said they would be is not quoted until somebody looked (C37)."""

from __future__ import annotations

from console.core.commands import Severity
from console.core.desk import Desk
from console.core.events import OrderFilled
from console.core.feetruth import FeeTally, distance, series_of
from console.core.markets import Market
from console.core.state import State
from console.core.units import SECOND

CHANGE_GRACE = 60 * SECOND  # a fill told so soon after a change of fees may be from before it


def judge(state: State, market: Market, event: OrderFilled, late: bool) -> None:
    """Compare a fill's fee with the prediction; `late`: read from a list, it may be from any time."""
    spec = market.spec
    if spec is None:
        return
    model = spec.fees
    before = market.fees_before
    if before is not None and (late or state.ts - market.fees_changed_ts <= CHANGE_GRACE):
        model = min((model, before), key=lambda m: distance(m, event))
    series = series_of(event.instrument)
    tally = state.fee_tallies.setdefault(series, FeeTally())
    tally.add(model, event)
    defect = tally.defect()
    if defect and series not in state.fee_halts:
        state.fee_halts[series] = defect
        state.alert(
            Severity.ERROR, f"FEES of {series} are not as predicted: {defect}; its matches are pulled"
        )
        for desk in state.desks.values():
            if halted(state, desk):
                desk.urge(state.ts)


def halted(state: State, desk: Desk) -> str:
    """Why a match stands aside for its fees; empty when they are as predicted."""
    if not state.fee_halts:
        return ""
    found = (state.fee_halts.get(series_of(listing.instrument)) for listing in desk.spec.listings)
    return next((why for why in found if why), "")


def lift(state: State, desk: Desk | None) -> None:
    """The operator looked at it: fees of a match's series (of all) are judged afresh."""
    for series in list(state.fee_halts):
        if desk is None or series in {series_of(listing.instrument) for listing in desk.spec.listings}:
            del state.fee_halts[series]
            state.fee_tallies.pop(series, None)
