"""JSON Feed 1.0 and 1.1 (https://jsonfeed.org/version/1.1) → raw entries.

Lenient: whatever has the wrong type is treated as missing, since one odd item must not lose the
others.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin

from courant.errors import FeedUnreadable
from courant.feeds import dates
from courant.feeds.raw import (
    MAX_ID_BYTES,
    MAX_NAMES,
    MAX_TEXT_CHARS,
    MAX_TITLE_CHARS,
    RawEntry,
    RawFeed,
    RawImage,
    RawText,
)


def parse_json_feed(text: str, url: str, max_entries: int) -> RawFeed:
    """The entries of a JSON Feed.

    Raises:
        FeedUnreadable: broken JSON, or JSON that is no feed.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FeedUnreadable(url, "it sent broken JSON, not a feed") from error
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise FeedUnreadable(url, "it sent JSON that is not a JSON Feed")
    items = [item for item in document["items"] if isinstance(item, dict)]
    if "jsonfeed.org/version/" not in _str(document, "version") and not any(
        "content_html" in item or "content_text" in item for item in items
    ):
        raise FeedUnreadable(url, "it sent JSON that is not a JSON Feed")
    home = _join(url, _str(document, "home_page_url"))
    authors = _authors(document)
    return RawFeed(
        title=_plain(_str(document, "title")),
        language=_str(document, "language"),
        base=home or url,
        home=_str(document, "home_page_url"),
        kind=_kind(document),
        entries=tuple(_entry(item, authors) for item in items[:max_entries]),
        beyond_cap=max(len(items) - max_entries, 0),
    )


def _entry(item: dict[str, Any], authors: tuple[str, ...]) -> RawEntry:
    id_ = item.get("id")
    # 1.0 feeds in the wild number their items.
    key = str(id_) if isinstance(id_, str | int) and not isinstance(id_, bool) else ""
    link = _str(item, "id") if _str(item, "id").startswith(("http://", "https://")) else ""
    texts = (
        _plain(_str(item, "summary")),
        _plain(_str(item, "content_text")),
        RawText(_str(item, "content_html")[:MAX_TEXT_CHARS]),
    )
    attachments = item.get("attachments")
    pictures = [
        _str(attachment, "url")
        for attachment in (attachments if isinstance(attachments, list) else [])
        if isinstance(attachment, dict) and _str(attachment, "mime_type").startswith("image/")
    ]
    pictures = [_str(item, "image"), _str(item, "banner_image"), *pictures]
    return RawEntry(
        id=key if len(key.encode("utf-8", "replace")) <= MAX_ID_BYTES else "",
        links=tuple(filter(None, (*(_str(item, name) for name in ("url", "external_url")), link))),
        title=_plain(_str(item, "title")[:MAX_TITLE_CHARS]),
        texts=tuple(text for text in texts if text and text.value),
        authors=_authors(item) or authors,
        dates=tuple(
            date
            for name in ("date_published", "date_modified")
            if (date := dates.from_text(_str(item, name)))
        ),
        images=tuple(RawImage(picture) for picture in pictures[:MAX_NAMES] if picture),
        categories=_categories(item),
        language=_str(item, "language"),
    )


def _kind(document: dict[str, Any]) -> str:
    version = _str(document, "version").rpartition("/")[2]
    return f"json{version}" if version in {"1", "1.0", "1.1"} else "json"


def _categories(item: dict[str, Any]) -> tuple[str, ...]:
    tags = item.get("tags")
    names = (tag.strip() for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
    return tuple(dict.fromkeys(name for name in names if name))[:MAX_NAMES]


def _authors(holder: dict[str, Any]) -> tuple[str, ...]:
    listed = holder.get("authors")
    people = listed if isinstance(listed, list) else [holder.get("author")]
    names = (_str(person, "name") for person in people if isinstance(person, dict))
    return tuple(name for name in names if name)[:MAX_NAMES]


def _str(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _plain(value: str) -> RawText | None:
    return RawText(value[:MAX_TEXT_CHARS], is_html=False) if value else None


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url) if url else ""
    except ValueError:
        return ""
