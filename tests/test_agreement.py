"""What other parsers' authors expect of the corpus's documents, and where we differ, and why."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.agreement import compare, judgements


def test_every_disagreement_is_known_and_has_its_reason(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURANT_CORPORA", str(shared / "corpora"))
    outcomes = list(compare())
    judged = judgements()

    justified = [one for one in outcomes if one.agrees or one.verdict in {"theirs", "taste"}]
    assert len(justified) / len(outcomes) > 0.98
    if len(outcomes) != judged.pop("compared"):
        pytest.skip("the corpus is another than the one whose disagreements are counted")

    found = Counter((one.verdict, one.why) for one in outcomes if not one.agrees)

    rules = [(verdict, rule) for verdict, of in judged.items() for rule in of]
    assert found == {(verdict, rule["why"]): rule["count"] for verdict, rule in rules}
