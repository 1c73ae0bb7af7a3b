"""A cold start: the deliver function from its import to its first answer, or boto3 alone.

boto3 alone makes clients for the same services and asks the same of them.
"""

from __future__ import annotations

import sys

from benchmarks.contestants.stopwatch import Stopwatch


class _Context:
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 120_000


def courant(event: str) -> None:
    """The event in a file, handled."""
    import json
    from pathlib import Path

    from deliver.handler import handler

    answer = handler(json.loads(Path(event).read_text()), _Context())
    if answer["batchItemFailures"]:
        raise RuntimeError(f"deliver answered {answer}")


def bare(calls: str) -> None:
    """The calls in a file, made."""
    import pickle
    from pathlib import Path
    from typing import Any

    import boto3
    from botocore import xform_name
    from botocore.config import Config
    from botocore.exceptions import ClientError

    make: Any = boto3.client
    clients: dict[str, Any] = {}
    for service, operation, params in pickle.loads(Path(calls).read_bytes()):  # noqa: S301 - written by deliver.py
        if service not in clients:
            clients[service] = make(service, config=Config(connect_timeout=3))
        try:
            answer = getattr(clients[service], xform_name(operation))(**params)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            continue  # of a secret there is no earlier value
        if "Body" in answer:
            answer["Body"].read()


def main(who: str, file: str) -> None:
    """Prints wall and processor seconds."""
    watch = Stopwatch()
    with watch.time("start"):
        (bare if who == "boto3" else courant)(file)
    print(f'{{"wall": {watch.parts["start_s"]}, "cpu": {watch.parts["start_cpu_s"]}}}')


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
