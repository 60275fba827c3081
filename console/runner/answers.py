"""Questions of the console that touch no order."""

from __future__ import annotations

import msgspec

from console.core.matches import MatchId
from console.core.settings import AccountSettings, MatchSettings, format_setting, unit_of
from console.core.state import State
from console.link.messages import Answer, Ask, SettingView
from console.runner.source import Source
from console.venues.base.protocol import LookupFailed


async def answer(question: Ask, state: State, source: Source) -> Answer:
    """Answer a question, or say that it is none."""
    if question.what == "symbols":
        try:
            listed = await source.find(question.argument)
        except LookupFailed as failure:
            return Answer(request=question.request, error=str(failure))
        found = tuple(
            msgspec.structs.replace(symbol, added=symbol.spec.id in state.desks) for symbol in listed
        )
        return Answer(request=question.request, symbols=found)
    if question.what == "settings":
        return _settings(question, state)
    return Answer(request=question.request, error=f"no such question: {question.what}")


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
