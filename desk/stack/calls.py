"""Sees every AWS call a handler makes: what it needed to be allowed, and the mails it sent.

Tests may break a call here, before it reaches AWS or after AWS has done it.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from botocore.client import BaseClient

from courant import clock
from desk.stack.permissions import Access, accesses


class Killed(BaseException):
    """The sandbox died in the middle. No handler may catch it; raise it from a call hook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a handler: ``sqs`` ``SendMessageBatch`` with its parameters."""

    function: str
    service: str
    operation: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail that SES accepted. ``raw`` are exactly the bytes that were handed over."""

    to: tuple[str, ...]
    """The envelope's recipients, not the header's."""
    sender: str
    raw: bytes
    configuration_set: str
    tags: Mapping[str, str]
    message_id: str
    function: str
    sent_at: datetime


Hook = Callable[[Call], None]

# moto has no GetAccount. The figures are those of a small production account.
_ACCOUNT: dict[str, Any] = {
    "DedicatedIpAutoWarmupEnabled": False,
    "EnforcementStatus": "HEALTHY",
    "ProductionAccessEnabled": True,
    "SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0},
    "SendingEnabled": True,
}


class Calls:
    """What handlers asked of AWS, while ``listening``."""

    def __init__(self) -> None:
        self.used: Counter[tuple[str, Access]] = Counter()
        """(function, access) → how often."""
        self.mails: list[Mail] = []
        self.account: dict[str, Any] = copy.deepcopy(_ACCOUNT)
        """What sesv2 GetAccount answers; the mails of the last 24 hours are added."""
        self.before: Hook | None = None
        """Called first; what it raises, the handler gets, and AWS hears nothing."""
        self.after: Hook | None = None
        """Called after AWS did it; what it raises, the handler gets instead of the reply."""
        # Not a context variable: threads that a handler starts would not inherit it.
        self._function: str | None = None

    @contextmanager
    def of(self, function: str) -> Iterator[None]:
        """Calls made in the block are this function's."""
        before, self._function = self._function, function
        try:
            yield
        finally:
            self._function = before

    @contextmanager
    def listening(self) -> Iterator[None]:
        """See calls of every client, whenever it was made."""
        # botocore's events can't replace a reply, so this is its private method.
        make = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001

        def seen(client: Any, operation: str, params: dict[str, Any]) -> Any:
            service = client.meta.service_model.service_name
            if self._function is None:
                return self._answer(client, service, operation, params, make)
            call = Call(
                function=self._function, service=service, operation=operation, params=params
            )
            for access in accesses(service, operation, params):
                self.used[call.function, access] += 1
            if self.before:
                self.before(call)
            reply = self._answer(client, service, operation, params, make)
            if (service, operation) == ("sesv2", "SendEmail"):
                self.mails.append(_mail(call, reply))
            if self.after:
                self.after(call)
            return reply

        with mock.patch.object(BaseClient, "_make_api_call", seen):
            yield

    def _answer(
        self,
        client: Any,
        service: str,
        operation: str,
        params: dict[str, Any],
        make: Callable[[Any, str, dict[str, Any]], Any],
    ) -> Any:
        if (service, operation) == ("sesv2", "GetAccount"):
            return self.account_now()
        return make(client, operation, params)

    def account_now(self) -> dict[str, Any]:
        """What GetAccount answers now."""
        account = copy.deepcopy(self.account)
        quota = account.get("SendQuota", {})
        since = clock.now() - timedelta(hours=24)
        sent = sum(len(mail.to) for mail in self.mails if mail.sent_at >= since)
        quota["SentLast24Hours"] = quota.get("SentLast24Hours", 0.0) + sent
        return account


def _mail(call: Call, reply: Mapping[str, Any]) -> Mail:
    destination = call.params.get("Destination", {})
    raw = call.params["Content"].get("Raw", {}).get("Data", b"")
    return Mail(
        to=tuple(
            address
            for kind in ("ToAddresses", "CcAddresses", "BccAddresses")
            for address in destination.get(kind, ())
        ),
        sender=call.params.get("FromEmailAddress", ""),
        raw=raw.encode() if isinstance(raw, str) else bytes(raw),
        configuration_set=call.params.get("ConfigurationSetName", ""),
        tags={tag["Name"]: tag["Value"] for tag in call.params.get("EmailTags", ())},
        message_id=reply["MessageId"],
        function=call.function,
        sent_at=clock.now(),
    )
