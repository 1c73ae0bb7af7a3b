"""SES and DynamoDB on loopback, answering at once: what a send costs us beside AWS's own time.

``python -m benchmarks.answers`` prints its port and serves until it is killed. A process of its
own, so that what it does is not counted as ours.
"""

from __future__ import annotations

import socketserver
import threading

from benchmarks.dynamodb import Tables

_SENT = b'{"MessageId":"0102019abc123456-1a2b3c4d-0000-4000-8000-000000000000-000000"}'


class _Handler(socketserver.StreamRequestHandler):
    tables = Tables()
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """One connection, request after request; http.server would take longer than we do."""
        while line := self.rfile.readline():
            headers = {}
            while (header := self.rfile.readline()) not in {b"\r\n", b"\n", b""}:
                name, _, value = header.partition(b":")
                headers[name.lower()] = value.strip()
            if headers.get(b"expect", b"").lower() == b"100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self.rfile.read(int(headers.get(b"content-length", b"0")))
            target = headers.get(b"x-amz-target", b"").decode()
            answer = _SENT
            if b"outbound-emails" not in line:
                answer = self.tables.perform(target.rpartition(".")[2], body)
            kind = b"x-amz-json-1.0" if target else b"json"
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/%b\r\nContent-Length: %d\r\n\r\n%b"
                % (kind, len(answer), answer)
            )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main() -> None:
    """Serve on a free port of 127.0.0.1."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
