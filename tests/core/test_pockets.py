"""Cash that lies in pockets which do not mix: each order is paid from its own, and the others go on."""

from __future__ import annotations

from msgspec import structs

from console.core import checkpoint
from console.core.commands import PlaceOrder
from console.core.events import BalanceUpdate, InstrumentDefined, MassStatus
from console.core.instruments import Instrument
from console.core.matches import MatchId
from console.core.picture import view
from console.core.reasons import Reason
from console.core.risk import Verdict
from console.core.units import Cash

from .story import KALSHI, A, B, K, M, Story, contracts, dollars
from .test_risk import Gate, bought, with_account

OTHER = MatchId("other")
C1, C2 = Instrument(K, "ELSEWHERE-1"), Instrument(K, "ELSEWHERE-2")
LEFT, RIGHT = structs.replace(KALSHI, pocket="left"), structs.replace(KALSHI, pocket="right")


def told(**amounts: float) -> BalanceUpdate:
    pockets = tuple((name, dollars(amount)) for name, amount in amounts.items())
    return BalanceUpdate(venue=K, cash=Cash(sum(amount for _, amount in pockets)), pockets=pockets)


def gate(**amounts: float) -> Gate:
    """A is paid from the left pocket, B from the right one."""
    made = Gate(specs={A: LEFT, B: RIGHT})
    made.story.tell(told(**amounts))
    return made


def test_an_order_is_paid_from_its_own_pocket_only() -> None:
    at = gate(left=4.5, right=1000)
    assert at.ask(at.wanted(A, size=11)) == Verdict(contracts(10), Reason.NO_BALANCE)
    assert at.ask(at.wanted(B, size=11)).size == contracts(11)


def test_an_empty_pocket_or_one_that_is_not_listed_pays_for_nothing() -> None:
    at = gate(left=0, right=1000)
    assert at.ask(at.wanted(A)) == Verdict(0, Reason.NO_BALANCE)
    at.story.tell(told(right=1000))
    assert at.ask(at.wanted(A)) == Verdict(0, Reason.NO_BALANCE)
    assert at.ask(at.wanted(B)).size == contracts(10)


def test_what_is_placed_or_filled_lessens_its_own_pocket_only() -> None:
    at = gate(left=9, right=9)
    order = at.rest(A, 50, 10, ago_s=-1)  # since the balance was told
    assert at.ask(at.wanted(A, size=11)).size == contracts(8)  # $4 left at 45 cents
    assert at.ask(at.wanted(B, size=11)).size == contracts(11)
    at.story.tell(bought(at, order, 10))
    assert at.ask(at.wanted(A, size=11)).size == contracts(8)
    assert at.ask(at.wanted(B, size=11)).size == contracts(11)
    at.story.tell(told(left=4, right=9))
    assert at.ask(at.wanted(A, size=11)).size == contracts(8)


def test_the_reserve_is_kept_in_each_pocket() -> None:
    made = Gate(account=with_account(cash_reserve=dollars(5)), specs={A: LEFT, B: RIGHT})
    made.story.tell(told(left=9.5, right=4))
    assert made.ask(made.wanted(A, size=11)).size == contracts(10)
    assert made.ask(made.wanted(B, size=11)) == Verdict(0, Reason.NO_BALANCE)


def test_where_no_pockets_are_told_all_cash_pays_for_all() -> None:
    at = gate()
    at.story.tell(BalanceUpdate(venue=K, cash=dollars(4.5)))
    assert at.ask(at.wanted(A, size=11)).size == contracts(10)
    assert at.story.state.connections[K].listed_pockets() == ()


def tell(story: Story, **amounts: float) -> None:
    """The venue has this cash from now on."""
    event = told(**amounts)
    story.clerks[K].cash, story.clerks[K].pockets = event.cash, event.pockets
    story.tell(event)


def two_matches(**amounts: float) -> Story:
    story = Story().up()
    story.add(specs={A: LEFT, B: LEFT})
    story.add(OTHER, pays={C1: (0,), C2: (1,)}, specs={C1: RIGHT, C2: RIGHT})
    for instrument in (A, B, C1, C2):
        story.book(instrument, {40: 100}, {60: 100})
    tell(story, **amounts)
    for match in (M, OTHER):
        story.fair(0.5, 0.5, match=match)
    story.wait(6)
    return story


def test_a_match_without_cash_says_so_and_the_others_are_quoted() -> None:
    story = two_matches(left=0, right=1000)
    assert {command.instrument for command in story.all(PlaceOrder)} == {C1, C2}
    assert story.state.desks[M].reason is Reason.NO_BALANCE
    tell(story, left=1000, right=1000)
    story.wait(6)
    assert {command.instrument for command in story.all(PlaceOrder)} == {A, B, C1, C2}


def test_the_screen_is_told_each_pocket_in_use_and_all_cash() -> None:
    story = two_matches(left=0, right=1000, unused=0, aside=7)
    (venue,) = view(story.state, M).venues
    assert venue.cash == dollars(1007)
    assert venue.pockets == (("aside", dollars(7)), ("left", 0), ("right", dollars(1000)))


def test_an_account_of_us_tells_the_pockets_too_and_a_restart_knows_what_pays_for_what() -> None:
    story = two_matches(left=10, right=10)
    kept = checkpoint.decode(checkpoint.encode(story.state))
    assert dict(kept.specs)[A].pocket == "left"
    later = story.restart()
    pockets = (("left", dollars(3)), ("right", dollars(4)))
    later.tell(MassStatus(venue=K, orders=(), fills=(), positions=(), cash=dollars(7), pockets=pockets))
    connection = later.state.connections[K]
    assert [connection.purse_of(one).cash for one in (A, C1.no)] == [dollars(3), dollars(4)]


def test_a_symbol_may_be_paid_from_another_pocket_later() -> None:
    story = two_matches(left=10, right=10)
    connection = story.state.connections[K]
    story.tell(InstrumentDefined(instrument=A, spec=RIGHT))
    assert connection.purse_of(A) is connection.purse_of(C1)
