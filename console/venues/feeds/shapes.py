"""Reading a feed's JSON layer by layer, so that one missing field stops one line and says so."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from console.core.complaint import UNREADABLE

M = TypeVar("M", bound=BaseModel)


class Shape(BaseModel):
    """A part of an answer. What is not named may be there; what is named without a default must be."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Unreadable(Exception):
    """An answer, or a part of one, that is not what it should be; one line saying where."""


def document(body: bytes) -> object:
    """The JSON of an answer; raises Unreadable."""
    try:
        return msgspec.json.decode(body)
    except UNREADABLE:
        raise Unreadable("the answer is not JSON") from None


def read(shape: type[M], part: object) -> M:
    """One part of an answer; raises Unreadable naming the field."""
    try:
        return shape.model_validate(part)
    except ValidationError as error:
        issue = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in issue["loc"]) or "it"
        said = "is missing" if issue["type"] == "missing" else issue["msg"][:1].lower() + issue["msg"][1:]
        raise Unreadable(f"{where} {said}") from None


def as_list(part: object) -> list[object]:
    """A list, or one thing that stands for a list of one; raises Unreadable."""
    if isinstance(part, list):
        return part
    if isinstance(part, dict):
        return [part]
    raise Unreadable("neither a list nor an object")
