"""Runs a handler in this process as Lambda would: environment, deadline, JSON in and out."""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from courant import clock
from desk.stack.template import ACCOUNT, REGION, Function, Json

# What API Gateway hands over as text; any other body arrives in base64.
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


class Context:
    """Lambda's context, with a deadline by the one clock."""

    def __init__(self, function: Function) -> None:
        self.function_name = function.logical_id
        self.function_version = "$LATEST"
        self.invoked_function_arn = (
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function.logical_id}"
        )
        self.memory_limit_in_mb = "512"
        self.aws_request_id = str(uuid.uuid4())
        self._deadline: datetime = clock.now() + timedelta(seconds=function.timeout)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the template's timeout."""
        return max(0, int((self._deadline - clock.now()).total_seconds() * 1000))


def run(function: Function, environment: Mapping[str, str], event: Any) -> Any:
    """The handler's reply; what it raises comes through."""
    module_name, _, attribute = function.handler.rpartition(".")
    module = importlib.import_module(module_name)
    # Through JSON and back: what Lambda could not carry must not pass here.
    sent = json.loads(json.dumps(event))
    with mock.patch.dict(os.environ, environment):
        reply = getattr(module, attribute)(sent, Context(function))
    return json.loads(json.dumps(reply))


def forget(functions: Iterable[Function]) -> None:
    """Drop what warm sandboxes hold, so the next run wires itself anew."""
    for function in functions:
        module = sys.modules.get(function.handler.rpartition(".")[0])
        if wire := getattr(module, "wire", None):
            wire.cache_clear()


@dataclass(frozen=True, slots=True)
class Response:
    """What the readers' site answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def http_event(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, site_url: str
) -> Json:
    """An HTTP API event, payload format 2.0. ``url`` is a path, with a query or without."""
    parts = urlsplit(url)
    low = {name.lower(): value for name, value in headers.items()}
    low.setdefault("host", urlsplit(site_url).netloc)
    as_text = low.get("content-type", "text/plain").startswith(_TEXT)
    event: Json = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": low,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": low["host"],
            "http": {
                "method": method,
                "path": parts.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": low.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": clock.now().strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(clock.now().timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if body:
        event["body"] = body.decode() if as_text else base64.b64encode(body).decode()
        event["isBase64Encoded"] = not as_text
    return event


def http_response(reply: Mapping[str, Any]) -> Response:
    """What API Gateway makes of a handler's reply."""
    body = reply.get("body", "")
    return Response(
        status=int(reply["statusCode"]),
        headers={name.lower(): value for name, value in reply.get("headers", {}).items()},
        body=base64.b64decode(body) if reply.get("isBase64Encoded") else body.encode(),
    )


def schedule_event() -> Json:
    """What EventBridge Scheduler sends the heartbeat."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/local"],
        "detail": "{}",
    }
