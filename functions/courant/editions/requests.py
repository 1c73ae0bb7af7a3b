"""What an editor asked for by hand, by request id: asking twice does it once.

Content table: ``R#<request>`` / ``REQUEST``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from courant import aws
from courant.clock import from_stamp, stamp
from courant.schedule import EditionId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_KEPT = timedelta(days=30)


class Action(StrEnum):
    """What an editor can ask for."""

    SEND = "send"
    TEST = "test"
    PREVIEW = "preview"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    RETRY_UNRESOLVED = "retry-unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One act of an editor.

    ``edition`` is set for a send and for an act on an edition, ``to`` for a test. ``outcome`` is
    what came of a test, a preview or an act on an edition, once it is known.
    """

    id: str
    action: Action
    newsletter: str
    cadence: str
    requested_at: datetime
    to: tuple[str, ...] = ()
    edition: EditionId | None = None
    outcome: str | None = None


class RequestStore:
    """Requests in the content table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, request: Request) -> Request | None:
        """Keep a new request; if its id was used before, the one that used it."""
        item: aws.Item = {
            "PK": f"R#{request.id}",
            "SK": "REQUEST",
            "action": request.action.value,
            "newsletter": request.newsletter,
            "cadence": request.cadence,
            "requested_at": stamp(request.requested_at),
            "to": list(request.to),
            "edition": str(request.edition) if request.edition else None,
            "ttl": int((request.requested_at + _KEPT).timestamp()),
        }
        try:
            self._table.put_item(Item=item, ConditionExpression=Attr("PK").not_exists())
        except ClientError as error:
            if aws.is_conflict(error):
                return self.get(request.id)
            raise
        return None

    def get(self, request_id: str) -> Request | None:
        """A request by its id."""
        key = {"PK": f"R#{request_id}", "SK": "REQUEST"}
        item = self._table.get_item(Key=key, ConsistentRead=True).get("Item")
        return _request(item) if item else None

    def done(self, request_id: str, outcome: str) -> None:
        """Note what came of it."""
        self._table.update_item(
            Key={"PK": f"R#{request_id}", "SK": "REQUEST"},
            UpdateExpression="SET outcome = :outcome",
            ExpressionAttributeValues={":outcome": outcome},
        )


def outcome_write(request_id: str, outcome: str) -> dict[str, dict[str, Any]]:
    """The write, for a transaction, that notes what came of a request, once."""
    return {
        "Update": {
            "Key": {"PK": f"R#{request_id}", "SK": "REQUEST"},
            "UpdateExpression": "SET outcome = :outcome",
            "ConditionExpression": "attribute_exists(PK) AND attribute_not_exists(outcome)",
            "ExpressionAttributeValues": {":outcome": outcome},
        }
    }


def _request(item: aws.Item) -> Request:
    return Request(
        id=item["PK"].removeprefix("R#"),
        action=Action(item["action"]),
        newsletter=item["newsletter"],
        cadence=item["cadence"],
        requested_at=from_stamp(item["requested_at"]),
        to=tuple(item["to"]),
        edition=EditionId.parse(item["edition"]) if item["edition"] else None,
        outcome=item.get("outcome"),
    )
