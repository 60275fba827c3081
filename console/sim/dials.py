"""How long everything takes in the pretended world, and how often it goes wrong."""

from __future__ import annotations

from msgspec import Struct


class Dials(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Delays in milliseconds (a jitter is uniform and comes on top; `_mean` is exponential), probabilities
    per occasion, and frequencies per hour. Untouched, nothing goes wrong but that a match is void now and
    then.
    """

    # The way to a venue and back
    request_ms: int = 12
    request_jitter_ms: int = 8
    answer_ms: int = 8
    answer_jitter_ms: int = 6
    market_data_ms: int = 6
    market_data_jitter_ms: int = 4
    timeout_ms: int = 2000  # without an answer for so long, the outcome is unknown
    confirm_ms: int = 2000  # an intact subscription says so this often
    connect_ms: int = 150

    # Each request
    request_lost: float = 0.0
    reply_lost: float = 0.0
    rejected: float = 0.0
    rate_limited: float = 0.0
    reads_lost: float = 0.0  # of books and of our account

    # Each answer or fill
    duplicated: float = 0.0
    reordered: float = 0.0
    reordered_ms: int = 400  # at most so much later
    late_fill: float = 0.0
    late_fill_ms: int = 6000
    slow_cancel: float = 0.0
    slow_cancel_ms: int = 4000

    # Each change of a book
    gap: float = 0.0

    # Each venue
    disconnects_per_hour: float = 0.0
    disconnect_ms_mean: int = 8000
    freezes_per_hour: float = 0.0
    freeze_ms_mean: int = 10_000

    # Each symbol
    pauses_per_hour: float = 0.0
    pause_ms_mean: int = 20_000
    pause_wipes: float = 0.5

    # Odds and matches
    odds_poll_ms: int = 2000
    odds_silences_per_hour: float = 0.0
    odds_silence_ms_mean: int = 30_000
    match_void: float = 0.004


CALM = Dials()

STORMY = Dials(
    request_jitter_ms=60,
    answer_jitter_ms=60,
    market_data_jitter_ms=40,
    request_lost=0.01,
    reply_lost=0.02,
    rejected=0.01,
    rate_limited=0.01,
    duplicated=0.05,
    reordered=0.05,
    late_fill=0.10,
    slow_cancel=0.05,
    gap=0.0005,
    disconnects_per_hour=20.0,
    freezes_per_hour=15.0,
    pauses_per_hour=1.0,
    odds_silences_per_hour=6.0,
    match_void=0.10,
)
