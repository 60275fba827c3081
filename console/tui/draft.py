"""A match as a person types it, read field by field: each mistake is one line beside its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct

from console.core.devig import Devigged, devig
from console.core.events import AddMatch
from console.core.instruments import Instrument, Venue
from console.core.matches import Listing, MatchId, MatchSpec
from console.core.odds import parse_line
from console.core.settings import MatchSettings, SettingError
from console.core.units import SECOND, Nanos
from console.tui.numbers import setting

T = TypeVar("T")

DIRECT_SETTINGS = ("edge_min", "contracts", "inventory_max")  # those with a field of their own
PRESET = "top_of_book"


class Draft(Struct, frozen=True, kw_only=True):
    """The text of every field of the form; an empty setting is the preset's."""

    title: str = ""
    outcomes: str = ""
    instruments: str = ""
    start: str = ""
    odds: str = ""
    preset: str = PRESET
    edge_min: str = ""
    contracts: str = ""
    inventory_max: str = ""
    other: str = ""


class Reading(Struct, frozen=True, kw_only=True):
    """What became of a draft: the event when nothing is wrong, else a line per field that is."""

    event: AddMatch | None
    wrong: dict[str, str]
    outcomes: tuple[str, ...]
    settings: MatchSettings
    fair: Devigged | None


class DraftError(ValueError):
    """A field that cannot be read; the message is one line saying what would be right."""


def draft_of(spec: MatchSpec | None) -> Draft:
    """The form as it opens: filled in from what the venue lists, or empty.

    Odds stay empty: what is typed there stands until it is taken back, while a feed's go on.
    """
    if spec is None:
        return Draft()
    return Draft(
        title=spec.title,
        outcomes=" / ".join(spec.outcomes),
        instruments="\n".join(_listing_text(listing, spec.outcomes) for listing in spec.listings),
        start=_wall_text(spec.start),
    )


def read(
    draft: Draft, listed: MatchSpec | None, wall: Nanos, profiles: Mapping[str, MatchSettings]
) -> Reading:
    """Read every field; `listed` is the venue's own match when the form began with one."""
    wrong: dict[str, str] = {}
    outcomes = tuple(word for word in (part.strip() for part in draft.outcomes.split("/")) if word)
    no_listings: tuple[Listing, ...] = ()
    no_odds: tuple[float, ...] = ()
    listings = _tried(
        wrong, "instruments", lambda: parse_instruments(draft.instruments, outcomes), no_listings
    )
    start = _tried(wrong, "start", lambda: parse_start(draft.start, wall), Nanos(0))
    spec = _spec(draft.title.strip(), listed, outcomes, listings, start)
    if not spec.title:
        wrong["title"] = "title: the match needs a name"
    defect = spec.defect()
    if defect is not None:
        wrong.setdefault(_field_of(defect, {"end": "start"}, "instruments"), defect)
    odds = _tried(wrong, "odds", lambda: parse_odds_line(draft.odds, len(outcomes)), no_odds)
    fair = _tried(wrong, "odds", lambda: devig(odds), None) if odds else None
    chosen = _settings(draft, profiles, wrong)
    event = None if wrong else AddMatch(spec=spec, settings=chosen, odds=odds)
    return Reading(event=event, wrong=wrong, outcomes=outcomes, settings=chosen, fair=fair)


def parse_instruments(text: str, outcomes: tuple[str, ...]) -> tuple[Listing, ...]:
    """Lines such as ``kalshi:KXATP-ALC = Alcaraz``; several outcomes are joined by ``+``."""
    listings = []
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, paying = line.partition("=")
        venue, colon, symbol = name.strip().partition(":")
        if not (equals and colon and symbol.strip()):
            raise DraftError(f"instruments: {line.strip()!r} is not venue:SYMBOL = outcome")
        pays = tuple(sorted(_outcome(word.strip(), outcomes) for word in paying.split("+")))
        listings.append(Listing(Instrument(_venue(venue.strip()), symbol.strip()), pays))
    if not listings:
        raise DraftError("instruments: at least one line such as kalshi:SYMBOL = outcome")
    return tuple(listings)


def parse_start(text: str, wall: Nanos) -> Nanos:
    """``2026-07-14 18:30``, ``18:30`` (UTC, the next one to come) or ``+90m``; empty is unknown."""
    word = text.strip().removesuffix("Z").removesuffix("UTC").strip()
    if not word:
        return Nanos(0)
    now = datetime.fromtimestamp(wall // SECOND, UTC)
    if found := re.fullmatch(r"\+(\d{1,5})([mh])", word):
        return _nanos(now + timedelta(minutes=int(found[1]) * (60 if found[2] == "h" else 1)))
    try:
        if re.fullmatch(r"\d{1,2}:\d\d", word):
            hour, minute = map(int, word.split(":"))
            at = now.replace(hour=hour, minute=minute, second=0)
            return _nanos(at if at >= now else at + timedelta(days=1))
        return _nanos(datetime.strptime(word, "%Y-%m-%d %H:%M").replace(tzinfo=UTC))
    except ValueError:
        raise DraftError(f"start: {text.strip()!r} is not 2026-07-14 18:30, 18:30 (UTC) or +90m") from None


def parse_odds_line(text: str, outcomes: int) -> tuple[float, ...]:
    """The odds of all outcomes in any format; empty text gives none."""
    return parse_line(text, outcomes) if text.strip() else ()


def parse_other(text: str) -> dict[str, object]:
    """Settings as ``key = value`` pairs separated by semicolons."""
    values = {}
    for pair in text.split(";"):
        key, equals, value = pair.partition("=")
        if pair.strip() and not equals:
            raise SettingError(f"other: {pair.strip()!r} is not key = value")
        if equals:
            values[key.strip()] = setting(MatchSettings, key.strip(), value)
    return values


def match_id(title: str) -> MatchId:
    """An id made from a title: letters, digits and dashes."""
    return MatchId(re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"))


def _spec(
    title: str,
    listed: MatchSpec | None,
    outcomes: tuple[str, ...],
    listings: tuple[Listing, ...],
    start: Nanos,
) -> MatchSpec:
    if listed is None:
        return MatchSpec(id=match_id(title), title=title, outcomes=outcomes, listings=listings, start=start)
    none = listed.may_none or listings != listed.listings  # others than the venue vouches for
    return msgspec.structs.replace(
        listed, title=title, outcomes=outcomes, listings=listings, start=start, may_none=none
    )


def _settings(draft: Draft, profiles: Mapping[str, MatchSettings], wrong: dict[str, str]) -> MatchSettings:
    """All settings together: each is read alone first, so that raising two of them needs no order."""
    preset = profiles.get(draft.preset.strip())
    if preset is None:
        wrong["preset"] = f"preset: {draft.preset.strip()!r} is not one of {', '.join(profiles)}"
        return MatchSettings()
    values: dict[str, object] = {}
    for key in DIRECT_SETTINGS:
        if getattr(draft, key).strip():
            values[key] = _tried(
                wrong, key, partial(_setting, key, getattr(draft, key)), getattr(preset, key)
            )
    no_values: dict[str, object] = {}
    values |= _tried(wrong, "other", lambda: parse_other(draft.other), no_values)
    chosen = msgspec.structs.replace(preset, **values)
    defect = chosen.defect()
    if defect is not None:
        wrong.setdefault(_field_of(defect, {}, "other"), defect)
        return preset
    return chosen


def _setting(key: str, text: str) -> object:
    return setting(MatchSettings, key, text)


def _field_of(defect: str, renamed: dict[str, str], otherwise: str) -> str:
    """The field a defect is about: its message begins with the name."""
    name = re.split(r"[\s:,]", defect, maxsplit=1)[0]
    name = renamed.get(name, name)
    return name if name in Draft.__struct_fields__ else otherwise


def _tried(wrong: dict[str, str], field: str, parse: Callable[[], T], otherwise: T) -> T:
    """Parse, or note what is wrong with the field; all errors of the readers are ValueErrors of one line."""
    try:
        return parse()
    except ValueError as error:
        wrong[field] = str(error)
        return otherwise


def _venue(word: str) -> Venue:
    try:
        return Venue(word.lower())
    except ValueError:
        names = ", ".join(venue.value for venue in Venue)
        raise DraftError(f"instruments: {word!r} is not a venue; they are {names}") from None


def _outcome(word: str, outcomes: tuple[str, ...]) -> int:
    names = [name.lower() for name in outcomes]
    if word.lower() not in names:
        known = " / ".join(outcomes) or "(none yet)"
        raise DraftError(f"instruments: {word!r} is not one of the outcomes {known}")
    return names.index(word.lower())


def _nanos(at: datetime) -> Nanos:
    return Nanos(int(at.timestamp()) * SECOND)


def _wall_text(wall: int) -> str:
    return datetime.fromtimestamp(wall // SECOND, UTC).strftime("%Y-%m-%d %H:%M") if wall else ""


def _listing_text(listing: Listing, outcomes: tuple[str, ...]) -> str:
    paying = " + ".join(outcomes[number] for number in listing.pays)
    return f"{listing.instrument.venue.value}:{listing.instrument.symbol} = {paying}"
