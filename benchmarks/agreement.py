"""How far our parsing agrees with what other parsers' authors expect of the same documents.

``python -m benchmarks.agreement`` reads every feed of the corpus that comes with an expectation
(gofeed, rss-parser, feedjira, feed-rs, podcastparser, fastfeedparser, feedparser's and Venus's
``Expect:`` lines) and compares feed title, and each entry's title, link, date and id. Every
disagreement is listed with its class from data/agreement.toml, or as open.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from benchmarks.corpus import ROOT, content, corpora
from courant.errors import FeedError
from courant.feeds import dates
from courant.feeds.cleaning import clean
from courant.feeds.identity import canonical_url
from courant.feeds.parsing.parse import parse_feed
from courant.feeds.raw import RawFeed, RawText

URL = "http://feed.example/feed"
FIELDS = ("feed title", "title", "link", "date", "id")


@dataclass(frozen=True, slots=True)
class Expected:
    """One value that somebody expects: ``entry`` is -1 for the feed's own."""

    case: str
    entry: int
    field: str
    value: Any


def expectations(folder: Path) -> Iterator[tuple[Path, str, list[Expected]]]:
    """Each document with its source and what is expected of it."""
    for line in (folder / "index.jsonl").read_text().splitlines():
        case = json.loads(line)
        path = folder / case["input"]
        if case["source"] in {"feedparser", "venus"}:
            values = list(_from_python(case["input"], case.get("expect") or _expect(path)))
        else:
            reader = _READERS.get(case["source"])
            named = [name for name in case["expected"] if ".expected." in name and ".json" in name]
            if reader is None or not named:
                continue
            values = []
            for name in named:
                document = json.loads(content(folder / name))
                values += list(reader(case["input"], document))
        if values:
            yield path, case["source"], values


def _expect(path: Path) -> str:
    match = re.search(rb"Expect:\s+(.*?)\s*-->", content(path)[:4000], re.DOTALL)
    return match[1].decode("utf-8", "replace") if match else ""


def _from_python(case: str, expression: str) -> Iterator[Expected]:
    """``entries[0]['title'] == 'x' and feed.title == 'y'`` → what is said of our fields."""
    try:
        tree = ast.parse(expression.strip().removeprefix("not bozo and "), mode="eval").body
    except SyntaxError:
        return
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    for part in parts:
        if not (isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Eq)):
            continue
        path = re.sub(r"\[['\"](\w+)['\"]\]", r".\1", ast.unparse(part.left))
        try:
            value = ast.literal_eval(part.comparators[0])
        except ValueError:
            continue
        if match := re.fullmatch(r"(?:entries\[(\d+)\]|(feed))\.(\w+)", path):
            entry, name = (-1 if match[2] else int(match[1])), match[3]
        elif "venus" in case and re.fullmatch(r"\w+", path):
            entry, name = 0, path
        else:
            continue
        field = _PYTHON.get(name)
        if field and (entry >= 0 or field == "title"):
            yield Expected(case, entry, "feed title" if entry < 0 else field, value)


_PYTHON = {
    "title": "title",
    "link": "link",
    "id": "id",
    "guid": "id",
    "published_parsed": "date",
    "updated_parsed": "any date",
}


def _entries(
    case: str, items: list[dict[str, Any]], names: Mapping[str, tuple[str, ...]]
) -> Iterator[Expected]:
    for number, item in enumerate(items):
        for field, keys in names.items():
            for key in keys:
                value = item.get(key)
                if isinstance(value, dict):
                    value = value.get("content")
                if value:
                    yield Expected(case, number, field, value)
                    break


def _gofeed(case: str, document: dict[str, Any]) -> Iterator[Expected]:
    items = document.get("items") or document.get("entries") or []
    title = document.get("title")
    if isinstance(title, str) and title:
        yield Expected(case, -1, "feed title", title)
    names = {
        "title": ("title",),
        "link": ("link", "url"),
        "date": ("publishedParsed", "pubDateParsed", "date_published"),
        "id": ("id",),
    }
    for item in items:
        guid = item.get("guid")
        item["id"] = (guid.get("value") if isinstance(guid, dict) else guid) or item.get("id")
    yield from _entries(case, items, names)


def _rss_parser(case: str, document: dict[str, Any]) -> Iterator[Expected]:
    feed = document["feed"]
    if feed.get("title"):
        yield Expected(case, -1, "feed title", feed["title"])
    for item in feed["items"]:
        item["id"] = item.get("guid") or item.get("id")
    names = {"title": ("title",), "link": ("link",), "date": ("isoDate",), "id": ("id",)}
    yield from _entries(case, feed["items"], names)


def _feed_rs(case: str, document: dict[str, Any]) -> Iterator[Expected]:
    if document.get("title"):
        yield Expected(case, -1, "feed title", document["title"]["content"])
    for item in document["entries"]:
        links = [link for link in item["links"] if link.get("rel") in {None, "alternate"}]
        item["link"] = links[0]["href"] if links else None
        # It makes up ids where there is none: 32 hex digits.
        item["id"] = None if re.fullmatch(r"[0-9a-f]{32}", item["id"]) else item["id"]
    names = {"title": ("title",), "link": ("link",), "date": ("published",), "id": ("id",)}
    yield from _entries(case, document["entries"], names)


def _podcastparser(case: str, document: dict[str, Any]) -> Iterator[Expected]:
    if document.get("title"):
        yield Expected(case, -1, "feed title", document["title"])
    for item in document["episodes"]:
        item["date"] = (
            datetime.fromtimestamp(item["published"], UTC).isoformat()
            if item.get("published")
            else None
        )
    names = {"title": ("title",), "link": ("link",), "date": ("date",), "id": ("guid",)}
    yield from _entries(case, document["episodes"], names)


def _fastfeedparser(case: str, document: dict[str, Any]) -> Iterator[Expected]:
    if document["feed"].get("title"):
        yield Expected(case, -1, "feed title", document["feed"]["title"])
    names = {"title": ("title",), "link": ("link",), "date": ("published",), "id": ("id",)}
    yield from _entries(case, document["entries"], names)


def _feedjira(case: str, document: list[dict[str, Any]]) -> Iterator[Expected]:
    names = {"title": "title", "url": "link", "published": "date", "entry_id": "id", "id": "id"}
    for claim in document:
        if claim["op"] != "eq" or "value" not in claim or not claim["value"]:
            continue
        target = f"{claim['target']}.{claim['attr']}"
        if claim["target"] == "feed" and claim["attr"] == "title":
            yield Expected(case, -1, "feed title", claim["value"])
            continue
        match = re.fullmatch(r"(?:feed\.entries\.first|entry)\.(\w+)", target)
        if match and match[1] in names:
            yield Expected(case, 0, names[match[1]], claim["value"])


_READERS: dict[str, Callable[[str, Any], Iterator[Expected]]] = {
    "gofeed": _gofeed,
    "rss-parser": _rss_parser,
    "feed-rs": _feed_rs,
    "podcastparser": _podcastparser,
    "fastfeedparser": _fastfeedparser,
    "feedjira": _feedjira,
}


def ours(feed: RawFeed, expected: Expected) -> Any:
    """Our value for what is expected, in the shape in which both are compared."""
    if expected.entry < 0:
        return _words(feed.title)
    if expected.entry >= len(feed.entries):
        return None
    entry = feed.entries[expected.entry]
    match expected.field:
        case "title":
            return _words(entry.title)
        case "link":
            return {_link(link, feed.base) for link in entry.links}
        case "date" | "any date":
            return set(entry.dates)
        case _:
            return entry.id


def theirs(feed: RawFeed, expected: Expected) -> Any:
    """The expected value in the same shape."""
    match expected.field:
        case "title" | "feed title":
            value = str(expected.value)
            return clean.plain_text(
                clean.clean_name(RawText(value, is_html="<" in value or "&" in value))
            )
        case "link":
            return _link(str(expected.value), feed.base)
        case "date" | "any date":
            return _instant(expected.value)
        case _:
            return str(expected.value).strip()


def agrees(feed: RawFeed, expected: Expected) -> bool:
    """Whether we have what is expected."""
    mine, other = ours(feed, expected), theirs(feed, expected)
    return other in mine if isinstance(mine, set) else bool(mine == other)


def _words(text: RawText | None) -> str:
    return clean.clean_name(text)


def _link(link: str, base: str) -> str:
    joined = urljoin(base, link.strip())
    return canonical_url(joined) or joined


def _instant(value: Any) -> datetime | None:
    if isinstance(value, tuple):
        return dates.from_struct(value)
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            instant = parse(str(value))
        except (ValueError, TypeError):
            continue
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value compared: whether we have it, and if not, why, by data/agreement.toml."""

    source: str
    expected: Expected
    theirs: Any
    ours: Any
    agrees: bool
    verdict: str
    why: str


def judgements() -> dict[str, Any]:
    """Class → rules that say why we differ: ``case`` (a pattern), ``fields``, ``why`` …"""
    return tomllib.loads((ROOT / "benchmarks/data/agreement.toml").read_text())


def compare() -> Iterator[Outcome]:
    """Every value that somebody expects, beside ours."""
    judged = judgements()
    for path, source, values in expectations(corpora() / "feeds"):
        try:
            feed = parse_feed(content(path), "", URL)
        except FeedError:
            feed = RawFeed(base=URL)
        for expected in values:
            same = agrees(feed, expected)
            verdict, why = ("", "") if same else _verdict(judged, expected)
            mine, other = ours(feed, expected), theirs(feed, expected)
            yield Outcome(source, expected, other, mine, same, verdict, why)


def _verdict(judged: dict[str, Any], expected: Expected) -> tuple[str, str]:
    for verdict in ("theirs", "taste", "ours"):
        for rule in judged.get(verdict, ()):
            if re.search(rule["case"], expected.case) and expected.field in rule["fields"]:
                return verdict, rule["why"]
    return "open", ""


def main(*words: str) -> None:
    """Print the table; with ``-v`` every disagreement."""
    outcomes = list(compare())
    if "-v" in words:
        for one in outcomes:
            if not one.agrees:
                named = f"{one.expected.case} [{one.expected.entry}] {one.expected.field}"
                print(
                    f"{one.verdict:9} {named}: theirs {one.theirs!r:.120}, ours {one.ours!r:.120}"
                )
    print(f"{'source':16}" + "".join(f"{field:>18}" for field in FIELDS))
    for source in sorted({one.source for one in outcomes}):
        cells = []
        for field in FIELDS:
            found = [
                one.agrees
                for one in outcomes
                if (one.source, one.expected.field.removeprefix("any ")) == (source, field)
            ]
            cells.append(f"{sum(found)}/{len(found)}" if found else "–")
        print(f"{source:16}" + "".join(f"{cell:>18}" for cell in cells))
    total, same = len(outcomes), sum(one.agrees for one in outcomes)
    classes = Counter(one.verdict for one in outcomes if not one.agrees)
    justified = classes["theirs"] + classes["taste"]
    print(
        f"compared {total}, agreed {same} ({same / total:.2%}), with what is justified "
        f"{(same + justified) / total:.2%}; disagreements: {dict(classes)}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
