"""The local stack behind a loopback address that speaks AWS, for commands of another process.

moto's own server answers for DynamoDB, S3, CloudFormation and the rest, on the same resources; in
front of it a thin layer runs Lambda's Invoke on the real handlers, and the readers' site. Nothing
passes by itself: whoever opens an endpoint beats it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import boto3
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from courant import clock as courant_clock
from desk.stack import Pumped, Stack
from desk.stack.resources import PSEUDO_STACK
from desk.stack.template import REGION, functions

_OURSELVES = ("127.0.0.1", "localhost")
_ACCOUNT = "/v2/email/account"
_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Endpoint:
    """``with Endpoint() as endpoint``: a stack that ``AWS_ENDPOINT_URL`` can name.

    One at a time in a process, as ``Stack``. Port 0 takes a free one.
    """

    def __init__(
        self,
        clock: courant_clock.Clock = courant_clock.system,
        *,
        port: int = 0,
        sender_domain: str = "courant.example",
        open_ports: Sequence[int] = (),
    ) -> None:
        # The site's address is in every mail, so the port must be known before the stack is made.
        self._server = make_server(
            "127.0.0.1", port, self._answer, threaded=True, request_handler=_QuietHandler
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.stack = Stack(
            clock, site_url=self.url, sender_domain=sender_domain, open_ports=open_ports
        )
        self.work = threading.Event()
        """Set when somebody invoked a function, so there may be messages to pump."""
        self._aws: Application = DomainDispatcherApplication(create_backend_app)
        self._exit = ExitStack()

    @property
    def environment(self) -> dict[str, str]:
        """What a command's environment must have to talk to this stack."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
        }

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            starting.callback(self._server.server_close)
            starting.enter_context(self.stack)
            _publish_outputs(self.stack.outputs())
            thread = threading.Thread(target=self._server.serve_forever, daemon=True)
            thread.start()
            starting.callback(thread.join)
            starting.callback(self._server.shutdown)
            self._exit = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    def beat(self) -> Pumped:
        """A minute's work: the heartbeat once, then every message until all is quiet."""
        self.work.clear()
        self.stack.tick()
        return self.stack.pump()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        # A page elsewhere that names itself 127.0.0.1 by DNS must not read the tables.
        if request.host not in {f"{name}:{self._server.server_port}" for name in _OURSELVES}:
            return Response("Misdirected Request", 421)(environ, start_response)
        # Whoever talks to AWS signs; readers and mail programs don't.
        if "Authorization" not in request.headers:
            return self._site(request)(environ, start_response)
        if request.method == "POST" and (match := _INVOKE.fullmatch(request.path)):
            return self._invoke(unquote(match[1]), request)(environ, start_response)
        if request.method == "GET" and request.path == _ACCOUNT:
            # moto has no GetAccount; the stack's own answer goes over the wire as SES words it.
            answer = json.dumps(self.stack.calls.account_now())
            return Response(answer, content_type="application/json")(environ, start_response)
        return self._aws(environ, start_response)

    def _site(self, request: Request) -> Response:
        answer = self.stack.request(
            request.method,
            request.full_path if request.query_string else request.path,
            headers=dict(request.headers),
            body=request.get_data(),
        )
        return Response(answer.body, answer.status, dict(answer.headers))

    def _invoke(self, name: str, request: Request) -> Response:
        logical_id = name.rpartition(":")[2]
        found = [each for each in functions().values() if each.logical_id == logical_id]
        if not found:
            return Response(
                json.dumps({"Type": "User", "Message": f"Function not found: {name}"}),
                404,
                {"x-amzn-ErrorType": "ResourceNotFoundException"},
                content_type="application/json",
            )
        try:
            reply = self.stack.invoke(found[0].name, json.loads(request.get_data() or b"{}"))
        except Exception as error:  # noqa: BLE001 - Lambda answers for any handler
            reply = {"errorType": type(error).__name__, "errorMessage": str(error)}
            headers = {"X-Amz-Function-Error": "Unhandled"}
        else:
            headers = {}
        self.work.set()
        return Response(json.dumps(reply), 200, headers, content_type="application/json")


class _QuietHandler(MotoRequestHandler):
    """Without werkzeug's line for each request: a progress bar would drown in them."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def _publish_outputs(outputs: dict[str, str]) -> None:
    """Let CloudFormation list them; the local stack itself resolves them without it."""
    cloudformation = boto3.client("cloudformation")
    template: Any = cloudformation.get_template(StackName=PSEUDO_STACK)["TemplateBody"]
    body: dict[str, Any] = json.loads(template) if isinstance(template, str) else {**template}
    body["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    [stack] = cloudformation.describe_stacks(StackName=PSEUDO_STACK)["Stacks"]
    cloudformation.update_stack(
        StackName=PSEUDO_STACK,
        TemplateBody=json.dumps(body),
        Parameters=[
            {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
            for each in stack.get("Parameters", ())
        ],
    )
