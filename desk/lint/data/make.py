"""Makes caniemail.json of caniemail's dump: ``python -m desk.lint.data.make api-data.json``.

The dump is https://www.caniemail.com/api/data.json, or ``data.json`` of the npm package
``caniemail``; gzip is fine too. We keep the clients that issue and README name, their latest
version each, and of the notes only those that these refer to.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent / "caniemail.json"
SOURCE = "https://www.caniemail.com/api/data.json"
# Windows Mail is left out: Microsoft ended it on 31 December 2024, and what it calls the new
# Outlook draws mail as Outlook.com does.
CLIENTS = {
    "gmail": ("gmail", "desktop-webmail"),
    "gmail-ios": ("gmail", "ios"),
    "gmail-android": ("gmail", "android"),
    "outlook-windows": ("outlook", "windows"),
    "outlook-new": ("outlook", "outlook-com"),
    "outlook-macos": ("outlook", "macos"),
    "outlook-ios": ("outlook", "ios"),
    "outlook-android": ("outlook", "android"),
    "apple-macos": ("apple-mail", "macos"),
    "apple-ios": ("apple-mail", "ios"),
    "yahoo": ("yahoo", "desktop-webmail"),
    "yahoo-ios": ("yahoo", "ios"),
    "yahoo-android": ("yahoo", "android"),
    "samsung": ("samsung-email", "android"),
}
_NUMBER = re.compile(r"#(\d+)")


def made_of(dump: dict[str, Any]) -> dict[str, Any]:
    """What we keep of a dump. A client that is not named in ``support`` supports the feature."""
    return {
        "source": SOURCE,
        "licence": "MIT, copyright (c) 2019 Rémi Parmentier; see caniemail.LICENSE.txt",
        "updated": dump["last_update_date"][:10],
        "features": [_feature(feature) for feature in dump["data"]],
    }


def _feature(feature: dict[str, Any]) -> dict[str, Any]:
    support = {}
    for client, (family, platform) in CLIENTS.items():
        versions = list(feature["stats"].get(family, {}).get(platform, {}).values())
        # The dump has its versions in the order of their tests.
        latest = versions[-1] if versions else "u"
        if latest != "y":
            support[client] = latest
    numbers = {number for value in support.values() for number in _NUMBER.findall(value)}
    notes = feature["notes_by_num"] or {}
    return {
        "slug": feature["slug"],
        "title": " ".join(feature["title"].split()),
        "category": feature["category"],
        "url": feature["url"],
        "support": support,
        "notes": {number: notes[number] for number in sorted(numbers, key=int) if number in notes},
    }


def written(data: dict[str, Any]) -> str:
    """The file's text, one feature a line, so that a new dump is a diff people can read."""
    features = ",\n".join(json.dumps(each, ensure_ascii=False) for each in data["features"])
    head = json.dumps({k: v for k, v in data.items() if k != "features"}, ensure_ascii=False)
    return f'{head[:-1]}, "features": [\n{features}\n]}}\n'


def read_dump(path: Path) -> dict[str, Any]:
    """A dump from a file, gzipped or not."""
    raw = path.read_bytes()
    dump: dict[str, Any] = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    return dump


if __name__ == "__main__":
    FILE.write_text(written(made_of(read_dump(Path(sys.argv[1])))), "utf-8")
