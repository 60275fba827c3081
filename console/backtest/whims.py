"""The seeded operator: what a believable and at times careless person does at the console."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import msgspec

from console.core.events import (
    AddMatch,
    AnyEvent,
    CancelMatch,
    ConfirmRules,
    ConsoleBack,
    ConsoleLost,
    Flatten,
    Kill,
    OnConsoleLost,
    Pause,
    Rearm,
    RemoveMatch,
    Resume,
    SetSetting,
    SetTheo,
    Stop,
)
from console.core.matches import MatchId, MatchSpec
from console.core.rules import pair_hash
from console.core.settings import MatchSettings
from console.core.state import State
from console.core.units import CENT, Price
from console.sim.world import World

Said = tuple[float, AnyEvent]  # (seconds from now, what is said)

_MATCH_SETTINGS = (
    ("edge_min", ("0", "0.3", "0.8", "2")),
    ("contracts", ("3", "8", "20")),
    ("inventory_max", ("10", "25", "80")),
    ("max_position", ("25", "120")),
    ("exposure_match", ("4", "15", "500")),
    ("exposure_event", ("6", "500")),
    ("placement", ("top", "ceiling")),
    ("back_off", ("ceiling", "behind", "out")),
    ("levels", ("1", "2", "4")),
    ("no_legs", ("true", "false")),
    ("ceiling_methods", ("multiplicative", "multiplicative, power", "shin, additive")),
    ("retest_s", ("2", "30")),
    ("in_play", ("true", "false")),
    ("max_loss_match", ("2", "50")),
    ("edge", ("1",)),  # no such setting
    ("contracts", ("many", "100000")),  # no number, and more than any limit
)
_ACCOUNT_SETTINGS = (
    ("exposure_total", ("10", "50", "2000")),
    ("exposure_venue", ("10", "50", "2000")),
    ("open_orders", ("4", "12", "200")),
    ("daily_loss", ("3", "50")),
    ("drawdown", ("3", "50", "off")),
    ("reconcile_s", ("5", "30")),
    ("write_tokens_per_s", ("20", "100", "none")),
)


class Operator:
    """Says something every now and then; most of it is taken back after a while."""

    def __init__(self, world: World, settings: tuple[MatchSettings, ...], dice: random.Random) -> None:
        self._world = world
        self._settings = settings
        self._dice = dice
        self._removed: list[MatchId] = []
        self._whims: tuple[tuple[int, Callable[[MatchSpec], list[Said]]], ...] = (
            (60, self._theo),
            (16, self._setting),
            (6, self._account_setting),
            (6, self._pause),
            (2, self._pause_all),
            (4, self._kill),
            (3, self._kill_venue),
            (6, self._flatten),
            (3, self._get_out_only),
            (5, self._override),
            (6, self._cancel),
            (3, self._remove),
            (3, self._add_again),
            (2, self._confirm),
            (2, self._console),
            (1, self._stop),
            (8, self._resume),
        )

    def opening(self, confirm_rules: bool, twin: bool) -> list[Said]:
        """Put every match on the screen."""
        said: list[Said] = []
        for number, spec in enumerate(self._world.listings):
            add = self._add(number, spec)
            said.append((2.0 * self._dice.random(), add))
            if confirm_rules and len({x.instrument.venue for x in spec.listings}) > 1:
                said.append((2.1, ConfirmRules(match=spec.id, rules_hash=self._rules(spec))))
        if twin:
            first = self._world.listings[0]
            double = msgspec.structs.replace(first, id=MatchId(f"{first.id}-twin"))
            odds = self._world.odds_now(first.id)  # no feed knows it: priced by hand
            said.append((5.0, AddMatch(spec=double, settings=self._settings[-1], odds=odds)))
        return said

    def again(self, known: Iterable[MatchId]) -> list[Said]:
        """After a restart: put back what is missing and was not taken off."""
        there = set(known) | set(self._removed)
        specs = enumerate(self._world.listings)
        return [(1.0, self._add(number, spec)) for number, spec in specs if spec.id not in there]

    def looks(self, state: State) -> list[Said]:
        """Look at the screen and lift, sooner or later, what stands in the way of quoting."""
        later = self._later(1.0, 20.0)
        if self._dice.random() < 0.3:
            return []  # elsewhere with the thoughts
        if state.kill is not None or state.reduce_only or any(c.killed for c in state.connections.values()):
            return [(later, Rearm(word="RESUME", reason="it stood long enough"))]
        said: list[Said] = []
        if state.account.halt:
            said += [
                (later, SetSetting(key=key, value="200", why="go on")) for key in ("daily_loss", "drawdown")
            ]
        if state.account.halt or state.paused:
            said.append((later + 0.1, Resume()))
        for desk in state.desks.values():
            if desk.paused or desk.loss_halt:
                lost = SetSetting(key="max_loss_match", value="200", match=desk.spec.id, why="go on")
                said += [(later, lost), (later + 0.1, Resume(match=desk.spec.id))]
        return said

    def whim(self) -> list[Said]:
        """What comes to mind now."""
        match = self._dice.choice(self._world.listings)
        weights = [weight for weight, _ in self._whims]
        return self._dice.choices([whim for _, whim in self._whims], weights)[0](match)

    # ---- whims

    def _add(self, number: int, spec: MatchSpec) -> AddMatch:
        odds = self._world.odds_now(spec.id) if self._dice.random() < 0.2 else ()
        return AddMatch(spec=spec, settings=self._settings[number % len(self._settings)], odds=odds)

    def _later(self, low: float, high: float) -> float:
        return low + (high - low) * self._dice.random()

    def _theo(self, match: MatchSpec) -> list[Said]:
        """Odds of one's own for a while, near the book's or stubbornly beside them."""
        stubborn = self._dice.random() < 0.6
        spread = 0.08 if stubborn else 0.02
        odds = tuple(
            max(1.01, price * (1.0 + self._dice.gauss(0.0, spread)))
            for price in self._world.odds_now(match.id)
        )
        return [
            (0.0, SetTheo(match=match.id, odds=odds, pinned=stubborn)),
            (self._later(5.0, 60.0), SetTheo(match=match.id, odds=())),
        ]

    def _setting(self, match: MatchSpec) -> list[Said]:
        key, values = self._dice.choice(_MATCH_SETTINGS)
        value = self._dice.choice(values)
        return [(0.0, SetSetting(key=key, value=value, match=match.id, why="a whim"))]

    def _account_setting(self, _: MatchSpec) -> list[Said]:
        key, values = self._dice.choice(_ACCOUNT_SETTINGS)
        return [(0.0, SetSetting(key=key, value=self._dice.choice(values), why="a whim"))]

    def _pause(self, match: MatchSpec) -> list[Said]:
        return [(0.0, Pause(match=match.id)), (self._later(1.0, 30.0), Resume(match=match.id))]

    def _pause_all(self, _: MatchSpec) -> list[Said]:
        return [(0.0, Pause()), (self._later(1.0, 20.0), Resume())]

    def _kill(self, _: MatchSpec) -> list[Said]:
        """Kill, sometimes twice, and re-arm at the second attempt."""
        over = self._later(0.2, 30.0 if self._dice.random() < 0.3 else 6.0)
        said: list[Said] = [(0.0, Kill(by="operator"))]
        if self._dice.random() < 0.3:
            said.append((over / 2.0, Kill(by="viewer")))
        if self._dice.random() < 0.3:
            said.append((over * 0.9, Rearm(word="resume", reason="typed badly")))
        return [*said, (over, Rearm(word="RESUME", reason="looked at everything"))]

    def _kill_venue(self, match: MatchSpec) -> list[Said]:
        venue = self._dice.choice(match.listings).instrument.venue
        over = self._later(2.0, 20.0)
        return [(0.0, Kill(by="operator", venue=venue)), (over, Rearm(word="RESUME", reason="looked there"))]

    def _flatten(self, match: MatchSpec) -> list[Said]:
        """Get out at a floor that may or may not find somebody, and go on later."""
        floor = Price(round(self._later(0.02, 0.9) * 100) * CENT)
        over = self._later(3.0, 40.0)
        return [(0.0, Flatten(match=match.id, floor=floor)), (over, Resume(match=match.id))]

    def _get_out_only(self, match: MatchSpec) -> list[Said]:
        """Kill, re-arm for getting out, get out, and re-arm for all at last."""
        over = self._later(6.0, 25.0)
        return [
            (0.0, Kill(by="operator")),
            (over * 0.3, Rearm(word="RESUME", reason="out", reduce_only=True)),
            (over * 0.4, Flatten(match=match.id, floor=Price(5 * CENT))),
            (over, Rearm(word="RESUME", reason="all is well")),
            (over + 1.0, Resume(match=match.id)),
        ]

    def _override(self, match: MatchSpec) -> list[Said]:
        """A setting that holds for a while only."""
        of_account = self._dice.random() < 0.5
        key, values = self._dice.choice([*(_ACCOUNT_SETTINGS if of_account else _MATCH_SETTINGS)])
        of = MatchId("") if of_account else match.id
        for_s = self._dice.choice((2, 10, 60))
        value = self._dice.choice([*values])
        return [(0.0, SetSetting(key=key, value=value, match=of, why="for a while", for_s=for_s))]

    def _cancel(self, match: MatchSpec) -> list[Said]:
        return [(0.0, CancelMatch(match=match.id))]

    def _remove(self, match: MatchSpec) -> list[Said]:
        """Try to take a match off (it may be refused) and put it back later."""
        self._removed.append(match.id)
        return [
            (0.0, Pause(match=match.id)),
            (8.0, RemoveMatch(match=match.id)),
            (self._later(15.0, 40.0), self._add(0, match)),
            (41.0, Resume(match=match.id)),
        ]

    def _add_again(self, match: MatchSpec) -> list[Said]:
        """New settings for a match that is there."""
        return [(0.0, self._add(self._dice.randrange(9), match))]

    def _confirm(self, match: MatchSpec) -> list[Said]:
        return [(0.0, ConfirmRules(match=match.id, rules_hash=self._rules(match)))]

    def _rules(self, match: MatchSpec) -> str:
        """The hash of the rules as all its venues tell them."""
        listed = [listing.instrument for listing in match.listings]
        return pair_hash({instrument: self._world.spec_of(instrument).rules_hash for instrument in listed})

    def _console(self, _: MatchSpec) -> list[Said]:
        policy = self._dice.choice((OnConsoleLost.PAUSE, OnConsoleLost.KEEP, OnConsoleLost.STOP))
        back = self._later(1.0, 30.0)
        return [(0.0, ConsoleLost(policy=policy)), (back, ConsoleBack()), (back + 1.0, Resume())]

    def _stop(self, _: MatchSpec) -> list[Said]:
        return [(0.0, Stop(why="operator"))]

    def _resume(self, match: MatchSpec) -> list[Said]:
        """Try to lift whatever stands, limits raised first."""
        loss = SetSetting(key="daily_loss", value="200", why="go on")
        lost = SetSetting(key="max_loss_match", value="200", match=match.id, why="go on")
        return [(0.0, loss), (0.1, Resume()), (0.2, lost), (0.3, Resume(match=match.id))]
