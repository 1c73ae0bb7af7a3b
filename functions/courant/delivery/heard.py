"""What SES told of an edition, counted: ledger table, ``H#<edition>`` / ``HEARD``.

One row an edition, to which each invocation of feedback adds once; the brake and the report read
it. Of good news a count may be a little too high, as a repeated event counts twice; bad news is
counted with what is written on the reader's own row, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from courant import aws
from courant.delivery.brake import Heard
from courant.delivery.ledger import KEPT
from courant.schedule import EditionId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_NAMES = tuple(field.name for field in fields(Heard))


class HeardStore:
    """Counts of events, in the ledger table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, edition: EditionId, counts: Mapping[str, int], now: datetime) -> None:
        """Add to an edition's counts; the names are Heard's fields.

        Raises:
            Conflict: others kept adding; nothing was added.
        """
        update = self.addition(edition, counts, now)["Update"]
        aws.patiently(self._table.update_item, **update)

    def addition(
        self, edition: EditionId, counts: Mapping[str, int], now: datetime
    ) -> dict[str, dict[str, Any]]:
        """The same as one write of a transaction."""
        update = {
            "Key": _key(edition),
            "UpdateExpression": "SET #ttl = :ttl ADD "
            + ", ".join(f"#{name} :{name}" for name in counts),
            "ExpressionAttributeNames": {"#ttl": "ttl", **{f"#{name}": name for name in counts}},
            "ExpressionAttributeValues": {
                ":ttl": int((now + KEPT).timestamp()),
                **{f":{name}": count for name, count in counts.items()},
            },
        }
        return {"Update": update}

    def of(self, edition: EditionId) -> Heard:
        """An edition's counts, as of a second ago: read with eventual consistency."""
        item = self._table.get_item(Key=_key(edition)).get("Item", {})
        return Heard(**{name: int(str(item.get(name, 0))) for name in _NAMES})


def _key(edition: EditionId) -> dict[str, str]:
    return {"PK": f"H#{edition}", "SK": "HEARD"}
