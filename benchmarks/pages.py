"""How well pages are read, beside trafilatura alone and what other libraries published.

``python -m benchmarks.pages [--sample N] [--source NAME]``: body F1 over 4-gram shingles, as the
article extraction benchmark counts (mean precision and recall over pages, F1 of the means;
https://github.com/scrapinghub/article-extraction-benchmark), then how often title, date, author
and picture are the annotator's.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.corpus import content, corpora
from courant.errors import FeedUnreadable
from courant.feeds.cleaning.words import holds_words, same_words
from courant.feeds.pages.page import Page, read_page
from courant.feeds.parsing.decode import decode

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
# Where people, not another extractor, said what the page holds.
ANNOTATED = ("aeb", "wcxb", "naeb", "fundus", "fundus-eval", "trafilatura-eval")
_WORD = re.compile(r"\w+")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e01-\u0e5b]")


class Score:
    """Precision and recall, page by page."""

    def __init__(self) -> None:
        self.precisions: list[float] = []
        self.recalls: list[float] = []

    def add(self, said: str, true: str) -> None:
        ours, theirs = shingles(said), shingles(true)
        common = sum((ours & theirs).values())
        self.precisions.append(common / sum(ours.values()) if ours else float(not theirs))
        self.recalls.append(common / sum(theirs.values()) if theirs else 1.0)

    def __str__(self) -> str:
        if not self.precisions:
            return "–"
        p, r = (sum(values) / len(values) for values in (self.precisions, self.recalls))
        f1 = 2 * p * r / (p + r) if p + r else 0.0
        return f"F1 {f1:.3f}  P {p:.3f}  R {r:.3f}  ({len(self.precisions)} pages)"


def shingles(text: str, size: int = 4) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(_DENSE.sub(r" \g<0> ", text))
    if words and len(words) < size:
        return Counter([tuple(words)])
    return Counter(zip(*(words[start:] for start in range(size)), strict=False))


def cases(folder: Path, sources: tuple[str, ...]) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """``(source, page, truth)`` of every page with one."""
    for line in (folder / "index.jsonl").read_text().splitlines():
        row = json.loads(line)
        truths = [name for name in row["expected"] if ".truth.json" in name]
        if row["source"] in sources and truths:
            truth = json.loads(content(folder / truths[0]))
            yield row["source"], content(folder / row["input"]), truth


def published_by_peers(folder: Path) -> dict[str, dict[str, dict[str, str]]]:
    """source → library → page → the body that library is published to have found."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for source in ("aeb", "fundus-eval"):
        found[source] = {}
        for path in sorted((folder / source / "peers").glob("*.json.gz")):
            with gzip.open(path, "rt") as file:
                peer = json.load(file)
            found[source][peer["library"]] = {
                name.removesuffix(".gz").removesuffix(".html"): _peer_text(output)
                for name, output in peer["output"].items()
            }
    return found


def _peer_text(output: Any) -> str:
    body = output.get("body") if isinstance(output, dict) else output
    return "\n".join(body) if isinstance(body, list) else body or ""


def trafilatura_text(page: bytes) -> str:
    from trafilatura import extract

    return extract(decode(page, ""), include_comments=False) or ""


def check(page: Page, truth: dict[str, Any], hits: defaultdict[str, list[bool]]) -> None:
    """Add to ``hits`` which of the annotated fields came out."""
    if title := truth.get("title"):
        said = page.title or ""
        hits["title"].append(
            same_words(said, title) or holds_words(title, said) or holds_words(said, title)
        )
    if date := truth.get("date"):
        days = {str(page.published)[:10], *_local_days(page)}
        hits["date"].append(date[:10] in days)
    if authors := truth.get("authors"):
        hits["author"].append(
            any(
                holds_words(page.author or "", name) or holds_words(name, page.author or "")
                for name in authors
            )
        )
    if image := truth.get("top_image"):
        file = urlsplit(image).path.rpartition("/")[2]
        hits["image"].append(bool(page.image and page.image.url.partition("?")[0].endswith(file)))
    if wanted := truth.get("with"):
        text = "\n".join((page.title or "", *page.subheads, *page.paragraphs))
        hits["with"] += [holds_words(text, part) for part in wanted]
        hits["without"] += [not holds_words(text, part) for part in truth.get("without") or ()]
    if section := truth.get("section"):
        named = section if isinstance(section, list) else [section]
        hits["section"].append(any(same_words(page.section or "", str(one)) for one in named))


def _local_days(page: Page) -> set[str]:
    # Annotators write the day as the page shows it, in its own zone.
    if page.published is None:
        return set()
    return {(page.published + timedelta(hours=hours)).isoformat()[:10] for hours in (-10, 12)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="read so many pages of each source")
    parser.add_argument("--source", help="read one source only")
    options = parser.parse_args()
    folder = corpora() / "articles"
    sources = (options.source,) if options.source else (*ANNOTATED, "postlight-parser")
    peers = published_by_peers(folder)
    everything: Counter[str] = Counter()
    totals: defaultdict[str, list[bool]] = defaultdict(list)
    for source in sources:
        hits: defaultdict[str, list[bool]] = defaultdict(list)
        scores: defaultdict[str, Score] = defaultdict(Score)
        seconds, slowest = 0.0, 0.0
        for _, body, truth in islice(cases(folder, (source,)), options.sample):
            started = time.process_time()
            try:
                page = read_page(body, "", truth.get("url") or "https://example.org/", now=NOW)
            except FeedUnreadable:
                page = Page()
                everything["unreadable"] += 1
            taken = time.process_time() - started
            seconds, slowest = seconds + taken, max(slowest, taken)
            everything["pages"] += 1
            check(page, truth, hits)
            if text := truth.get("text"):
                scores["ours"].add("\n".join(block.text for block in page.body), text)
                scores["trafilatura, bare"].add(trafilatura_text(body), text)
                name = Path(truth["id"]).name.removesuffix(".html")
                for library, output in peers.get(source, {}).items():
                    if name in output:
                        scores[library].add(output[name], text)
        print(f"\n{source}: {seconds:.1f} s of CPU, the slowest page {slowest:.2f} s")
        for library, score in scores.items():
            print(f"  {library:20} {score}")
        print("  " + "  ".join(_share(name, hit) for name, hit in sorted(hits.items())))
        for name, hit in hits.items():
            totals[name] += hit
    print(f"\nall: {dict(everything)}")
    print("  " + "  ".join(_share(name, hit) for name, hit in sorted(totals.items())))


def _share(name: str, hits: list[bool]) -> str:
    return f"{name} {sum(hits) / len(hits):.1%} of {len(hits)}"


if __name__ == "__main__":
    main()
