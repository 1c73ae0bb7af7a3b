"""What the site is asked and what it answers. Pure.

No page has a script, and none may load, frame or post anything that its headers do not name. Styles
are allowed by the hash of what stands in the page, never inline at large.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHOWING = frozenset({"GET", "HEAD"})

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_ETAG = re.compile(r'(?:W/)?"([^"]*)"')
# A language a browser asks for, and how much: ``nl-BE;q=0.8``. Nobody reads twenty.
_WANTED = re.compile(
    r"\s*([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?"
)
_LANGUAGES_READ = 20
# Below this a packed answer is hardly smaller.
_WORTH_PACKING = 1_400

_SAFE: Mapping[str, str] = {
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Header names are in lower case; ``site_url`` is how the site was reached."""

    method: str
    path: str
    headers: Mapping[str, str]
    site_url: str

    def knows(self, etag: str) -> bool:
        """Whether the browser has this version already (If-None-Match, compared weakly)."""
        given = self.headers.get("if-none-match", "")
        return given.strip() == "*" or etag in _ETAG.findall(given)

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags that the browser asks for, best first (Accept-Language)."""
        parts = self.headers.get("accept-language", "").split(",")[:_LANGUAGES_READ]
        wanted = [match.groups("1") for part in parts if (match := _WANTED.fullmatch(part))]
        best_first = sorted(wanted, key=lambda tag_and_weight: -float(tag_and_weight[1]))
        return tuple(_spelled(tag) for tag, weight in best_first if float(weight) > 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser gets."""

    status: int
    body: str
    headers: Mapping[str, str]


def private(status: int, html: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A page for one reader: kept by nobody, found by no search engine; its button posts to us."""
    return Answer(
        status,
        html,
        {
            **_SAFE,
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Security-Policy": _policy(html, "form-action 'self'"),
            "X-Robots-Tag": "noindex",
            **(headers or {}),
        },
    )


def public(
    request: Request,
    body: str,
    *,
    etag: str | None = None,
    seconds: int,
    indexed: bool,
    content_type: str = "text/html; charset=utf-8",
) -> Answer:
    """A page for everybody, which may be kept for so many seconds; 304 if the browser has it."""
    etag = etag or etag_of(body)
    headers = {
        **_SAFE,
        "Cache-Control": f"public, max-age={seconds}",
        # Weak: packed or not, it is the same page.
        "ETag": f'W/"{etag}"',
        "Vary": "Accept-Encoding",
        **({} if indexed else {"X-Robots-Tag": "noindex"}),
    }
    if request.knows(etag):
        return Answer(304, "", headers)
    return Answer(
        200,
        body,
        {
            **headers,
            "Content-Type": content_type,
            "Content-Security-Policy": _policy(
                body, "img-src https: http: data:", "form-action 'none'"
            ),
        },
    )


def moved(path: str, seconds: int) -> Answer:
    """The page is elsewhere, for now."""
    headers = {**_SAFE, "Location": path, "Cache-Control": f"public, max-age={seconds}"}
    return Answer(302, "", headers)


def etag_of(body: str) -> str:
    """A version's name, made of what it says."""
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def to_gateway(answer: Answer, request: Request) -> dict[str, Any]:
    """The answer as an HTTP API takes it (payload version 2), packed if the browser unpacks.

    Lambda answers with 6 MB at most, and the gateway packs nothing itself. Private pages hold a
    token, of which a packed length could tell: they stay as they are.
    """
    body = "" if request.method == "HEAD" else answer.body
    headers = dict(answer.headers)
    raw = body.encode()
    packed = "Vary" in headers and len(raw) > _WORTH_PACKING and _unpacks_gzip(request)
    if packed:
        headers["Content-Encoding"] = "gzip"
        body = base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode()
    return {
        "statusCode": answer.status,
        "headers": headers,
        "body": body,
        "isBase64Encoded": packed,
    }


def _spelled(tag: str) -> str:
    """``NL-be`` as files are named: ``nl-BE`` (RFC 5646, 2.1.1)."""
    language, *more = tag.lower().split("-")
    cases = {2: str.upper, 4: str.title}
    return "-".join([language, *(cases.get(len(part), str)(part) for part in more)])


def _unpacks_gzip(request: Request) -> bool:
    for part in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if name == "gzip":
            return not re.fullmatch(r"0(\.0*)?", weight)
    return False


def _policy(html: str, *more: str) -> str:
    hashes = [
        base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        for style in _STYLE.findall(html)
    ]
    styles = " ".join(f"'sha256-{each}'" for each in hashes) or "'none'"
    fixed = (
        "default-src 'none'",
        f"style-src {styles}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join([*fixed, *more])
