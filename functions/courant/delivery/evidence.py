"""What SES's events say of a digest, on its row: an open one is settled, on others it is noted.

An event may come before our own record, twice, late, or of an attempt that is not the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from courant import aws
from courant.clock import stamp
from courant.delivery.ledger import Delivery, DeliveryState, Ledger, key
from courant.errors import Conflict
from courant.schedule import EditionId

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_dynamodb.service_resource import Table


# One write of a transaction, as aws.transact takes it.
Write = Mapping[str, Mapping[str, Any]]


class Evidence:
    """Evidence in the ledger table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._ledger = Ledger(table)

    def tell(
        self,
        edition: EditionId,
        sid: str,
        state: DeliveryState,
        event: str,
        now: datetime,
        *,
        attempt: str | None = None,
        reason: str | None = None,
        also: Write | None = None,
    ) -> bool:
        """An SES event says what became of a digest; False if that tells the row nothing new.

        What was given up as unresolved is counted anew in its chunk, together or not at all.
        ``also`` is written if this is, together.

        Raises:
            Conflict: the row is being given up, or its chunk counted, just now; the event must
                come again.
        """
        row = self._ledger.get(edition, sid)
        unresolved = row is not None and row.state is DeliveryState.UNRESOLVED
        dropped = state is DeliveryState.FAILED and attempt is not None
        if row is not None and dropped:
            # That SES dropped an attempt says nothing of the others.
            if row.doubt not in {None, attempt}:
                state = DeliveryState.UNRESOLVED
            if row.attempt != attempt or row.state is state:
                return False
        expression = "SET st = :state, #at = :now, evidence = :event"
        values = {":state": state.value, ":now": stamp(now), ":event": event}
        if attempt is not None:
            values[":heard"] = attempt
            if not dropped:
                expression += ", heard = :heard"
        if reason is not None:
            expression += ", reason = :reason"
            values[":reason"] = reason
        opens = ("unresolved",) if unresolved else ("claimed", "unknown", "retry")
        condition = f"st IN ({', '.join(f':{name}' for name in opens)})"
        if dropped:
            condition += " AND att = :heard"
        if dropped and state is DeliveryState.FAILED:
            condition += " AND (attribute_not_exists(doubt) OR doubt = :heard)"
        update: dict[str, Any] = {
            "Key": key(edition, sid),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#at": "at"},
            "ExpressionAttributeValues": values | {f":{name}": name for name in opens},
        }
        if row is None or not unresolved:
            if self._write(update, also):
                return True
            after = self._ledger.get(edition, sid)
            if after is None or after.state is not DeliveryState.UNRESOLVED or dropped:
                return False
            raise Conflict(f"digest {sid} of {edition} was just given up")
        if any(
            aws.transact(self._table, [{"Update": update}, {"Update": count}, *_if(also)])
            for count in _counted(edition, row, state)
        ):
            return True
        raise Conflict(f"chunk {row.chunk} of {edition} is being counted")

    def note(
        self,
        edition: EditionId,
        sid: str,
        event: str,
        *,
        over: tuple[str, ...] = (),
        attempt: str | None = None,
        reason: str | None = None,
        also: Write | None = None,
    ) -> bool:
        """Note an event on a row whatever its state; False if it has another, not of ``over``.

        ``attempt``: which SES took, by this event. ``also`` is written if this is, together.

        Raises:
            Conflict: others kept writing the same rows; the event must come again.
        """
        expression, values = "SET evidence = :event", {":event": event}
        for name, value in (("heard", attempt), ("reason", reason)):
            if value is not None:
                expression += f", {name} = :{name}"
                values[f":{name}"] = value
        older = {f":over{number}": event for number, event in enumerate(over)}
        unheard = "attribute_not_exists(evidence)"
        if older:
            unheard = f"({unheard} OR evidence IN ({', '.join(older)}))"
        update = {
            "Key": key(edition, sid),
            "UpdateExpression": expression,
            "ConditionExpression": f"attribute_exists(PK) AND {unheard}",
            "ExpressionAttributeValues": values | older,
        }
        return self._write(update, also)

    def _write(self, update: dict[str, Any], also: Write | None) -> bool:
        if also is None:
            return aws.conditionally(self._table.update_item, **update) is not None
        return aws.transact(self._table, [{"Update": update}, also])


def _if(also: Write | None) -> list[Write]:
    return [] if also is None else [also]


def _counted(
    edition: EditionId, row: Delivery, state: DeliveryState
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What counts an unresolved row of a chunk as something else: if that is done, and if not.

    One that is not done counts its rows itself; whoever is at it has perhaps counted this one, so
    the fence makes them lose the lease, and somebody counts anew.
    """
    key = {"PK": f"C#{edition}", "SK": row.chunk}
    done = {
        "Key": key,
        "UpdateExpression": "SET #counts.unresolved = #counts.unresolved - :one,"
        " #counts.#state = #counts.#state + :one",
        "ConditionExpression": "st = :done",
        "ExpressionAttributeNames": {"#counts": "counts", "#state": state.value},
        "ExpressionAttributeValues": {":one": 1, ":done": "done"},
    }
    counting = {
        "Key": key,
        "UpdateExpression": "ADD fence :one",
        "ConditionExpression": "st <> :done",
        "ExpressionAttributeValues": {":one": 1, ":done": "done"},
    }
    return done, counting
