"""The course of all matches: they are played, priced by bookmakers, paused, ended and settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from console.core.events import AnyEvent, GameEnded, GameStarted
from console.core.instruments import Instrument, MarketState, Venue, VoidRule
from console.core.matches import MatchId
from console.core.units import CENT, MILLISECOND, ONE, SECOND
from console.sim.bookmakers import Bookmaker
from console.sim.clock import Agenda
from console.sim.dials import Dials
from console.sim.dice import Dice, next_in_ns, wait_ns
from console.sim.games import Game, Stage
from console.sim.mail import Lane, Mail
from console.sim.wire import Wire

_STEP_NS = SECOND
_SETTLED_AFTER_NS = 30 * SECOND
_FEED_MS, _FEED_JITTER_MS = 80, 170


class Season:
    """Moves the matches along. `counts` says how often each misfortune happened, by its dial."""

    __slots__ = (
        "_agenda",
        "_dials",
        "_dice",
        "_feed",
        "_games",
        "_mail",
        "_silent_until",
        "_wires",
        "books",
        "counts",
    )

    def __init__(
        self,
        games: Sequence[Game],
        wires: Mapping[Venue, Wire],
        dials: Dials,
        dice: Dice,
        agenda: Agenda,
        mail: Mail,
    ) -> None:
        self.counts: dict[str, int] = {}
        self.books = (
            Bookmaker("pinnacle", margin=0.035, step=0.004, error=0.002, dice=dice),
            Bookmaker("softbook", margin=0.055, step=0.012, error=0.008, dice=dice),
        )
        self._games = games
        self._wires = wires
        self._dials = dials
        self._dice = dice
        self._agenda = agenda
        self._mail = mail
        self._feed = Lane()
        self._silent_until = 0
        self._begin(agenda.clock.now)

    def hush(self, until: int) -> None:
        """No sportsbook is heard of until then."""
        self._count("odds_silence")
        self._silent_until = until

    def odds(self, match: MatchId) -> tuple[float, ...]:
        """The sharp book's odds on a match now; raises KeyError for an unknown match."""
        for game in self._games:
            if game.fixture.match.id == match:
                return self.books[0].odds(game)
        raise KeyError(match)

    def lines(self, match: MatchId) -> dict[str, tuple[float, ...] | None]:
        """Every book's odds on a match now, None while its line is down; raises KeyError likewise."""
        for game in self._games:
            if game.fixture.match.id == match:
                books = self.books if game.fixture.soft_book else self.books[:1]
                return {book.source: None if book.down(game) else book.odds(game) for book in books}
        raise KeyError(match)

    def _begin(self, now: int) -> None:
        for game in self._games:
            for book in self.books if game.fixture.soft_book else self.books[:1]:
                book.open_line(game)
                phase = int(self._dice.random() * self._dials.odds_poll_ms) * MILLISECOND
                self._agenda.at(now + phase, partial(self._poll, book, game))
            if game.stage in (Stage.LIVE, Stage.ENDED):  # said again to whoever was not there
                self._post(GameStarted(match=game.fixture.match.id), now)
            if game.stage in (Stage.UPCOMING, Stage.LIVE):
                self._agenda.at(now + _STEP_NS, partial(self._play, game))
            if game.stage is Stage.ENDED:
                self._post(GameEnded(match=game.fixture.match.id), now)
                self._agenda.at(now + _SETTLED_AFTER_NS, partial(self._settle, game))
            for listing in game.fixture.match.listings:
                self._plan_pause(listing.instrument, now)
        self._plan_silence(now)

    # ---- the match itself

    def _play(self, game: Game, now: int) -> None:
        wall, match = self._agenda.clock.wall, game.fixture.match
        game.step(wall, _STEP_NS / SECOND, self._dice)
        if game.stage is Stage.UPCOMING and wall >= match.start:
            game.stage = Stage.LIVE
            self._post(GameStarted(match=match.id), now)
        end = (match.start + match.end) // 2 if game.void else match.end
        if game.stage is Stage.LIVE and wall >= end:
            game.stage = Stage.ENDED
            self._post(GameEnded(match=match.id), now)
            for listing in match.listings:
                wire = self._wires[listing.instrument.venue]
                wire.exchange.set_state(listing.instrument.symbol, MarketState.CLOSED)
                wire.carry(now)
            self._agenda.at(now + _SETTLED_AFTER_NS, partial(self._settle, game))
            return
        self._agenda.at(now + _STEP_NS, partial(self._play, game))

    def _settle(self, game: Game, now: int) -> None:
        match = game.fixture.match
        game.stage = Stage.SETTLED
        if game.void:
            self._count("match_void")
        for listing in match.listings:
            wire, symbol = self._wires[listing.instrument.venue], listing.instrument.symbol
            if game.void:
                fair = sum(game.fair[outcome] for outcome in listing.pays)
                drawn = game.fixture.specs[listing.instrument].void_rule is VoidRule.DRAW
                share = ONE * (1 in listing.pays) if drawn else ONE * len(listing.pays) // len(match.outcomes)
                wire.exchange.void(symbol, share, round(fair * ONE / CENT) * CENT)
            else:
                wire.exchange.resolve(symbol, game.payout(listing.pays))
            wire.carry(now)

    # ---- odds

    def _poll(self, book: Bookmaker, game: Game, now: int) -> None:
        if game.stage is Stage.SETTLED:
            return
        if now >= self._silent_until:
            event = book.poll(game, self._agenda.clock.wall)
            if event is not None:
                self._post(event, now)
        self._agenda.at(now + self._dials.odds_poll_ms * MILLISECOND, partial(self._poll, book, game))

    def _post(self, event: AnyEvent, now: int) -> None:
        delay_ms = _FEED_MS + _FEED_JITTER_MS * self._dice.random()
        self._mail.post_in_order(event, self._feed, now + int(delay_ms * MILLISECOND))

    def _plan_silence(self, now: int) -> None:
        delay = next_in_ns(self._dice, self._dials.odds_silences_per_hour)
        if delay is not None:
            self._agenda.at(now + delay, self._silence)

    def _silence(self, now: int) -> None:
        self._count("odds_silence")
        self._silent_until = now + wait_ns(self._dice, self._dials.odds_silence_ms_mean * MILLISECOND)
        self._plan_silence(self._silent_until)

    # ---- pauses

    def _plan_pause(self, instrument: Instrument, now: int) -> None:
        market = self._wires[instrument.venue].exchange.markets[instrument.symbol]
        delay = next_in_ns(self._dice, self._dials.pauses_per_hour)
        if market.state is MarketState.PAUSED:  # found so at the beginning of a later life
            self._agenda.at(now, partial(self._reopen, instrument))
        elif delay is not None:
            self._agenda.at(now + delay, partial(self._pause, instrument))

    def _pause(self, instrument: Instrument, now: int) -> None:
        wire = self._wires[instrument.venue]
        if wire.exchange.markets[instrument.symbol].state is not MarketState.OPEN:
            return
        self._count("pause")
        wipes = self._dice.random() < self._dials.pause_wipes
        wire.exchange.set_state(instrument.symbol, MarketState.PAUSED, wipe=wipes)
        wire.carry(now)
        paused_ns = wait_ns(self._dice, self._dials.pause_ms_mean * MILLISECOND)
        self._agenda.at(now + paused_ns, partial(self._reopen, instrument))

    def _reopen(self, instrument: Instrument, now: int) -> None:
        wire = self._wires[instrument.venue]
        if wire.exchange.markets[instrument.symbol].state is not MarketState.PAUSED:
            return
        wire.exchange.set_state(instrument.symbol, MarketState.OPEN)
        wire.carry(now)
        self._plan_pause(instrument, now)

    def _count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
