"""The table of the send path speaks to DynamoDB as boto3's own does."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from courant import aws
from courant.table import ClientTable, plain, typed
from desk.stack import Stack

values = st.recursive(
    st.text() | st.booleans() | st.none() | st.integers(-(10**30), 10**30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_values_are_written_and_read_as_boto3_does(value: Any) -> None:
    written = typed(value)

    assert written == TypeSerializer().serialize(value)
    assert plain({"v": written})["v"] == TypeDeserializer().deserialize(written)


@pytest.mark.parametrize("value", [1.5, b"bytes", {"a", "b"}, object()])
def test_what_we_never_keep_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        typed(value)


def test_a_set_that_others_wrote_can_be_read() -> None:
    assert plain({"locales": {"SS": ["nl", "en"]}}) == {"locales": {"nl", "en"}}


@pytest.fixture(scope="module")
def tables() -> Iterator[tuple[Any, Any]]:
    with Stack() as stack:
        name = stack.table("ledger").name
        yield ClientTable(aws.client("dynamodb"), name), boto3.resource("dynamodb").Table(name)


ITEM = {
    "PK": "a",
    "SK": "1",
    "n": 3,
    "tally": {"sent": 1, "none": None},
    "list": ["x", 2, True],
    "spare": {},
}


def test_every_call_answers_as_boto3s_table(tables: tuple[Any, Any]) -> None:
    answers = []
    for table in tables:
        key = {"PK": "a", "SK": "1"}
        table.put_item(Item=ITEM)
        table.put_item(Item=ITEM | {"SK": "2"})
        updated = table.update_item(
            Key=key,
            UpdateExpression="SET #n = #n + :one, tally.sent = :two REMOVE spare",
            ConditionExpression="#n = :three",
            ExpressionAttributeNames={"#n": "n"},
            ExpressionAttributeValues={":one": 1, ":two": 2, ":three": 3},
            ReturnValues="ALL_NEW",
        )
        got = table.get_item(Key=key, ConsistentRead=True)
        absent = table.get_item(Key={"PK": "nobody", "SK": "1"})
        first = table.query(
            KeyConditionExpression="PK = :pk", ExpressionAttributeValues={":pk": "a"}, Limit=1
        )
        second = table.query(
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": "a"},
            ExclusiveStartKey=first["LastEvaluatedKey"],
        )
        counted = table.query(
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": "a"},
            Select="COUNT",
        )
        answers.append(
            (
                updated["Attributes"],
                got["Item"],
                "Item" in absent,
                first["Items"],
                first["LastEvaluatedKey"],
                second["Items"],
                counted["Count"],
            )
        )

    ours, boto3s = answers
    assert ours == boto3s
    assert ours[1]["n"] == Decimal(4)
    assert ours[6] == 2


def test_a_false_condition_is_told_as_boto3_tells_it(tables: tuple[Any, Any]) -> None:
    for table in tables:
        table.put_item(Item=ITEM | {"PK": "c"})
        with pytest.raises(ClientError) as told:
            table.put_item(Item=ITEM | {"PK": "c"}, ConditionExpression="attribute_not_exists(PK)")
        assert aws.is_conflict(told.value)


def test_arguments_stay_as_they_were_given(tables: tuple[Any, Any]) -> None:
    item = dict(ITEM)

    tables[0].put_item(Item=item)

    assert item == ITEM
