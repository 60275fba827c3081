"""Questions of the console that touch no order."""

from __future__ import annotations

from itertools import islice

import msgspec

from console.core import picture
from console.core.complaint import UNREADABLE
from console.core.events import AddMatch
from console.core.matches import MatchId
from console.core.settings import AccountSettings, MatchSettings, format_setting, unit_of
from console.core.state import State
from console.core.view import FillView, LogLine
from console.link.messages import Answer, Ask, SettingView
from console.runner.peek import Peek
from console.runner.rehearsal import rehearse
from console.runner.source import Source
from console.venues.base.protocol import LookupFailed

ANSWERED_MAX = 1000


async def answer(question: Ask, state: State, source: Source, peek: Peek) -> Answer:
    """Answer a question, or say that it is none."""
    match question.what:
        case "symbols":
            return await _symbols(question, state, source)
        case "settings":
            return _settings(question, state)
        case "would_quote":
            return await _would_quote(question, state, peek)
        case "fills":
            return Answer(request=question.request, fills=_fills(state, question.argument))
        case "log":
            return Answer(request=question.request, log=_log(state, question.argument))
        case _:
            return Answer(request=question.request, error=f"no such question: {question.what}")


async def _symbols(question: Ask, state: State, source: Source) -> Answer:
    try:
        listed = await source.find(question.argument)
    except LookupFailed as failure:
        return Answer(request=question.request, error=str(failure))
    found = tuple(msgspec.structs.replace(symbol, added=symbol.spec.id in state.desks) for symbol in listed)
    return Answer(request=question.request, symbols=found)


async def _would_quote(question: Ask, state: State, peek: Peek) -> Answer:
    try:
        wanted = msgspec.json.decode(question.argument, type=AddMatch)
    except UNREADABLE as error:
        return Answer(request=question.request, error=f"would_quote: {error}")
    spec = wanted.spec
    defect = spec.defect() or wanted.settings.defect()
    venues = [listing.instrument.venue for listing in spec.listings]
    strange = [v.value for v in venues if v not in state.connections or state.absent(v)]
    if defect is None and strange:
        defect = f"instruments: venue {strange[0]} is not configured in this run"
    if defect is not None:
        return Answer(request=question.request, error=defect)
    unseen = [listing.instrument for listing in spec.listings if listing.instrument not in state.markets]
    shown = await peek.look(unseen, lambda instrument: instrument in state.markets)
    return Answer(request=question.request, preview=rehearse(state, wanted, shown))


def _fills(state: State, words: str) -> tuple[FillView, ...]:
    fills = (picture.fill(state, record) for record in state.recent_fills)
    hits = (f for f in fills if _has(words, f"{f.match} {f.instrument} {f.outcome} {f.action.value}"))
    return tuple(islice(hits, ANSWERED_MAX))


def _log(state: State, words: str) -> tuple[LogLine, ...]:
    lines = (line for line in state.log if _has(words, f"{line.severity.value} {line.match} {line.text}"))
    return tuple(LogLine(x.wall, x.severity, x.match, x.text) for x in islice(lines, ANSWERED_MAX))


def _has(words: str, text: str) -> bool:
    lower = text.lower()
    return all(word in lower for word in words.lower().split())


def _settings(question: Ask, state: State) -> Answer:
    if not question.argument:
        return Answer(request=question.request, settings=_views(state.settings, AccountSettings()))
    desk = state.desks.get(MatchId(question.argument))
    if desk is None:
        return Answer(request=question.request, error=f"{question.argument}: no such match")
    return Answer(request=question.request, settings=_views(desk.settings, MatchSettings()))


def _views(settings: msgspec.Struct, default: msgspec.Struct) -> tuple[SettingView, ...]:
    return tuple(
        SettingView(
            key, format_setting(settings, key), unit_of(type(settings), key), format_setting(default, key)
        )
        for key in settings.__struct_fields__
        if key != "preset"
    )
