"""What the operator can do: kill, matches, pauses, settings, fair values, overrides."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import assert_never

from console.core import flatten, intake, killing, overrides, reconcile, till
from console.core.commands import Severity, Subscribe, Unsubscribe, UnwatchOdds
from console.core.desk import Desk
from console.core.devig import OddsError
from console.core.events import (
    AcceptPosition,
    AddMatch,
    CancelMatch,
    ConfirmPairing,
    ConfirmRules,
    ConsoleBack,
    ConsoleLost,
    Flatten,
    Kill,
    OnConsoleLost,
    OperatorEvent,
    Pause,
    Rearm,
    RemoveMatch,
    Resume,
    SetInventory,
    SetSetting,
    SetTheo,
    StartGateFailed,
    StartGatePassed,
    Stop,
)
from console.core.feehalt import lift
from console.core.instruments import Instrument
from console.core.markets import Market
from console.core.matches import MatchId, nowhere
from console.core.netting import told_rules
from console.core.odds import check_booksum
from console.core.settings import SettingError
from console.core.sources import MANUAL, SourceKind
from console.core.state import State
from console.core.units import ONE, Cash, Nanos

RULES_TYPED = 12  # digits of a hash that a person has to repeat
WRITTEN = 1e-6  # settings are written with so many digits of decimal odds
_WAYS_ON = {  # what lifts a breached limit of the account
    "daily_loss": "raise the limit first, or wait for the next day",
    "stop_loss_pct": "raise the limit first; it counts from the equity at the start, no day ends it",
}
UNWANTED, LEAVING = "not configured any more", "being removed"  # why a match that is to go stands still


def operate(state: State, event: OperatorEvent) -> None:
    """Do what the operator asks, or refuse it with one line."""
    match event:
        case Kill():
            kill(state, event)
        case Rearm():
            killing.rearm(state, event.word, event.reason, event.reduce_only)
        case Pause():
            pause(state, event)
        case Resume():
            resume(state, event)
        case Stop():
            stop(state, event.why)
        case AddMatch():
            add_match(state, event)
        case RemoveMatch():
            remove_match(state, event)
        case CancelMatch():
            cancel_match(state, event)
        case Flatten():
            flatten_match(state, event)
        case SetSetting():
            set_setting(state, event)
        case SetTheo():
            set_theo(state, event)
        case SetInventory():
            set_inventory(state, event)
        case AcceptPosition():
            accept_position(state, event)
        case ConfirmRules() | ConfirmPairing():
            confirm(state, event)
        case StartGatePassed():
            start_gate_passed(state, event)
        case StartGateFailed():
            for check in event.checks:
                state.alert(Severity.ERROR, f"start gate: {check}")
        case ConsoleLost():
            console_lost(state, event)
        case ConsoleBack():
            state.console = True
            state.note("console attached")
        case _:
            assert_never(event)


def kill(state: State, event: Kill) -> None:
    """Kill everything, or one venue; never refused for what is configured."""
    if event.venue is None:
        killing.kill(state, event.by)
    elif event.venue in state.connections and not state.absent(event.venue):
        killing.kill_venue(state, state.connections[event.venue], event.by)
    else:
        state.refuse(f"{event.venue.value} is not configured in this run")


def accept_position(state: State, event: AcceptPosition) -> None:
    """Take the venue's account of us for true."""
    connection = state.connections.get(event.venue)
    if connection is None:
        state.refuse(f"{event.venue.value} is not configured in this run")
    else:
        reconcile.accept(state, connection, event.reason)


def add_match(state: State, event: AddMatch) -> None:
    """Begin to make a market, or replace facts and settings of one that is being made."""
    spec, settings = event.spec, event.settings
    defect = spec.defect() or settings.defect()
    venues = [listing.instrument.venue for listing in spec.listings]
    new = spec.id not in state.desks
    unknown = [v.value for v in venues if v not in state.connections or (new and state.absent(v))]
    if defect is None and unknown:
        defect = f"instruments: venue {unknown[0]} is not configured in this run"
    known = state.desks.get(spec.id)
    if defect is None:
        defect = nowhere(spec, settings.quote_on, settings.preset)
        if defect is not None and known is not None:  # not by the settings it had: those were to be left
            known.paused = defect
            known.urge(state.ts)
            state.alert(Severity.ERROR, f"paused: {defect}", spec.id)
    if defect is not None:
        state.refuse(f"{spec.id}: {defect}")
        return
    if known is not None:
        if known.spec.listings != spec.listings or known.spec.outcomes != spec.outcomes:
            state.refuse(f"{spec.id}: exists with other outcomes or instruments; remove it first")
            return
        known.spec = spec
        if known.paused in (UNWANTED, LEAVING):  # and wanted again
            known.paused = ""
        for change in overrides.changes(known.settings, settings):
            state.alert(Severity.INFO, f"{change} (match added again)", spec.id)
        _forget_overrides(state, spec.id)
        overrides.apply_match(state, known, settings)
        state.watch_odds(known)
    else:
        desk = Desk(spec, settings, [_market(state, i.instrument) for i in spec.listings])
        state.take(desk)
        desk.touch(state.ts)
        state.watch_odds(desk)
        state.note(f"match added: {spec.title}", spec.id)
        if not spec.start and not settings.in_play:
            words = "no start time is known: only a feed, the venue or you can stop its quotes"
            state.note(words, spec.id, Severity.WARN)
    _take_odds(state, state.desks[spec.id], event)


def _take_odds(state: State, desk: Desk, event: AddMatch) -> None:
    """The odds a match is added with; written in the settings, they count again only when changed there."""
    told, before = event.odds, desk.configured_odds
    if event.configured and _is_same(told, before):
        return
    manual = desk.board.sources.get(MANUAL)
    desk.configured_odds = told
    if told:
        set_theo(state, SetTheo(match=desk.spec.id, odds=told))
    elif event.configured and manual is not None and _is_same(manual.odds, before):
        set_theo(state, SetTheo(match=desk.spec.id, odds=()))  # it was theirs, and was taken out of them


def _is_same(odds: Sequence[float], known: Sequence[float]) -> bool:
    """To the digits that settings are written with."""
    return len(odds) == len(known) and all(abs(a - b) < WRITTEN for a, b in zip(odds, known, strict=True))


def _market(state: State, instrument: Instrument) -> Market:
    market = state.markets.get(instrument)
    if market is None:
        market = state.markets[instrument] = Market(instrument)
        state.send(Subscribe(instrument=instrument))
    return market


def remove_match(state: State, event: RemoveMatch) -> None:
    """Forget a match that has neither position nor order."""
    desk = find(state, event.match)
    if desk is None:
        return
    orders = state.blotter.of_match(event.match)
    if orders:
        state.cancel_match(desk)
        state.refuse(f"{event.match}: {len(orders)} orders are being cancelled; remove it when they are gone")
        desk.paused = desk.paused or LEAVING
    elif not desk.flat():
        state.refuse(f"{event.match}: has a position; close it or wait for the settlement")
    else:
        profit = Cash(sum(position.cash for position in desk.groups()))  # flat: cash is the profit
        state.account.retire(profit, desk.parts(profit))
        del state.desks[event.match]
        _forget_overrides(state, event.match)
        state.relist()
        for instrument in desk.markets:
            if instrument not in state.on_market:
                del state.markets[instrument]
                state.connections[instrument.venue].drawn_on.pop(instrument, None)
                state.send(Unsubscribe(instrument=instrument))
        state.send(UnwatchOdds(match=event.match))
        state.note("match removed", event.match)


def pause(state: State, event: Pause) -> None:
    """Pull the quotes of one match or of all; nothing is forgotten."""
    if not event.match:
        state.paused = event.why or "by the operator"
        why = f" ({event.why})" if event.why else ""
        state.alert(Severity.WARN, f"paused: all matches{why}{_flattened_on(state)}")
        _urge_all(state)
        return
    desk = find(state, event.match)
    if desk is not None:
        flatten.abandon(state, desk, "paused")
        desk.paused = event.why or "by the operator"
        desk.urge(state.ts)
        if not event.why:
            state.alert(Severity.WARN, "paused", event.match)
        elif not desk.flat():
            state.alert(Severity.WARN, f"paused: {event.why}", event.match)


def resume(state: State, event: Resume) -> None:
    """Quote again; a loss limit still breached is not waved through."""
    if not event.match:
        breach = state.account.breach() if state.account.halt else ""
        if breach == "drawdown":
            state.account.rearmed()
        elif breach:
            state.refuse(f"{breach} is still breached: {_WAYS_ON[breach]}")
            return
        state.paused = state.account.halt = ""
        lift(state, None)
        state.alert(Severity.WARN, "resumed: all matches")
        _urge_all(state)
        return
    desk = find(state, event.match)
    if desk is None:
        return
    if desk.loss_halt and -desk.mark >= desk.settings.max_loss_match:
        state.refuse(f"{event.match}: max_loss_match is still breached: raise the limit first")
        return
    flatten.abandon(state, desk, "resumed")
    desk.paused = desk.loss_halt = ""
    lift(state, desk)
    overrides.reopen(state, desk)
    desk.urge(state.ts)
    state.alert(Severity.WARN, "resumed", event.match)


def stop(state: State, why: str) -> None:
    """Pull everything by order id; nothing is quoted again in this run."""
    if not state.stopping:
        state.stopping = why
        state.alert(Severity.WARN, f"stopping: {why}")
    for desk in state.desks.values():
        flatten.abandon(state, desk, "stopping")
    _urge_all(state)


def console_lost(state: State, event: ConsoleLost) -> None:
    """The last controlling console is gone for longer than allowed."""
    state.console = False
    if event.policy is OnConsoleLost.STOP:
        stop(state, "console lost")
    elif event.policy is OnConsoleLost.PAUSE:
        state.paused = state.paused or "console lost"
        state.alert(Severity.WARN, f"console lost: paused{_flattened_on(state)}")
        _urge_all(state)
    else:
        state.note("console lost: kept running as set")


def cancel_match(state: State, event: CancelMatch) -> None:
    """Cancel the orders of a match once."""
    desk = find(state, event.match)
    if desk is not None:
        state.cancel_match(desk)
        desk.touch(state.ts)


def flatten_match(state: State, event: Flatten) -> None:
    """Begin to get out of a match by taking liquidity; nothing begins while nothing could leave."""
    desk = find(state, event.match)
    if desk is None:
        return
    held_at = [venue for venue, position in desk.positions.items() if not position.flat]
    if state.kill is not None:
        state.refuse("flatten: the kill latch is engaged; re-arm to reduce only first")
    elif held_at and all(state.connections[venue].killed for venue in held_at):
        names = " and ".join(venue.value for venue in held_at)
        state.refuse(f"flatten: {names} killed; re-arm to reduce only first")
    elif state.gated:
        state.refuse("flatten: the start gate is closed; pass its checks first")
    elif state.stopping:
        state.refuse("flatten: the run is stopping; start it again first")
    elif not 0 < event.floor < ONE:
        state.refuse("flatten: the floor is a price between 0 and 100 cents")
    elif desk.flat():
        state.refuse(f"{event.match}: has no position to flatten")
    elif 0 < flatten.unpaired(desk) == flatten.waiting(desk):
        state.refuse(f"{event.match}: what is held {flatten.WAITS}: its markets are over")
    else:
        flatten.begin(state, desk, event.floor)


def set_setting(state: State, event: SetSetting) -> None:
    """Change one value as a person typed it, for good or for a while."""
    if event.match and find(state, event.match) is None:
        return
    if event.for_s < 0:
        state.refuse(f"{event.key}: for a time of {event.for_s} s is no time")
        return
    try:
        overrides.set_setting(state, event)
    except SettingError as error:
        state.refuse(str(error))


def set_theo(state: State, event: SetTheo) -> None:
    """Fair value by hand, pinned or blended; no odds withdraw it."""
    desk = find(state, event.match)
    if desk is None:
        return
    if not event.odds:
        desk.board.withdraw(MANUAL)
        desk.board.pinned = False
    elif len(event.odds) != desk.outcomes:
        state.refuse(f"{event.match}: odds: {len(event.odds)} prices for {desk.outcomes} outcomes")
        return
    else:
        try:
            check_booksum(event.odds)
            age = max(0, state.wall - event.typed_wall) if event.typed_wall else 0
            typed, typed_wall = Nanos(state.ts - age), Nanos(state.wall - age)
            desk.board.odds(MANUAL, SourceKind.MANUAL, event.odds, typed, typed_wall)
        except OddsError as error:
            state.refuse(f"{event.match}: {error}")
            return
        desk.board.pinned = event.pinned
    said = " ".join(f"{price:.3f}" for price in event.odds) or "withdrawn"
    state.note(f"manual odds {said}{' pinned' if event.pinned else ''}", event.match)
    desk.urge(state.ts)


def set_inventory(state: State, event: SetInventory) -> None:
    """Replace what our records hold of one symbol."""
    desk = find(state, event.match)
    if desk is None:
        return
    if event.instrument.yes not in desk.markets:
        state.refuse(f"{event.match}: {event.instrument} is not one of its instruments")
        return
    position = desk.positions[event.instrument.venue]
    override = partial(position.override, event.instrument.yes, event.size, event.cost)
    till.overridden(state, desk, event.instrument, override)
    desk.unsettled.pop(desk.group_of(event.instrument.venue), None)  # the operator knows better
    state.remeasure(desk)
    state.alert(Severity.WARN, f"inventory of {event.instrument} overridden: {event.why}", event.match)
    desk.urge(state.ts)


def start_gate_passed(state: State, event: StartGatePassed) -> None:
    """Everything that real orders need was checked: quoting may begin."""
    if not state.gated:
        state.refuse("the start gate is open already")
        return
    state.gated = False
    state.alert(Severity.WARN, f"start gate passed: {', '.join(event.checks)}")
    _urge_all(state)


def confirm(state: State, event: ConfirmRules | ConfirmPairing) -> None:
    """Somebody looked: at settlement rules, or at a feed's event of the match."""
    desk = find(state, event.match)
    if desk is None:
        return
    if isinstance(event, ConfirmRules):
        confirm_rules(state, desk, event)
    else:
        intake.confirmed(state, desk, event)
        desk.urge(state.ts)


def confirm_rules(state: State, desk: Desk, event: ConfirmRules) -> None:
    """Settlement rules read and equal: from now on the match's venues net; only while it is flat.

    The hash may be followed by a plus sign and the operator's own words.
    """
    if not desk.flat() or desk.unsettled:
        state.refuse(f"{event.match}: confirm the rules while it has no position")
        return
    told, typed = told_rules(desk), event.rules_hash.partition("+")[0]
    if told and not (len(typed) >= RULES_TYPED and told.startswith(typed)):
        state.refuse(f"{event.match}: the rules that were told have the hash {told[:RULES_TYPED]}")
        return
    desk.confirm_rules(told or event.rules_hash)
    state.remeasure(desk)
    state.note(f"rules confirmed: {event.rules_hash}", event.match)


def find(state: State, match: MatchId) -> Desk | None:
    """The desk of a match; refuses when there is none."""
    desk = state.desks.get(match)
    if desk is None:
        state.refuse(f"{match or 'match'}: no such match")
    return desk


def _forget_overrides(state: State, match: MatchId) -> None:
    for key in [key for key in state.overrides if key[0] == match]:
        del state.overrides[key]


def _flattened_on(state: State) -> str:
    """What a pause of everything leaves under way: it pulls quotes, getting out is an order of its own."""
    titles = [desk.spec.title for desk in state.desks.values() if desk.flattening is not None]
    return f"; {', '.join(titles)} is flattened on, pausing the match ends that" if titles else ""


def _urge_all(state: State) -> None:
    for desk in state.desks.values():
        desk.urge(state.ts)
