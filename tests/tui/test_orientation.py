"""Which symbol pays on which side: names and prices speak, one contradiction is enough against."""

from __future__ import annotations

import msgspec
import pytest

from console.core.instruments import Instrument, Venue
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.view import SourceView
from console.tui.orientation import Sign, Verdict, readings, verdict
from tests.tui.views import cents, ladder, view

K, P = Venue.KALSHI, Venue.POLYMARKET


def spec(*symbols: str, names: tuple[str, ...] = ("Seattle", "Houston"), venue: Venue = K) -> MatchSpec:
    return MatchSpec(
        id=MatchId("m"),
        title=" v ".join(names),
        outcomes=names,
        listings=tuple(
            Listing(Instrument(venue, symbol), (number,)) for number, symbol in enumerate(symbols)
        ),
    )


def preview(match: MatchSpec, micros: tuple[float, ...], sharp: tuple[float, ...] | None):
    """Books at these microprices and a sharp source that says something."""
    books = tuple(
        msgspec.structs.replace(ladder(), instrument=listing.instrument, micro=cents(micro))
        for listing, micro in zip(match.listings, micros, strict=True)
    )
    said = tuple(int(p * 10_000) for p in sharp or ())
    own = SourceView("kalshi", (500_000, 500_000), 0, 0, 0, "")
    sources = (own, SourceView("pinnacle", said, 0, 0, 0, "")) if sharp else (own,)
    return msgspec.structs.replace(view(), ladders=books, sources=sources)


def judged(match: MatchSpec, micros: tuple[float, ...], sharp: tuple[float, ...] | None) -> Verdict:
    return verdict(readings(match, preview(match, micros, sharp)))


def test_names_and_prices_together_prove_it() -> None:
    assert judged(spec("KX-SEA", "KX-HOU"), (60, 40), (61, 39)) is Verdict.PROVEN


def test_prices_near_the_middle_prove_nothing() -> None:
    assert judged(spec("KX-SEA", "KX-HOU"), (50.5, 49.5), (51, 49)) is Verdict.NAMES


def test_no_independent_price_leaves_the_names() -> None:
    assert judged(spec("KX-SEA", "KX-HOU"), (60, 40), None) is Verdict.NAMES


def test_tokens_without_names_leave_the_prices() -> None:
    assert judged(spec("7132104567", "5213210456", venue=P), (60, 40), (61, 39)) is Verdict.PRICES


def test_nothing_at_all_is_said_to_be_open() -> None:
    assert judged(spec("7132104567", "5213210456", venue=P), (50, 50), None) is Verdict.OPEN


@pytest.mark.parametrize(
    ("symbols", "micros"), [(("KX-HOU", "KX-SEA"), (60, 40)), (("KX-SEA", "KX-HOU"), (39, 61))]
)
def test_one_contradiction_is_enough(symbols: tuple[str, str], micros: tuple[float, float]) -> None:
    assert judged(spec(*symbols), micros, (61, 39)) is Verdict.TURNED


def test_a_draw_is_called_tie_and_one_silent_symbol_pays_on_what_is_left() -> None:
    three = spec("KX-NOR", "KX-TIE", "KX-ASH", names=("Northgate", "Draw", "Ashbourne"))
    assert judged(three, (48, 26, 26), (48, 26, 26)) is Verdict.PROVEN
    assert judged(three, (50, 27, 23), None) is Verdict.NAMES
    assert [each.name for each in readings(three, None)] == [Sign.FITS] * 3
    assert judged(three, (70, 20, 10), (70, 20, 10)) is Verdict.PROVEN


@pytest.mark.parametrize(
    ("symbol", "name", "other", "sign"),
    [
        ("KX-ALC", "Alcaraz", "Sinner", Sign.FITS),
        ("KX-SIN", "Alcaraz", "Sinner", Sign.TURNED),
        ("KX-GB", "Green Bay", "Dallas", Sign.FITS),
        ("KX-LAL", "Lakers", "Celtics", Sign.SILENT),
        ("KX-S", "Seattle", "San Diego", Sign.SILENT),  # either could be meant
        ("KX123", "Seattle", "Houston", Sign.SILENT),
    ],
)
def test_last_part_of_a_ticker_abbreviates_its_side(symbol: str, name: str, other: str, sign: Sign) -> None:
    assert readings(spec(symbol, names=(name, other)), None)[0].name is sign


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("FaZe", "illwill"), Verdict.NAMES),
        (("illwill", "FaZe"), Verdict.OPEN),  # perhaps an order we do not know: nothing is claimed
        (("FaZe", "Vitality"), Verdict.OPEN),
        (("FaZe", "Draw", "illwill"), Verdict.OPEN),
    ],
)
def test_a_pair_of_tokens_is_proven_by_the_order_its_symbol_names_them_in(names, said):
    match = spec("cs2-faze-ill-2026-04-05", names=names, venue=P)
    assert judged(match, (50,), None) is said
