"""What SpamAssassin's own rules say of mails: local ones, without network, learning, blocklists."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from tests.proof import tools

_PREFERENCES = """
use_bayes 0
use_auto_welcomelist 0
report_safe 0
clear_headers
add_header all Score _SCORE_
add_header all Hits _TESTSSCORES(;)_
add_header all Summary _SUMMARY_
"""
_SUMMARY = re.compile(
    r"([*-]?\d+\.\d)\s+([A-Z][A-Z0-9_]+)\s+(.*?)(?=\s*[*-]?\d+\.\d\s+[A-Z][A-Z0-9_]+\s|$)"
)


@dataclass(frozen=True, slots=True)
class Score:
    """``points`` in all, those of each rule that hit, and what the rule says of itself."""

    points: float
    hits: Mapping[str, float]
    says: Mapping[str, str]

    def __str__(self) -> str:
        each = (f"{rule} {points:+g}" for rule, points in self.hits.items())
        return f"{self.points:g}: {', '.join(each) or 'no rule'}"


def as_ses_sends(raw: bytes, to: str, at: datetime) -> bytes:
    """A mail with the headers that SES and the receiving server put on it.

    Without Message-ID or Received, rules hit that no mail from SES can meet. No DKIM-Signature:
    checking one needs DNS.
    """
    date = format_datetime(at)
    host, address = "a6-12.smtp-out.eu-west-1.amazonses.com", "54.240.6.12"
    added = (
        f"Received: from {host} ({host} [{address}])\r\n"
        "\tby mx.example.com (Postfix) with ESMTPS id 4XxK2P0Vz1z9\r\n"
        f"\tfor <{to}>; {date}\r\n"
        f"Message-ID: <0102019aa9c5b3e1-{uuid5(NAMESPACE_OID, sha256(raw).hexdigest())}-000000@"
        "eu-west-1.amazonses.com>\r\n"
        f"Feedback-ID: ::1.eu-west-1.courant:AmazonSES\r\n"
        f"X-SES-Outgoing: {at:%Y.%m.%d}-{address}\r\n"
    )
    return added.encode() + raw


def scores(mails: Sequence[bytes], folder: Path) -> list[Score]:
    """The score of each mail; one run for all, since loading the rules takes seconds.

    Mails are told apart by their Message-ID: SpamAssassin gives them back in an order of its own.
    """
    program = tools.command("spamassassin")
    preferences = folder / "preferences.cf"
    preferences.write_text(_PREFERENCES)
    # mboxrd: CR is not the mail's own in a file, and a line that begins like a new mail is quoted.
    box = b"".join(
        b"From courant Sun Nov 22 06:00:00 2026\n"
        + re.sub(rb"^(>*From )", rb">\1", mail.replace(b"\r\n", b"\n"), flags=re.MULTILINE)
        + b"\n"
        for mail in mails
    )
    ran = subprocess.run(  # noqa: S603 - found on PATH, our own arguments
        [program, "--local", "--mbox", "--nocreate-prefs", f"--prefspath={preferences}"],
        input=box,
        capture_output=True,
        check=True,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"},
    )
    judged = {
        str(message["Message-ID"]).strip(): _score(message)
        for message in map(_read, re.split(rb"(?m)^From courant .*\n", ran.stdout)[1:])
    }
    return [judged[str(_read(mail)["Message-ID"]).strip()] for mail in mails]


def _read(raw: bytes) -> Message:
    return message_from_bytes(raw, policy=policy.compat32)


def _score(message: Message) -> Score:
    hits = re.findall(r"([A-Z0-9_]+)=(-?[\d.]+)", message["X-Spam-Hits"])
    summary = " ".join(message["X-Spam-Summary"].split())
    return Score(
        float(message["X-Spam-Score"]),
        {rule: float(points) for rule, points in hits},
        {rule: text for _, rule, text in _SUMMARY.findall(summary)},
    )
