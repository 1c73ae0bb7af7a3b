"""boto3 clients and the few shapes that every store shares."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from courant.errors import ConfigurationError, Conflict

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# What DynamoDB gives back for an item, before a store makes it a dataclass.
Item = dict[str, Any]

# DynamoDB refuses a transaction while another holds one of its items, for some milliseconds.
_RACES = 5

# Retried freely: every call made with it is idempotent or conditional. The SES client is not
# this one (delivery/mailer.py): boto3's retries there would mail a reader twice.
_RETRYING = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=3)


def client(service: str, *, connections: int = 10) -> Any:
    """A client that retries; region and endpoint come from the environment (AWS_ENDPOINT_URL).

    ``connections``: as many are kept open, so that so many threads ask without making new ones.
    """
    make: Any = boto3.client  # its overloads want a literal name
    return make(service, config=_RETRYING.merge(Config(max_pool_connections=connections)))


def table(name: str) -> Table:
    """A DynamoDB table. Not to be shared by threads: see table.py."""
    return boto3.resource("dynamodb", config=_RETRYING).Table(name)


def code(error: ClientError) -> str:
    """The AWS error code, by which (never by its text) errors are told apart."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_conflict(error: ClientError) -> bool:
    """Whether a conditional write, alone or in a transaction, found its condition false."""
    if code(error) == "TransactionCanceledException":
        reasons = error.response.get("CancellationReasons", [])
        return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)
    return code(error) == "ConditionalCheckFailedException"


def conditionally(write: Callable[..., Any], **arguments: Any) -> Any:
    """The answer of a conditional write; None if its condition was false: nothing was written."""
    try:
        return write(**arguments)
    except ClientError as error:
        if is_conflict(error):
            return None
        raise


def patiently(write: Callable[..., Any], **arguments: Any) -> Any:
    """The answer of a plain write, tried again while a transaction holds its item.

    Raises:
        Conflict: transactions kept holding it; nothing was written.
    """
    for _ in range(_RACES):
        try:
            return write(**arguments)
        except ClientError as error:
            if code(error) != "TransactionConflictException":
                raise
    raise Conflict("transactions keep holding this item")


def transact(table: Table, writes: Iterable[Mapping[str, Mapping[str, Any]]]) -> bool:
    """All of the writes (``{"Put" | "Update": arguments}``), or none of them and False.

    False: a condition was false.

    Raises:
        Conflict: other transactions kept holding one of the items; nothing was written.
    """
    requests: Any = [
        {kind: {"TableName": table.name, **arguments}}
        for write in writes
        for kind, arguments in write.items()
    ]
    if not requests:
        return True
    for _ in range(_RACES):
        try:
            table.meta.client.transact_write_items(TransactItems=requests)
        except ClientError as error:
            if is_conflict(error):
                return False
            if not _collided(error):
                raise
        else:
            return True
    raise Conflict("other transactions keep holding an item of this one")


def _collided(error: ClientError) -> bool:
    reasons: Sequence[Mapping[str, Any]] = error.response.get("CancellationReasons", [])
    return any(reason.get("Code") == "TransactionConflict" for reason in reasons)


def query(table: Table, **kwargs: Any) -> Iterator[Item]:
    """All items of a Query, page after page."""
    while True:
        page = table.query(**kwargs)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        kwargs["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def put_all(table: Table, items: Iterable[Mapping[str, Any]]) -> int:
    """Write items in batches of 25, unprocessed ones again; the number written."""
    written = 0
    with table.batch_writer(overwrite_by_pkeys=["PK", "SK"]) as batch:
        for item in items:
            batch.put_item(Item=item)  # type: ignore[arg-type]  # any mapping DynamoDB can hold
            written += 1
    return written


def send_all(
    sqs: Any, queue_url: str, messages: Sequence[Mapping[str, Any]], *, delay: int = 0
) -> None:
    """Enqueue JSON messages in batches of 10; what SQS reports as failed is tried again.

    They can be received ``delay`` seconds from now, 900 at most.

    Raises:
        ConfigurationError: SQS refused a message three times.
    """
    for start in range(0, len(messages), 10):
        entries = [
            {
                "Id": str(n),
                "MessageBody": json.dumps(message, separators=(",", ":")),
                **({"DelaySeconds": delay} if delay else {}),
            }
            for n, message in enumerate(messages[start : start + 10])
        ]
        for _ in range(3):
            failed = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries).get("Failed", [])
            ids = {failure["Id"] for failure in failed}
            entries = [entry for entry in entries if entry["Id"] in ids]
            if not entries:
                break
        else:
            raise ConfigurationError(f"SQS refused {len(entries)} messages: {failed[0]['Code']}")


def secret(arn: str) -> tuple[bytes, ...]:
    """The current value of a secret and, after a rotation, the one before it."""
    secrets = client("secretsmanager")
    values = [secrets.get_secret_value(SecretId=arn)["SecretString"].encode()]
    try:
        previous = secrets.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")
        values.append(previous["SecretString"].encode())
    except ClientError as error:
        if code(error) not in {"ResourceNotFoundException", "InvalidRequestException"}:
            raise
    return tuple(values)
