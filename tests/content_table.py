"""The content table alone, as template.yaml describes it, for tests that need no whole stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from desk.stack import template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# One for all tests: reading botocore's models takes longer than a test.
SESSION = boto3.Session("testing", "testing", region_name="eu-west-1")
_OF_TABLES = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")


def make() -> Table:
    """The table, empty, named ``content``. Call inside moto's mock."""
    described = template.resources_of("AWS::DynamoDB::Table")["ContentTable"]["Properties"]
    keys: Any = {name: described[name] for name in _OF_TABLES}
    return SESSION.resource("dynamodb").create_table(TableName="content", **keys)
