"""What a person got wrong: one line that says where, and what would be right."""

from __future__ import annotations

from typing import Final

import msgspec

# All that decoding bytes from outside may raise: text that is no UTF-8 and nesting without end are no
# msgspec errors.
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Complaint(ValueError):
    """Shown to the operator as it is, without a traceback; commands end with status 2."""


def line_of(error: BaseException) -> str:
    """What an error says, in one line of printable text, whatever bytes it quotes."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(str(error).split()))
