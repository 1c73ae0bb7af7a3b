"""Texts, addresses and attributes out of a tree, as feedparser makes them of a feed's elements.

Whatever feedparser would read by more rules than these raises ``OddError``.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin

_XML = "{http://www.w3.org/XML/1998/namespace}"
_RDF_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
# The attributes that somebody reads. Which of them one with a prefix stands for depends on what
# feedparser knows of its namespace.
_ATTRIBUTES = frozenset(
    {
        *("base", "domain", "height", "href", "ispermalink", "label", "lang", "lastmod", "medium"),
        *("mode", "rel", "scheme", "src", "term", "text", "type", "uri", "url", "version"),
        *("width",),
    }
)
_C1 = re.compile("[\x80-\x9f]")
_CP1252 = {
    code: character
    for code in range(0x80, 0xA0)
    if (character := bytes([code]).decode("cp1252", "ignore"))
}
_MANY_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)(/*)(.*?)")
_MAIL = re.compile(
    r"(([a-zA-Z0-9\_\-\.\+]+)@((\[[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.)|(([a-zA-Z0-9\-]+\.)+))"
    r"([a-zA-Z]{2,4}|[0-9]{1,3})(\]?))(\?subject=\S+)?"
)
# A pattern for addresses is slow on a long text.
_AUTHOR_CHARS = 300


class OddError(Exception):
    """This document is for feedparser."""


def text_of(element: ET.Element) -> str:
    """What an element says; it holds no other elements."""
    return mended(plain_text_of(element))


def plain_text_of(element: ET.Element) -> str:
    """The same as it is written."""
    if len(element):
        raise OddError
    return (element.text or "").strip()


def url_of(element: ET.Element, base: str) -> str:
    """The address that an element says."""
    url = plain_text_of(element)
    return mended(joined(base, url)) if url else ""


def attributes_of(element: ET.Element) -> dict[str, str]:
    """An element's attributes, without those whose namespace is unknown to us."""
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key.startswith(_XML):
            attributes["xml:" + key[len(_XML) :].lower()] = value
        elif key == _RDF_ABOUT:
            attributes["rdf:about"] = value
        elif key[0] == "{":
            if key.rpartition("}")[2].lower() in _ATTRIBUTES:
                raise OddError
        else:
            key = key.lower()
            attributes[key] = value.lower() if key in {"rel", "type"} else value
    return attributes


def no_base(element: ET.Element) -> None:
    """Refuse an element that changes the base: feedparser lets some bases outlive theirs."""
    for key in element.attrib:
        if key[-4:].lower() == "base":
            raise OddError


def mended(text: str) -> str:
    """UTF-8 that was read as Latin-1 once, and Windows' quotes where Unicode has controls."""
    if text.isascii():
        return text
    with suppress(UnicodeError):
        text = text.encode("iso-8859-1").decode("utf-8")
    return text.translate(_CP1252) if _C1.search(text) else text


def joined(base: str, url: str) -> str:
    """An address, absolute if there is a base; "" if it is none."""
    if "///" in url:
        url = _MANY_SLASHES.sub(r"\1\3", url)
    if not base:
        return url
    try:
        return urljoin(base, url)
    except ValueError:
        return ""


def base_within(base: str, given: str) -> str:
    """The base that holds where one is ``given`` within another."""
    new = joined(base, given)
    if new.startswith(("http://", "https://")):
        # feedparser joins a base to itself at each element below; that must not change it.
        if joined(new, new) != new:
            raise OddError
        return new
    if ":" in new:
        raise OddError
    # A relative one is taken if there is none yet.
    return base or new


def with_href(attributes: dict[str, str]) -> dict[str, str]:
    """The attributes with the address under one name, if there is one."""
    for name in ("url", "uri", "href"):
        if name in attributes:
            if url := attributes[name]:
                kept = {key: attributes[key] for key in attributes if key not in {"url", "uri"}}
                return kept | {"href": url}
            break
    return attributes


def settle_author(entry: dict[str, Any]) -> None:
    """The last author's name and address, out of one text if need be (``_sync_author_detail``)."""
    detail = entry["authors"][-1]
    if detail:
        name, email = detail.get("name"), detail.get("email")
        if name or email:
            entry["author"] = f"{name} ({email})" if name and email else name or email
        return
    author, email = entry.get("author"), None
    if not author:
        return
    if len(author) > _AUTHOR_CHARS:
        raise OddError
    if "@" in author and (match := _MAIL.search(author)):
        email = match[0]
        author = author.replace(email, "")
        for empty in ("()", "<>", "&lt;&gt;"):
            author = author.replace(empty, "")
        author = author.strip().removeprefix("(").removesuffix(")").strip()
    if author or email:
        entry.setdefault("author_detail", detail)
    if author:
        detail["name"] = author
    if email:
        detail["email"] = email
