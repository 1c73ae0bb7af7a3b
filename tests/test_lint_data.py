"""The linter's data: caniemail's features, how each is seen, and what is judged of it."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from desk.lint import css, features, page, support
from desk.lint.check import client_table
from desk.lint.data import make
from desk.lint.judgements import TESTS, _entries
from desk.lint.support import CLIENTS


def test_every_feature_is_detected_or_has_a_reason_not_to_be() -> None:
    counted = Counter(slug for section in features.detectors().values() for slug in section)

    assert set(counted) == set(support.features())
    assert max(counted.values()) == 1
    assert all(features.detectors()["undetected"].values())


def test_the_data_is_what_the_script_makes_of_caniemails_dump(shared: Path) -> None:
    dump = shared / "corpora" / "emails" / "caniemail" / "npm-caniemail-data.json.gz"

    assert make.FILE.read_text("utf-8") == make.written(make.made_of(make.read_dump(dump)))


def test_the_licence_stands_beside_the_data() -> None:
    text = (make.FILE.parent / "caniemail.LICENSE.txt").read_text("utf-8")

    assert text.startswith("MIT License")
    assert "Rémi Parmentier" in text
    assert set(make.CLIENTS) == set(CLIENTS)


@pytest.mark.parametrize("kind", ["limit", "fallback", "mend"])
def test_every_judgement_is_about_something_and_says_why(kind: str) -> None:
    for entry in _entries(kind):
        assert entry.reason.endswith((".", ";")), entry
        assert not entry.needs or entry.needs in TESTS, entry
        for pattern in entry.features:
            assert any(fnmatchcase(slug, pattern) for slug in support.features()), pattern
        for pattern in entry.clients:
            assert any(fnmatchcase(client, pattern) for client in CLIENTS), pattern


@pytest.mark.parametrize(
    ("html", "slugs"),
    [
        (
            "<style>@media (hover){a:hover>b{color:oklch(1 1 1)}}</style>",
            {
                "html-style",
                "css-at-media",
                "css-at-media-hover",
                "css-pseudo-class-hover",
                "css-selector-child",
                "css-selector-type",
                "css-modern-color",
            },
        ),
        (
            "<style>p{b{margin:1em 2rem}}</style>",
            {
                "html-style",
                "css-selector-type",
                "css-nesting",
                "css-margin",
                "css-unit-em",
                "css-unit-rem",
            },
        ),
        (
            '<p style="width:calc(100% - 1px)">',
            {"html-p", "css-width", "css-unit-calc", "css-unit-percent", "css-unit-px"},
        ),
        (
            '<a href="mailto:x@y.example">x</a><a href="#b">',
            {"html-mailto-links", "html-anchor-links"},
        ),
        (
            '<img src="data:image/png;base64,AA" loading="lazy">',
            {"html-img", "image-base64", "html-loading-attribute"},
        ),
        (
            "<style>td:not(.a, [b]){color:#000}</style>",
            {"html-style", "css-pseudo-class-not", "css-selector-type"},
        ),
        (
            "<p style=\"background:#fff url('x.webp?a')\">",
            {"html-p", "css-background", "image-webp"},
        ),
    ],
)
def test_features_are_seen(html: str, slugs: set[str]) -> None:
    parsed = page.parse(html)

    assert {each.slug for each in features.usages(parsed, css.sheets(parsed))} == slugs


def test_who_breaks_long_words_by_one_property_or_the_other() -> None:
    one, other = support.features()["css-word-break"], support.features()["css-word-wrap"]
    neither = {c for c in CLIENTS if one.of(c).answer == other.of(c).answer == "no"}

    # As judgements.toml says of them.
    assert neither <= {"yahoo-ios", "yahoo-android"}


def test_the_table_says_what_stands_in() -> None:
    html = '<p style="border-radius:4px">x</p><p style="display:flex">y</p>'
    rows = {row.feature.slug: row for row in client_table(html)}

    assert rows["css-border-radius"].cells["outlook-windows"] == "covered"
    assert rows["css-border-radius"].cells["gmail"] == "yes"
    assert next(iter(rows["css-border-radius"].reasons)).startswith("Decoration")
    assert rows["css-display-flex"].cells["outlook-windows"] == "no"
    assert rows["html-p"].uses == 2
