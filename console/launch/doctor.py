"""`mmconsole doctor`: every check that real orders would wait for, with what to do about those that fail."""

from __future__ import annotations

import asyncio

import msgspec

from console.core.events import Mode
from console.core.instruments import Venue
from console.launch.place import LaunchError, Place
from console.launch.sources import examine, watchdog_check
from console.venues.base.protocol import Check

EXIT_FAILED = 1


def doctor(place: Place, venue: str | None, as_json: bool) -> int:
    """Run the checks and print them; status 1 when one that is needed failed."""
    checks = asyncio.run(examine(place.config, _venue(venue)))
    if checks and place.config.mode in (Mode.DEMO, Mode.LIVE):
        beside = watchdog_check(place.folder)
        checks.append(msgspec.structs.replace(beside, needed=False))  # the engine starts it
    if not checks:
        raise LaunchError(
            "doctor: no venue is enabled; name one with --venue, or see [venues] in markets.toml"
        )
    print(msgspec.json.encode(checks).decode() if as_json else "\n".join(map(_line, checks)))
    return EXIT_FAILED if any(check.needed and not check.passed for check in checks) else 0


def _venue(name: str | None) -> Venue | None:
    if name is None:
        return None
    try:
        return Venue(name)
    except ValueError:
        known = ", ".join(venue.value for venue in Venue)
        raise LaunchError(f"doctor: venue {name!r} is not one of {known}") from None


def _line(check: Check) -> str:
    mark = "ok  " if check.passed else "FAIL" if check.needed else "note"
    remedy = f"\n     -> {check.remedy}" if check.remedy and not check.passed else ""
    return f"{mark} {check.name}: {check.seen}{remedy}"
