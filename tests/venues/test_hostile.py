"""Every parser against hostile bodies: noise, JSON of the wrong shape, right shapes with wrong values.

A parser returns, or raises an error of ours that names what is wrong; nothing else may come out of it.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console import venues
from console.venues.kalshi.frames import KnownFrame, Parser
from console.venues.polymarket.rewards import parse_earnings
from console.venues.polymarket.wire import ParseError
from console.venues.prophetx.dialects import LEGACY

pytestmark = pytest.mark.timeout(3600)
EXAMPLES = 2_000 if os.environ.get("TEST_LONG") else 20
MOMENTS = ("2026-11-21T18:00:00Z", "2026-11-21T18:00:00", "0001-01-01T00:00:00Z", "2026-13-45T99:99:99Z")
WORDS = (
    *("", "0", "1", "-1", "0.5", "0.50", "00.5", "1e9", "1e400", "NaN", "Infinity", "-0.0", "0.123456789"),
    *("yes", "no", "BUY", "sell", "open", "resting", "canceled", "[]", "\x00", "ü" * 40, "0x" + "f" * 64),
    *MOMENTS,
    *("1795284000", "12345678901234567890123"),
    "KXNBAGAME-26NOV21BOSDEN-DEN",
)
NUMBERS = (0, 1, -1, 50, 100, 10**6, 2**53 + 1, 2**63, -(2**63), 10**30)
NEVER_TEXT = (b"8e" + b"8" * 40, b"1e99999", b'"\xff"', b'{"a": "\xdb"}', b"[" * 20_000, b'{"a":' * 20_000)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


def parsers() -> Iterator[tuple[str, Callable[..., object]]]:
    """Every `parse_...` of the venues and feeds that takes one body."""
    for found in pkgutil.walk_packages(venues.__path__, "console.venues."):
        module = importlib.import_module(found.name)
        for name, function in sorted(vars(module).items()):
            if name.startswith("parse_") and getattr(function, "__module__", "") == found.name:
                first = next(iter(inspect.signature(function).parameters.values()))
                if "bytes" in str(first.annotation) or str(first.annotation) == "Dialect":
                    yield f"{found.name.removeprefix('console.venues.')}.{name}", function


PARSERS = dict(parsers())


def shaped(kind: msgspec.inspect.Type, depth: int = 0) -> st.SearchStrategy[object]:
    """What a decoder of a type expects, more or less."""
    match kind:
        case msgspec.inspect.StructType() if depth < 6:
            fields = {field.encode_name: shaped(field.type, depth + 1) for field in kind.fields}
            return st.fixed_dictionaries({}, optional=fields) | st.fixed_dictionaries(fields)
        case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType() if depth < 6:
            return st.lists(shaped(kind.item_type, depth + 1), max_size=2)
        case msgspec.inspect.DictType() if depth < 6:
            return st.dictionaries(st.sampled_from(WORDS), shaped(kind.value_type, depth + 1), max_size=2)
        case msgspec.inspect.UnionType():
            return st.one_of([shaped(each, depth) for each in kind.types])
        case msgspec.inspect.IntType():
            return st.sampled_from(NUMBERS) | scalars
        case msgspec.inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False) | scalars
        case msgspec.inspect.StrType():
            return st.sampled_from(WORDS) | scalars
        case msgspec.inspect.DecimalType():
            return st.sampled_from((*NUMBERS, "NaN", "-Infinity", "1e99999", "0.1")) | scalars
        case msgspec.inspect.DateTimeType():
            return st.sampled_from(MOMENTS) | scalars
        case msgspec.inspect.BoolType():
            return st.booleans() | scalars
        case msgspec.inspect.NoneType():
            return st.none()
        case _:
            return anything


def bodies(function: Callable[..., object]) -> st.SearchStrategy[bytes]:
    """Noise, any JSON, and JSON shaped for one of the decoders of the parser's module."""
    module = inspect.getmodule(function)
    types = [each.type for each in vars(module).values() if isinstance(each, msgspec.json.Decoder)]
    kinds = [shaped(msgspec.inspect.type_info(kind)) for kind in (*types, *_shapes(module))]
    written = [each.map(_encoded) for each in (anything, *kinds)]
    return st.one_of(
        st.binary(max_size=30),
        st.sampled_from(NEVER_TEXT),
        *written,
        *(each.map(_spoilt) for each in written),
    )


def _shapes(module: object) -> Iterator[type[msgspec.Struct]]:
    """The shapes a module declares: what is not decoded by a decoder is decoded by them."""
    for each in vars(module).values():
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each.__module__ == module.__name__:
            yield each


def _spoilt(body: bytes) -> bytes:
    """The same with text in it that is no UTF-8."""
    return body.replace("ü".encode(), b"\xff")


def _encoded(value: object) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (OverflowError, msgspec.MsgspecError):
        return b"{"


def arguments(function: Callable[..., object], body: bytes) -> list[object]:
    """The body in its place, and something plain for whatever else is asked for."""
    plain = {"Nanos": 1, "int": 200, "str": "x", "Sequence[str]": ["x"], "Container[int] | None": None}
    found: list[object] = []
    for parameter in inspect.signature(function).parameters.values():
        kind = str(parameter.annotation)
        if parameter.default is not inspect.Parameter.empty or parameter.kind is parameter.KEYWORD_ONLY:
            break
        if "bytes" in kind:
            found.append(body)
        elif kind == "Dialect":
            found.append(LEGACY)
        elif kind in plain:
            found.append(plain[kind])
        else:
            pytest.skip(f"asks for {kind}")
    return found


def test_there_are_parsers_to_try() -> None:
    assert len(PARSERS) > 40


def test_a_reward_out_of_all_proportion_is_no_answer() -> None:
    row = {"date": "", "condition_id": "", "earnings": 10**30}
    with pytest.raises(ParseError, match="out of all proportion"):
        parse_earnings(msgspec.json.encode({"next_cursor": "", "data": [row]}))


def stranger(call: Callable[..., object], *arguments: object) -> str:
    """What came out that is neither an answer nor an error of ours; empty when nothing did."""
    try:
        call(*arguments)
    except Exception as error:
        return "" if type(error).__module__.startswith("console.") else f"{error!r} of {arguments}"
    return ""


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_answers_or_says_what_is_wrong(name: str) -> None:
    function = PARSERS[name]
    arguments(function, b"")  # skips what it has no arguments for

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(body=bodies(function))
    def fed(body: bytes) -> None:
        assert stranger(function, *arguments(function, body)) == ""

    fed()


@settings(max_examples=8 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(frame=st.binary(max_size=30) | shaped(msgspec.inspect.type_info(KnownFrame)).map(_encoded))
def test_frames_of_market_data_are_events_or_say_what_is_wrong(frame: bytes) -> None:
    parser = Parser(use_yes_price=True)
    assert stranger(lambda raw: parser.translate(parser.decode(raw), 1, 1), frame) == ""
