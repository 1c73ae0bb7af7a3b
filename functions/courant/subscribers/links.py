"""Links that act for one reader, signed so that nobody else can make them. Pure.

    v1.<key>.<purpose>.<sid>.<newsletter>[.<expiry>].<signature>

No address is in them. The signature is over the text before it, so every spelling but ours is
refused; 128 bits end in A, Q, g or w, which no mail program cuts off as punctuation.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from courant.errors import LinkInvalid

# Long enough for a weekend away from the mailbox.
CONFIRM_WITHIN = timedelta(hours=48)

_TOKEN = re.compile(
    r"(v1\.([0-9a-f]{4})\.([ucs])\.([A-Za-z0-9_-]{22})\.([a-z0-9-]{1,32})(?:\.([0-9]{1,12}))?)"
    r"\.([A-Za-z0-9_-]{22})",
    re.ASCII,
)
_NOBODY = "0" * 32


class Purpose(StrEnum):
    """What a link may do; a link for one purpose is no link for another."""

    UNSUBSCRIBE = "u"
    CONFIRM = "c"
    SAMPLE = "s"  # in test mails: shows the page, unsubscribes nobody


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says; ``sid`` is all zeros in a sample."""

    purpose: Purpose
    sid: str
    newsletter: str


class Links:
    """Writes and reads links.

    The first key signs and all verify, so a key can be changed without breaking mails sent before.
    ``site_url`` has no slash at its end; an empty one gives paths.
    """

    def __init__(self, site_url: str, keys: Sequence[bytes]) -> None:
        self._site_url = site_url
        self._keys = tuple((_key_id(key), key) for key in keys)

    def unsubscribe(self, sid: str, newsletter: str) -> str:
        """Where a reader leaves a newsletter; it never expires."""
        return f"{self._site_url}/u/{self._token(Purpose.UNSUBSCRIBE, sid, newsletter)}"

    def sample(self, newsletter: str) -> str:
        """Where a reader would leave: for mails that go to editors."""
        return f"{self._site_url}/u/{self._token(Purpose.SAMPLE, _NOBODY, newsletter)}"

    def confirm(self, sid: str, newsletter: str, now: datetime) -> str:
        """Where a subscription is confirmed, within ``CONFIRM_WITHIN``."""
        expiry = int((now + CONFIRM_WITHIN).timestamp())
        return f"{self._site_url}/c/{self._token(Purpose.CONFIRM, sid, newsletter, expiry)}"

    def read(self, token: str, now: datetime) -> Link:
        """What we signed.

        Raises:
            LinkInvalid: we didn't, or it has expired, or something changed it on the way.
        """
        if not (match := _TOKEN.fullmatch(token)):
            raise LinkInvalid("not a link of ours")
        text, key_id, purpose, packed, newsletter, expiry, signature = match.groups()
        genuine = [
            hmac.compare_digest(_sign(key, text), signature)
            for known, key in self._keys
            if known == key_id
        ]
        if not any(genuine):
            raise LinkInvalid("not signed by us")
        if expiry and now.timestamp() > int(expiry):
            raise LinkInvalid("expired")
        return Link(Purpose(purpose), urlsafe_b64decode(packed + "==").hex(), newsletter)

    def _token(self, purpose: Purpose, sid: str, newsletter: str, expiry: int | None = None) -> str:
        key_id, key = self._keys[0]
        parts = ["v1", key_id, purpose, _text(bytes.fromhex(sid)), newsletter]
        if expiry is not None:
            parts.append(str(expiry))
        text = ".".join(parts)
        return f"{text}.{_sign(key, text)}"


def _sign(key: bytes, text: str) -> str:
    return _text(hmac.digest(key, f"courant link {text}".encode(), "sha256")[:16])


def _key_id(key: bytes) -> str:
    return hmac.digest(key, b"courant key id", "sha256").hex()[:4]


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
