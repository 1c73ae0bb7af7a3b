"""An address as a key: equal for every spelling of one mailbox, and nothing to read back.

Whether an address is valid is asked where people type it (desk/roster_file.py), not here.
"""

from __future__ import annotations

import hmac
import unicodedata


def normalised(email: str) -> str:
    """One spelling for lookups: lower case, the domain in its ASCII form."""
    local, _, domain = unicodedata.normalize("NFC", email.strip()).rpartition("@")
    return f"{local.lower()}@{_ascii(domain)}"


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    import idna  # its tables take longer to load than most functions live; few domains need them

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.lower()


class AddressKey:
    """Turns addresses into keys of the subscribers table."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def digest(self, email: str) -> str:
        """HMAC-SHA256 of the normalised address, 64 hex digits."""
        return hmac.digest(self._secret, normalised(email).encode(), "sha256").hex()
