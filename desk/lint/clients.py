"""Which mail clients a page fails in: its features against caniemail's data and our judgements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from desk.lint import css, features, judgements, support
from desk.lint.features import Usage
from desk.lint.findings import Finding, Severity
from desk.lint.judgements import Bite
from desk.lint.page import Page
from desk.lint.support import CLIENTS, Feature, Support

# Functions of values that caniemail has no page of, and that every client above draws.
_OLD_FUNCTIONS = frozenset(
    [
        "url",
        "rgb",
        "rgba",
        "hsl",
        "hsla",
        "attr",
        "local",
        "format",
        "counter",
        "counters",
        "rect",
        "translate",
        "translatex",
        "translatey",
        "scale",
        "scalex",
        "scaley",
        "rotate",
        "skew",
        "matrix",
        "cubic-bezier",
        "steps",
        "progid",
        "alpha",
        "expression",
    ]
)

Cell = Literal["yes", "covered", "partial", "no", "unknown", "unseen"]


@dataclass(slots=True)
class Row:
    """A feature that the page uses: where first, what each client makes of it, what stands in."""

    feature: Feature
    first: Usage
    uses: int = 0
    cells: dict[str, Cell] = field(default_factory=dict)
    reasons: dict[str, None] = field(default_factory=dict)  # a set in order


@dataclass(frozen=True, slots=True)
class _Verdict:
    cell: Cell
    severity: Severity | None = None
    reason: str = ""
    says: tuple[str, ...] = ()


_YES, _UNSEEN = _Verdict("yes"), _Verdict("unseen")
# What hurts most is what a row shows for a client.
_WORST: tuple[Cell, ...] = ("no", "partial", "unknown", "covered", "yes", "unseen")


def findings(page: Page, sheets: Sequence[css.Sheet]) -> Iterator[Finding]:
    """What clients lack, once a feature and severity, at the first place of it."""
    hits: dict[tuple[str, Severity, tuple[str, ...]], list[tuple[Usage, str]]] = {}
    for usage in features.usages(page, sheets):
        feature = support.features()[usage.slug]
        for client in feature.support:
            verdict = _verdict(usage, feature, client, page)
            if verdict.severity:
                key = (usage.slug, verdict.severity, verdict.says)
                hits.setdefault(key, []).append((usage, client))
    for (slug, severity, says), places in hits.items():
        yield _finding(support.features()[slug], severity, says, places)
    yield from _unlisted(page, sheets)


def table(page: Page, sheets: Sequence[css.Sheet]) -> tuple[Row, ...]:
    """Every feature of the page with every client, in caniemail's order."""
    rows: dict[str, Row] = {}
    for usage in features.usages(page, sheets):
        feature = support.features()[usage.slug]
        row = rows.setdefault(usage.slug, Row(feature, usage))
        row.uses += 1
        for client in CLIENTS:
            verdict = _verdict(usage, feature, client, page)
            old = row.cells.get(client, "unseen")
            row.cells[client] = min(old, verdict.cell, key=_WORST.index)
            if verdict.reason:
                row.reasons.setdefault(verdict.reason)
    return tuple(rows[slug] for slug in support.features() if slug in rows)


def merged(tables: Iterable[Sequence[Row]]) -> tuple[Row, ...]:
    """Several pages' tables as one: the worst of each cell, the reasons together."""
    rows: dict[str, Row] = {}
    for each in tables:
        for row in each:
            kept = rows.setdefault(row.feature.slug, Row(row.feature, row.first))
            kept.uses += row.uses
            for client, cell in row.cells.items():
                old = kept.cells.get(client, "unseen")
                kept.cells[client] = min(old, cell, key=_WORST.index)
            kept.reasons.update(row.reasons)
    return tuple(rows[slug] for slug in support.features() if slug in rows)


def _verdict(usage: Usage, feature: Feature, client: str, page: Page) -> _Verdict:
    if not _sees(usage, client):
        return _UNSEEN
    said = feature.of(client)
    if said.answer == "yes":
        return _YES
    bite = judgements.bites(usage, feature, said.notes, page)
    if said.answer == "partial" and not bite.notes and not bite.unjudged and said.notes:
        return _YES
    if entry := judgements.fallback(usage, client, page):
        return _Verdict("covered", reason=entry.reason)
    return _lacking(feature, said, bite)


def _lacking(feature: Feature, said: Support, bite: Bite) -> _Verdict:
    def notes(numbers: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(feature.notes[number] for number in numbers if number in feature.notes)

    match said.answer:
        case "no":
            return _Verdict("no", "error", says=notes(said.notes))
        case "partial" if bite.notes:
            return _Verdict("partial", "warning", says=(*notes(bite.notes), *bite.reasons))
        case "partial":
            return _Verdict("partial", "note", says=notes(said.notes))
        case _:
            return _Verdict("unknown", "note")


def _sees(usage: Usage, client: str) -> bool:
    if client == "outlook-windows" and not usage.in_outlook:
        return False
    known = support.features()
    return all(known[slug].of(client).answer != "no" for slug in usage.behind)


def _finding(
    feature: Feature,
    severity: Severity,
    says: tuple[str, ...],
    places: list[tuple[Usage, str]],
) -> Finding:
    first = places[0][0]
    uses = len({(usage.line, usage.column, usage.name) for usage, _ in places})
    clients = tuple(client for client in CLIENTS if any(client == each for _, each in places))
    names = ", ".join(CLIENTS[client] for client in clients)
    more = f" ({uses} places)" if uses > 1 else ""
    match severity:
        case "error":
            text = (
                f"{feature.title}{more} does nothing in {names}, and nothing stands in: "
                f"{judgements.mend(feature.slug) or 'leave it out, or give what they need.'}"
            )
        case "warning":
            text = f"{feature.title}{more} does not work so in {names}:"
        case _:
            text = f"{feature.title}{more}: support is partial or unknown in {names}."
    message = " ".join([text, *says, feature.url])
    return Finding(
        feature.slug, severity, message, first.line, first.excerpt, clients, first.column
    )


def _unlisted(page: Page, sheets: Sequence[css.Sheet]) -> Iterator[Finding]:
    """Value functions that caniemail does not know: nobody can say which client draws them."""
    known = {
        name for names in features.detectors()["function"].values() for name in names
    } | _OLD_FUNCTIONS
    rules = [(rule.declarations, rule.conditions) for sheet in sheets for rule in sheet.rules]
    rules += [(css.inline(element), ()) for element in page.elements]
    for declarations, conditions in rules:
        for number, declaration in enumerate(declarations):
            for token in css.functions(declaration.tokens):
                if token.type != "function" or token.lower_name in known:
                    continue
                before = declarations[:number]
                if any(each.name == declaration.name and "(" not in each.value for each in before):
                    continue
                at_dark = any("prefers-color-scheme" in query for _, query in conditions)
                if at_dark and declaration.name in {"background-color", "border-color"}:
                    continue
                yield Finding(
                    "css-function-unlisted",
                    "warning",
                    f"{token.name}() is not in caniemail's data; declare a plain "
                    f"{declaration.name} before it for clients that don't know it.",
                    declaration.line,
                    f"{declaration.name}: {declaration.value}"[:100],
                    (),
                    declaration.column,
                )
