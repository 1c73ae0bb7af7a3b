"""AWS on loopback, as far as sending asks it: what a send costs us beside AWS's own time.

``python -m benchmarks.answers [--ses-ms 60] [--dynamodb-ms 5]`` prints its port and serves until it
is killed: SES, DynamoDB, S3, SQS and one secret, each answer late by so much. A process of its own,
so that what it does is not counted as ours.
"""

from __future__ import annotations

import argparse
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.corpus import ROOT
from benchmarks.dynamodb import Tables

_SENT = b'{"MessageId":"0102019abc123456-1a2b3c4d-0000-4000-8000-000000000000-000000"}'
_ACCOUNT = json.dumps(
    {
        "DedicatedIpAutoWarmupEnabled": False,
        "EnforcementStatus": "HEALTHY",
        "ProductionAccessEnabled": True,
        "SendQuota": {"Max24HourSend": -1, "MaxSendRate": 1_000_000, "SentLast24Hours": 0},
        "SendingEnabled": True,
    }
).encode()
_NO_SECRET = b'{"__type":"ResourceNotFoundException"}'


class _Handler(socketserver.StreamRequestHandler):
    tables = Tables()
    objects: dict[bytes, bytes] = {}  # noqa: RUF012 - one bucket for all connections
    ses_s = dynamodb_s = 0.0
    disable_nagle_algorithm = True
    # Answers leave whole: a head and a body on their own would be two packets.
    wbufsize = -1

    def handle(self) -> None:
        """One connection, request after request; http.server would take longer than we do."""
        while line := self.rfile.readline():
            headers = {}
            while (header := self.rfile.readline()) not in {b"\r\n", b"\n", b""}:
                name, _, value = header.partition(b":")
                headers[name.lower()] = value.strip()
            if headers.get(b"expect", b"").lower() == b"100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.wfile.flush()
            body = self.rfile.read(int(headers.get(b"content-length", b"0")))
            target = headers.get(b"x-amz-target", b"").decode()
            status, answer = self._answer(line, target, body)
            kind = b"x-amz-json-1.0" if target else b"json"
            self.wfile.write(
                b"HTTP/1.1 %b\r\nContent-Type: application/%b\r\nContent-Length: %d\r\n\r\n%b"
                % (status, kind, len(answer), answer)
            )
            self.wfile.flush()

    def _answer(self, line: bytes, target: str, body: bytes) -> tuple[bytes, bytes]:
        service, _, operation = target.rpartition(".")
        if service.startswith("DynamoDB"):
            answer = self.tables.perform(operation, body)
            _wait(self.dynamodb_s)
            return b"200 OK", answer
        if service.startswith("AmazonSQS"):
            return b"200 OK", b'{"Successful":[],"Failed":[]}'
        if service.startswith("secretsmanager"):
            if b"AWSPREVIOUS" in body:
                return b"400 Bad Request", _NO_SECRET
            return b"200 OK", b'{"Name":"token","SecretString":"benchmark"}'
        method, path, _ = line.split(b" ", 2)
        if b"/outbound-emails" in path:
            _wait(self.ses_s)
            return b"200 OK", _SENT
        if path.endswith(b"/account"):
            return b"200 OK", _ACCOUNT
        path = path.partition(b"?")[0]
        if method == b"PUT":
            self.objects[path] = body
            return b"200 OK", b""
        return b"200 OK", self.objects[path]


def _wait(seconds: float) -> None:
    if seconds:
        time.sleep(seconds)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def serving(ses_ms: float = 0, dynamodb_ms: float = 0) -> Iterator[None]:
    """The stub in a process of its own, and this process's environment pointing to it."""
    command = [sys.executable, "-m", "benchmarks.answers"]
    command += ["--ses-ms", str(ses_ms), "--dynamodb-ms", str(dynamodb_ms)]
    paths = f"{ROOT / 'functions'}:{ROOT}"
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None  # noqa: S101 - it is a pipe
        before = dict(os.environ)
        os.environ |= {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(server.stdout.readline())}",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
        }
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            server.terminate()


def main(arguments: list[str] | None = None) -> None:
    """Serve on a free port of 127.0.0.1."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--ses-ms", type=float, default=0)
    words.add_argument("--dynamodb-ms", type=float, default=0)
    chosen = words.parse_args(arguments)
    _Handler.ses_s, _Handler.dynamodb_s = chosen.ses_ms / 1000, chosen.dynamodb_ms / 1000
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
