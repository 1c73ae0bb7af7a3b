"""Real SES events, and AWS's other messages, as other projects have kept them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from courant.delivery.ses_events import Ignored, SesEvent, read

# What django-anymail calls them, and what we keep of them.
ANYMAIL = {
    "bounced": "Bounce",
    "complained": "Complaint",
    "deferred": "DeliveryDelay",
    "delivered": "Delivery",
    "failed": "RenderingFailure",
    "opened": "Open",
    "clicked": "Click",
    "rejected": "Reject",
    "sent": "Send",
}
OF_SES = {"ses-raw", "eventbridge", "sns-notification"}


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Path:
    path = shared / "corpora" / "ses-events"
    if not (path / "index.jsonl").is_file():
        pytest.skip("needs the corpus of SES events")
    return path


def cases(corpus: Path) -> Iterator[dict[str, Any]]:
    for line in (corpus / "index.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case["input"].endswith(".json"):
            yield case


def bodies(content: Any) -> Iterator[object]:
    """A case as the body of an SQS message, and whatever message it holds itself."""
    yield content
    records = content.get("Records") if isinstance(content, dict) else None
    for record in records or ():
        if isinstance(record, dict) and isinstance(record.get("Sns"), dict):
            yield record["Sns"]


def test_every_message_is_read_or_ignored_for_a_reason(corpus: Path) -> None:
    kinds: Counter[str] = Counter()
    for case in cases(corpus):
        for body in bodies(json.loads((corpus / case["input"]).read_text())):
            found = read(body)
            if isinstance(found, Ignored):
                assert found.reason
                kinds["ignored"] += 1
            else:
                assert found.message_id, case["id"]
                kinds[found.type] += 1

    assert {"Bounce", "Complaint", "Delivery", "Send", "Reject", "RenderingFailure"} <= set(kinds)
    assert kinds["ignored"] > 40


def test_each_event_of_ses_is_taken_for_what_it_is(corpus: Path) -> None:
    looked_at = 0
    for case in cases(corpus):
        if case["kind"] not in OF_SES or not case.get("event"):
            continue
        found = read(json.loads((corpus / case["input"]).read_text()))
        kind = "".join(case["event"].split())
        looked_at += 1
        if isinstance(found, Ignored):
            # Mail that somebody received, and S3's objects: no event of a mail of ours.
            assert found.reason in {f"type {kind}", "no SES event"}, case["id"]
            assert kind == "Received" or kind.startswith("Object"), case["id"]
        else:
            assert found.type == kind, case["id"]

    assert looked_at > 20


def test_what_django_anymail_reads_we_read_alike(corpus: Path) -> None:
    compared = 0
    for case in cases(corpus):
        for name in case["expected"]:
            expected = json.loads((corpus / name).read_text())["events"]
            variants = [corpus / case["input"], (corpus / case["input"]).with_suffix(".sns.json")]
            for path in (path for path in variants if path.is_file()):
                found = read(json.loads(path.read_text()))
                assert isinstance(found, SesEvent)
                _agree(found, expected)
                compared += 1

    assert compared >= 5


def _agree(found: SesEvent, expected: list[dict[str, Any]]) -> None:
    assert {ANYMAIL[one["event_type"]] for one in expected} == {found.type}
    if found.suppress:
        assert found.addresses == tuple(one["recipient"] for one in expected)
    for one in expected:
        if "message_id" in one:
            assert found.message_id == one["message_id"]
        if one["event_type"] in {"complained", "rejected"}:
            assert found.reason == one["description"]


def test_no_event_reads_another_way_through_sns_or_eventbridge(corpus: Path) -> None:
    for case in cases(corpus):
        if case["kind"] != "ses-raw":
            continue
        body = json.loads((corpus / case["input"]).read_text())

        assert read({"Type": "Notification", "Message": json.dumps(body)}) == read(body)
        assert read({"detail-type": "Email", "detail": body}) == read(body)
