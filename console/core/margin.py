"""What is asked below the low fair value of an outcome set, part by part: the answer to "why not higher?"."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from console.core.desk import Desk
from console.core.estimators import cents, flow_buffer
from console.core.matches import INPLAY
from console.core.quoting import Edge, edge_of, skew_of
from console.core.settings import CEILING, COPY
from console.core.theo import Theo
from console.core.units import Nanos, Price, ceil_div


class Margin(Struct, frozen=True, array_like=True, gc=False):
    """The parts, in millionths per contract (TRADING 2 and 3); `skew` is negative when we are long."""

    fair: int
    fair_lo: int
    wanted: int
    adverse: int
    volatility: int
    flow: int
    age: int
    uncertainty: int
    skew: int

    @property
    def buffers(self) -> int:
        """Everything asked on top of the wanted edge, the skew apart."""
        return self.adverse + self.volatility + self.flow + self.age + self.uncertainty


def margin_of(desk: Desk, theo: Theo, gained: int, exposure: int, ts: Nanos) -> Margin:
    """Measure the parts for one outcome set now; `exposure` is how long we are of it.

    A copied line brings its own margin: nothing is put on it.
    """
    settings = desk.settings
    skew = skew_of(exposure, settings)
    if settings.placement is COPY:
        return Margin(theo.fair[gained], theo.low[gained], _wanted(desk), 0, 0, 0, 0, 0, skew)
    return Margin(
        fair=theo.fair[gained],
        fair_lo=theo.low[gained],
        wanted=_wanted(desk),
        adverse=_adverse(desk, gained),
        volatility=desk.volatility.buffer(settings.vol_factor),
        flow=_flow(desk, gained, ts),
        age=theo.age,
        uncertainty=theo.uncertainty,
        skew=skew,
    )


def edge_at(desk: Desk, theo: Theo, gained: int, margin: Margin) -> Edge:
    """The limit that the parts leave; a stake by Kelly trusts no line without them, a copied one neither."""
    copied = desk.settings.placement is COPY
    adverse = _adverse(desk, gained) if copied else margin.adverse
    sober = margin.fair_lo - adverse - theo.uncertainty
    return edge_of(
        margin.fair, margin.fair_lo, sober, margin.wanted, margin.buffers, margin.skew, desk.settings
    )


def imbalance_of(desk: Desk, gained: int, ts: Nanos) -> float:
    """Taker buying less selling of an outcome set over the last minute, as a share of all of it."""
    single = gained.bit_count() == 1
    outcome = (gained if single else desk.full ^ gained).bit_length() - 1
    imbalance = desk.flows[outcome].imbalance(ts)
    return imbalance if single else -imbalance


def _wanted(desk: Desk) -> Price:
    """What placement asks: edge_min, a half-spread, or half of a spread that follows volatility."""
    settings = desk.settings
    if settings.placement is not CEILING:
        return settings.edge_min
    if settings.spread_usual is not None:
        spread = ceil(settings.spread_usual * desk.volatility.ratio)
        return Price(ceil_div(max(settings.spread_min, min(settings.spread_max, spread)), 2))
    return settings.half_spread_inplay if desk.phase is INPLAY else settings.half_spread


def _adverse(desk: Desk, gained: int) -> Price:
    settings = desk.settings
    prior = settings.adverse_inplay if desk.phase is INPLAY else settings.adverse_prematch
    markouts = desk.markouts.get(gained)
    if markouts is None:
        return prior
    double = 2.0 if markouts.toxicity() >= settings.toxicity_warn else 1.0
    return cents(min(5.0, double * markouts.adverse(prior)))


def _flow(desk: Desk, gained: int, ts: Nanos) -> Price:
    imbalance = imbalance_of(desk, gained, ts)
    return flow_buffer(imbalance) if imbalance < 0.0 else Price(0)
