"""Makes moto's DynamoDB transactions affordable.

For its rollback moto copies every item of every table that a transaction touches: 48 ms each by
the time a table holds 1,500 items, so importing N subscribers costs N². Here a transaction
remembers only the items it names, and puts those back when it fails.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table


@contextmanager
def cheap() -> Iterator[None]:
    """moto's transactions, in the block, without a copy of everything."""
    transact = DynamoDBBackend.transact_write_items
    update_item = DynamoDBBackend.update_item
    inside = False

    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        nonlocal inside
        before = list(_named_items(backend, transact_items))
        inside = True
        try:
            with mock.patch.object(Table, "__deepcopy__", _itself, create=True):
                transact(backend, transact_items)
        except BaseException:
            for ranges, range_key, item in before:
                if item is None:
                    ranges.pop(range_key, None)
                else:
                    ranges[range_key] = item
            raise
        finally:
            inside = False

    def update_a_copy(backend: Any, table_name: str, key: Any, *args: Any, **kwargs: Any) -> Any:
        # moto changes an item in place; the one remembered must stay as it was.
        if inside and (item := backend.get_item(table_name, key)):
            ranges = backend.get_table(table_name).items[item.hash_key]
            ranges[item.range_key] = copy.deepcopy(item)
        return update_item(backend, table_name, key, *args, **kwargs)

    with (
        mock.patch.object(DynamoDBBackend, "transact_write_items", transact_write_items),
        mock.patch.object(DynamoDBBackend, "update_item", update_a_copy),
    ):
        yield


def _itself(table: Any, _memo: dict[int, Any]) -> Any:
    return table


def _named_items(
    backend: Any, transact_items: list[dict[str, Any]]
) -> Iterator[tuple[dict[Any, Any], Any, Any]]:
    """Where each named item is kept: the dict, its key there, and the item or None."""
    for each in transact_items:
        [(kind, body)] = each.items()
        if body["TableName"] not in backend.tables:
            continue
        table = backend.get_table(body["TableName"])
        key = body["Item"] if kind == "Put" else body["Key"]
        hash_key = DynamoType(key[table.hash_key_attr])
        range_key = DynamoType(key[table.range_key_attr])
        ranges = table.items[hash_key]
        yield ranges, range_key, ranges.get(range_key)
