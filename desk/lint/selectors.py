"""CSS selectors of tags, classes, ids and ancestors; others match nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from desk.lint.page import Element

_COMPOUND = re.compile(
    r"(?P<tag>[a-zA-Z][\w-]*|\*)?(?P<rest>(?:[.#][\w-]+|:(?:root|link|any-link))*)$"
)


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector; ``direct``: whether a part must stand directly in the one before it."""

    parts: tuple[tuple[str, frozenset[str], str], ...]  # tag, classes, id; the element's own last
    direct: tuple[bool, ...]
    weight: tuple[int, int, int]


def parse(text: str) -> Selector | None:
    """The selector, or None if it is more than this module knows."""
    parts: list[tuple[str, frozenset[str], str]] = []
    direct: list[bool] = []
    child = False
    for word in text.replace(">", " > ").split():
        if word == ">":
            child = True
            continue
        match = _COMPOUND.match(word)
        if not match or not word:
            return None
        tag = (match["tag"] or "").lower().replace("*", "")
        if ":root" in match["rest"]:
            tag = "html"
        classes = frozenset(re.findall(r"\.([\w-]+)", match["rest"]))
        ids = re.findall(r"#([\w-]+)", match["rest"])
        parts.append((tag, classes, ids[0] if ids else ""))
        direct.append(child)
        child = False
    if not parts or child:
        return None
    weight = (
        sum(1 for part in parts if part[2]),
        sum(len(part[1]) for part in parts),
        sum(1 for part in parts if part[0]),
    )
    return Selector(tuple(parts), tuple(direct), weight)


def matches(selector: Selector, element: Element) -> bool:
    """Whether an element is one that the selector means."""
    if not _is(selector.parts[-1], element):
        return False
    at: Element | None = element.parent
    for number in range(len(selector.parts) - 2, -1, -1):
        only_parent = selector.direct[number + 1]
        while at is not None and not _is(selector.parts[number], at):
            if only_parent:
                return False
            at = at.parent
        if at is None:
            return False
        at = at.parent
    return True


def _is(part: tuple[str, frozenset[str], str], element: Element) -> bool:
    tag, classes, id_ = part
    return (
        (not tag or tag == element.tag)
        and (not id_ or id_ == element.get("id"))
        and (not classes or classes <= element.classes)
    )
