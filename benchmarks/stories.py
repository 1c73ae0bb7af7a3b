"""How well articles are put together into stories: precision and recall over labelled pairs.

``python -m benchmarks.stories`` reads data/stories.own.tsv (pairs of our own, traps in many
languages) and data/stories.corpus.tsv (pairs of the corpus, labelled by hand, as hashes), takes
both articles of a pair as if they came today from two feeds, and prints each class and each pair
that came out wrong. ``same`` means: of one event, so that a reader of one has read the other's
news; a comment, a follow-up or a gallery is another piece.
"""

from __future__ import annotations

import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin

from benchmarks.corpus import ROOT, content, corpora
from courant.articles import Article
from courant.editions.stories import group
from courant.errors import FeedError
from courant.feeds.document import read_document

DATA = ROOT / "benchmarks" / "data"
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
CANDIDATES = 5_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles, what kind of pair they are, and whether they tell one story."""

    kind: str
    same: bool
    articles: tuple[Article, Article]

    @property
    def merged(self) -> bool:
        """Whether they become one story."""
        return len(group(self.articles)) == 1

    def __str__(self) -> str:
        a, b = self.articles
        what = "missed" if self.same else "MERGED"
        return f"{what} [{self.kind}] {a.title} | {b.title}"


@dataclass(frozen=True, slots=True)
class Score:
    """Pairs told apart and together; both ratios are 1 where there is nothing to get wrong."""

    same: int = 0
    found: int = 0
    merged: int = 0

    @property
    def precision(self) -> float:
        """Of the merged pairs, those that are the same."""
        return self.found / self.merged if self.merged else 1.0

    @property
    def recall(self) -> float:
        """Of the pairs that are the same, those merged."""
        return self.found / self.same if self.same else 1.0


def score(pairs: Iterable[Pair]) -> Score:
    """What became of the pairs."""
    same = found = merged = 0
    for pair in pairs:
        is_merged = pair.merged
        same += pair.same
        merged += is_merged
        found += pair.same and is_merged
    return Score(same, found, merged)


def own() -> Iterator[Pair]:
    """The pairs of our own."""
    for kind, label, language, *texts in _rows("stories.own.tsv"):
        first, _, second = language.partition("/")
        yield Pair(
            kind,
            label == "same",
            (
                _article("a", texts[0], texts[1], first),
                _article("b", texts[2], texts[3], second or first),
            ),
        )


def of_corpus(folder: Path) -> Iterator[Pair]:
    """The corpus's pairs of which this copy of the corpus, and our reading of it, has both."""
    rows = list(_rows("stories.corpus.tsv"))
    found: dict[tuple[str, str], Article] = {}
    for file in sorted({name for row in rows for name in (row[2], row[4])}):
        for article in _read(folder / "feeds", file):
            found.setdefault((file, _key(article.title)), article)
    for kind, label, file_a, key_a, file_b, key_b in rows:
        a, b = found.get((file_a, key_a)), found.get((file_b, key_b))
        if a and b:
            # Two pieces of one feed, or of one site, are the hardest to tell apart by their words.
            b = replace(b, feed_id="other", url=urljoin("https://other.example.org/", b.id))
            yield Pair(kind, label == "same", (a, b))


def _rows(name: str) -> Iterator[list[str]]:
    for line in (DATA / name).read_text("utf-8").splitlines():
        if not line.startswith("#"):
            yield line.split("\t")


def _article(feed: str, title: str, summary: str, language: str) -> Article:
    return Article(
        id=sha256(f"{feed}\n{title}\n{summary}".encode()).hexdigest()[:32],
        feed_id=feed,
        url=f"https://{feed}.example.org/",
        title=title,
        summary=summary,
        source=feed,
        first_seen=NOW,
        language=language,
    )


def _read(folder: Path, file: str) -> Iterator[Article]:
    for path in (folder / file, folder / f"{file}.gz"):
        if path.is_file():
            try:
                document = read_document(
                    content(path), "", f"https://example.org/{file}", feed_id=file, now=NOW
                )
            except FeedError:
                return
            for item in document.items:
                # Fixtures span twenty years; here they are all of today, which is harder.
                yield replace(item.article, published=None)
            return


def _key(title: str) -> str:
    letters = "".join(character for character in title.casefold() if character.isalnum())
    return sha256(letters.encode()).hexdigest()[:16]


def _table(name: str, pairs: Sequence[Pair]) -> None:
    kinds: defaultdict[tuple[bool, str], list[Pair]] = defaultdict(list)
    for pair in pairs:
        kinds[not pair.same, pair.kind].append(pair)
    print(f"\n{name}: {len(pairs)} pairs")
    for (different, kind), some in sorted(kinds.items()):
        merged = score(some).merged
        label = "different" if different else "same"
        print(f"  {kind:<26}{label:<10}{len(some):>5} pairs, {merged:>4} merged")
    total = score(pairs)
    print(f"  precision {total.precision:.3f}, recall {total.recall:.3f}")
    for pair in pairs:
        if pair.merged != pair.same:
            print(f"    {pair}")


def _speed(folder: Path) -> None:
    pool = [article for pair in of_corpus(folder) for article in pair.articles]
    articles = [
        replace(
            pool[number % len(pool)],
            id=f"{number:032x}",
            feed_id=str(number),
            first_seen=NOW - timedelta(seconds=number),
        )
        for number in range(CANDIDATES)
    ]
    random.Random(1).shuffle(articles)
    start = time.perf_counter()
    stories = group(articles)
    took = time.perf_counter() - start
    print(f"\n{len(articles):,} candidates → {len(stories):,} stories in {took:.2f} s")


def main() -> None:
    """Print all of it."""
    _table("Our own", list(own()))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else corpora()
    _table("Corpus", list(of_corpus(folder)))
    _speed(folder)


if __name__ == "__main__":
    main()
