"""How alike two names of a team or player are: tokens, initials, well-known nicknames, then spelling."""

from __future__ import annotations

import enum
import unicodedata

from rapidfuzz import fuzz

EXACT = 100
CONTAINED = 95  # every word of the shorter name is a word of the longer, initials taken as initials
INITIAL_DIFFERS = 45  # at most, where an initial says somebody else: J. Cerundolo is not F. Cerundolo
SOMEBODY_ELSE = 80  # at most, where a word too many makes another team of it: Oklahoma, Oklahoma State
SPELLING_WEIGHT = 0.9  # spelling alone is worth less than words that fit

# Words that tell nothing; a name of nothing else keeps them.
_FILLERS = frozenset(
    {"fc", "cf", "afc", "sc", "ac", "cd", "ud", "the", "team", "esports", "esport", "gaming", "club"}
)
# Nicknames, as the venues and feeds write them, after folding.
_NICKNAMES = {
    "a s": "athletics",
    "oakland athletics": "athletics",
    "sixers": "76ers",
    "philadelphia sixers": "philadelphia 76ers",
    "man utd": "manchester united",
    "man united": "manchester united",
    "man city": "manchester city",
    "spurs": "tottenham hotspur",
    "wolves": "wolverhampton wanderers",
    "psg": "paris saint germain",
    "inter": "inter milan",
    "internazionale": "inter milan",
    "nottm forest": "nottingham forest",
    "chi ws": "chicago white sox",
    "chicago ws": "chicago white sox",
    "navi": "natus vincere",
    "natus vincere": "natus vincere",
}
# A word of these in one name only is another team: a university, a second team, the women's.
_TELLING = frozenset(
    {
        *("state", "tech", "am", "ohio", "north", "south", "east", "west", "northern", "southern"),
        *("eastern", "western", "central", "international", "women", "u19", "u20", "u21", "u23"),
        *("ii", "iii", "reserves", "academy", "youth", "junior"),
    }
)
_CITIES_APART = frozenset({"kansas", "new york"})  # Kansas is not Kansas City
_SHORT = {"la": "los angeles", "ny": "new york", "utd": "united"}


def folded(name: str) -> str:
    """Lower case, without accents and punctuation, words apart by one space, nicknames written out."""
    plain = unicodedata.normalize("NFKD", name)
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    words = letters.casefold().split()
    text = " ".join(words)
    if text in _NICKNAMES:
        return _NICKNAMES[text]
    words = " ".join(_written_out(word, place) for place, word in enumerate(words)).split()
    kept = [word for word in words if word not in _FILLERS]
    return " ".join(kept or words)


def _written_out(word: str, place: int) -> str:
    """St. Louis is a saint, Michigan St. a state."""
    if word == "st":
        return "saint" if place == 0 else "state"
    return _SHORT.get(word, word)


def alike(one: str, other: str) -> int:
    """0 to 100: how sure it is that two names mean the same."""
    a, b = folded(one), folded(other)
    if a == b:
        return EXACT
    short, long = sorted((a.split(), b.split()), key=lambda words: (len(words), sum(map(len, words))))
    left = _left_over(short, long)
    if isinstance(left, list):
        telling = not _TELLING.isdisjoint(left) or ("city" in left and " ".join(short) in _CITIES_APART)
        return SOMEBODY_ELSE if telling else CONTAINED
    spelling = round(SPELLING_WEIGHT * max(fuzz.ratio(a, b), fuzz.token_sort_ratio(a, b)))
    return min(spelling, INITIAL_DIFFERS) if left is _Differs.INITIAL else spelling


class _Differs(enum.Enum):
    """Why the words of one name are not all in another."""

    WORD = "word"
    INITIAL = "initial"


def _left_over(short: list[str], long: list[str]) -> list[str] | _Differs:
    """Words of the longer name that are not in the shorter, if all of the shorter are in it."""
    left = list(long)
    initials: list[str] = []
    whole = 0
    for word in short:
        if len(word) == 1:
            initials.append(word)
        elif word in left:
            left.remove(word)
            whole += 1
        else:
            return _Differs.WORD
    for initial in initials:
        fit = next((word for word in left if word.startswith(initial)), None)
        if fit is None:
            return _Differs.INITIAL
        left.remove(fit)
    return left if whole else _Differs.WORD
