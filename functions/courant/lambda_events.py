"""The shapes Lambda hands to handlers, as far as ours look at them."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from courant import clock, log


class Context(Protocol):
    """The part of Lambda's context object that handlers use."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda kills this invocation."""


def deadline(context: Context) -> datetime:
    """When Lambda kills this invocation."""
    return clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis())


def each_record(
    event: dict[str, Any], handle: Callable[[dict[str, Any]], object]
) -> dict[str, Any]:
    """Run ``handle`` on every SQS message's JSON; the answer names those that must come again.

    A message that is no JSON object, or lacks a field, fails like any other and ends in the
    dead-letter queue, where someone can look at it.
    """
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]} for record in _failed(event["Records"], handle)
        ]
    }


def _failed(
    records: Iterable[dict[str, Any]], handle: Callable[[dict[str, Any]], object]
) -> Iterable[dict[str, Any]]:
    for record in records:
        try:
            handle(json.loads(record["body"]))
        except Exception:  # noqa: BLE001 - the isolation point: one message must not fail the batch
            log.error("message", status="failed", message=record["messageId"])
            yield record
