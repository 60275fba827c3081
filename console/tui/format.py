"""Numbers as people read them: fixed decimals, signs, a dot for zero, a dash for what is not known.

Money and prices are rounded down when digits do not fit, which is against us.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from console.core.units import CENT, ONE, SECOND
from console.tui.taste import Odds

ZERO = "·"
UNKNOWN = "-"
_SPARKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_MINUTE_MS, _HOUR_MS, _DAY_MS = 60_000, 3_600_000, 86_400_000


def clean(text: str) -> str:
    """Take out everything a terminal could obey: a venue's text must not move our cursor."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def fit(text: str, width: int, right: bool = False) -> str:
    """Cut or pad printable `text` to `width` cells; what is cut ends in an ellipsis."""
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width else ""
    gap = " " * (width - length)
    return gap + text if right else text + gap


def tail(text: str, width: int) -> str:
    """The end of a symbol, which tells it from its neighbours, in `width` cells of ASCII."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :] if width > 1 else ""


def joined(parts: Sequence[str], width: int) -> str:
    """As many of `parts` as fit side by side, none of them cut; closer together before one is left out."""
    kept = [part for part in parts if part]
    while kept:
        for gap in ("  ", " "):
            words = gap.join(kept)
            if cell_len(words) <= width:
                return words
        kept.pop()
    return ""


def fixed(value: int, places: int) -> str:
    """Millionths with thousands separators and `places` decimals, rounded down."""
    scaled = value // 10 ** (6 - places)
    sign, magnitude = ("-", -scaled) if scaled < 0 else ("", scaled)
    whole, fraction = divmod(magnitude, 10**places)
    return f"{sign}{whole:,}.{fraction:0{places}d}" if places else f"{sign}{whole:,}"


def price(value: int | None, places: int = 2) -> str:
    """A price in cents; decimals it does not need are blank, so that points stand under each other."""
    if value is None:
        return f" {UNKNOWN}"
    scaled = value // (CENT // 10**places)
    whole, fraction = divmod(abs(scaled), 10**places)
    digits = f"{fraction:0{places}d}".rstrip("0") if places else ""
    tail = f".{digits}" if digits else ""
    sign = "-" if scaled < 0 else ""
    return f"{sign + str(whole):>2}{tail:{places + 1 if places else 0}}"


def exact_price(value: int | None, odds: Odds = Odds.CENTS) -> str:
    """A price with every digit it needs, for sentences."""
    if value is None:
        return UNKNOWN
    return price(value, 4).strip() + "¢" if odds is Odds.CENTS else spelt(value, odds, 8)


def quoted(value: int | None, odds: Odds, places: int = 2) -> str:
    """A price as the operator wants prices spelt, in at most `places` + 3 cells."""
    return price(value, places) if value is None or odds is Odds.CENTS else spelt(value, odds, places + 3)


def fair(value: int | None, odds: Odds, places: int = 1) -> str:
    """A fair value, spelt like the prices."""
    return chance(value, places) if value is None or odds is Odds.CENTS else spelt(value, odds, places + 3)


def spelt(value: int, odds: Odds, width: int = 5) -> str:
    """A price as decimal or American odds, to the nearest; what pays nothing or costs nothing has none."""
    if not 0 < value < ONE:
        return UNKNOWN
    return _decimal(value, width) if odds is Odds.DECIMAL else _american(value, width)


def _decimal(value: int, width: int) -> str:
    for places in (3, 2, 1, 0):
        scale = 10**places
        whole, fraction = divmod((scale * ONE + value // 2) // value, scale)
        text = f"{whole}.{fraction:0{places}d}" if places else f"{whole}"
        if len(text) <= width:
            return text
    return f"{ONE // value // 1000}k"


def _american(value: int, width: int) -> str:
    if 2 * value > ONE:
        sign, amount = "-", (100 * value + (ONE - value) // 2) // (ONE - value)
    else:
        sign, amount = "+", (100 * (ONE - value) + value // 2) // value
    text = f"{sign}{amount}"
    return text if len(text) <= width else f"{sign}{amount // 1000}k"


def chance(value: int | None, places: int = 1) -> str:
    """A probability or fair value in hundredths, always with `places` decimals."""
    return UNKNOWN if value is None else fixed(value * 100, places)


def cash(value: int | None, width: int = 9) -> str:
    """Signed dollars; drops the cents, then counts in thousands, rather than pass `width`."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return ZERO
    for text in (fixed(value, 2), fixed(value, 0), f"{fixed(value // 1000, 0)}k"):
        signed = text if value < 0 else f"+{text}"
        if len(signed) <= width:
            return signed
    return signed


def contracts(value: int | None, width: int = 7, signed: bool = False) -> str:
    """Contracts: whole when they are, else with up to two decimals when they fit."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return ZERO
    texts = [fixed(value, 0), f"{fixed(value // 1000, 0)}k"]
    if value % ONE:
        texts[:0] = [fixed(value, 2).rstrip("0").rstrip("."), fixed(value, 1)]
    for text in texts:
        word = f"+{text}" if signed and value > 0 else text
        if len(word) <= width:
            return word
    return word


def age(ms: int) -> str:
    """An age in at most four cells; a dash when there is nothing to be old. What is fresh stands still."""
    if ms < 0:
        return UNKNOWN
    if ms < 1000:
        return "<1s"
    if ms < 10_000:
        return f"{ms / 1000:.1f}s"
    if ms < 100_000:
        return f"{ms // 1000}s"
    if ms < 100 * _MINUTE_MS:
        return f"{ms // _MINUTE_MS}m"
    return f"{ms // _HOUR_MS}h" if ms < 100 * _HOUR_MS else f"{ms // _DAY_MS}d"


def milliseconds(ms: int) -> str:
    """A short time: milliseconds below a second."""
    return UNKNOWN if ms < 0 else f"{ms}ms" if ms < 1000 else age(ms)


def duration(ms: int) -> str:
    """A long time in two units: 3h12m, 2d04h."""
    minutes = max(0, ms) // _MINUTE_MS
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{days}d{hours:02d}h" if days else f"{hours}h{minutes:02d}m" if hours else f"{minutes}m"


def clock(wall: int, millis: bool = False) -> str:
    """UTC time of day of nanoseconds since the epoch."""
    seconds = wall // SECOND
    text = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{wall // 1_000_000 % 1000:03d}" if millis else text


def until(start: int, wall: int) -> str:
    """Time to the start (``90m``, ``2h30m``) or since it (``+34m``); a dash when the start is not known."""
    if start == 0:
        return UNKNOWN
    ms = abs(start - wall) // 1_000_000
    minutes = ms // _MINUTE_MS
    word = f"{minutes}m" if minutes < 100 else duration(ms) if minutes < 600 else age(ms)
    return word if start > wall else f"+{word}"


def starts(start: int, wall: int) -> str:
    """The same in a sentence: ``in 2h30m``."""
    word = until(start, wall)
    return word if word[0] in f"+{UNKNOWN}" else f"in {word}"


def percent(part: int, whole: int) -> str:
    """A share in whole per cent, rounded up: at 99.2 % of a limit it says 100."""
    return f"{-(-100 * part // whole)}%" if whole > 0 else UNKNOWN


def gauge(part: int, whole: int, width: int) -> str:
    """A bar of `width` cells, in eighths of a cell."""
    share = min(max(part, 0), whole) if whole > 0 else 0
    eighths = share * width * 8 // whole if whole > 0 else 0
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def spark(values: Sequence[int], width: int) -> str:
    """The last values as block characters, at most `width`, stretched between their extremes."""
    if not values or width <= 0:
        return ""
    step = max(1, -(-len(values) // width))
    kept = values[::-1][::step][::-1]
    low, high = min(kept), max(kept)
    span = max(1, high - low)
    return "".join(_SPARKS[(value - low) * 7 // span] for value in kept)


def shorten(title: str, width: int) -> str:
    """A match's name in `width` cells; of two sides both keep their beginning."""
    title = clean(title)
    if cell_len(title) <= width:
        return title
    for separator in (" vs ", " v ", " at ", " @ ", " - "):
        first, found, second = title.partition(separator)
        if found:
            room = width - 1
            keep = min(cell_len(first), max(room - cell_len(second), room // 2))
            left = set_cell_size(first, keep).strip()
            return f"{left}-{set_cell_size(second, width - 1 - cell_len(left)).strip()}"
    return fit(title, width)
