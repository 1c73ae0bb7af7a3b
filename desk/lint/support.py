"""What caniemail says each mail client supports (data/caniemail.json, vendored: decision 0013)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

DATA = Path(__file__).resolve().parent / "data"
# The clients whose lack of a feature is a finding, as people call them.
CLIENTS: dict[str, str] = {
    "gmail": "Gmail",
    "gmail-ios": "Gmail iOS",
    "gmail-android": "Gmail Android",
    "outlook-windows": "Outlook Windows (2007–2019)",
    "outlook-new": "Outlook.com and new Outlook",
    "outlook-macos": "Outlook macOS",
    "outlook-ios": "Outlook iOS",
    "outlook-android": "Outlook Android",
    "apple-macos": "Apple Mail macOS",
    "apple-ios": "Apple Mail iOS",
    "yahoo": "Yahoo",
    "yahoo-ios": "Yahoo iOS",
    "yahoo-android": "Yahoo Android",
    "samsung": "Samsung Email",
}
Answer = Literal["yes", "partial", "no", "unknown"]

_ANSWERS: dict[str, Answer] = {"y": "yes", "a": "partial", "n": "no", "u": "unknown"}
_NUMBER = re.compile(r"#(\d+)")


@dataclass(frozen=True, slots=True)
class Support:
    """One client's support of one feature; ``notes`` are numbers of the feature's notes."""

    answer: Answer
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feature:
    """A page of caniemail.com."""

    slug: str
    title: str
    category: str
    url: str
    notes: dict[str, str]
    support: dict[str, Support]

    def of(self, client: str) -> Support:
        """How a client of CLIENTS supports it."""
        return self.support.get(client, _FULL)


_FULL = Support("yes")


@cache
def features() -> dict[str, Feature]:
    """Every feature of the data, by slug."""
    data = json.loads((DATA / "caniemail.json").read_text("utf-8"))
    return {each["slug"]: _feature(each) for each in data["features"]}


def _feature(item: dict[str, dict[str, str]]) -> Feature:
    support = {
        client: Support(_ANSWERS[said[0]], tuple(_NUMBER.findall(said)))
        for client, said in item["support"].items()
    }
    return Feature(
        slug=str(item["slug"]),
        title=str(item["title"]),
        category=str(item["category"]),
        url=str(item["url"]),
        notes=item["notes"],
        support=support,
    )
