"""The words readers see, a TOML file a language in templates/locales. Nothing here is a template.

A language without a file gets English; a file that lacks a word is a mistake and fails.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "locales"
FALLBACK = "en"

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class Strings:
    """The words of one language: ``strings.unsubscribe_heading.format(newsletter=…)``."""

    __slots__ = ("_words", "file")

    def __init__(self, file: Path, words: Mapping[str, str]) -> None:
        self.file = file
        self._words = words

    def __getattr__(self, name: str) -> str:
        try:
            return self._words[name]
        except KeyError as error:
            raise AttributeError(f"{self.file.name} has no {name!r}") from error


def strings(language: str, folder: Path = FOLDER) -> Strings:
    """The words of a language tag: ``pt-BR``, else ``pt``, else English."""
    parts = language.split("-") if _LANGUAGE.fullmatch(language) else []
    for count in range(len(parts), 0, -1):
        file = folder / f"{'-'.join(parts[:count])}.toml"
        if file.is_file():
            return _read(file)
    return _read(folder / f"{FALLBACK}.toml")


@cache
def _read(file: Path) -> Strings:
    with file.open("rb") as stream:
        return Strings(file, tomllib.load(stream))
