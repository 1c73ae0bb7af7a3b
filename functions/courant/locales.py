"""The words readers see, a TOML file a language in templates/locales. Nothing here is a template.

A language without a file gets English; a file that lacks a word is a mistake and fails. An editor
changes words for one newsletter in ``templates/<newsletter>/locales/<tag>.toml``, which holds only
what differs, or a whole language that we do not have.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from courant.errors import ConfigurationError

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


def strings(language: str, folder: Path = FOLDER, newsletter: str | None = None) -> Strings:
    """The words of a language tag: ``pt-BR``, else ``pt``, else English; a newsletter's own first.

    Raises:
        ConfigurationError: an editor's file changes a word or fills in a name that ours does not
            have, or is not TOML.
    """
    tags = list(_tags(language))
    own = [file for tag in reversed(tags) for file in _files(tag, *_own(folder, newsletter))]
    ours = next((file for tag in tags for file in _files(tag, folder)), None)
    if ours is None and own:
        # A language of the editor's own: there is nothing of ours for it to change.
        ours, *own = own
    file = ours or folder / f"{FALLBACK}.toml"
    words = _words(file)
    for change in own:
        words = _overlay(file, words, change)
    return Strings(own[-1] if own else file, words)


def available(folder: Path = FOLDER, newsletter: str | None = None) -> tuple[str, ...]:
    """The languages there are files for, in alphabetical order; with a newsletter, its own too."""
    folders = [folder, *_own(folder, newsletter)]
    return tuple(sorted({file.stem for each in folders for file in each.glob("*.toml")}))


def offered(tag: str, folder: Path = FOLDER, newsletter: str | None = None) -> bool:
    """Whether there is a file for this tag, or for the language it is a kind of."""
    return any(_files(each, folder, *_own(folder, newsletter)) for each in _tags(tag))


def _tags(language: str) -> Iterator[str]:
    """``pt-BR``, ``pt``; nothing for what is no tag, so no path leads out of the folder."""
    parts = language.split("-") if _LANGUAGE.fullmatch(language) else []
    for count in range(len(parts), 0, -1):
        yield "-".join(parts[:count])


def _own(folder: Path, newsletter: str | None) -> tuple[Path, ...]:
    return (folder.parent / newsletter / folder.name,) if newsletter else ()


def _files(tag: str, *folders: Path) -> list[Path]:
    return [file for folder in folders if (file := folder / f"{tag}.toml").is_file()]


def _words(file: Path) -> Mapping[str, str]:
    # With its time, so that a preview shows what an editor has just changed.
    return _read(file, file.stat().st_mtime_ns)


def _overlay(file: Path, words: Mapping[str, str], change: Path) -> Mapping[str, str]:
    own = _words(change)
    for name, word in own.items():
        if name not in words:
            close = get_close_matches(name, words, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigurationError(f"{change}: {file.name} has no {name!r}{hint}")
        unknown = fields(word) - fields(words[name])
        if unknown:
            known = " ".join(f"{{{field}}}" for field in sorted(fields(words[name]))) or "nothing"
            raise ConfigurationError(
                f"{change}: {name} can't fill in {{{min(unknown)}}}; it can fill in {known}"
            )
    return {**words, **own}


def fields(word: str) -> frozenset[str]:
    """The names in braces that are filled in.

    Raises:
        ValueError: a brace has no partner.
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(word) if name is not None)


@lru_cache(maxsize=256)
def _read(file: Path, changed: int) -> Mapping[str, str]:  # noqa: ARG001 - part of the key
    try:
        words = tomllib.loads(file.read_text("utf-8"))
        for name, word in words.items():
            if not isinstance(word, str):
                raise ConfigurationError(f"{file}: {name} is not a text")
            fields(word)
    except ValueError as error:  # also what is not TOML or not UTF-8
        raise ConfigurationError(f"{file}: {error}") from error
    return words
