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

# As tomllib says where and what.
_AT_LINE = re.compile(r"line (\d+), column \d+\)")
_MENDS = {"Cannot overwrite a value": "this word is in the file already; keep one of the two"}
# So many missing words are named.
_NAMED = 3

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
            raise AttributeError(f"{self.file} has no {name!r}") from error


def strings(language: str, folder: Path = FOLDER, newsletter: str | None = None) -> Strings:
    """The words of a language tag: ``pt-BR``, else ``pt``, else English; a newsletter's own first.

    Raises:
        ConfigurationError: an editor's file changes a word or fills in a name that ours does not
            have, is not TOML, or is a language of its own and lacks words.
    """
    tags = list(_tags(language))
    own = [file for tag in reversed(tags) for file in _files(tag, *_own(folder, newsletter))]
    ours = next((file for tag in tags for file in _files(tag, folder)), None)
    if ours is None and own:
        # A language of the editor's own: there is nothing of ours for it to change.
        ours, *own = own
        _refuse_gaps(ours, _words(folder / f"{FALLBACK}.toml"))
    file = ours or folder / f"{FALLBACK}.toml"
    words = _words(file)
    for change in own:
        words = _overlay(words, change)
    return Strings(own[-1] if own else file, words)


def available(folder: Path = FOLDER, newsletter: str | None = None) -> tuple[str, ...]:
    """The languages there are files for, in alphabetical order; with a newsletter, its own too."""
    folders = [folder, *_own(folder, newsletter)]
    return tuple(sorted({file.stem for each in folders for file in each.glob("*.toml")}))


def offered(tag: str, folder: Path = FOLDER, newsletter: str | None = None) -> bool:
    """Whether there is a file for this tag, or for the language it is a kind of."""
    return any(_files(each, folder, *_own(folder, newsletter)) for each in _tags(tag))


def chosen(
    reader: str | None, newspaper: str, folder: Path = FOLDER, newsletter: str | None = None
) -> str:
    """The language to write to a reader in: theirs if there are words for it, else the paper's."""
    return reader if reader and offered(reader, folder, newsletter) else newspaper


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


def _refuse_gaps(file: Path, english: Mapping[str, str]) -> None:
    """Raise ConfigurationError where a language's only file lacks words, counted ones apart.

    Which forms a count needs is the language's own affair, so one of them has to do here.
    """
    words = _words(file)
    counted = tuple(name.removesuffix("other") for name in english if name.endswith("_other"))
    needed = [name for name in english if not name.startswith(counted)]
    lacking = [name for name in needed if name not in words]
    lacking += [f"{stem}…" for stem in counted if not any(name.startswith(stem) for name in words)]
    if lacking:
        more = f", … ({len(lacking) - _NAMED} more)" if len(lacking) > _NAMED else ""
        raise ConfigurationError(
            f"{file}: this is the only file of its language ({file.stem}), so it must hold every "
            f"word; it lacks: {', '.join(lacking[:_NAMED])}{more}"
        )


def _overlay(words: Mapping[str, str], change: Path) -> Mapping[str, str]:
    own = _words(change)
    for name, word in own.items():
        if name not in words:
            close = get_close_matches(name, words, 1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigurationError(f"{_place(change, name)}: there is no word {name!r}{hint}")
        unknown = fields(word) - fields(words[name])
        if unknown:
            known = " ".join(f"{{{field}}}" for field in sorted(fields(words[name]))) or "nothing"
            raise ConfigurationError(
                f"{_place(change, name)}: {name} can't fill in {{{min(unknown)}}}; "
                f"it can fill in {known}"
            )
    return {**words, **own}


def fields(word: str) -> frozenset[str]:
    """The names in braces that are filled in.

    Raises:
        ValueError: a brace has no partner, or holds more than a name.
    """
    names = set()
    for _, name, form, conversion in string.Formatter().parse(word):
        if name is not None:
            # What is filled in may be a placeholder, which no format may change.
            if form or conversion:
                raise ValueError(f"write only the name in braces: {{{name}}}")
            names.add(name)
    return frozenset(names)


@lru_cache(maxsize=256)
def _read(file: Path, changed: int) -> Mapping[str, str]:  # noqa: ARG001 - part of the key
    try:
        words = tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax(file, str(error))) from error
    except ValueError as error:
        raise ConfigurationError(f"{file}: not text in UTF-8; save it as UTF-8") from error
    for name, word in words.items():
        if not isinstance(word, str):
            raise ConfigurationError(
                f'{_place(file, name)}: {name} is not a text; write {name} = "…"'
            )
        if not word.strip():
            raise ConfigurationError(
                f"{_place(file, name)}: {name} is empty; write its text, or take the line out"
            )
        try:
            fields(word)
        except ValueError as error:
            raise ConfigurationError(f"{_place(file, name)}: {name}: {error}") from error
    return words


def _place(file: Path, name: str) -> str:
    """``nl.toml:12`` for a word of the file."""
    lines = file.read_text("utf-8").splitlines()
    at = (n for n, line in enumerate(lines, 1) if re.match(rf"\s*[\"']?{re.escape(name)}\b", line))
    line = next(at, None)
    return f"{file}:{line}" if line else str(file)


def _syntax(file: Path, told: str) -> str:
    """What tomllib told, in an editor's words: ``nl.toml:3: …``."""
    problem, _, place = told.partition(" (at ")
    at = _AT_LINE.match(place)
    # "end of document" is all that is said of the last line.
    line = at[1] if at else len(file.read_text("utf-8").splitlines())
    mend = _MENDS.get(problem, 'write each word as name = "its text", on one line')
    return f"{file}:{line}: {mend}"
