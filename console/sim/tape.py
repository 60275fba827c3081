"""A list that only grows, kept encoded, so that saving it costs one copy however long it is."""

from __future__ import annotations

import msgspec

_ARRAY = b"\xdd"  # MessagePack `array 32`: this byte, the count in four bytes, the items


class Tape:
    """Items in MessagePack, one after the other."""

    __slots__ = ("_body", "_count")

    def __init__(self) -> None:
        self._body = bytearray()
        self._count = 0

    def append(self, item: object) -> None:
        """Add one item at the end."""
        self._body += msgspec.msgpack.encode(item)
        self._count += 1

    def raw(self) -> msgspec.Raw:
        """The whole as one encoded list, ready to stand inside another message."""
        return msgspec.Raw(_ARRAY + self._count.to_bytes(4, "big") + bytes(self._body))
