"""What makes two entries the same article.

An article is one piece at one canonical URL. A feed's entry is known again by either of two keys,
its guid and its canonical link, because feeds regenerate the one and rewrite the other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import idna

MAX_URL_CHARS = 2048

# Query parameters that say where a reader came from, not which page is meant.
TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "hsa_", "_hs", "vero_", "oly_", "at_", "matomo_")
TRACKING_NAMES = frozenset(
    {
        *("fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "twclid", "yclid"),
        *("ttclid", "li_fat_id", "igshid", "igsh", "epik", "srsltid", "ysclid", "rb_clickid"),
        *("mc_cid", "mc_eid", "mkt_tok", "_ga", "_gl", "_ke", "s_kwcid", "wickedid", "xtor", "spm"),
        *("cmpid", "cmp", "ncid", "ftag", "taid", "ito", "ns_campaign", "ns_mchannel", "ns_source"),
        *("ref_src", "ref_url", "guccounter", "guce_referrer", "guce_referrer_sig", "ceid", "emci"),
        *("smid", "smtyp", "mbid", "traffic_source", "sc_cid", "wt_mc", "wtmc", "xg_source"),
    }
)
# Common names that only track with these values.
TRACKING_VALUES = {
    name: frozenset({"rss", "feed", "atom", "rss_feed", "rssfeed", "feedburner"})
    for name in ("source", "src", "ref", "referrer", "from", "via", "partner", "emc", "cid", "mod")
}

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})?")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_LINE = re.compile(r"[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which article an entry is, and the keys by which its feed knows it again."""

    article_id: str
    url: str
    keys: tuple[str, ...]


def canonical_url(url: str, base: str = "") -> str | None:
    """The one spelling of an http(s) URL, in ASCII; None if it is none or points nowhere.

    Without fragment, tracking parameters, default port and needless escapes. ``base`` resolves
    relative ones. Idempotent.
    """
    try:
        # Browsers drop line breaks inside an href and blanks around it.
        joined = urljoin(base, _LINE.sub("", url.strip()))
        parts = urlsplit(joined)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return None
    netloc = _host(host)
    if netloc is None:
        return None
    if port is not None and port != _DEFAULT_PORTS[parts.scheme]:
        netloc += f":{port}"
    query = "&".join(
        _escape(pair, "/?:@!$'()*,;=+[]|") for pair in parts.query.split("&") if not _tracks(pair)
    )
    path = _escape(parts.path or "/", "/:@!$&'()*+,;=")
    result = urlunsplit((parts.scheme, netloc, path, query, ""))
    return result if len(result) <= MAX_URL_CHARS else None


def article_id(url: str) -> str:
    """The id of the article at a canonical URL: 32 hex digits."""
    return sha256(url.encode()).hexdigest()[:32]


def identify(
    entries: Sequence[tuple[str, Collection[str]]], base: str
) -> tuple[Identity | None, ...]:
    """Who each ``(guid, links)`` of one document is; None for an entry without a usable link.

    A guid that stands at different links of the same document identifies nothing and is no key.
    """
    urls = [
        next((url for link in links if (url := canonical_url(link, base))), None)
        for _, links in entries
    ]
    meant: defaultdict[str, set[str]] = defaultdict(set)
    for (guid, _), url in zip(entries, urls, strict=True):
        if guid and url:
            meant[guid].add(url)
    return tuple(
        Identity(
            article_id(url),
            url,
            (*((_key("guid", guid),) if len(meant[guid]) == 1 else ()), _key("link", url)),
        )
        if url
        else None
        for (guid, _), url in zip(entries, urls, strict=True)
    )


def _key(kind: str, value: str) -> str:
    # 64 bits do: a key is only ever compared with those of the same feed.
    return sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _host(host: str) -> str | None:
    host = host.lower().removesuffix(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    if ":" in host:
        host = f"[{host}]"
    return host if _HOST.fullmatch(host) else None


def _tracks(pair: str) -> bool:
    name, _, value = pair.partition("=")
    name = name.lower()
    return (
        not pair
        or name in TRACKING_NAMES
        or name.startswith(TRACKING_PREFIXES)
        or value.lower() in TRACKING_VALUES.get(name, ())
    )


def _escape(text: str, safe: str) -> str:
    def settle(match: re.Match[str]) -> str:
        if match[1] is None:
            # A bare percent sign must not make an escape with what is unescaped behind it.
            return "%25"
        character = chr(int(match[1], 16))
        return character if _UNRESERVED.fullmatch(character) else match[0].upper()

    # Lone surrogates can't be encoded; a URL with one is broken anyway, but must not raise.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return quote(_ESCAPE.sub(settle, text), safe=safe + "%~")
