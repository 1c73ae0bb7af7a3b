"""django-anymail's Amazon SES backend, and bare ``send_email`` beside it: the same mails."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3
import django  # type: ignore[import-not-found]  # is in .venv-bench only
from botocore.config import Config
from django.conf import settings  # type: ignore[import-not-found]  # as above

from benchmarks.contestants.stopwatch import Stopwatch


def main(file: str, rounds: int) -> None:
    """Everyone sends all of them once a round; prints seconds a round by who."""
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=10)
    settings.configure(
        EMAIL_BACKEND="anymail.backends.amazon_ses.EmailBackend",
        ANYMAIL={
            "AMAZON_SES_CLIENT_PARAMS": {"config": once},
            "AMAZON_SES_CONFIGURATION_SET_NAME": "Digests",
        },
    )
    django.setup()
    from django.core.mail import (  # type: ignore[import-not-found]  # as above
        EmailMultiAlternatives,
        get_connection,
    )

    mails = json.loads(Path(file).read_text())

    def message(mail: dict[str, Any]) -> Any:
        made = EmailMultiAlternatives(
            mail["subject"], mail["plain"], mail["from"], [mail["to"]], headers=mail["headers"]
        )
        made.attach_alternative(mail["html"], "text/html")
        return made

    raws = [message(mail).message().as_bytes() for mail in mails]
    ses: Any = boto3.client("sesv2", config=once)
    found: dict[str, list[dict[str, float]]] = {"anymail": [], "send_email": []}
    with get_connection() as connection:
        for _ in range(rounds):
            watch = Stopwatch()
            with watch.time("anymail"):
                for mail in mails:
                    connection.send_messages([message(mail)])
            with watch.time("send_email"):
                for mail, raw in zip(mails, raws, strict=True):
                    ses.send_email(
                        FromEmailAddress=mail["from"],
                        Destination={"ToAddresses": [mail["to"]]},
                        Content={"Raw": {"Data": raw}},
                        ConfigurationSetName="Digests",
                    )
            for name, runs in found.items():
                parts = watch.parts
                runs.append({"wall": parts[f"{name}_s"], "cpu": parts[f"{name}_cpu_s"]})  # type: ignore[dict-item]  # both are numbers
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
