"""The delivery benchmark sends what it says, and compares the same calls. Nothing here is timed."""

import subprocess
import sys
from typing import Any

import pytest

from benchmarks import deliver as benchmark
from benchmarks import units
from benchmarks.answers import serving
from benchmarks.deliver_ways import Bare, Editions

pytestmark = pytest.mark.slow


def test_the_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    benchmark.main(
        ["--sizes", "2x2", "--members", "5", "--rounds", "1", "--ses-ms", "1", "--peers", "none"]
    )

    printed = capsys.readouterr().out
    titles = [block.split(",")[0].split(":")[0] for block in printed.split("\n\n")[1:]]
    assert titles == ["overhead", "pace", "peer", "cold"]


def test_bare_calls_are_those_of_the_walk() -> None:
    with serving(), benchmark.function(1) as deliver:
        asked = benchmark.walked(deliver, Editions(5, 2, 2))
        bare = Bare(asked)
        found = []
        for claim, mail, record in bare.digests:
            tags = {tag["Name"]: tag["Value"] for tag in mail["EmailTags"]}
            values = claim["ExpressionAttributeValues"]
            found.append((claim["Key"], tags["rid"], values[":me"]["S"] == tags["att"]))
            assert claim["Key"] == record["Key"]
            assert record["ExpressionAttributeValues"][":state"] == {"S": "sent"}
            assert b"\r\nList-Unsubscribe: <https://" in mail["Content"]["Raw"]["Data"]
            bare.deliver((claim, mail, record))

    assert found == [
        ({"PK": key["PK"], "SK": {"S": sid}}, sid, True)
        for number, (key, _, _) in enumerate(found)
        for sid in [f"6{number:031x}"]
    ]


def test_deliver_starts_without_what_it_does_not_need() -> None:
    """A cold start that loads pydantic takes a fifth longer."""
    command = [sys.executable, "-c", "import deliver.handler, sys; print(*sys.modules)"]

    loaded = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours

    assert "courant.delivery.deliver" in loaded.stdout.split()
    assert not {"pydantic", "jinja2", "lxml"} & set(loaded.stdout.split())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"S": "é"}, 2),
        ({"N": "1234"}, 3),
        ({"N": "-12345"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 3 + 3 + 2),
        ({"M": {"ab": {"S": "c"}}}, 3 + 1 + 2 + 1),
        ({"SS": ["ab", "c"]}, 3),
    ],
)
def test_sizes_are_counted_as_dynamodb_does(value: dict[str, Any], expected: int) -> None:
    assert units.size({"name": value}) == 4 + expected


def test_units_of_a_digest_are_counted() -> None:
    meter = units.run(2)

    digest_rows = meter.used["deliver", "write units ledger D#"]
    assert digest_rows == 2 * 2  # claimed, recorded
    assert meter.used["feedback", "read units ledger"] == 2 * 0.5
    assert meter.used["deliver", "sesv2 SendEmail"] == 2
