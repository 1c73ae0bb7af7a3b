"""pydantic's complaints about a newsletter in an editor's words: what to write instead. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from courant.newsletter import (
    Brand,
    Cadence,
    Newsletter,
    Note,
    Section,
    Sender,
    Social,
    WebEdition,
)

# Where something is: ``("sections", 1, "limit")``.
Location = tuple[int | str, ...]

_MODELS: Mapping[int | str, type[BaseModel]] = {
    "sender": Sender,
    "brand": Brand,
    "note": Note,
    "web": WebEdition,
    "cadences": Cadence,
    "sections": Section,
}
_FONTS = "write names of fonts and commas only, such as Palatino, Georgia, serif"
_ID = "use a-z, 0-9 and hyphens inside, 32 characters at most"
_PATTERNS = {
    "id": _ID,
    "[key]": _ID,
    "title": "keep it on one line",
    "name": "keep it on one line",
    "address": "write an address such as news@example.org",
    "reply_to": "write an address such as desk@example.org",
    "report_to": "write an address such as desk@example.org",
    "heading_font": _FONTS,
    "text_font": _FONTS,
    "accent": "write # and six hex digits in quotes, such as '#8a1c1c'",
    "language": "write a language tag such as en, nl or pt-BR",
}


def mends(
    error: ValidationError, value: Mapping[str, Any], *, repeats_known: bool
) -> Iterator[tuple[Location, str]]:
    """Each complaint's place and mend.

    Args:
        error: what ``Newsletter`` said about the value.
        value: the newsletter as plain values.
        repeats_known: repeated ids and feeds have been named already, each in its own line.
    """
    details = error.errors()
    misspelt = {
        (*detail["loc"][:-1], _near(detail["loc"]))
        for detail in details
        if detail["type"] == "extra_forbidden"
    }
    for detail in details:
        where = detail["loc"]
        if detail["type"] == "missing" and where in misspelt:
            continue
        if detail["type"].startswith("url_"):
            yield _web_address(where, detail["input"], value)
        elif repeats_known and detail["type"] == "value_error" and where[-1:] in {(), ("feeds",)}:
            continue
        else:
            yield where[:-1] if where[-1:] == ("[key]",) else where, _mend(detail)


def _web_address(where: Location, given: object, value: Mapping[str, Any]) -> tuple[Location, str]:
    place: Any = value
    for part in where:
        place = place[part]
    if isinstance(place, list) and given in place:
        where = (*where, place.index(given))
    return where, f"must be a web address that begins with http:// or https:// ({_is(given)})"


def _mend(detail: ErrorDetails) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    # An item of a list is called by the list's name.
    name = next((part for part in reversed(detail["loc"]) if isinstance(part, str)), "")
    match kind:
        case "missing":
            return f"is missing; add '{name}: …'"
        case "extra_forbidden":
            return _unknown(detail["loc"])
        case "value_error":
            told = f" ({_is(given)})" if isinstance(given, str) else ""
            return f"{context['error']}{told}"
        case "string_pattern_mismatch":
            return f"{_PATTERNS.get(name, 'write it otherwise')} ({_is(given)})"
        case "literal_error":
            return _one_of(given, re.findall(r"'([^']*)'", context["expected"]))
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters (has {len(given)})"
        case "less_than_equal":
            return f"must be at most {context['le']} (is {given})"
        case "greater_than_equal":
            return f"must be at least {context['ge']} (is {given})"
        case "too_short":
            return f"needs at least {context['min_length']}"
        case "too_long":
            return f"must be at most {context['max_length']} (are {context['actual_length']})"
    if given is None:
        if name == "accent":
            # YAML takes a colour without quotes for a comment.
            return "put it in quotes, such as '#8a1c1c'"
        or_without = "" if _is_required(detail["loc"]) else " or take the line out"
        return f"is empty; write a value{or_without}"
    if kind.startswith("int_"):
        return f"must be a whole number ({_is(given)})"
    if kind.startswith("bool_"):
        return f"must be true or false ({_is(given)})"
    if kind.startswith("date_"):
        return f"write a day such as 2026-12-01 ({_is(given)})"
    if kind == "string_type":
        return "must be one text; put quotes round it if it has a colon or begins with a bracket"
    if kind == "tuple_type":
        return "must be a list, each item on its own line after '- '"
    if kind in {"dict_type", "model_type", "model_attributes_type"}:
        return f"must have fields of its own, indented below it ({_is(given)})"
    return detail["msg"]


def _one_of(given: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(given).lower(), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"must be {', '.join(known[:-1])} or {known[-1]} ({_is(given)}){hint}"


def _unknown(where: Location) -> str:
    if near := _near(where):
        return f"unknown field; did you mean '{near}'?"
    return f"unknown field; there are: {', '.join(_fields(where))}"


def _near(where: Location) -> str:
    name = str(where[-1]).lower().replace("-", "_")
    return next(iter(difflib.get_close_matches(name, _fields(where), n=1)), "")


def _fields(where: Location) -> list[str]:
    return list(_model(where).model_fields)


def _is_required(where: Location) -> bool:
    field = _model(where).model_fields.get(str(where[-1])) if where else None
    return field is not None and field.is_required()


def _model(where: Location) -> type[BaseModel]:
    if where[:2] == ("brand", "social") and len(where) > 2:
        return Social
    return _MODELS.get(where[0], Newsletter) if len(where) > 1 else Newsletter


def _is(given: object) -> str:
    text = repr(given)
    return f"is {text}" if len(text) <= 80 else f"is {text[:79]}…"
