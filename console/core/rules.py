"""Settlement rules as one number: the same words, however spaced and capitalised, have the same hash."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping

from console.core.instruments import Instrument


def rules_hash(text: str) -> str:
    """SHA-256 of the normalised text: compatible characters made equal, case and white space taken out."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return hashlib.sha256(" ".join(plain.split()).encode()).hexdigest()


def pair_hash(hashes: Mapping[Instrument, str]) -> str:
    """One hash of the rules of every symbol of a match; empty while a venue has not told its own."""
    if not hashes or not all(hashes.values()):
        return ""
    lines = "\n".join(f"{instrument} {hashes[instrument]}" for instrument in sorted(hashes, key=str))
    return hashlib.sha256(lines.encode()).hexdigest()
