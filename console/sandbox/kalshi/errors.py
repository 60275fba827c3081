"""Refusals in the four shapes in which the venue words them."""

from __future__ import annotations

import enum

from console.sandbox.kalshi.spelling import Json


class Shape(enum.Enum):
    """How an error body is laid out."""

    NESTED = "nested"  # {"error": {"code", "message", "details"}}
    FLAT = "flat"  # {"code", "message", "details"}
    MSG = "msg"  # {"msg"}
    TEXT = "text"  # {"error": "..."}


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, details: str = "", shape: Shape = Shape.NESTED) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.details = details
        self.shape = shape

    def body(self) -> Json:
        """The body of the answer."""
        inner: Json = {"code": self.code, "message": self.code.replace("_", " ")}
        if self.details:
            inner["details"] = self.details
        match self.shape:
            case Shape.NESTED:
                return {"error": inner}
            case Shape.FLAT:
                return inner
            case Shape.MSG:
                return {"msg": f"parameter validation failed: {self.code}"}
            case Shape.TEXT:
                return {"error": self.code}

    def entry(self) -> Json:
        """The error of one entry of a batch."""
        inner: Json = {"code": self.code, "message": self.code.replace("_", " ")}
        return {**inner, "details": self.details} if self.details else inner


def bad_field(details: str) -> ApiError:
    """A body whose field has the wrong type."""
    return ApiError(400, "bad_request", details, Shape.FLAT)


def bad_parameter(name: str) -> ApiError:
    """A query parameter out of its range."""
    return ApiError(400, name, shape=Shape.MSG)


def too_many() -> ApiError:
    """The bucket does not hold the cost: the text alone, no object."""
    return ApiError(429, "too many requests", shape=Shape.TEXT)
