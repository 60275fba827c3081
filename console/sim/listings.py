"""The catalogue of the pretended world: fictional matches, and the symbols on which they trade."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct, structs

from console.core.fees import KALSHI_MAKER, KALSHI_TAKER, KALSHI_UNIT_DIRECT, FeeKind, FeeModel
from console.core.instruments import Instrument, InstrumentSpec, Venue, VoidRule
from console.core.ladders import Band, from_american
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.units import CENT, ONE, SECOND, Nanos, Size

WHOLE_CENTS = (Band(0, ONE, CENT),)
HALF_CENTS = (Band(0, ONE, CENT // 2),)  # `center_half_edge_half_cent`
TAPERED = (  # `tapered_deci_cent`
    Band(0, 10 * CENT, CENT // 10),
    Band(10 * CENT, 90 * CENT, CENT),
    Band(90 * CENT, ONE, CENT // 10),
)
TENTHS = (Band(0, ONE, CENT // 10),)

# (from, to, step) of the positive half of ProphetX's odds ladder; the negative half mirrors it
_ODDS_STEPS = (
    (100, 120, 1),
    (120, 200, 2),
    (200, 300, 5),
    (300, 500, 10),
    (500, 1000, 20),
    (1000, 2000, 100),
    (2000, 3000, 250),
    (3000, 5000, 500),
    (5000, 10_001, 2500),
)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
POLYMARKET_SPORTS = 50_000  # 0.05, since 2026-07-10
_PROPHETX_FEES = FeeModel(kind=FeeKind.WINNINGS, maker_rate=20_000, taker_rate=20_000)
_ROUND_S = 300  # starts far away fall on five minutes


class Fixture(Struct, frozen=True, kw_only=True):
    """A match and how it behaves.

    `strength` places the first outcome: in standard deviations of a whole match it is ahead before the
    start; `tie_band` is how close the end must be for a draw. `jumps` scoring moves of `jump` are
    expected in play. `pace` scales how much is traded, `depth` is contracts on a level of the crowd.
    """

    match: MatchSpec
    specs: dict[Instrument, InstrumentSpec]
    strength: float
    tie_band: float
    jumps: float
    jump: float
    pace: float
    depth: int
    soft_book: bool


class Card(Struct, frozen=True):
    """One line of a programme, before it has a date.

    `paired`: its markets at Polymarket have two legs in one book, as there; else each outcome has a symbol
    of its own.
    """

    sport: str
    series: str
    title: str
    outcomes: tuple[str, ...]
    codes: tuple[str, ...]
    venues: tuple[Venue, ...]
    start_s: int  # after the beginning of the world
    length_s: int
    strength: float
    tie_band: float = 0.0
    jumps: float = 0.0
    jump: float = 0.0
    pace: float = 1.0
    depth: int = 300
    bands: tuple[Band, ...] = WHOLE_CENTS
    maker_rate: int = KALSHI_MAKER
    taker_rate: int = KALSHI_TAKER
    soft_book: bool = False
    paired: bool = False
    league: str = ""  # where odds feeds look for it


_K, _P, _X = Venue.KALSHI, Venue.POLYMARKET, Venue.PROPHETX
_MINUTE, _HOUR = 60, 3600

PROGRAMME = (
    Card(
        "MLB",
        "KXMLBGAME",
        "Seattle at Houston",
        ("Seattle", "Houston"),
        ("SEA", "HOU"),
        (_K,),
        5 * _MINUTE,
        7 * _MINUTE,
        strength=-0.15,
        jumps=8,
        jump=0.25,
        maker_rate=KALSHI_MAKER // 2,  # half the rate before the first pitch
        taker_rate=KALSHI_TAKER // 2,
        league="mlb",
    ),
    Card(
        "CS2",
        "KXCS2GAME",
        "Nordlys v Kestrel",
        ("Nordlys", "Kestrel"),
        ("NRD", "KES"),
        (_K,),
        9 * _MINUTE,
        8 * _MINUTE,
        strength=0.30,
        jumps=20,
        jump=0.18,
        depth=120,
        maker_rate=0,
        soft_book=True,
        league="cs2",
    ),
    Card(
        "La Liga",
        "KXLALIGAGAME",
        "Valdoro v Costa Brava",
        ("Valdoro", "Draw", "Costa Brava"),
        ("VAL", "TIE", "CBR"),
        (_K,),
        40 * _MINUTE,
        115 * _MINUTE,
        strength=0.25,
        tie_band=0.36,
        jumps=2.7,
        jump=0.5,
        pace=0.7,
        league="laliga",
    ),
    Card(
        "NBA",
        "KXNBAGAME",
        "Boston at Denver",
        ("Boston", "Denver"),
        ("BOS", "DEN"),
        (_K,),
        150 * _MINUTE,
        150 * _MINUTE,
        strength=0.10,
        jumps=30,
        jump=0.08,
        pace=1.5,
        depth=800,
        soft_book=True,
        league="nba",
    ),
    Card(
        "Tennis",
        "KXATPMATCH",
        "J. Novotny v R. Alvarado",
        ("Novotny", "Alvarado"),
        ("NOV", "ALV"),
        (_K, _P),
        140 * _MINUTE,
        120 * _MINUTE,
        strength=0.40,
        jumps=8,
        jump=0.28,
        league="atp",
    ),
    Card(
        "Tennis",
        "KXWTAMATCH",
        "M. Lindqvist v S. Okafor",
        ("Lindqvist", "Okafor"),
        ("LIN", "OKA"),
        (_X,),
        170 * _MINUTE,
        100 * _MINUTE,
        strength=-0.20,
        jumps=8,
        jump=0.28,
        pace=0.7,
        league="wta",
    ),
    Card(
        "NHL",
        "KXNHLGAME",
        "Toronto at Calgary",
        ("Toronto", "Calgary"),
        ("TOR", "CGY"),
        (_K,),
        200 * _MINUTE,
        155 * _MINUTE,
        strength=-0.05,
        jumps=5.8,
        jump=0.33,
        bands=HALF_CENTS,
        soft_book=True,
        league="nhl",
    ),
    Card(
        "EPL",
        "KXEPLGAME",
        "Northgate v Ashbourne",
        ("Northgate", "Draw", "Ashbourne"),
        ("NOR", "TIE", "ASH"),
        (_K,),
        4 * _HOUR,
        115 * _MINUTE,
        strength=0.05,
        tie_band=0.35,
        jumps=2.8,
        jump=0.5,
        depth=500,
        soft_book=True,
        league="epl",
    ),
    Card(
        "NFL",
        "KXNFLGAME",
        "Dallas at Green Bay",
        ("Dallas", "Green Bay"),
        ("DAL", "GB"),
        (_K,),
        6 * _HOUR,
        190 * _MINUTE,
        strength=-0.35,
        jumps=9,
        jump=0.25,
        pace=1.3,
        depth=1000,
        bands=TAPERED,
        league="nfl",
    ),
)


def catalogue(
    wall: int, matches: int = len(PROGRAMME), programme: tuple[Card, ...] = PROGRAMME
) -> tuple[Fixture, ...]:
    """The first `matches` of a programme for a world that begins at `wall` (nanoseconds)."""
    return tuple(_fixture(card, wall) for card in programme[:matches])


def at_polymarket(programme: tuple[Card, ...] = PROGRAMME) -> tuple[Card, ...]:
    """The same programme, with every match of Kalshi at Polymarket, too, in two legs as there."""
    return tuple(
        structs.replace(card, venues=tuple(dict.fromkeys((*card.venues, _P))), paired=True)
        if _K in card.venues
        else card
        for card in programme
    )


def prophetx_odds() -> tuple[int, ...]:
    """Every American price of ProphetX's odds ladder (291 of them)."""
    up = [odds for low, high, step in _ODDS_STEPS for odds in range(low, high, step)]
    return (*(-odds for odds in reversed(up) if odds != 100), *up)


def _fixture(card: Card, wall: int) -> Fixture:
    start = _start(card, wall)
    day = datetime.fromtimestamp(start // SECOND, tz=UTC)
    slug = "-".join((card.series[2:5].lower(), *(code.lower() for code in card.codes if code != "TIE")))
    listings, specs = [], {}
    for venue in card.venues:
        pair = card.paired and venue is Venue.POLYMARKET and len(card.codes) == 2
        for outcome, code in enumerate(card.codes[:1] if pair else card.codes):
            instrument = Instrument(venue, _symbol(card, venue, code, slug, day))
            listings.append(Listing(instrument, (outcome,)))
            specs[instrument] = _spec(card, venue)
    match = MatchSpec(
        id=MatchId(slug),
        title=card.title,
        outcomes=card.outcomes,
        listings=tuple(listings),
        event=slug,
        sport=card.sport,
        league=card.league,
        start=Nanos(start),
        end=Nanos(start + card.length_s * SECOND),
        may_none=Venue.KALSHI in card.venues,
    )
    return Fixture(
        match=match,
        specs=specs,
        strength=card.strength,
        tie_band=card.tie_band,
        jumps=card.jumps,
        jump=card.jump,
        pace=card.pace,
        depth=card.depth,
        soft_book=card.soft_book,
    )


def _start(card: Card, wall: int) -> int:
    start_s = wall // SECOND + card.start_s
    if card.start_s >= _HOUR:
        start_s += -start_s % _ROUND_S
    return start_s * SECOND


def _symbol(card: Card, venue: Venue, code: str, slug: str, day: datetime) -> str:
    if venue is Venue.KALSHI:
        teams = "".join(other for other in card.codes if other != "TIE")
        return f"{card.series}-{day:%y}{_MONTHS[day.month - 1]}{day:%d}{teams}-{code}"
    if card.paired:
        outcome = "draw" if code == "TIE" else code.lower()
        return f"{slug}-{day:%Y-%m-%d}" + (f"-{outcome}" if len(card.codes) > 2 else "")
    return f"{slug}-{day:%Y-%m-%d}-{code.lower()}"


def _spec(card: Card, venue: Venue) -> InstrumentSpec:
    rules = f"{venue.value}-{card.sport.lower().replace(' ', '-')}-winner"
    if venue is Venue.KALSHI:
        return InstrumentSpec(
            bands=card.bands,
            fees=FeeModel(maker_rate=card.maker_rate, taker_rate=card.taker_rate, unit=KALSHI_UNIT_DIRECT),
            void_rule=VoidRule.FAIR,
            two_sided=True,
            amendable=True,
            rules_hash=rules,
        )
    if venue is Venue.POLYMARKET and card.paired:
        return InstrumentSpec(
            bands=card.bands if card.bands == TENTHS else WHOLE_CENTS,  # one tick at every price
            size_min=Size(5 * ONE),
            size_step=Size(CENT),
            fees=FeeModel(taker_rate=POLYMARKET_SPORTS, unit=10),
            void_rule=VoidRule.DRAW if len(card.codes) > 2 else VoidRule.HALF,
            two_sided=True,
            kept_apart=True,
            rules_hash=rules,
        )
    if venue is Venue.POLYMARKET:
        return InstrumentSpec(
            bands=TENTHS,
            size_min=Size(5 * ONE),
            size_step=Size(CENT),
            void_rule=VoidRule.HALF,
            rules_hash=rules,
        )
    return InstrumentSpec(
        prices=from_american("odds", prophetx_odds()).prices,
        size_min=Size(2 * ONE),
        size_step=Size(CENT),
        fees=_PROPHETX_FEES,
        sellable=False,
        void_rule=VoidRule.REFUND,
        rules_hash=rules,
    )
