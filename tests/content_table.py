"""Single tables, as template.yaml describes them, for tests that need no whole stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3

from desk.stack import template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

# One for all tests: reading botocore's models takes longer than a test.
SESSION = boto3.Session("testing", "testing", region_name="eu-west-1")
_OF_TABLES = ("BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")


def make(name: str = "content") -> Table:
    """A table, empty: ``content``, ``subscribers`` or ``ledger``. Call inside moto's mock."""
    tables = template.resources_of("AWS::DynamoDB::Table")
    described = tables[f"{name.title()}Table"]["Properties"]
    keys: Any = {key: described[key] for key in _OF_TABLES if key in described}
    return SESSION.resource("dynamodb").create_table(TableName=name, **keys)
