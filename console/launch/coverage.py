"""`mmconsole coverage`: what the odds feeds cover of the matches we could make, and why not the rest."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager

import msgspec

from console.config.read import Config
from console.core.events import AnyEvent, Mode, VenueUp
from console.core.instruments import Venue
from console.core.matches import MatchId, MatchSpec
from console.core.units import Nanos
from console.launch.place import LaunchError, Place
from console.launch.sources import Feed, enabled, feeds, keys_of
from console.sim.listings import catalogue
from console.venues.base.protocol import LookupFailed, VenueClient
from console.venues.feeds.coverage import Coverage, Covered, cover
from console.venues.feeds.credits import Unpaid
from console.venues.feeds.leagues import LEAGUES, League, league_of, need_league
from console.venues.feeds.polling import Asked
from console.venues.feeds.shapes import Unreadable
from console.venues.feeds.wire import FeedFailed, SystemClock

EXIT_FAILED = 1
FIND_S = 30.0
UNLISTED_SHOWN = 3


def coverage(place: Place, league: str | None, as_json: bool) -> int:
    """Ask every feed that is switched on and print what came of it; status 1 when none could be asked."""
    wanted = (need_league(league),) if league else LEAGUES
    asked = feeds(place.config, keys_of(place.config))
    if not asked:
        raise LaunchError("coverage: no odds feed is enabled; see [feeds] in markets.toml")
    try:
        found, notes = asyncio.run(_ask(place.config, wanted, asked))
    finally:
        _now("")
    if as_json:
        print(msgspec.json.encode({"coverage": found, "notes": notes}).decode())
    else:
        print("\n".join([*_lines(found), *notes]))
    return EXIT_FAILED if found and all(one.failed for one in found) else 0


def _now(what: str) -> None:
    """Say below the output what is waited for, where somebody looks: a feed may take half a minute."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)


async def _ask(
    config: Config, leagues: Sequence[League], asked: Sequence[Feed]
) -> tuple[list[Coverage], list[str]]:
    matches, notes = await _matches(config, leagues)
    if not matches:
        notes.append("no match of these leagues is configured or listed: nothing to cover")
    answers = await asyncio.gather(*(_feed(feed, leagues, matches) for feed in asked))
    return [one for answer in answers for one in answer], notes


async def _feed(feed: Feed, leagues: Sequence[League], matches: dict[str, list[MatchSpec]]) -> list[Coverage]:
    """One feed, league by league; each answer is paid for as in trading."""
    found: list[Coverage] = []
    async with feed.wire:
        _now(f"{feed.name}: asking what it covers ...")
        failed = await _failure(feed.learn())
        for league in leagues:
            specs = matches.get(league.id, [])
            if specs:
                _now(f"{feed.name}: asking for {league.title}, {len(specs)} matches ...")
                found.append(await _league(feed, league, specs, failed))
    return found


async def _league(feed: Feed, league: League, specs: list[MatchSpec], failed: str) -> Coverage:
    if not feed.covers(league):
        failed = failed or f"{league.title} is not there"
    if not failed:
        answers: list[Coverage] = []

        async def fetch() -> None:
            parsed = await feed.fetch(Asked(league, tuple(specs), {spec.id: "" for spec in specs}))
            answers.append(cover(feed.name, feed.books, league, specs, parsed))

        failed = await _failure(fetch())
        if answers:
            return answers[0]
    missed = tuple(Covered(s.id, s.title, feed.name, league.id, why=failed) for s in specs)
    return Coverage(feed.name, league.id, missed, failed=failed)


async def _failure(work: Awaitable[None]) -> str:
    """Why something could not be done, empty when it was."""
    try:
        await work
    except (FeedFailed, Unreadable, Unpaid) as error:
        return str(error)
    return ""


# ---- what there is to cover


async def _matches(config: Config, leagues: Sequence[League]) -> tuple[dict[str, list[MatchSpec]], list[str]]:
    """Matches by league: those configured, those of the simulation, and what the venues list now."""
    found: dict[MatchId, MatchSpec] = {match.spec.id: match.spec for match in config.matches}
    notes: list[str] = []
    if config.mode is Mode.SIM:
        now = Nanos(SystemClock().wall())
        found.update((fixture.match.id, fixture.match) for fixture in catalogue(now))
    for venue, kit in enabled(config):
        client = kit.public(config)
        _now(f"{venue.value}: asking for its matches ...")
        try:
            async with asyncio.timeout(FIND_S), _connected(client):
                for spec in await _listed(client, leagues):
                    found.setdefault(spec.id, spec)
        except (LookupFailed, TimeoutError) as error:
            notes.append(f"{venue.value}: {error or f'no answer within {FIND_S:g} s'}")
    by_league: dict[str, list[MatchSpec]] = defaultdict(list)
    for spec in found.values():
        known = league_of(spec.league)
        if known is None:
            notes.append(f"{spec.id}: league {spec.league!r} is not known; nobody is asked for it")
        else:
            by_league[known.id].append(spec)
    return by_league, notes


@asynccontextmanager
async def _connected(client: VenueClient) -> AsyncIterator[None]:
    """A client that runs: before that it can look up nothing."""
    up = asyncio.Event()

    def put(event: AnyEvent) -> None:
        if isinstance(event, VenueUp):
            up.set()

    running = asyncio.create_task(client.run(put))
    try:
        await up.wait()
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _listed(client: VenueClient, leagues: Sequence[League]) -> list[MatchSpec]:
    """What a venue lists of the leagues; raises LookupFailed when that is nothing."""
    found: list[MatchSpec] = []
    failure: LookupFailed | None = None
    for league in leagues:
        for word in league.series if client.venue is Venue.KALSHI else (league.title,):
            try:
                listed = await client.find(word)
            except LookupFailed as error:  # one league that is not there is no reason to leave out the others
                failure = error
                continue
            specs = [symbol.spec for symbol in listed]
            found += [s if s.league else msgspec.structs.replace(s, league=league.id) for s in specs]
    if failure is not None and not found:
        raise failure
    return found


# ---- telling


def _lines(found: Iterable[Coverage]) -> Iterable[str]:
    for one in found:
        if one.failed:
            yield f"{one.feed} {one.league}: {one.failed}"
            continue
        more = f", {len(one.unlisted)} of {one.events} events there are none of ours" if one.unlisted else ""
        yield f"{one.feed} {one.league}: {one.covered} of {len(one.matches)} matches covered{more}"
        for match in one.matches:
            yield _line(match)
        if one.covered < len(one.matches) and one.unlisted:
            rest = " …" if len(one.unlisted) > UNLISTED_SHOWN else ""
            yield f"       there: {', '.join(one.unlisted[:UNLISTED_SHOWN])}{rest}"


def _line(match: Covered) -> str:
    mark = "--" if match.why else "ok"
    names = " / ".join(match.names)
    paired = f"{names} ({match.confidence})" if match.names else ""
    books = ", ".join(match.books)
    return f"  {mark}   {match.title:<28} " + "  ".join(filter(None, (paired, books, match.why)))
