"""Newsletter files: YAML → Newsletter, with mistakes that name file, line, field and the mend.

What a newsletter may be is courant.newsletter; what an editor is told about it is ``mends``.
Every plain value is read as text, so ``title: No`` and ``time: 7:00`` mean what they say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from courant.errors import ConfigurationError
from courant.newsletter import Newsletter
from desk import mends
from desk.mends import Location

_NULL = "tag:yaml.org,2002:null"
# Aliases could make a small file endless; no newsletter is near this.
_NODES_MAX = 50_000
# Characters. Reading YAML takes seconds a megabyte.
_LENGTH_MAX = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing to mend in a file."""

    line: int
    where: str
    text: str


@dataclass(slots=True)
class _Document:
    """A YAML document as plain values, with the line of each."""

    lines: dict[Location, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    nodes: int = 0

    def value(self, node: yaml.Node, where: Location) -> Any:
        self.nodes += 1
        if self.nodes > _NODES_MAX:
            raise yaml.MarkedYAMLError(
                problem="too much for a newsletter; an alias may hold itself",
                problem_mark=node.start_mark,
            )
        self.lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*where, n)) for n, item in enumerate(node.value)]
        return None if node.tag == _NULL else str(node.value)

    def _mapping(self, node: yaml.MappingNode, where: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.mistakes.append(Mistake(line, _name(where), "a field's name must be a word"))
                continue
            key = str(key_node.value)
            inside = (*where, key)
            if key in values:
                text = f"is here twice, first in line {self.lines[inside]}; keep one"
                self.mistakes.append(Mistake(line, _name(inside), text))
                continue
            self.lines[inside] = line
            values[key] = self.value(value_node, inside)
        return values

    def line(self, where: Location) -> int:
        """The line of a place, or of the nearest one around it that is in the file."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def load(path: Path) -> Newsletter:
    """The newsletter in a file.

    Raises:
        ConfigurationError: every mistake of the file, one a line:
            ``newsletters/morning.yaml:14: sections[1].limit: must be at most 50 (is 500)``.
    """
    newsletter, mistakes = _read(path)
    if newsletter is None:
        raise ConfigurationError("\n".join(mistakes))
    return newsletter


def load_folder(path: Path) -> tuple[Newsletter, ...]:
    """The newsletters of a folder's ``*.yaml`` files, by file name.

    Raises:
        ConfigurationError: every mistake of every file; no file; two files with one id.
    """
    files = sorted(file for file in path.glob("*.y*ml") if file.suffix in {".yaml", ".yml"})
    if not files:
        raise ConfigurationError(f"{path}: no newsletter here; write one as {path / 'name.yaml'}")
    found: dict[str, tuple[Path, Newsletter]] = {}
    mistakes: list[str] = []
    for file in files:
        newsletter, wrong = _read(file)
        mistakes += wrong
        if newsletter is None:
            continue
        first, _ = found.setdefault(newsletter.id, (file, newsletter))
        if first != file:
            mistakes.append(f"{file}: id: {newsletter.id!r} is also the id of {first}; change one")
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    return tuple(newsletter for _, newsletter in found.values())


def _read(path: Path) -> tuple[Newsletter | None, list[str]]:
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        return None, [f"{path}: {error.strerror or error}"]
    except UnicodeDecodeError:
        return None, [f"{path}: not text in UTF-8; save it as UTF-8"]
    newsletter, mistakes = parse(text)
    return newsletter, [f"{path}:{one.line}: {one.where}: {one.text}" for one in mistakes]


def parse(text: str) -> tuple[Newsletter | None, tuple[Mistake, ...]]:
    """The newsletter, or None and what to mend, by line."""
    if len(text) > _LENGTH_MAX:
        return None, (Mistake(1, "file", "over 1 MB; a newsletter is a page or two"),)
    document = _Document()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = document.value(node, ()) if node else None
    except yaml.YAMLError as error:
        return None, (_syntax(error),)
    except RecursionError:
        return None, (Mistake(1, "YAML", "nested too deeply; an alias may hold itself"),)
    if not isinstance(value, dict):
        return None, (Mistake(1, "file", "write fields such as 'id: morning', one a line"),)
    repeats = tuple(_repeats(value, document))
    mistakes = [*document.mistakes, *repeats]
    newsletter = None
    try:
        newsletter = Newsletter.model_validate(value)
    except ValidationError as error:
        for where, text in mends.mends(error, value, repeats_known=bool(repeats)):
            mistakes.append(Mistake(document.line(where), _name(where) or "newsletter", text))
    if mistakes:
        return None, tuple(sorted(mistakes))
    return newsletter, ()


def _syntax(error: yaml.YAMLError) -> Mistake:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if "'\\t'" in problem:
        problem = "use spaces, not tabs, to indent"
    elif "mapping values are not allowed" in problem:
        problem = "put quotes round a text with ': ' in it, and indent fields alike"
    elif "cannot start any token" in problem:
        problem = "put it in quotes; without them, no value may begin with this character"
    elif "expected a single document" in str(error) or "single document" in problem:
        problem = "one newsletter a file; take out the line '---'"
    return Mistake(mark.line + 1 if mark else 1, "YAML", problem)


def _repeats(value: dict[str, Any], document: _Document) -> Iterator[Mistake]:
    """Section ids and feeds that are there twice: only here is known which line they are in."""
    ids: dict[object, int] = {}
    sections = value.get("sections")
    for n, section in enumerate(sections if isinstance(sections, list) else ()):
        if not isinstance(section, dict):
            continue
        where: Location = ("sections", n, "id")
        if isinstance(section.get("id"), str):
            first = ids.setdefault(section["id"], document.line(where))
            if first != document.line(where):
                text = f"is also the id of the section in line {first}; give each its own"
                yield Mistake(document.line(where), _name(where), text)
        feeds = section.get("feeds")
        lines: dict[object, int] = {}
        for m, url in enumerate(feeds if isinstance(feeds, list) else ()):
            if isinstance(url, str) and url in lines:
                place: Location = ("sections", n, "feeds", m)
                text = f"is this section's feed in line {lines[url]} already; take one out"
                yield Mistake(document.line(place), _name(place), text)
            elif isinstance(url, str):
                lines[url] = document.line(("sections", n, "feeds", m))


def _name(where: Location) -> str:
    """``("sections", 1, "limit")`` as ``sections[1].limit``."""
    name = ""
    for part in where:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name
