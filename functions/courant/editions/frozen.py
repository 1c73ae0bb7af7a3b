"""Frozen pressings, and files of editors' requests, in the bucket.

``editions/<newsletter>/<cadence>/<date>/<instant>.json`` is written once and never changes.
"""

from __future__ import annotations

import mimetypes
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from courant import aws
from courant.clock import stamp
from courant.editions.pressing import Frozen
from courant.schedule import EditionId


class PressingStore:
    """Frozen pressings in the bucket. What is written there never changes."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def freeze(self, frozen: Frozen) -> Frozen:
        """Keep a pressing, or adopt the one that was there first."""
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=self.key(frozen.edition, frozen.instant),
                Body=frozen.to_json().encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if aws.code(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise
            adopted = self.get(frozen.edition, frozen.instant)
            if adopted is None:
                raise
            return adopted
        return frozen

    def get(self, edition_id: EditionId, instant: datetime) -> Frozen | None:
        """The frozen pressing of an edition's instant, if there is one."""
        body = self._read(self.key(edition_id, instant))
        return Frozen.from_json(body) if body else None

    def put_request(self, request_id: str, name: str, body: str) -> None:
        """Keep a file of an editor's preview or test."""
        self._s3.put_object(
            Bucket=self._bucket,
            Key=f"requests/{request_id}/{name}",
            Body=body.encode(),
            ContentType=mimetypes.guess_type(name)[0] or "application/octet-stream",
        )

    def get_request(self, request_id: str, name: str) -> bytes | None:
        """A file of an editor's preview or test."""
        return self._read(f"requests/{request_id}/{name}")

    def _read(self, key: str) -> bytes | None:
        try:
            body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if aws.code(error) == "NoSuchKey":
                return None
            raise
        return body

    @staticmethod
    def key(edition_id: EditionId, instant: datetime) -> str:
        """Where a pressing is kept."""
        _, _, rest = str(edition_id).partition("/")
        return f"editions/{edition_id.newsletter}/{rest}/{stamp(instant)}.json"
