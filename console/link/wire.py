"""Frames on a stream socket: four bytes of length, then MessagePack."""

from __future__ import annotations

import asyncio
import struct
from typing import TypeVar

import msgspec

from console.core.complaint import UNREADABLE
from console.link.messages import ToConsole, ToEngine

FRAME_MAX = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_ENCODER = msgspec.msgpack.Encoder()
_TO_ENGINE: msgspec.msgpack.Decoder[ToEngine] = msgspec.msgpack.Decoder(ToEngine)
_TO_CONSOLE: msgspec.msgpack.Decoder[ToConsole] = msgspec.msgpack.Decoder(ToConsole)


class WireError(Exception):
    """The other end said something that is no frame of this protocol, or went away within one."""


def frame(message: ToEngine | ToConsole) -> bytes:
    """Encode one message as a frame."""
    body = _ENCODER.encode(message)
    return _LENGTH.pack(len(body)) + body


async def read_to_engine(reader: asyncio.StreamReader) -> ToEngine | None:
    """Next message of a console; None at a clean end, WireError for anything else."""
    body = await _read(reader)
    return None if body is None else _decode(_TO_ENGINE, body)


async def read_to_console(reader: asyncio.StreamReader) -> ToConsole | None:
    """Next message of the engine; None at a clean end, WireError for anything else."""
    body = await _read(reader)
    return None if body is None else _decode(_TO_CONSOLE, body)


async def _read(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readexactly(_LENGTH.size)
        (length,) = _LENGTH.unpack(head)
        if length > FRAME_MAX:
            raise WireError(f"a frame of {length} bytes")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise WireError("the line was cut within a frame") from error
        return None
    except OSError as error:
        raise WireError(f"the line broke: {error}") from error


_M = TypeVar("_M")


def _decode(decoder: msgspec.msgpack.Decoder[_M], body: bytes) -> _M:
    try:
        return decoder.decode(body)
    except UNREADABLE as error:
        raise WireError(f"not a message of this protocol: {error}") from error
