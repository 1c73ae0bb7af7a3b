"""The local stack: ``with Stack(clock) as stack`` has every resource of template.yaml in moto.

One at a time in a process: environment, clock and AWS are the process's own while it is open.
"""

from __future__ import annotations

import json
import os
import threading
import time
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import boto3
from moto import mock_aws

from courant import clock as courant_clock
from desk.stack import functions, permissions, reads, resources, transactions
from desk.stack.calls import Calls, Mail
from desk.stack.permissions import Access
from desk.stack.queues import Pump, Pumped, Queue
from desk.stack.template import REGION, Json, Resolver, event_sources, resources_of, translated
from desk.stack.template import functions as all_functions

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_AWS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@cache
def _session() -> boto3.Session:
    """One session for all stacks: reading botocore's models takes longer than making a stack."""
    return boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - moto wants one, nobody checks it
        region_name=REGION,
    )


class Stack:
    """Resources, handlers and queues of template.yaml in this process, without network."""

    def __init__(
        self,
        clock: courant_clock.Clock = courant_clock.system,
        *,
        site_url: str = "https://news.example.org",
        sender_domain: str = "news.example.org",
        open_ports: Sequence[int] = (),
        backlog: bool = False,
        epoch: str = "1",
    ) -> None:
        """``open_ports``: loopback ports that gather may fetch from.

        ``backlog``: old articles are told too, as if they were new.
        """
        self.calls = Calls()
        """Hooks to break AWS calls (``before``, ``after``), and what SES says of the account."""
        if clock is not courant_clock.system:
            # Nobody waits by a clock that stands still, so nothing must be worth waiting for.
            self.calls.account["SendQuota"]["MaxSendRate"] = 10_000.0
        self.site_url = site_url
        self._clock = clock
        self._parameters = {"SenderDomain": sender_domain, "Epoch": epoch}
        # What differs from production, and no more: where the site is, and who may be fetched.
        self._local = {
            "SITE_URL": site_url,
            "CONTACT_URL": site_url,
            "OPEN_PORTS": ",".join(str(port) for port in open_ports),
            "BACKLOG": "yes" if backlog else "",
            # No threads, so that what happens, happens in the same order each time.
            "LANES": "1",
        }
        self._exit = ExitStack()
        # os.environ and `calls` are one for all threads, and a mailbox page has several.
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.enter_context(mock.patch.dict(os.environ))
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                del os.environ[name]
            os.environ.update(_AWS)
            starting.enter_context(courant_clock.use(self._clock))
            if self._clock is courant_clock.system:
                starting.enter_context(mock.patch.object(courant_clock, "_sleep", self._sleep))
            # Production has only the pinned tzdata (PYTHONTZPATH is empty there).
            before = zoneinfo.TZPATH
            zoneinfo.reset_tzpath(())
            starting.callback(zoneinfo.reset_tzpath, before)
            starting.enter_context(mock_aws())
            starting.enter_context(mock.patch.object(boto3, "DEFAULT_SESSION", _session()))
            starting.enter_context(transactions.cheap())
            starting.enter_context(reads.cheap())
            starting.enter_context(self.calls.listening())
            functions.forget(all_functions().values())
            starting.callback(functions.forget, all_functions().values())
            self._resolver = Resolver(self._parameters)
            resources.make(self._resolver)
            self._resources_are_made()
            self._exit = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    def _resources_are_made(self) -> None:
        queues = resources_of("AWS::SQS::Queue")
        self._queues = {
            name: Queue(
                url=self._resolver.refs[name],
                dead_url=self._resolver.refs[
                    body["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
                ],
            )
            for name, body in queues.items()
            if "RedrivePolicy" in body["Properties"]
        }
        self._pump = Pump(event_sources(), self._queues, self.invoke)

    def deploy(self, **parameters: str) -> None:
        """Deploy it anew with other parameters: tables and queues stay, warm functions go."""
        self._resolver.parameters.update(parameters)
        self._resolver.refs.update(parameters)
        functions.forget(all_functions().values())

    # ── running ───────────────────────────────────────────────────────────────────────────────

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a function, resolved."""
        resolved = self._resolver.value(all_functions()[name].environment)
        return {
            variable: self._local.get(variable, str(value)) for variable, value in resolved.items()
        }

    def invoke(self, name: str, event: Any) -> Any:
        """Run a function's real handler; what it raises comes through."""
        with self._lock, self.calls.of(name):
            return functions.run(all_functions()[name], self.environment(name), event)

    def _sleep(self, seconds: float) -> None:
        """What a handler does while it waits for its turn: others run, as in Lambda."""
        # Whoever runs meanwhile leaves environment and `calls` as it found them.
        self._lock.release()
        try:
            time.sleep(seconds)
        finally:
            self._lock.acquire()

    def tick(self) -> Any:
        """A minute has come: run the heartbeat once."""
        return self.invoke("heartbeat", functions.schedule_event())

    def pump(
        self,
        *,
        duplicate: bool = False,
        only: Iterable[str] | None = None,
        limit: int = 100_000,
    ) -> Pumped:
        """Hand messages to their functions until every queue is quiet.

        ``duplicate`` delivers each batch twice. ``only`` names the functions that run.

        Raises:
            NotQuietError: after ``limit`` invocations.
        """
        return self._pump.run(
            duplicate=duplicate, only=None if only is None else frozenset(only), limit=limit
        )

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> functions.Response:
        """Ask the readers' site. ``url`` is a path, or begins with the site's own address."""
        event = functions.http_event(
            method,
            url.removeprefix(self.site_url),
            headers=headers or {},
            body=body,
            site_url=self.site_url,
        )
        return functions.http_response(self.invoke("web", event))

    def put_event(self, event: Json) -> None:
        """Let SES say this on its topic; it waits, in SNS's envelope, on the events queue."""
        boto3.client("sns").publish(
            TopicArn=self._resolver.refs["EventsTopic"],
            Subject="Amazon SES Email Event Notification",
            Message=json.dumps(event),
        )

    # ── looking ───────────────────────────────────────────────────────────────────────────────

    def mails(self) -> tuple[Mail, ...]:
        """Every mail that SES accepted, in order."""
        return tuple(self.calls.mails)

    def table(self, name: str) -> Table:
        """``content``, ``subscribers`` or ``ledger``."""
        return boto3.resource("dynamodb").Table(self._resolver.refs[f"{name.title()}Table"])

    def queue(self, name: str) -> Queue:
        """``feeds``, ``editions``, ``chunks``, ``events`` or ``letters``."""
        return self._queues[f"{name.title()}Queue"]

    def outputs(self) -> dict[str, str]:
        """The stack's outputs, as CloudFormation lists them; SiteUrl is the local site's."""
        resolved = {
            name: str(self._resolver.value(output["Value"]))
            for name, output in translated()["Outputs"].items()
            if "Condition" not in output or self._resolver.holds(output["Condition"])
        }
        return resolved | {"SiteUrl": self.site_url}

    # ── rights ────────────────────────────────────────────────────────────────────────────────

    def denied(self) -> tuple[str, ...]:
        """Calls made so far that the function's role would refuse in AWS."""
        return tuple(
            f"{name}: {access.action} on {access.resource}"
            for name, access in sorted(self.calls.used)
            if not permissions.allowed(self._statements(name), access)
        )

    def unused(self) -> tuple[str, ...]:
        """Rights in the template that no call so far needed."""
        used: dict[str, list[Access]] = {name: [] for name in all_functions()}
        for name, access in self.calls.used:
            used[name].append(access)
        return tuple(
            f"{name}: {action} on {resource}"
            for name, accesses in used.items()
            for action, resource in permissions.unused(self._statements(name), accesses)
        )

    def _statements(self, name: str) -> list[Json]:
        return [self._resolver.value(each) for each in all_functions()[name].statements]
