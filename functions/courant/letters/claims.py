"""The right to send one letter, claimed in the ledger before it is sent, so that it goes out once.

Ledger table: ``T#letter#<kind>#<of whom or what>`` / ``<occasion>``; no address is in either. A
letter whose fate is unknown is not sent again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from courant import aws
from courant.clock import stamp
from courant.delivery.mailer import Accepted, NotSent, Outcome, Refused
from courant.errors import CourantError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_KEPT = timedelta(days=14)


class LetterNotSent(CourantError):
    """Surely not sent; the queue brings the message again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to send one letter; ``attempt`` is this sender's alone."""

    kind: str
    about: str
    occasion: str
    attempt: str


class LetterClaims:
    """Claims in the ledger table; only ever puts, each conditional."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, kind: str, about: str, occasion: str, now: datetime) -> Claim | None:
        """The claim, or None where somebody else has, or had, the letter of this occasion."""
        claim = Claim(kind, about, occasion, secrets.token_hex(8))
        # Our own attempt passes too: the answer to a first put may have been lost.
        free = "attribute_not_exists(PK) OR attempt = :attempt OR st = :retry"
        return claim if self._put(claim, "claimed", now, free, {":retry": "retry"}) else None

    def settle(self, claim: Claim, outcome: Outcome, now: datetime) -> str:
        """Note what came of it, in a word.

        Raises:
            LetterNotSent: SES took nothing; the claim is free again.
        """
        state = _state(outcome)
        self._put(claim, state, now, "attempt = :attempt", {})
        if isinstance(outcome, NotSent):
            raise LetterNotSent(outcome.reason)
        return state

    def _put(
        self, claim: Claim, state: str, now: datetime, condition: str, values: Mapping[str, str]
    ) -> bool:
        answer = aws.conditionally(
            self._table.put_item,
            Item={
                "PK": f"T#letter#{claim.kind}#{claim.about}",
                "SK": claim.occasion,
                "attempt": claim.attempt,
                "st": state,
                "at": stamp(now),
                "ttl": int((now + _KEPT).timestamp()),
            },
            ConditionExpression=condition,
            ExpressionAttributeValues={":attempt": claim.attempt, **values},
        )
        return answer is not None


def _state(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "sent"
        case Refused():
            return "failed"
        case NotSent():
            return "retry"
        case _:
            return "unknown"
