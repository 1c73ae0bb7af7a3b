"""A mail as three parsers read it, none of them ours: Python's two, and postal-mime in Node.js."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from tests.proof import tools

_SCRIPT = Path(__file__).with_name("postal.mjs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a person would see, and what a mail program acts on. Line ends are \\n."""

    subject: str
    sender: tuple[str, str]
    to: tuple[str, ...]
    unsubscribe: tuple[str, ...]
    one_click: tuple[str, ...]
    names: tuple[str, ...]
    text: str
    html: str | None


def by_python(raw: bytes) -> Seen:
    """The modern policy: headers as objects."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    (sender,) = mail["From"].addresses
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert not mail.defects
    return Seen(
        subject=str(mail["Subject"]),
        sender=(sender.display_name, sender.addr_spec),
        to=tuple(each.addr_spec for each in mail["To"].addresses),
        unsubscribe=tuple(map(str, mail.get_all("List-Unsubscribe", []))),
        one_click=tuple(map(str, mail.get_all("List-Unsubscribe-Post", []))),
        names=tuple(name.lower() for name in mail.keys()),  # noqa: SIM118 - once per header, not per name
        text=_body(text.get_content()),
        html=_body(html.get_content()) if html else None,
    )


def by_old_python(raw: bytes) -> Seen:
    """``compat32``, which most programs in Python still use."""
    mail = message_from_bytes(raw, policy=policy.compat32)
    bodies = {
        part.get_content_type(): bytes(part.get_payload(decode=True)).decode("utf-8")
        for part in mail.walk()
        if not part.is_multipart()
    }
    name, address = parseaddr(mail["From"])
    return Seen(
        subject=_decoded(mail["Subject"]),
        sender=(_decoded(name), address),
        to=(mail["To"],),
        unsubscribe=tuple(mail.get_all("List-Unsubscribe", [])),
        one_click=tuple(mail.get_all("List-Unsubscribe-Post", [])),
        names=tuple(name.lower() for name in mail.keys()),  # noqa: SIM118 - once per header, not per name
        text=_body(bodies["text/plain"]),
        html=_body(bodies["text/html"]) if "text/html" in bodies else None,
    )


def by_postal_mime(mails: Sequence[bytes]) -> list[Seen]:
    """postal-mime's view of each; one process for all."""
    tools.npm("postal-mime/package.json")
    ran = subprocess.run(  # noqa: S603 - found on PATH, our own script
        [tools.command("node"), str(_SCRIPT)],
        input=json.dumps([b64encode(mail).decode() for mail in mails]),
        capture_output=True,
        check=True,
        text=True,
    )
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    assert not any(each["attachments"] for each in found)
    return [
        Seen(
            subject=each["subject"],
            sender=(each["from"][0], each["from"][1]),
            to=tuple(each["to"]),
            unsubscribe=tuple(each["unsubscribe"]),
            one_click=tuple(each["one_click"]),
            names=tuple(each["names"]),
            text=_body(each["text"]),
            html=_body(each["html"]) if each["html"] is not None else None,
        )
        for each in found
    ]


def _decoded(header: str) -> str:
    return str(make_header(decode_header(header.replace("\r\n", "").replace("\n", ""))))


def _body(text: str) -> str:
    # Where a part ends belongs to the boundary; parsers differ in how many line ends they leave.
    return text.replace("\r\n", "\n").rstrip("\n") + "\n"
