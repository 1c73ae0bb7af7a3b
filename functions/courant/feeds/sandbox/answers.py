"""Findings ↔ bytes: how plain data comes back from a child process that strangers may have upset.

Unlike pickle, reading these bytes can't run anything: what is built is what the asked-for dataclass
declares, each value of the declared type, else nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Builder = Callable[[Any], Any]


class AnswerInvalid(Exception):
    """The bytes don't hold what was asked for."""


def dump(finding: object) -> bytes:
    """A dataclass of texts, numbers, instants, tuples and such dataclasses, as JSON.

    Fields go by position: both ends are of one version.
    """
    return json.dumps(finding, default=_as_json, separators=(",", ":")).encode()


def load(shape: type[T], data: bytes) -> T:
    """What ``dump`` made of a ``shape``.

    Raises:
        AnswerInvalid: it is something else.
    """
    kind: Any = shape
    try:
        finding: T = _builder(kind)(json.loads(data))
    except (ValueError, TypeError, RecursionError) as error:
        raise AnswerInvalid(f"no {shape.__name__}") from error
    return finding


@cache
def _names(shape: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(shape))


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    kind: Any = type(value)
    return [getattr(value, name) for name in _names(kind)]


@cache
def _builder(shape: Any) -> _Builder:
    if shape is datetime:
        return _instant
    if is_dataclass(shape):
        return _dataclass(shape)
    if get_origin(shape) is tuple:
        inner, _ = get_args(shape)
        return _several(_builder(inner))
    if get_origin(shape) in {Union, UnionType}:
        (inner,) = (choice for choice in get_args(shape) if choice is not NoneType)
        return _optional(_builder(inner))
    return _scalar(shape)


def _dataclass(shape: Any) -> _Builder:
    hints = get_type_hints(shape)
    names = _names(shape)
    builders = [_builder(hints[name]) for name in names]

    def build(value: Any) -> Any:
        if type(value) is not list:
            raise TypeError(shape)
        # `strict` refuses a list that is too long or too short.
        built = (make(part) for make, part in zip(builders, value, strict=True))
        return shape(**dict(zip(names, built, strict=True)))

    return build


def _several(inner: _Builder) -> _Builder:
    def build(value: Any) -> Any:
        if type(value) is not list:
            raise TypeError(inner)
        return tuple(map(inner, value))

    return build


def _optional(inner: _Builder) -> _Builder:
    return lambda value: None if value is None else inner(value)


def _scalar(shape: Any) -> _Builder:
    def build(value: Any) -> Any:
        if type(value) is not shape:
            raise TypeError(shape)
        return value

    return build


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(value)
    return instant
