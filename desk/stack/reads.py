"""Makes moto's reads affordable: DynamoDB queries and SQS receives.

For one Query moto sorts every item of the table: 0.6 s each by the time a table holds 12,000. Here
a query looks only at the partition it names, or at the items that are in the index it names; what
it answers is moto's own. For each message that is received moto counts all that wait, to learn how
long the queue keeps them; here no message grows too old, as no time passes in the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import signature
from typing import Any
from unittest import mock

from moto.dynamodb.models.table import Table
from moto.sqs.models import SQSBackend

# The partition's key, or the attributes that put an item into the index, while a query runs.
_Narrow = Callable[[Any], list[Any]]
_narrow: ContextVar[_Narrow | None] = ContextVar("narrow", default=None)


@contextmanager
def cheap() -> Iterator[None]:
    """moto's reads, in the block, without a look at everything."""
    query, all_items = Table.query, Table.all_items

    parameters = signature(query)

    def narrow_query(*args: Any, **kwargs: Any) -> Any:
        given = parameters.bind(*args, **kwargs).arguments
        name = given.get("index_name")
        token = _narrow.set(_of_index(name) if name else _of_partition(given["hash_key"]))
        try:
            return query(*args, **kwargs)
        finally:
            _narrow.reset(token)

    def narrow_items(table: Any) -> list[Any]:
        narrow = _narrow.get()
        found: list[Any] = narrow(table) if narrow else all_items(table)
        return found

    with (
        mock.patch.object(Table, "query", narrow_query),
        mock.patch.object(Table, "all_items", narrow_items),
        mock.patch.object(SQSBackend, "is_message_valid_based_on_retention_period", _is_valid),
    ):
        yield


def _of_partition(hash_key: Any) -> _Narrow:
    return lambda table: list(table.items[hash_key].values()) if hash_key in table.items else []


def _of_index(name: str) -> _Narrow:
    def items(table: Any) -> list[Any]:
        index = next((one for one in table.all_indexes() if one.name == name), None)
        keys = [key["AttributeName"] for key in index.schema] if index else []
        return [
            item
            for partition in table.items.values()
            for item in partition.values()
            if all(key in item.attrs for key in keys)
        ]

    return items


def _is_valid(_backend: Any, _queue: str, _message: Any) -> bool:
    return True
