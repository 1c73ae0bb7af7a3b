"""Whether an address that a feed names leads to a place on the public internet.

By its spelling only: no name is looked up, and nothing is asked.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from courant.errors import FeedRefused
from courant.feeds.fetching.guard import check_url, is_public

# Names that mean another machine in each network: RFC 6762, 8375, 9476, and ICANN's .internal.
_PRIVATE = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa", ".lan", ".alt")
_TYPICAL = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,20}")


def public_authority(parts: SplitResult) -> str:
    """Host and port of an http(s) URL in ASCII if anyone may ask there, else ""."""
    if _TYPICAL.fullmatch(parts.netloc) and len(parts.netloc) < 254:
        return "" if parts.netloc.endswith(_PRIVATE) else parts.netloc
    try:
        port = parts.port or 0
        web = check_url(f"{parts.scheme}://{parts.netloc}/", frozenset({port}))
    except (ValueError, FeedRefused):
        return ""
    try:
        # A picture at 192.168.0.1 would be asked of the reader's own router.
        return web.authority if is_public(ip_address(web.host)) else ""
    except ValueError:
        return web.authority if "." in web.host and not web.host.endswith(_PRIVATE) else ""


def leads_anywhere(url: str, found_at: str) -> bool:
    """Whether readers may be sent to ``url``, a canonical one of a feed found at ``found_at``.

    A feed's own host is as good for its articles as it was for the feed, which the guard judged.
    """
    parts = urlsplit(url)
    try:
        own = urlsplit(found_at).hostname
    except ValueError:
        own = None
    return bool(public_authority(parts)) or parts.hostname == own
