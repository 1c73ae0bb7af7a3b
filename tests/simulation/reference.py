"""moto's DynamoDB with the keys and the index of ours: what the table in memory is held to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

INDEXES = {"due": ("due_kind", "due_at")}
REGION = "eu-west-1"


@contextmanager
def mocked() -> Iterator[None]:
    """moto's AWS, with an account that is nobody's."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        yield


@contextmanager
def moto_table() -> Iterator[Any]:
    """A table of moto's; who shares it takes partitions of their own."""
    with mocked():
        yield boto3.resource("dynamodb").create_table(
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("PK", "SK", "due_kind", "due_at")
            ],
            KeySchema=[
                {"AttributeName": "PK", "KeyType": "HASH"},
                {"AttributeName": "SK", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": [
                        {"AttributeName": hash_name, "KeyType": "HASH"},
                        {"AttributeName": sort_name, "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index, (hash_name, sort_name) in INDEXES.items()
            ],
        )
