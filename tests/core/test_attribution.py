"""Where profit came from: every fill parted by the rules, and the parts are the whole to the millionth."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from console.core import picture
from console.core.attribution import Parts
from console.core.commands import CeilingKind
from console.core.events import FillReversed, OrderFilled, RemoveMatch, SetInventory, Settled
from console.core.fees import FeeKind, FeeModel
from console.core.instruments import Action, Instrument, InstrumentSpec, Side, TradeId, Venue, VenueOrderId
from console.core.settings import MatchSettings
from console.core.units import ONE, Cash, Price, Size, cost_of, proceeds_of

from .story import PA, PB, A, B, K, M, P, Story, cents, contracts, dollars, game

X = Venue.PROPHETX
XA, XB = Instrument(X, "line-a"), Instrument(X, "line-b")


def fill(
    number: int, instrument: Instrument, action: Action, price: float, size: float, fee: float = 0.0
) -> OrderFilled:
    at, count = cents(price), contracts(size)
    cost = cost_of(at, count) if action is Action.BUY else proceeds_of(at, count)
    return OrderFilled(
        venue_order_id=VenueOrderId(f"v{number}"),
        trade_id=TradeId(f"t{number}"),
        instrument=instrument,
        action=action,
        price=Price(at),
        size=Size(count),
        cost=cost,
        fee=dollars(fee),
        maker=True,
    )


def parts(story: Story) -> Parts:
    """Of the match, proven to add up to its profit."""
    shown = picture.view(story.state, M).matches[0]
    assert shown.parts.net == shown.pnl.net
    return shown.parts


def fair(story: Story) -> int:
    theo = story.state.desks[M].theo
    assert theo is not None
    return theo.fair[1]


def watched() -> Story:
    """Two tickers at 50 / 50 on which nothing is quoted: fills are by hand."""
    story = Story().up()
    story.add(settings=MatchSettings(contracts=Size(ONE)))
    story.book(A, {48: 100}, {52: 100})
    story.book(B, {48: 100}, {52: 100})
    story.fair(0.5, 0.5)
    return story


def test_a_fill_captures_what_lies_between_its_price_and_theo() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10, fee=0.03))
    assert parts(story) == Parts(captured=dollars(0.4), fees=dollars(0.03))
    story.tell(fill(2, A, Action.SELL, 53, 10))
    assert parts(story) == Parts(captured=dollars(0.7), fees=dollars(0.03))


def test_what_theo_does_within_thirty_seconds_is_adverse_selection_and_later_it_is_drift() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.wait(5)
    story.fair(0.47, 0.53)
    then = fair(story)
    assert parts(story) == Parts(captured=dollars(0.4), adverse=Cash(10 * (then - 500_000)))
    story.wait(30)
    story.fair(0.55, 0.45)
    now = fair(story)
    assert parts(story) == Parts(
        captured=dollars(0.4), adverse=Cash(10 * (then - 500_000)), drift=Cash(10 * (now - then))
    )


def test_a_sale_gains_when_theo_falls() -> None:
    story = watched()
    story.tell(fill(1, A, Action.SELL, 53, 10))
    story.fair(0.4, 0.6)
    assert parts(story).captured == dollars(0.3)
    assert parts(story).adverse == 10 * (500_000 - fair(story))


def test_the_other_leg_is_the_same_trade_turned_round() -> None:
    story = watched()
    story.tell(fill(1, A.no, Action.BUY, 46, 10))
    assert parts(story).captured == dollars(0.4)
    story.fair(0.4, 0.6)
    assert parts(story).adverse == 10 * (500_000 - fair(story))


def test_settlement_is_the_payout_against_the_last_theo() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.wait(31)
    story.fair(0.9, 0.1)
    last = fair(story)
    story.wait(1)
    story.tell(Settled(instrument=A, payout=Price(ONE)))
    assert parts(story) == Parts(
        captured=dollars(0.4),
        drift=Cash(10 * (last - 500_000)),
        settlement=Cash(10 * (ONE - last)),
    )


def test_a_stake_that_came_back_is_a_settlement_too() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.wait(1)
    story.tell(Settled(instrument=A, payout=Price(0), refund=True))
    assert parts(story) == Parts(captured=dollars(0.4), settlement=dollars(-0.4))


def test_commission_on_winnings_is_a_fee_at_theo_and_when_it_is_paid() -> None:
    story = Story(X).up()
    taking = InstrumentSpec(fees=FeeModel(FeeKind.WINNINGS, maker_rate=20_000), sellable=False)
    story.add(pays={XA: (0,), XB: (1,)}, specs={XA: taking, XB: taking})
    story.fair(0.5, 0.5)
    story.tell(fill(1, XA, Action.BUY, 40, 10))
    assert parts(story) == Parts(captured=dollars(1), fees=dollars(0.06))  # 2 % of 6 dollars, half likely
    story.tell(Settled(instrument=XA, payout=Price(ONE)))
    assert parts(story) == Parts(captured=dollars(1), settlement=dollars(5), fees=dollars(0.12))


def test_without_a_theo_nothing_is_known_to_be_captured() -> None:
    story = Story().up()
    story.add()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.fair(0.5, 0.5)
    story.book(A, {48: 100}, {52: 100})
    assert parts(story) == Parts(adverse=dollars(0.4))


def test_what_the_operator_overrides_is_a_correction() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.tell(SetInventory(match=M, instrument=A, size=contracts(10), cost=dollars(5), why="fees"))
    assert parts(story) == Parts(captured=dollars(0.4), corrections=dollars(-0.4))


def test_a_reversed_fill_is_taken_back_whole() -> None:
    story = Story(P).up()
    story.add(pays={PA: (0,), PB: (1,)})
    story.fair(0.5, 0.5)
    story.tell(msgspec.structs.replace(fill(1, PA, Action.BUY, 46, 10), provisional=True))
    story.tell(FillReversed(venue=P, trade_id=TradeId("t1")))
    assert parts(story) == Parts(captured=dollars(0.4), corrections=dollars(-0.4))


def test_it_survives_a_restart() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.wait(20)
    story.fair(0.48, 0.52)
    before = parts(story)
    later = story.restart().up()
    assert parts(later) == before
    later.wait(11)  # the mark-out that was waited for
    later.fair(0.6, 0.4)
    assert parts(later).adverse == before.adverse
    assert parts(later).drift == 10 * (fair(later) - fair(story))


def test_the_total_keeps_the_parts_of_a_match_that_was_removed() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.tell(fill(2, A, Action.SELL, 53, 10))
    whole = parts(story)
    for _ in range(2):  # the first only has its orders cancelled
        story.tell(RemoveMatch(match=M))
    view = picture.view(story.state, M)
    assert view.matches == ()
    assert view.parts == whole
    assert view.parts.net == view.pnl.net


def test_mark_outs_are_contracts_gained_after_each_horizon() -> None:
    story = watched()
    story.tell(fill(1, A, Action.BUY, 46, 10))
    story.tell(fill(2, A, Action.SELL, 52, 30))
    story.wait(2)
    assert picture.view(story.state, M).markouts == (0, None, None, None)
    story.fair(0.51, 0.49)
    story.wait(4)
    moved = fair(story) - 500_000
    five = (10 * moved - 30 * moved) // 40
    assert picture.view(story.state, M).markouts == (0, five, None, None)
    story.wait(300)
    assert picture.view(story.state, M).markouts == (0, five, five, five)


def test_quoted_fills_are_parted_like_any_others() -> None:
    story = game()
    story.fill(story.order(A), 10)
    (order,) = [o for o in story.state.blotter.orders.values() if o.instrument == A and o.filled]
    assert order.ceiling_kind is CeilingKind.QUOTE
    assert parts(story).captured == 10 * (fair(story) - order.price)


CHANCES = st.integers(min_value=60, max_value=940).map(lambda tenths: tenths / 1000)
STEPS = st.one_of(
    st.tuples(
        st.just("fill"),
        st.sampled_from([A, A.no, B, B.no]),
        st.sampled_from(list(Action)),
        st.integers(min_value=1, max_value=99),
        st.integers(min_value=1, max_value=4_000).map(lambda parts: parts / 100),
        st.integers(min_value=0, max_value=300).map(lambda parts: parts / 10_000),
    ),
    st.tuples(st.just("fair"), CHANCES),
    st.tuples(st.just("wait"), st.sampled_from([1, 12, 31])),
    st.tuples(st.just("settle"), st.sampled_from([A, B]), st.integers(min_value=0, max_value=ONE)),
    st.tuples(st.just("restart")),
)


class Naive:
    """The rules applied fill by fill, with fractions, as a person would on paper."""

    def __init__(self) -> None:
        self.fills: list[dict] = []
        self.fees = Fraction(0)

    def filled(self, event: OrderFilled, theo: int) -> None:
        bought = event.action is Action.BUY
        price = Fraction(event.cost, event.size)
        yes = event.instrument.side is Side.YES
        self.fees += Fraction(event.fee)
        self.fills.append(
            {
                "of": event.instrument.yes,
                "n": Fraction(event.size if bought is yes else -event.size),
                "x": price if yes else 1 - price,
                "then": Fraction(theo, ONE),
                "later": None,
                "paid": None,
                "last": None,
                "age": 0,
            }
        )

    def waited(self, seconds: int, theo: Mapping[Instrument, int]) -> None:
        for each in self.fills:
            each["age"] += seconds
            if each["later"] is None and each["paid"] is None and each["age"] > 30:
                each["later"] = Fraction(theo[each["of"]], ONE)

    def settled(self, instrument: Instrument, payout: int, last: int) -> None:
        for each in self.fills:
            if each["of"] == instrument:  # told otherwise than before, all of it is paid otherwise
                each["last"] = Fraction(last, ONE) if each["paid"] is None else each["last"]
                each["paid"] = Fraction(payout, ONE)

    def parts(self, theo: Mapping[Instrument, int]) -> tuple[Fraction, ...]:
        captured = adverse = drift = settlement = Fraction(0)
        for each in self.fills:
            now = each["last"] if each["paid"] is not None else Fraction(theo[each["of"]], ONE)
            later = each["later"] if each["later"] is not None else now
            captured += each["n"] * (each["then"] - each["x"])
            adverse += each["n"] * (later - each["then"])
            drift += each["n"] * (now - later)
            if each["paid"] is not None:
                settlement += each["n"] * (each["paid"] - each["last"])
        return captured, adverse, drift, settlement, self.fees


@given(st.lists(STEPS, min_size=3, max_size=14))
def test_the_parts_are_those_of_every_fill_and_the_profit_to_the_millionth(steps: list[tuple]) -> None:
    story, naive, chance = Story(), Naive(), 0.5
    story.add()
    story.fair(0.5, 0.5)

    def theos() -> dict[Instrument, int]:
        desk = story.state.desks[M]
        assert desk.theo is not None
        return {i: desk.theo.fair[m] for i, m in desk.pays.items()}

    def worths() -> dict[Instrument, int]:
        """By theo, until what has settled tells the result."""
        desk = story.state.desks[M]
        known = {i: desk.fair_of(i) for i in desk.pays}
        return {i: fair for i, fair in known.items() if fair is not None}

    for number, (what, *facts) in enumerate(steps):
        if what == "fill":
            filled = fill(number, *facts)
            story.tell(filled)
            naive.filled(filled, theos()[filled.instrument.yes])
        elif what == "fair":
            chance = facts[0]
            story.fair(chance, 1 - chance)
        elif what == "wait":
            story.wait(facts[0])
            naive.waited(facts[0], worths())
        elif what == "settle":
            story.wait(1)  # the last theo is the one sampled last
            naive.waited(1, worths())
            last = worths()[facts[0]]
            story.tell(Settled(instrument=facts[0], payout=Price(facts[1])))
            naive.settled(facts[0], facts[1], last)
        else:
            story = story.restart(f"run{number}")
            story.fair(chance, 1 - chance)
        found, wanted = parts(story), naive.parts(worths())
        assert found.corrections == 0
        for one, other in zip(msgspec.structs.astuple(found)[:5], wanted, strict=True):
            assert abs(one - other) <= 4 * len(steps)  # each fill and settlement is rounded once or twice
        worth = sum(position.value(worths()) for position in story.state.desks[M].groups())
        assert found.net == worth


def test_nothing_traded_is_nothing() -> None:
    story = Story(K).up()
    story.add()
    assert parts(story) == Parts()
