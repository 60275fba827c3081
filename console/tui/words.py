"""The words of the screen: short forms for narrow columns, and what each reason means."""

from __future__ import annotations

from console.core.commands import Severity
from console.core.events import Mode
from console.core.instruments import Action, Instrument, Side, Venue
from console.core.matches import State
from console.core.orders import OrderState
from console.core.reasons import Reason
from console.tui.ink import Ink

STATES: dict[State, str] = {
    State.INIT: "INIT",
    State.WAIT_DATA: "WAIT",
    State.QUOTING: "QUOT",
    State.PAUSED: "PAUS",
    State.FLATTENING: "FLAT",
    State.DONE: "DONE",
}
VENUES: dict[Venue, str] = {Venue.KALSHI: "kalshi", Venue.POLYMARKET: "poly", Venue.PROPHETX: "prophet"}


def in_short(text: str) -> str:
    """The same with every venue by its short name."""
    for venue, word in VENUES.items():
        text = text.replace(venue.value, word)
    return text


ORDER_STATES: dict[OrderState, str] = {
    OrderState.SUBMITTED: "sent",
    OrderState.ACCEPTED: "open",
    OrderState.PARTIALLY_FILLED: "part",
    OrderState.PENDING_CANCEL: "cancel…",
    OrderState.FILLED: "filled",
    OrderState.CANCELED: "gone",
    OrderState.REJECTED: "reject",
    OrderState.EXPIRED: "expired",
    OrderState.UNKNOWN: "UNKNOWN",
}
SEVERITIES: dict[Severity, tuple[str, Ink]] = {
    Severity.INFO: ("info", Ink.DIM),
    Severity.WARN: ("WARN", Ink.WARN),
    Severity.ERROR: ("ERR", Ink.ALARM),
}
MODES: dict[Mode, Ink] = {
    Mode.SIM: Ink.CALM,
    Mode.REPLAY: Ink.CALM,
    Mode.PAPER: Ink.CALM,
    Mode.DEMO: Ink.CALM,
    Mode.LIVE: Ink.LIVE,
}

# Short word for a column, and the sentence of the help.
REASONS: dict[Reason, tuple[str, str]] = {
    Reason.TOP: ("top", "we are the best price, as cheaply as possible"),
    Reason.JOINED: ("joined", "one step more would pass the ceiling or cross: we share the best price"),
    Reason.AT_CEILING: ("ceil", "our price rests at the highest that still leaves the wanted edge"),
    Reason.COPIED: ("copy", "others are shown what the sharp book shows"),
    Reason.OUTBID: ("outbid", "a rival bids above our ceiling; it may overpay"),
    Reason.RETESTING: ("retest", "dropped to one step over the next rival to see whether the rival returns"),
    Reason.STICKY: ("sticky", "the rival left; we stay until the next retest"),
    Reason.EMPTY_BOOK: ("empty", "nobody else is there: ceiling less the empty-book edge"),
    Reason.REBALANCING: ("rebal", "the reducing side may rise as far as its breakeven to lock a profit"),
    Reason.CONDITIONAL_LOCK: ("cond", "the pair would lock a profit only if the match is not void"),
    Reason.OVEREXPOSED: ("overex", "inventory is full on this side: only the other side is quoted"),
    Reason.KELLY: ("kelly", "the Kelly size is below the venue's minimum"),
    Reason.THIN_MARGIN: ("thin", "the sharp book's margin leaves no edge after commission"),
    Reason.PRICE_RANGE: ("range", "the price would lie outside price_min to price_max"),
    Reason.WAITING: ("waits", "an older order must be proven cancelled first"),
    Reason.LIMIT: ("limit", "a limit has no room left; its name stands beside it"),
    Reason.RATE_LIMITED: ("rate", "the write budget is used up but for the reserve of the cancels"),
    Reason.NO_BALANCE: ("nocash", "not enough free cash at the venue"),
    Reason.REJECTED: ("reject", "the venue refused; resting for a while"),
    Reason.TOXIC: ("toxic", "those who trade with this side are too often right: it rests for a while"),
    Reason.FILL_RATE: (
        "fillrt",
        "this direction filled faster than fill_rate allows: it rests for a while",
    ),
    Reason.REPEATED_FILLS: ("repeat", "many fills on one side while the fair value stood still: it rests"),
    Reason.WARM_UP: ("warmup", "data is back; waiting a few seconds before quoting again"),
    Reason.NO_BOOK: ("nobook", "no order book has arrived yet"),
    Reason.STALE_BOOK: ("stale", "the order book is older than allowed or not trusted: quotes pulled"),
    Reason.CROSSED_BOOK: ("cross", "the order book is crossed or locked: it is being read afresh"),
    Reason.NO_THEO: ("notheo", "no independent source gives a fair value"),
    Reason.NO_SHARP: ("noline", "the sharp book whose line is copied has none that counts now"),
    Reason.STALE_THEO: ("oldthe", "the fair value is older than allowed: quotes pulled"),
    Reason.DISAGREEMENT: ("differ", "the sources of the fair value disagree by too much"),
    Reason.SHOCK: ("shock", "the fair value jumped: quotes pulled until it is calm"),
    Reason.UNVALUED: ("nomark", "a position has no price to be valued at, so no loss limit can be judged"),
    Reason.NOT_OPEN: ("shut", "the venue does not trade this market now"),
    Reason.STARTED: ("began", "the match began and in-play quoting is off"),
    Reason.STOP_TIME: ("stop", "the time to stop quoting has come"),
    Reason.VENUE_HELD: ("held", "the venue takes nothing that rests for a while, exits it does: see Venues"),
    Reason.VENUE_DOWN: ("down", "no connection to the venue"),
    Reason.CLOCK: ("clock", "our clock and the venue's differ too much: ages and signatures are doubtful"),
    Reason.FILLS_BLIND: ("blind", "the venue has not confirmed our fills lately: nothing new is placed"),
    Reason.RECONCILING: ("reconc", "reading the venue's own account of us before quoting"),
    Reason.MISMATCH: ("MISMAT", "the venue's account differs from ours: look, then accept it"),
    Reason.FEES: ("FEES", "the venue charged other fees than it stated: look, then resume"),
    Reason.LOSS: ("LOSS", "a loss limit was reached: only the operator resumes"),
    Reason.REDUCE_ONLY: ("reduce", "re-armed to reduce only: nothing is quoted, positions may be flattened"),
    Reason.FLATTENING: ("flat", "getting out by taking liquidity, not below the floor that was typed"),
    Reason.PAUSED: ("paused", "paused by the operator"),
    Reason.START_GATE: ("gate", "real orders wait until every check of the start gate has passed"),
    Reason.STOPPED: ("ending", "the run is ending"),
    Reason.KILLED: ("KILLED", "the kill latch is engaged: nothing leaves until re-armed"),
    Reason.DONE: ("done", "the match is over"),
}

BOOK_STALE = frozenset({Reason.NO_BOOK, Reason.STALE_BOOK, Reason.CROSSED_BOOK, Reason.VENUE_DOWN})
THEO_STALE = frozenset({Reason.NO_THEO, Reason.STALE_THEO})


def reason_word(reason: Reason, limit: str, width: int) -> str:
    """The reason in at most `width` cells; a limit says which one."""
    full = f"{reason.value} {limit}".strip() if reason is Reason.LIMIT else reason.value
    if len(full) <= width:
        return full
    short = REASONS.get(reason, (reason.value, ""))[0]
    return f"{short} {limit}" if reason is Reason.LIMIT and width > len(short) + 2 else short


def side(action: Action) -> tuple[str, Ink]:
    """A direction as arrow, letter and colour."""
    return ("▲ B", Ink.UP) if action is Action.BUY else ("▼ S", Ink.DOWN)


def instrument(leg: Instrument) -> str:
    """An instrument as people say it."""
    no = " NO" if leg.side is Side.NO else ""
    return f"{VENUES[leg.venue]}:{leg.symbol}{no}"
