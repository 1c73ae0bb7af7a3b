"""How the page wants to see the digest, from a query string. Pure; unknown words mean the usual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args
from urllib.parse import parse_qs

from courant.newsletter import Look

Scheme = Literal["light", "dark", "forced"]
T = TypeVar("T", bound=str)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
LOOKS: tuple[Look, ...] = get_args(Look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``look`` and ``locale`` are None for the newsletter's own; ``reader`` is a sample reader's
    id, empty for the first."""

    look: Look | None = None
    locale: str | None = None
    reader: str = ""
    scheme: Scheme = "light"
    images: bool = True

    @classmethod
    def parse(cls, query: str, *, locales: Iterable[str], readers: Iterable[str]) -> Choice:
        """What ``look=cards&locale=ar&reader=named&scheme=dark&images=off`` asks for."""
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        return cls(
            look=_one_of(LOOKS, asked.get("look")),
            locale=_one_of(locales, asked.get("locale")),
            reader=_one_of(readers, asked.get("reader")) or "",
            scheme=_one_of(SCHEMES, asked.get("scheme")) or "light",
            images=asked.get("images") != "off",
        )


def _one_of(offered: Iterable[T], asked: str | None) -> T | None:
    return next((each for each in offered if each == asked), None)
