"""Discovery: what Gamma lists of a market, checked and turned into facts, matches and rules."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from console.core.complaint import UNREADABLE
from console.core.fees import FeeModel
from console.core.instruments import (
    Instrument,
    InstrumentSpec,
    MarketState,
    RewardTerms,
    Side,
    Venue,
    VoidRule,
)
from console.core.ladders import Band
from console.core.matches import Kind, Listing, MatchId, MatchSpec
from console.core.rules import rules_hash
from console.core.units import CENT, ONE, Nanos, Price, Size
from console.venues.polymarket.amounts import AMOUNT_DECIMALS
from console.venues.polymarket.hashing import is_protocol_v2
from console.venues.polymarket.wire import ParseError, floor_number, moment, number, read

FEE_UNIT: Final = 10  # fees are charged in five decimals of a dollar; rounded against us
_MATCH_ID: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_MATCH_ID_MAX: Final = 48
_KINDS: Final = {"moneyline": Kind.H2H, "spreads": Kind.SPREAD, "totals": Kind.TOTAL}


class FeeSchedule(Struct, frozen=True, rename="camel"):
    """What takers pay, and how much of it makers get back."""

    rate: Decimal
    exponent: Decimal
    taker_only: bool
    rebate_rate: Decimal = Decimal(0)


class GammaMarket(Struct, frozen=True, rename="camel"):
    """A market of Gamma, the fields that are used."""

    slug: str
    question: str
    condition_id: str
    outcomes: str
    closed: bool
    active: bool
    order_price_min_tick_size: Decimal
    order_min_size: Decimal
    neg_risk: bool  # chooses the contract that orders are signed for
    version: str = "v1"
    clob_token_ids: str | None = None
    position_ids: tuple[str, ...] | None = None
    outcome_prices: str | None = None
    accepting_orders: bool = False
    enable_order_book: bool = True
    game_start_time: str | None = None
    seconds_delay: int | None = None
    clear_book_on_start: bool | None = None
    sports_market_type: str | None = None
    line: Decimal | None = None
    group_item_title: str | None = None
    fees_enabled: bool | None = None
    fee_schedule: FeeSchedule | None = None
    rewards_min_size: Decimal | None = None
    rewards_max_spread: Decimal | None = None
    description: str = ""
    resolution_source: str | None = None


class GammaTag(Struct, frozen=True):
    """What an event is about."""

    slug: str = ""
    label: str = ""


class GammaEvent(Struct, frozen=True, rename="camel"):
    """An event: its markets, and what they have in common."""

    slug: str
    title: str
    markets: tuple[GammaMarket, ...] = ()
    neg_risk: bool | None = None
    series_slug: str | None = None
    start_time: str | None = None
    tags: tuple[GammaTag, ...] = ()


class _Found(Struct, frozen=True):
    events: tuple[GammaEvent, ...] | None = None


class Facts(Struct, frozen=True, kw_only=True):
    """A market as it trades; `tokens` are those of its first and second outcome."""

    slug: str
    condition: str
    tokens: tuple[str, str]
    outcomes: tuple[str, str]
    neg_risk: bool
    protocol_v2: bool
    state: MarketState
    payout: int | None  # of the first outcome, once decided
    start: Nanos
    clears_at_start: bool
    delay_s: int  # a marketable order is held so long
    rebate_pct: int
    spec: InstrumentSpec

    @property
    def yes(self) -> Instrument:
        """The first token."""
        return Instrument(Venue.POLYMARKET, self.slug)

    @property
    def tick(self) -> int:
        """The grid of prices, in millionths."""
        return self.spec.bands[0].step


def parse_market(body: bytes) -> Facts:
    """Read one market; raises ParseError naming what is missing or makes no sense."""
    return facts_of(read(body, GammaMarket, "market"))


def parse_event(body: bytes) -> GammaEvent:
    """Read one event with its markets; raises ParseError."""
    return read(body, GammaEvent, "event")


def parse_search(body: bytes) -> tuple[GammaEvent, ...]:
    """Read what a search found; raises ParseError."""
    return read(body, _Found, "search").events or ()


def parse_markets(body: bytes) -> tuple[GammaMarket, ...]:
    """Read a list of markets; raises ParseError."""
    return read(body, tuple[GammaMarket, ...], "markets")


def facts_of(market: GammaMarket) -> Facts:
    """Check a market and turn it into facts; raises ParseError."""
    field = "outcomes"
    try:
        outcomes = _pair(market.outcomes)
        field = "clobTokenIds"
        tokens, protocol_v2 = _tokens(market)
        field = "orderPriceMinTickSize"
        tick = _tick(number(market.order_price_min_tick_size))
        field = "feeSchedule"
        fees, rebate_pct = _fees(market)
        field = "outcomePrices"
        payout = _payout(market)
        field = "gameStartTime"
        start = moment(market.game_start_time or "")
        field = "orderMinSize"
        spec = _spec(market, tick, Size(number(market.order_min_size)), fees, outcomes)
    except ValueError as error:
        raise ParseError("market", market.slug, f"{field}: {error}") from error
    return Facts(
        slug=market.slug,
        condition=market.condition_id,
        tokens=tokens,
        outcomes=outcomes,
        neg_risk=market.neg_risk,
        protocol_v2=protocol_v2,
        state=_state(market, payout),
        payout=payout,
        start=start,
        clears_at_start=bool(market.clear_book_on_start),
        delay_s=market.seconds_delay or 0,
        rebate_pct=rebate_pct,
        spec=spec,
    )


def _pair(text: str) -> tuple[str, str]:
    """A string that holds a JSON array of two strings."""
    try:
        first, second = msgspec.json.decode(text, type=tuple[str, str])
    except UNREADABLE as error:
        raise ValueError(f"{text!r} holds no two strings ({error})") from None
    return first, second


def _tokens(market: GammaMarket) -> tuple[tuple[str, str], bool]:
    if market.version == "v2" or market.position_ids is not None:
        if market.position_ids is None or len(market.position_ids) != 2:
            raise ValueError("a market of protocol V2 has two positionIds")
        first, second = market.position_ids
    elif market.clob_token_ids is not None:
        first, second = _pair(market.clob_token_ids)
    else:
        raise ValueError("missing")
    if not (first.isdigit() and second.isdigit()) or first == second:
        raise ValueError(f"{first!r}, {second!r} are not two token ids")
    return (first, second), is_protocol_v2(int(first))


def _tick(tick: int) -> int:
    if tick not in AMOUNT_DECIMALS:
        raise ValueError(f"a tick of {tick} millionths is none the venue has")
    return tick


def _fees(market: GammaMarket) -> tuple[FeeModel, int]:
    """The taker curve and the maker's share of it; a market with fees must say which."""
    if market.fees_enabled is None:
        raise ValueError("feesEnabled is missing")
    schedule = market.fee_schedule
    if not market.fees_enabled:
        return FeeModel(), 0
    if schedule is None:
        raise ValueError("missing, though fees are enabled")
    if schedule.exponent not in (1, 2, 3, 4):
        raise ValueError(f"exponent {schedule.exponent} is none we can reckon with")
    rate = number(schedule.rate)
    model = FeeModel(
        maker_rate=0 if schedule.taker_only else rate,
        taker_rate=rate,
        unit=FEE_UNIT,
        exponent=int(schedule.exponent),
    )
    return model, floor_number(schedule.rebate_rate) * 100 // ONE


def _payout(market: GammaMarket) -> int | None:
    """What the first outcome paid; a closed market whose prices are not those of a result has none yet."""
    if not market.closed or market.outcome_prices is None:
        return None
    first, second = (number(Decimal(text)) for text in _pair(market.outcome_prices))
    return first if (first, second) in ((ONE, 0), (0, ONE), (ONE // 2, ONE // 2)) else None


def _state(market: GammaMarket, payout: int | None) -> MarketState:
    if payout is not None:
        return MarketState.RESOLVED
    if market.closed:
        return MarketState.CLOSED
    open_ = market.active and market.accepting_orders and market.enable_order_book
    return MarketState.OPEN if open_ else MarketState.PAUSED


def _spec(
    market: GammaMarket, tick: int, size_min: Size, fees: FeeModel, outcomes: tuple[str, str]
) -> InstrumentSpec:
    rewards = None
    if market.rewards_min_size and market.rewards_max_spread:
        spread = number(market.rewards_max_spread) * CENT // ONE
        rewards = RewardTerms(Size(number(market.rewards_min_size)), Price(spread))
    three_way = market.neg_risk and market.sports_market_type == "moneyline" and _is_yes_no(outcomes)
    return InstrumentSpec(
        bands=(Band(0, ONE, tick),),
        size_min=size_min,
        size_step=Size(CENT),
        fees=fees,
        void_rule=VoidRule.DRAW if three_way else VoidRule.HALF,
        two_sided=True,
        kept_apart=True,
        rules_hash=rules_hash(f"{market.question}\n{market.description}\n{market.resolution_source or ''}"),
        rewards=rewards,
    )


def _is_yes_no(outcomes: tuple[str, str]) -> bool:
    return tuple(name.lower() for name in outcomes) == ("yes", "no")


# ---- matches


def matches_of(event: GammaEvent) -> tuple[MatchSpec, ...]:
    """Every match an event lists: a three-way result, and each two-sided market that is open.

    What cannot be told for certain (which team is at home) is left out rather than guessed, and so is a
    market that cannot be read; raises ParseError when nothing else is there.
    """
    found: list[MatchSpec] = []
    broken: ParseError | None = None
    threes = _three_way(event)
    if threes is not None:
        found.append(threes)
    used = {listing.instrument.symbol for spec in found for listing in spec.listings}
    for market in event.markets:
        if market.slug not in used and not market.closed:
            try:
                found.append(match_of(market, event))
            except ParseError as error:
                broken = broken or error
    if broken is not None and not found:
        raise broken
    return tuple(found)


def match_of(market: GammaMarket, event: GammaEvent | None = None) -> MatchSpec:
    """One market as a match of its own two outcomes; raises ParseError."""
    facts = facts_of(market)
    title = market.question
    return MatchSpec(
        id=_match_id(market.slug),
        title=title,
        outcomes=facts.outcomes,
        listings=(Listing(facts.yes, (0,)),),
        event=event.slug if event is not None else market.slug,
        sport=_sport(event),
        league=event.series_slug or "" if event is not None else "",
        kind=_KINDS.get(market.sports_market_type or "moneyline", Kind.H2H),
        line=str(market.line) if market.line is not None else "",
        start=facts.start,
        may_none=False,  # one of the two tokens is paid, or both by half
    )


def _three_way(event: GammaEvent) -> MatchSpec | None:
    """Home, draw, away as three Yes/No markets of one event, if names and slugs prove which is which."""
    results = [
        m for m in event.markets if m.neg_risk and m.sports_market_type == "moneyline" and not m.closed
    ]
    if len(results) != 3:
        return None
    teams = _teams(event.title)
    draws = [m for m in results if _is_draw(m)]
    if teams is None or len(draws) != 1:
        return None
    home, away = (_market_of(team, [m for m in results if m is not draws[0]]) for team in teams)
    if home is None or away is None or home is away:
        return None
    ordered = (home, draws[0], away)
    facts = [facts_of(market) for market in ordered]
    return MatchSpec(
        id=_match_id(event.slug),
        title=event.title,
        outcomes=(teams[0], "Draw", teams[1]),
        listings=tuple(Listing(fact.yes, (n,)) for n, fact in enumerate(facts)),
        event=event.slug,
        sport=_sport(event),
        league=event.series_slug or "",
        start=facts[0].start or moment(event.start_time or ""),
        may_none=False,  # a neg-risk event pays one of its markets; called off, that is the draw
    )


def _is_draw(market: GammaMarket) -> bool:
    return market.slug.endswith("-draw") and (market.group_item_title or "draw").lower().startswith("draw")


def _teams(title: str) -> tuple[str, str] | None:
    """The two names in ``Arsenal FC vs. Chelsea FC``."""
    parts = re.split(r"\s+(?:vs\.?|v\.?|@|at)\s+", title.strip())
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def _market_of(team: str, markets: Sequence[GammaMarket]) -> GammaMarket | None:
    """The one market that asks whether this team wins."""
    wanted = team.casefold()
    named = [m for m in markets if (m.group_item_title or "").casefold() == wanted]
    if len(named) != 1:
        named = [m for m in markets if wanted in m.question.casefold()]
    return named[0] if len(named) == 1 else None


def _sport(event: GammaEvent | None) -> str:
    """The first tag that says more than that it is sport."""
    tags = event.tags if event is not None else ()
    return next((tag.label for tag in tags if tag.slug not in ("", "sports", "games", "all")), "")


def _match_id(slug: str) -> MatchId:
    plain = _MATCH_ID.sub("-", slug)
    if len(plain) <= _MATCH_ID_MAX:
        return MatchId(plain)
    short = hashlib.sha256(slug.encode()).hexdigest()[:8]
    return MatchId(f"{plain[: _MATCH_ID_MAX - 9]}-{short}")


# ---- what a person types


class Wanted(Struct, frozen=True, array_like=True):
    """What to look for: slugs to try in turn, and words to search for when none fits."""

    slugs: tuple[str, ...]
    words: str


def wanted(text: str) -> Wanted:
    """Read an address of polymarket.com, a slug, or words."""
    text = text.strip()
    if "polymarket.com/" in text:
        path = urlsplit(text if "://" in text else f"https://{text}").path
        parts = [part for part in path.split("/") if part]
        slugs = tuple(reversed([part for part in parts if "-" in part]))
        return Wanted(slugs, " ".join(parts[-1:]).replace("-", " "))
    if re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", text):
        return Wanted((text,), text.replace("-", " "))
    return Wanted((), text)


def leg_side(facts: Facts, token: str) -> Side:
    """Which leg a token of the market is."""
    return Side.YES if token == facts.tokens[0] else Side.NO
