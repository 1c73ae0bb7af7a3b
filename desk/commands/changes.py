"""What ``courant apply`` would change: files against the table. Pure, and told as a diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import yaml

from courant.feeds.store import feed_id
from courant.newsletter import Newsletter


@dataclass(frozen=True, slots=True)
class Changes:
    """What applying would do. ``kept`` are in the table without a file, and stay."""

    added: tuple[Newsletter, ...]
    changed: tuple[tuple[Newsletter, Newsletter], ...]
    """(as it is, as it will be)"""
    removed: tuple[Newsletter, ...]
    kept: tuple[str, ...]
    unchanged: tuple[str, ...]
    new_feeds: tuple[str, ...]
    dropped_feeds: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether all is as the files say."""
        return not (self.added or self.changed or self.removed)


def between(wanted: Sequence[Newsletter], present: Sequence[Newsletter], *, prune: bool) -> Changes:
    """What has to change so that the table says what the files say."""
    files = {newsletter.id: newsletter for newsletter in wanted}
    before = {newsletter.id: newsletter for newsletter in present}
    without_file = [one for one in present if one.id not in files]
    after = {**({} if prune else before), **files}
    feeds_before, feeds_after = feeds_of(before.values()), feeds_of(after.values())
    return Changes(
        added=tuple(one for one in wanted if one.id not in before),
        changed=tuple((before[one.id], one) for one in wanted if before.get(one.id, one) != one),
        removed=tuple(without_file) if prune else (),
        kept=() if prune else tuple(one.id for one in without_file),
        unchanged=tuple(one.id for one in wanted if before.get(one.id) == one),
        new_feeds=tuple(url for id_, url in feeds_after.items() if id_ not in feeds_before),
        dropped_feeds=tuple(url for id_, url in feeds_before.items() if id_ not in feeds_after),
    )


def describe(changes: Changes, *, one_file: bool) -> Iterable[str]:
    """Changes as lines for a person, each newsletter's change as a unified diff."""
    for newsletter in changes.added:
        yield from _diff(newsletter.id, "", written(newsletter))
    for before, after in changes.changed:
        yield from _diff(after.id, written(before), written(after))
    for newsletter in changes.removed:
        yield from _diff(newsletter.id, written(newsletter), "")
    # That other newsletters have no place in one file is no news.
    if changes.kept and not one_file:
        yield (
            f"Kept, though without a file: {', '.join(changes.kept)} (--prune removes them; "
            "their subscribers stay)"
        )
    if changes.unchanged:
        yield f"Unchanged: {', '.join(changes.unchanged)}"
    if changes.is_empty:
        yield "Nothing to do: the stack has these newsletters already."
    else:
        yield (
            f"{len(changes.added)} new, {len(changes.changed)} changed, "
            f"{len(changes.removed)} removed; {len(changes.new_feeds)} more feeds to gather, "
            f"{len(changes.dropped_feeds)} fewer"
        )


def written(newsletter: Newsletter) -> str:
    """A newsletter as an editor would write it."""
    value = newsletter.model_dump(mode="json", exclude_none=True)
    value["max_lateness"] = _duration(newsletter.max_lateness)
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=96)
    return text


class _Dumper(yaml.SafeDumper):
    """Writes texts of more than one line as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _diff(name: str, before: str, after: str) -> Iterable[str]:
    return difflib.unified_diff(
        before.splitlines(),
        after.splitlines(),
        f"{name} (in the stack)" if before else "(not in the stack)",
        f"{name} (your file)" if after else "(no file)",
        n=2,
        lineterm="",
    )


def _duration(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def feeds_of(some: Iterable[Newsletter]) -> dict[str, str]:
    """Feed id → URL: two spellings of one feed's address are one feed."""
    return {feed_id(url): url for newsletter in some for url in newsletter.feeds}
