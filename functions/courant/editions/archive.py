"""The web edition's pages, and the rows by which readers find them.

A page lies in the bucket under its own content's hash, before its pressing is frozen with that key
in it; the rows come after, from what was frozen. So mail and page always agree, and every step may
run twice.

Bucket: ``web/<edition>/<sha256>.html``. Content table:
  ``E#<edition>``    / ``W#<time>``                     one page: where it lies
  ``N#<newsletter>`` / ``W#<date>#<cadence>[+extra]``   one edition, as the index lists it
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from courant import aws, log
from courant.clock import from_stamp, stamp
from courant.schedule import EditionId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

    from courant.editions.pressing import Frozen, WebPage

# Who may not list the bucket is told "denied" of an object that is not there.
_MISSING = frozenset({"NoSuchKey", "AccessDenied"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An edition as the index and the feed show it: by its first page, due at ``at``."""

    path: str
    key: str
    headline: str
    summary: str
    date_text: str
    at: datetime
    image: str | None = None


class Archive:
    """Pages in the bucket, rows in the content table.

    ``s3`` makes the client when the first page is asked for: who only wants to unsubscribe does not
    wait for it.
    """

    def __init__(self, table: Table, s3: Callable[[], Any], bucket: str) -> None:
        self._table = table
        self._make_s3 = s3
        self._bucket = bucket

    def put(self, page: WebPage, html: str) -> None:
        """Keep a page. Its key says what is in it, so putting it twice changes nothing."""
        self._s3.put_object(
            Bucket=self._bucket,
            Key=page.key,
            Body=html.encode(),
            ContentType="text/html; charset=utf-8",
        )

    def publish(self, frozen: Frozen) -> None:
        """Let readers find the pages of a frozen instant, and the edition in the index.

        An edition is listed by the page that was published first.
        """
        edition = frozen.edition
        pages = [pressing.web for pressing in frozen.pressings if pressing.web]
        aws.put_all(
            self._table,
            (
                {"PK": f"E#{edition}", "SK": f"W#{page.path.rpartition('/')[2]}", "key": page.key}
                for page in pages
            ),
        )
        if pages:
            self._list(edition, pages[0], frozen.instant)

    def key(self, edition: EditionId, time: str) -> str | None:
        """The key of one page, by the last part of its path."""
        item = self._table.get_item(Key={"PK": f"E#{edition}", "SK": f"W#{time}"}).get("Item")
        return str(item["key"]) if item else None

    def html(self, key: str) -> str | None:
        """A page; None if it is not there (any more)."""
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if aws.code(error) in _MISSING:
                log.error("web_edition", status="missing", key=key)
                return None
            raise
        return body.decode()

    def first(self, edition: EditionId) -> Listed | None:
        """An edition as it is listed."""
        item = self._table.get_item(Key=_listed_key(edition)).get("Item")
        return _listed(item) if item else None

    def latest(self, newsletter: str, limit: int) -> tuple[Listed, ...]:
        """The newest editions, newest first."""
        page = self._table.query(
            KeyConditionExpression=Key("PK").eq(f"N#{newsletter}") & Key("SK").begins_with("W#"),
            ScanIndexForward=False,
            Limit=limit,
        )
        found = [_listed(item) for item in page["Items"]]
        return tuple(sorted(found, key=lambda each: each.at, reverse=True))

    @cached_property
    def _s3(self) -> Any:
        return self._make_s3()

    def _list(self, edition: EditionId, page: WebPage, at: datetime) -> None:
        item: aws.Item = {
            **_listed_key(edition),
            "path": page.path,
            "key": page.key,
            "headline": page.headline,
            "summary": page.summary,
            "date_text": page.date_text,
            "image": page.image,
            "at": stamp(at),
        }
        try:
            self._table.put_item(Item=item, ConditionExpression=Attr("PK").not_exists())
        except ClientError as error:
            if not aws.is_conflict(error):
                raise


def _listed_key(edition: EditionId) -> dict[str, str]:
    extra = f"+{edition.extra}" if edition.extra else ""
    return {
        "PK": f"N#{edition.newsletter}",
        "SK": f"W#{edition.date.isoformat()}#{edition.cadence}{extra}",
    }


def _listed(item: aws.Item) -> Listed:
    return Listed(
        path=item["path"],
        key=item["key"],
        headline=item["headline"],
        summary=item["summary"],
        date_text=item["date_text"],
        at=from_stamp(item["at"]),
        image=item["image"],
    )
