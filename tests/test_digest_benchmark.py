"""The digest benchmark runs, and compares mails that are the same. Nothing here is timed."""

import pytest

from benchmarks import digest as benchmark
from benchmarks.edition import occasion, readers

pytestmark = pytest.mark.slow


def test_the_benchmark_measures_what_it_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "READERS", 12)

    benchmark.main(["--sizes", "2x2", "--rounds", "1", "--few", "4", "--peers", "no-such-python"])

    printed = capsys.readouterr().out
    tables = [block.splitlines()[0].split() for block in printed.split("\n\n")[1:]]
    assert [words[0] for words in tables] == ["mails", "times", "a", "composing", "ms"]
    # css-inline is in an environment that tests don't need.
    rates = next(line for line in printed.splitlines() if line.startswith("2×2")).split()
    assert [float(each) > 0 if each != "-" else None for each in rates[1:]] == [
        True,
        True,
        None,
        True,
    ]


def test_its_readers_are_the_same_each_time() -> None:
    newsletter = occasion(5, 5).newsletter

    twice = [[next(some) for _ in range(50)] for some in (readers(newsletter), readers(newsletter))]

    assert twice[0] == twice[1]
    assert len(set(twice[0])) > 25
