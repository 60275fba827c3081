"""Odds on their way into a match's fair value: paired, proven by price, taken, or kept out with a reason.

Lines of a feed wait in their pairing until it is proven that the feed's event is our match the right way
round (`core.pairing`). Nothing that waits reaches the blend, the marks or the suspicion of other lines.
"""

from __future__ import annotations

from console.core.commands import Severity
from console.core.desk import Desk
from console.core.devig import Method, OddsError, devig
from console.core.events import ConfirmPairing, OddsPaired, OddsSuspended, OddsUnpaired, OddsUpdate
from console.core.pairing import AGREES, Confirmed, Pairing, Proof, Verdict, judge
from console.core.sources import EXCHANGES, MANUAL, SHARP, SourceKind
from console.core.state import State
from console.core.theo import Look
from console.core.units import ONE, SECOND, Nanos

AHEAD_MAX = 60 * SECOND  # a provider's stamp further in our future than this proves nothing
REVERSED_UNPROVEN = 2  # polls in a row that speak against a pairing before the operator must look ...
REVERSED_PROVEN = 3  # ... and against one that was proven
START_APART = 900 * SECOND  # a feed's start so much earlier than ours is worth a word


def paired(state: State, desk: Desk, event: OddsPaired) -> None:
    """A feed found its event of the match; the same one again changes nothing that was proven."""
    known = desk.pairings.get(event.feed)
    desk.unpaired.pop(event.feed, None)
    same = known is not None and known.facts == Confirmed(event.feed, event.event, event.names)
    if known is not None and same and (known.doubt == event.doubt or known.proof is Proof.CONFIRMED):
        known.confidence, known.doubt, known.start = event.confidence, event.doubt, event.start
        return
    if known is not None:
        _withdraw(desk, known, "paired anew")
    pairing = desk.pairings[event.feed] = Pairing(
        event.feed, event.event, event.names, event.confidence, event.doubt, event.start
    )
    said = " / ".join(event.names)
    if pairing.facts in desk.confirmed:
        pairing.settle(Proof.CONFIRMED)
    elif event.doubt:
        pairing.settle(Proof.DOUBTED, event.doubt)
        state.alert(Severity.WARN, f"{event.feed}: {said}: {event.doubt}", event.match)
        return
    state.note(f"{event.feed}: paired with {said} ({event.confidence})", event.match)
    start = desk.spec.start
    if 0 < event.start < start - START_APART:
        early = (start - event.start) // (60 * SECOND)
        state.alert(Severity.WARN, f"{event.feed}: starts {early} min before our start time", event.match)


def unpaired(state: State, desk: Desk, event: OddsUnpaired) -> None:
    """A feed has nothing for the match (any more)."""
    pairing = desk.pairings.pop(event.feed, None)
    if pairing is not None:
        _withdraw(desk, pairing, "no longer paired")
    if desk.unpaired.get(event.feed) != event.why:
        desk.unpaired[event.feed] = event.why
        state.note(f"{event.feed}: {event.why}", event.match)


def updated(state: State, desk: Desk, event: OddsUpdate) -> bool:
    """Take a line if its feed's pairing is proven, else keep it until it is.

    Returns whether the fair value may be another now: not where a young line that counts is repeated.
    """
    counted = desk.theo is not None and any(s.name == event.source and s.weight for s in desk.theo.sources)
    before, young = _told(desk, event), _is_young(state, desk, event.source)
    _learn(state, desk, event)
    return not (counted and young) or _told(desk, event) != before


def _told(desk: Desk, event: OddsUpdate) -> tuple[object, ...]:
    """What a source says, to the odds, and whether its feed is believed."""
    pairing, source = desk.pairings.get(event.feed), desk.board.sources.get(event.source)
    proof = pairing.proof if pairing is not None else None
    if source is None:
        return (proof,)
    return proof, source.odds, source.primary, source.changed_ts, source.note, source.feed


def _is_young(state: State, desk: Desk, name: str) -> bool:
    """In the first half of its age: a repeat gives it back little weight, and no buffer falls."""
    source = desk.board.sources.get(name)
    return source is not None and desk.board.is_young(source, desk.settings, desk.phase, state.ts)


def _learn(state: State, desk: Desk, event: OddsUpdate) -> None:
    if _is_taken_name(state, event):
        return
    if len(event.odds) != desk.outcomes:
        desk.board.suspend(event.source)
        state.note(f"{event.source}: {len(event.odds)} prices for {desk.outcomes} outcomes", event.match)
        return
    if event.provider_wall > event.wall + AHEAD_MAX:
        why = "stamp ahead of our clock"
        suspended(
            state, desk, OddsSuspended(match=event.match, source=event.source, feed=event.feed, why=why)
        )
        return
    desk.board.stamped(event.source, event.feed, event.provider_wall, event.ts)
    if not event.feed:
        _take(state, desk, event)
        return
    pairing = desk.pairings.get(event.feed)
    if pairing is None:
        state.note(f"{event.source}: {event.feed} brought it without a pairing", event.match, Severity.WARN)
        return
    pairing.absent.pop(event.source, None)
    pairing.latest[event.source] = event
    _weigh_proof(state, desk, pairing, polled=event.source == _witness(pairing))
    if pairing.counts:
        _take(state, desk, event)


def suspended(state: State, desk: Desk, event: OddsSuspended) -> None:
    """A line was taken down, or cannot be read any more.

    A feed that never had it says nothing about the line another one brings.
    """
    if _is_taken_name(state, event):
        return
    why = event.why or "suspended"
    if event.feed:
        pairing = desk.pairings.get(event.feed)
        if pairing is None:
            return
        pairing.absent[event.source] = why
        if pairing.latest.pop(event.source, None) is None or not pairing.counts:
            return
    _suspend(state, desk, event.source, event.feed, why)


def _is_taken_name(state: State, event: OddsUpdate | OddsSuspended) -> bool:
    """Refuse odds that call themselves a venue or the operator: they would pass for its book, or his word."""
    if event.source != MANUAL and event.source not in EXCHANGES:
        return False
    by = event.feed or "odds"
    why = f"{by}: {event.source} is no sportsbook: its prices are not taken as odds"
    if not any(line.text == why and line.match == event.match for line in state.log):
        state.note(why, event.match, Severity.WARN)
    return True


def confirmed(state: State, desk: Desk, event: ConfirmPairing) -> None:
    """The operator looked at a pairing and vouches for it."""
    facts = Confirmed(event.feed, event.event, event.names)
    pairing = desk.pairings.get(event.feed)
    if not state.recovering and (pairing is None or pairing.facts != facts):
        state.refuse(f"{event.match}: {event.feed} is not paired with {event.event or 'anything'} so")
        return
    if facts not in desk.confirmed:
        desk.confirmed = (*(one for one in desk.confirmed if one.feed != event.feed), facts)
    state.note(f"{event.feed}: {' / '.join(event.names)} confirmed by the operator", event.match)
    if pairing is not None and not pairing.counts:
        pairing.settle(Proof.CONFIRMED)
        _release(state, desk, pairing)


def prove(state: State, desk: Desk) -> None:
    """Look again at the pairings that still wait for a price to be proven by."""
    for pairing in desk.pairings.values():
        if pairing.proof is Proof.WAITING and pairing.latest:
            _weigh_proof(state, desk, pairing, polled=False)


# ---- proof


def _weigh_proof(state: State, desk: Desk, pairing: Pairing, polled: bool) -> None:
    """Hold the sharpest line of a pairing against the prices of others; `polled`: it has just come."""
    source = _witness(pairing)
    if pairing.proof in (Proof.CONFIRMED, Proof.DOUBTED) or source is None:
        return
    try:
        said = devig(pairing.latest[source].odds, (Method.MULTIPLICATIVE,)).probabilities
    except OddsError:
        return
    fair = said[Method.MULTIPLICATIVE]
    references = _references(state, desk, pairing.feed)
    match judge(fair, references.values(), desk.spec.outcomes):
        case Verdict.AGREE:
            pairing.against = 0
            _rise(state, desk, pairing, Proof.PROVEN, "names and prices")
        case Verdict.EVEN:
            pairing.against = 0
            if pairing.proof is Proof.WAITING:
                _rise(state, desk, pairing, Proof.NAMES, "names; prices are too even to tell")
        case Verdict.APART:
            if pairing.proof is Proof.WAITING:
                pairing.why = f"orientation: its price {_cents(fair)} agrees with nobody"
        case Verdict.REVERSED:
            _contradicted(state, desk, pairing, polled, f"{source} {_cents(fair)}, {_said(references)}")
        case None:
            if pairing.proof is Proof.WAITING and _is_unopposed(desk, fair):
                _rise(state, desk, pairing, Proof.NAMES, "names; no price there says otherwise")


def _is_unopposed(desk: Desk, fair: tuple[float, ...]) -> bool:
    """Names alone will do where the books are too wide to tell, but no bid or ask speaks against them.

    Empty ones will do only where the trader means to be the first in them.
    """
    for instrument, market in desk.markets.items():
        book = market.book
        if book is None or book.problem(quote_empty=True) is not None:
            return False
        bid, ask = book.best_bid_price(), book.best_ask_price()
        if (bid is None or ask is None) and not desk.settings.quote_empty:
            return False
        said = sum(p for outcome, p in enumerate(fair) if desk.pays[instrument] >> outcome & 1)
        low, high = ONE * (said - AGREES), ONE * (said + AGREES)
        if (bid is not None and bid > high) or (ask is not None and ask < low):
            return False
    return True


def _rise(state: State, desk: Desk, pairing: Pairing, proof: Proof, how: str) -> None:
    """Better proven than before."""
    if pairing.proof is proof:
        return
    counted = pairing.counts
    pairing.settle(proof)
    state.note(f"{pairing.feed}: orientation proven by {how}", desk.spec.id)
    if not counted:
        _release(state, desk, pairing)


def _contradicted(state: State, desk: Desk, pairing: Pairing, polled: bool, prices: str) -> None:
    """Prices say that the outcomes are the other way round."""
    pairing.against += polled
    proven = pairing.proof is Proof.PROVEN
    doubted = pairing.against >= (REVERSED_PROVEN if proven else REVERSED_UNPROVEN)
    if proven and not doubted:
        return
    counted = pairing.counts
    names = " / ".join(pairing.names)
    why = f"prices say the reverse of {names}: {prices}"
    pairing.settle(Proof.DOUBTED if doubted else Proof.WAITING, why)
    if counted:
        _withdraw(desk, pairing, why)
    if doubted:
        state.alert(Severity.ERROR, f"{pairing.feed}: {why}; look at it", desk.spec.id)


def _witness(pairing: Pairing) -> str | None:
    """The line that is held against others: the sharp book's, else the first that came."""
    return SHARP if SHARP in pairing.latest else next(iter(pairing.latest), None)


def _references(state: State, desk: Desk, feed: str) -> dict[str, tuple[float, ...]]:
    """Probabilities of others that are fresh: exchange books first, else whoever is believed already."""
    fresh = [
        source
        for source in desk.board.sources.values()
        if source.probabilities
        and not source.note
        and not (source.kind is SourceKind.ODDS and source.feed == feed)
        and desk.board.is_fresh(source, desk.settings, desk.phase, state.ts)
    ]
    books = [source for source in fresh if source.kind is SourceKind.BOOK]
    return {source.name: source.primary for source in books or fresh}


def _cents(fair: tuple[float, ...]) -> str:
    return "/".join(f"{100 * p:.0f}" for p in fair)


def _said(references: dict[str, tuple[float, ...]]) -> str:
    return ", ".join(f"{name} {_cents(fair)}" for name, fair in references.items())


# ---- taking


def _release(state: State, desk: Desk, pairing: Pairing) -> None:
    """What waited in a pairing is believed from now on, as old as it is."""
    for update in pairing.latest.values():
        _take(state, desk, update)
    desk.urge(state.ts)


def _withdraw(desk: Desk, pairing: Pairing, why: str) -> None:
    """What a pairing brought is not believed any more."""
    for source in desk.board.sources.values():
        if source.kind is SourceKind.ODDS and source.feed == pairing.feed:
            desk.board.suspend(source.name, why)


def _suspend(state: State, desk: Desk, source: str, feed: str, why: str) -> None:
    known = desk.board.sources.get(source)
    if known is not None and known.note != why:
        by = f" ({feed})" if feed else ""
        state.note(f"{source}{by}: {why}", desk.spec.id, Severity.WARN)
    desk.board.suspend(source, why, state.wall, feed)


def _take(state: State, desk: Desk, event: OddsUpdate) -> None:
    """A line enters the fair value, as old as its stamps say."""
    seen = event.provider_wall or event.wall
    # The provider's stamp says when the line was last seen to stand, which may be long before now.
    # Either clock may be set back: since a stamp was first seen, so much time has passed at least.
    first = desk.board.stamped(event.source, event.feed, event.provider_wall, event.ts)
    confirmed = Nanos(min(first, event.ts - max(0, event.wall - seen)))
    changed = Nanos(event.ts - max(0, event.wall - event.changed_wall)) if event.changed_wall else None
    look = Look(event.feed, seen, event.ts, changed, event.poll_s)
    try:
        source = desk.board.odds(
            event.source, SourceKind.ODDS, event.odds, confirmed, event.provider_wall, look
        )
    except OddsError as error:
        desk.board.suspend(event.source)
        state.note(f"{event.source}: {error}", event.match, Severity.WARN)
        return
    source.sample(state.ts, desk.settings.shock_score)
