"""DynamoDB's expressions as Python functions: each text is compiled once and kept.

Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html, without
list indexes and ``contains``, which no store of ours writes. Values are as ``table.plain`` makes
them, so that equal types have equal classes.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Item = dict[str, Any]
Test = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
Change = Callable[[Mapping[str, Any], Mapping[str, Any]], Item]
Names = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"\s*(:\w+|#\w+|[A-Za-z_]\w*|<=|>=|<>|[=<>(),.+-])")
_WORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
# What stands where an attribute is missing: of a class of its own, so it equals nothing.
MISSING: Any = type("Missing", (), {"__slots__": ()})()


class InvalidExpression(ValueError):
    """What DynamoDB answers with a ValidationException."""


class Uses(NamedTuple):
    """Which placeholders an expression names; DynamoDB refuses any that none does."""

    values: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, filter or key condition."""

    holds: Test
    uses: Uses


@dataclass(frozen=True, slots=True)
class Update:
    """An update expression; ``touched`` are the attributes at the top that it names."""

    apply: Change
    uses: Uses
    touched: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """Which partition, and which of its sort keys: ``=``, ``begins_with``, ``BETWEEN`` or none.

    ``hash`` and ``low``/``high`` name value placeholders.
    """

    hash_name: str
    hash: str
    range_name: str | None
    operator: str | None
    low: str | None
    high: str | None
    uses: Uses


@cache
def condition(text: str, names: Names) -> Condition:
    """The test that a condition expression means."""
    parser = _Parser(text, names)
    source = parser.either()
    parser.end()
    return Condition(_function(f"return {source}"), parser.uses())


@cache
def key_condition(text: str, names: Names) -> KeyCondition:
    """The range that a key condition means."""
    parser = _Parser(text, names)
    wrapped = parser.take("(")  # by boto3's own builder
    hash_name = parser.name()
    parser.expect("=")
    hash_value = parser.value()
    range_name = operator = low = high = None
    if parser.take("AND"):
        if parser.take("begins_with"):
            operator = "begins_with"
            parser.expect("(")
            range_name = parser.name()
            parser.expect(",")
            low = parser.value()
            parser.expect(")")
        else:
            range_name = parser.name()
            operator = parser.next()
            low = parser.value()
            if operator == "BETWEEN":
                parser.expect("AND")
                high = parser.value()
            elif operator not in {"=", "<", "<=", ">", ">="}:
                raise InvalidExpression(f"Invalid operator used in KeyConditionExpression: {text}")
    if wrapped:
        parser.expect(")")
    parser.end()
    return KeyCondition(hash_name, hash_value, range_name, operator, low, high, parser.uses())


@cache
def update(text: str, names: Names) -> Update:
    """The change that an update expression means; the right of SET is from before the update."""
    parser = _Parser(text, names)
    lines, paths, clauses = ["n = dict(i)"], [], set()
    while parser.more():
        clause = parser.next()
        if clause not in _CLAUSES or clause in clauses:
            raise InvalidExpression(f"Invalid UpdateExpression: {text}")
        clauses.add(clause)
        while True:
            path = parser.path()
            paths.append(path)
            if clause == "SET":
                parser.expect("=")
                lines.append(f"put(n, {path!r}, {parser.sum()})")
            elif clause == "REMOVE":
                lines.append(f"remove(n, {path!r})")
            else:
                name = "add" if clause == "ADD" else "delete"
                lines.append(f"{name}(n, i, {path!r}, v[{parser.value()!r}])")
            if not parser.take(","):
                break
    if not paths:
        raise InvalidExpression("Invalid UpdateExpression: The expression can not be empty;")
    for number, path in enumerate(paths):
        for other in paths[number + 1 :]:
            if path[: len(other)] == other[: len(path)]:
                raise InvalidExpression("Two document paths overlap with each other")
    # The flat ones, which are nearly all, in one go.
    lines = [re.sub(r"^put\(n, \('(\w+)',\), (.*)\)$", r"n['\1'] = \2", line) for line in lines]
    lines = [re.sub(r"^remove\(n, \('(\w+)',\)\)$", r"n.pop('\1', None)", line) for line in lines]
    source = "\n ".join([*lines, "return n"])
    return Update(_function(source), parser.uses(), frozenset(path[0] for path in paths))


class _Parser:
    """Reads one expression and writes it as Python: ``i`` is the item, ``v`` the values."""

    def __init__(self, text: str, names: Names) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self._known = dict(names)
        self._values: set[str] = set()
        self._names: set[str] = set()

    def uses(self) -> Uses:
        return Uses(frozenset(self._values), frozenset(self._names))

    def more(self) -> bool:
        return self._at < len(self._tokens)

    def end(self) -> None:
        if self.more():
            raise InvalidExpression(f"Syntax error; token: {self._tokens[self._at]!r}")

    def next(self) -> str:
        if not self.more():
            raise InvalidExpression(f"Syntax error; the end of {self._text!r}")
        token = self._tokens[self._at]
        self._at += 1
        return token.upper() if token.upper() in {*_WORDS, *_CLAUSES} else token

    def take(self, token: str) -> bool:
        if self.more() and self._tokens[self._at].upper() == token.upper():
            self._at += 1
            return True
        return False

    def expect(self, token: str) -> None:
        if (found := self.next()) != token:
            raise InvalidExpression(f"Syntax error; token: {found!r} in {self._text!r}")

    # ── conditions ───────────────────────────────────────────────────────────────────────────────

    def either(self) -> str:
        parts = [self._both()]
        while self.take("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else f"({' or '.join(parts)})"

    def _both(self) -> str:
        parts = [self._one()]
        while self.take("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else f"({' and '.join(parts)})"

    def _one(self) -> str:
        if self.take("NOT"):
            return f"(not {self._one()})"
        if self.take("("):
            inner = self.either()
            self.expect(")")
            return inner
        for function in ("attribute_exists", "attribute_not_exists"):
            if self.take(function):
                self.expect("(")
                path = self._read(self.path())
                self.expect(")")
                return f"({path} is {'not ' if function == 'attribute_exists' else ''}M)"
        if self.take("begins_with"):
            self.expect("(")
            left = self._operand()
            self.expect(",")
            right = self._operand()
            self.expect(")")
            return f"((a := {left}).__class__ is str and a.startswith({right}))"
        return self._comparison()

    def _comparison(self) -> str:
        left = self._operand()
        operator = self.next()
        if operator == "BETWEEN":
            low = self._operand()
            self.expect("AND")
            high = self._operand()
            return f"between({left}, {low}, {high})"
        if operator == "IN":
            self.expect("(")
            found = [self._operand()]
            while self.take(","):
                found.append(self._operand())
            self.expect(")")
            among = " or ".join(
                f"((b := {each}).__class__ is a.__class__ and a == b)" for each in found
            )
            return f"((a := {left}) is not M and ({among}))"
        right = self._operand()
        same = f"(a := {left}).__class__ is (b := {right}).__class__"
        if operator == "=":
            return f"({same} and a == b)"
        if operator == "<>":
            # Of what is missing this holds, as in DynamoDB.
            return f"(not ({same} and a == b))"
        if operator in {"<", "<=", ">", ">="}:
            return f"({same} and a {operator} b)"
        raise InvalidExpression(f"Syntax error; token: {operator!r} in {self._text!r}")

    def _operand(self) -> str:
        if self.take("size"):
            self.expect("(")
            path = self._read(self.path())
            self.expect(")")
            return f"size({path})"
        if self._tokens[self._at].startswith(":"):
            return f"v[{self.value()!r}]"
        return self._read(self.path())

    # ── updates ──────────────────────────────────────────────────────────────────────────────────

    def sum(self) -> str:
        """The right of SET."""
        first = self._term()
        for sign in "+-":
            if self.take(sign):
                return f"number({first}) {sign} number({self._term()})"
        return first

    def _term(self) -> str:
        if self.take("if_not_exists"):
            self.expect("(")
            path = self._read(self.path())
            self.expect(",")
            other = self._term()
            self.expect(")")
            return f"(a if (a := {path}) is not M else {other})"
        if self.take("list_append"):
            self.expect("(")
            first = self._term()
            self.expect(",")
            second = self._term()
            self.expect(")")
            return f"({first} + {second})"
        if self._tokens[self._at].startswith(":"):
            return f"v[{self.value()!r}]"
        return f"present({self._read(self.path())})"

    # ── names and values ─────────────────────────────────────────────────────────────────────────

    def value(self) -> str:
        token = self.next()
        if not token.startswith(":"):
            raise InvalidExpression(f"Syntax error; token: {token!r} in {self._text!r}")
        self._values.add(token)
        return token

    def name(self) -> str:
        token = self.next()
        if token.startswith("#"):
            if token not in self._known:
                raise InvalidExpression(f"An expression attribute name is not defined: {token}")
            self._names.add(token)
            return self._known[token]
        if not re.match(r"[A-Za-z_]", token):
            raise InvalidExpression(f"Syntax error; token: {token!r} in {self._text!r}")
        if token.upper() in _reserved():
            raise InvalidExpression(f"Attribute name is a reserved keyword; it is: {token}")
        return token

    def path(self) -> tuple[str, ...]:
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return tuple(parts)

    @staticmethod
    def _read(path: tuple[str, ...]) -> str:
        if len(path) == 1:
            return f"i.get({path[0]!r}, M)"
        return f"at(i, {path!r})"


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        if not (match := _TOKEN.match(text, at)):
            raise InvalidExpression(f"Syntax error; near: {text[at:]!r}")
        found.append(match[1])
        at = match.end()
    return found


@cache
def _reserved() -> frozenset[str]:
    """DynamoDB's reserved words, from moto's copy of them."""
    spec = importlib.util.find_spec("moto")
    assert spec is not None, "moto is among the desk's requirements"
    found = Path(spec.origin or "").parent / "dynamodb" / "parsing" / "reserved_keywords.txt"
    return frozenset(found.read_text().split())


def _function(body: str) -> Any:
    scope = dict(_SCOPE)
    exec(f"def made(i, v):\n {body}", scope)  # noqa: S102 - our own text, once an expression
    return scope["made"]


def _at(item: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = item
    for part in path:
        if not isinstance(found, dict) or part not in found:
            return MISSING
        found = found[part]
    return found


def _between(value: Any, low: Any, high: Any) -> bool:
    return bool(value.__class__ is low.__class__ is high.__class__ and low <= value <= high)


def _size(value: Any) -> Any:
    return MISSING if value is MISSING else Decimal(len(value))


def _present(value: Any) -> Any:
    if value is MISSING:
        raise InvalidExpression(
            "The provided expression refers to an attribute that does not exist in the item"
        )
    return value


def _number(value: Any) -> Decimal:
    if not isinstance(value, Decimal):
        raise InvalidExpression("An operand in the update expression has an incorrect data type")
    return value


def _put(new: Item, path: tuple[str, ...], value: Any) -> None:
    # Items are never changed in place: the maps on the way are copied.
    *way, last = path
    for part in way:
        if not isinstance(new.get(part), dict):
            raise InvalidExpression("The document path provided is invalid for update")
        new[part] = dict(new[part])
        new = new[part]
    new[last] = value


def _remove(new: Item, path: tuple[str, ...]) -> None:
    if len(path) == 1:
        new.pop(path[0], None)
        return
    parent = _at(new, path[:-1])
    if not isinstance(parent, dict):
        raise InvalidExpression("The document path provided is invalid for update")
    _put(new, path[:-1], {name: kept for name, kept in parent.items() if name != path[-1]})


def _add(new: Item, old: Mapping[str, Any], path: tuple[str, ...], value: Any) -> None:
    before = _at(old, path)
    if before is MISSING:
        if not isinstance(value, Decimal | set):
            raise InvalidExpression("Incorrect operand type for operator or function: ADD")
        _put(new, path, value)
    elif isinstance(before, Decimal) and isinstance(value, Decimal):
        _put(new, path, before + value)
    elif isinstance(before, set) and isinstance(value, set):
        _put(new, path, before | value)
    else:
        raise InvalidExpression("An operand in the update expression has an incorrect data type")


def _delete(new: Item, old: Mapping[str, Any], path: tuple[str, ...], value: Any) -> None:
    before = _at(old, path)
    if before is MISSING:
        return
    if not isinstance(before, set) or not isinstance(value, set):
        raise InvalidExpression("An operand in the update expression has an incorrect data type")
    if left := before - value:
        _put(new, path, left)
    else:
        _remove(new, path)


_SCOPE: dict[str, Any] = {
    "M": MISSING,
    "at": _at,
    "between": _between,
    "size": _size,
    "present": _present,
    "number": _number,
    "put": _put,
    "remove": _remove,
    "add": _add,
    "delete": _delete,
}
