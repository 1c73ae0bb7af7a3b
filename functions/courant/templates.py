"""Where templates are found: an editor's own folder first, then ours.

For that newsletter ``templates/<newsletter>/digest/cards.html.j2`` takes the place of
``templates/digest/cards.html.j2``. Names that begin with ``courant/`` always mean ours, so that an
editor's file may extend the one it replaces: ``{% extends "courant/digest/cards.html.j2" %}``.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)

from courant.errors import ConfigurationError, CourantError
from courant.plaintext import columns, wrap

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


class TemplateBroken(CourantError):
    """A template can't be used. ``file`` and ``line`` say where to look, if that is known."""

    def __init__(self, reason: str, file: str = "", line: int | None = None) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason
        self.file = file
        self.line = line


def filled(environment: Environment, name: str, context: Mapping[str, Any]) -> str:
    """A template with these values.

    Raises:
        TemplateBroken: it is not there, not Jinja, uses a name it is not given, or fails otherwise.
        ConfigurationError: words that it uses are missing.
    """
    try:
        return environment.get_template(name).render(context)
    except ConfigurationError:
        raise
    except TemplateSyntaxError as error:
        reason = error.message or "it can't be read"
        raise TemplateBroken(reason, error.filename or name, error.lineno) from error
    except RecursionError as error:
        raise TemplateBroken(
            f"it includes or extends itself without end; to extend ours, write courant/{name}", name
        ) from error
    except TemplateNotFound as error:
        raise TemplateBroken(f"there is no template {error.name!r}", *_last_place(error)) from error
    except UndefinedError as error:
        raise TemplateBroken(str(error), *(_last_place(error) or (name,))) from error
    except Exception as error:  # whatever an editor's expression may raise
        reason = f"{type(error).__name__}: {error}"
        raise TemplateBroken(reason, *(_last_place(error) or (name,))) from error


def _last_place(error: Exception) -> tuple[str, int | None] | tuple[()]:
    """The innermost line of a template at work: Jinja gives its frames the templates' names."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(".j2"):
            return frame.filename, frame.lineno
    return ()


@cache
def environment(newsletter_id: str | None, *, html: bool, folder: Path = TEMPLATES) -> Environment:
    """The environment of a newsletter's templates (None: ours alone), for HTML or plain text."""
    ours = FileSystemLoader(folder)
    own = [FileSystemLoader(folder / newsletter_id)] if newsletter_id else []
    environment = Environment(
        loader=ChoiceLoader([*own, ours, PrefixLoader({"courant": ours})]),
        autoescape=html,  # noqa: S701 - the other page is plain text, where escaping would show
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"wrap": wrap, "columns": columns}
    return environment
