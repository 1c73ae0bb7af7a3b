"""What goes wrong while a digest is made, as a sentence with the file and line to mend. Pure."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateNotFound, TemplateSyntaxError
from jinja2 import UndefinedError as NameNotGiven

from courant.errors import ConfigurationError, CourantError
from courant.templates import TemplateBroken
from desk.newsletter_file import Mistake

# ``templates/morning/locales/nl.toml:3: there is no word 'titel'``
_NAMED = re.compile(r"(?P<file>\S+\.toml):(?:(?P<line>\d+):)? (?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Fault:
    """What to mend, and where, as far as that is known."""

    text: str
    file: str = ""
    line: int | None = None

    @property
    def place(self) -> str:
        """``templates/digest/cards.html.j2:12``, as editors and terminals follow it."""
        return f"{self.file}:{self.line}" if self.line else self.file


def of_file(file: Path, mistakes: Iterable[Mistake]) -> tuple[Fault, ...]:
    """A newsletter file's mistakes."""
    return tuple(Fault(f"{one.where}: {one.text}", str(file), one.line) for one in mistakes)


def of_error(error: Exception, folder: Path, likely: str = "") -> Fault:
    """What stopped a digest from being made of the templates in a folder.

    ``likely`` names the file to look at where the error itself knows none: that a cut is missing is
    seen only when the whole page is there.
    """
    if isinstance(error, TemplateBroken) and error.file:
        return Fault(_sentence(error.reason), _short(error.file, folder), error.line)
    if isinstance(error, TemplateSyntaxError):
        file = error.filename or error.name or ""
        return Fault(
            _sentence(error.message or "can't be read"), _short(file, folder), error.lineno
        )
    if isinstance(error, TemplateNotFound):
        # What is asked for is missing; the line that asks is the one to mend.
        text = f"There is no template {error.name!r}."
    elif isinstance(error, (CourantError, ConfigurationError, NameNotGiven)):
        text = _sentence(str(error))
    else:
        text = _sentence(f"{type(error).__name__}: {error}")
    text = text.replace(f"{folder.parent}{os.sep}", "")
    if isinstance(error, ConfigurationError) and (named := _NAMED.fullmatch(text)):
        line_named = int(named["line"]) if named["line"] else None
        return Fault(_sentence(named["text"]), named["file"], line_named)
    file, line = _last_place(error, folder)
    return Fault(text, file or likely, line)


def _last_place(error: Exception, folder: Path) -> tuple[str, int | None]:
    """The innermost line of a template that was at work: Jinja gives its frames their own names."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        # A template of its environment's ``from_string`` has no file.
        if Path(frame.filename).is_relative_to(folder):
            return _short(frame.filename, folder), frame.lineno
    return "", None


def _short(file: str, folder: Path) -> str:
    path = Path(file)
    if not path.is_relative_to(folder):
        return file
    return str(Path(folder.name) / path.relative_to(folder))


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
