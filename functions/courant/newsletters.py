"""Where newsletters are kept: content table, ``NEWSLETTERS`` / ``<id>``. The desk reads YAML."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from boto3.dynamodb.conditions import Key

from courant import aws, log
from courant.clock import stamp
from courant.newsletter import Newsletter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_PARTITION = "NEWSLETTERS"


class NewsletterStore:
    """Newsletters in the content table, each as the JSON of its model."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, newsletter_id: str) -> Newsletter | None:
        """One newsletter as it was last applied, read strongly."""
        found = self._table.get_item(Key=_key(newsletter_id), ConsistentRead=True).get("Item")
        return _newsletter(found) if found else None

    def all(self) -> tuple[Newsletter, ...]:
        """Every newsletter, by id. One that can't be read (any more) is logged and left out."""
        found = aws.query(
            self._table, KeyConditionExpression=Key("PK").eq(_PARTITION), ConsistentRead=True
        )
        return tuple(one for item in found if (one := _readable(item)))

    def put(self, newsletter: Newsletter, now: datetime) -> None:
        """Keep a newsletter in place of the one with its id."""
        definition = newsletter.model_dump_json()
        self._table.put_item(
            Item={**_key(newsletter.id), "definition": definition, "changed_at": stamp(now)}
        )

    def delete(self, newsletter_id: str) -> None:
        """Forget a newsletter; its subscribers stay."""
        self._table.delete_item(Key=_key(newsletter_id))


def _key(newsletter_id: str) -> dict[str, str]:
    return {"PK": _PARTITION, "SK": newsletter_id}


def _readable(item: aws.Item) -> Newsletter | None:
    try:
        return _newsletter(item)
    except ValueError:
        # A zone that tzdata dropped, or a rule that came with an upgrade: the others go on.
        log.error("newsletter", status="unreadable", newsletter=item["SK"])
        return None


def _newsletter(item: aws.Item) -> Newsletter:
    return Newsletter.model_validate_json(item["definition"])
