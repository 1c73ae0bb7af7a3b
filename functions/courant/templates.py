"""Where templates are found: an editor's own folder first, then ours.

For that newsletter ``templates/<newsletter>/digest/cards.html.j2`` takes the place of
``templates/digest/cards.html.j2``. Names that begin with ``courant/`` always mean ours, so that an
editor's file may extend the one it replaces: ``{% extends "courant/digest/cards.html.j2" %}``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from courant.plaintext import columns, wrap

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


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
