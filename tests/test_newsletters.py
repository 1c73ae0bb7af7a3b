"""Newsletter files, and what an editor is told about a mistake in one."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.errors import ConfigurationError
from courant.newsletters import NewsletterStore
from desk.newsletter_file import load, load_folder, parse

if TYPE_CHECKING:
    from desk.stack import Stack
    from tests.conftest import HandClock

SHIPPED = Path(__file__).resolve().parents[1] / "newsletters"

GOOD = """\
id: morning
title: No
description: News
language: no
sender:
  name: The Morning
  address: morning@example.org
postal_address: 12:30
brand:
  accent: "#8a1c1c"
cadences:
  daily:
    cron: 0 7 * * *
    timezone: Europe/Oslo
sections:
  - id: politics
    title: 2026
    feeds:
      - https://example.org/a
      - https://example.org/b
    limit: 5
  - id: sport
    title: Sport
    feeds: [https://example.org/c]
max_lateness: 2h
"""


def told(text: str) -> list[str]:
    newsletter, mistakes = parse(text)
    assert newsletter is None
    return [f"{one.line}: {one.where}: {one.text}" for one in mistakes]


def test_words_are_read_as_they_are_written() -> None:
    newsletter, mistakes = parse(GOOD)

    assert mistakes == ()
    assert newsletter is not None
    assert (newsletter.title, newsletter.language) == ("No", "no")
    assert (newsletter.postal_address, newsletter.sections[0].title) == ("12:30", "2026")
    assert newsletter.sections[0].limit == 5
    assert newsletter.max_lateness == timedelta(hours=2)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("limit: 5", "limit: 500", "21: sections[0].limit: must be at most 50 (is 500)"),
        ("limit: 5", "limit: 0", "21: sections[0].limit: must be at least 1 (is 0)"),
        ("limit: 5", "limit: five", "21: sections[0].limit: must be a whole number (is 'five')"),
        (
            "limit: 5",
            "limit:",
            "21: sections[0].limit: is empty; write a value or take the line out",
        ),
        ("limit: 5", "limt: 5", "21: sections[0].limt: unknown field; did you mean 'limit'?"),
        ("title: No", "titel: No", "2: titel: unknown field; did you mean 'title'?"),
        (
            "  accent:",
            "  zebra:",
            "10: brand.zebra: unknown field; there are: logo, logo_width, accent",
        ),
        ("title: No\n", "", "1: title: is missing; add 'title: …'"),
        ("  name: The Morning\n", "", "5: sender.name: is missing; add 'name: …'"),
        (
            "id: morning",
            "id: Morning News",
            "1: id: use a-z, 0-9 and hyphens inside, 32 characters at most (is 'Morning News')",
        ),
        (
            "  daily:",
            "  Daily:",
            (
                "12: cadences.Daily: use a-z, 0-9 and hyphens inside, 32 characters at most"
                " (is 'Daily')"
            ),
        ),
        (
            '"#8a1c1c"',
            "#8a1c1c",
            "10: brand.accent: put it in quotes, such as '#8a1c1c'",
        ),
        (
            "Europe/Oslo",
            "Oslo",
            (
                "14: cadences.daily.timezone: use an IANA name such as Europe/Amsterdam,"
                " or 'subscriber' (is 'Oslo')"
            ),
        ),
        (
            "morning@example.org",
            "morning",
            "7: sender.address: write an address such as news@example.org (is 'morning')",
        ),
        (
            "https://example.org/b",
            "example.org/b",
            (
                "20: sections[0].feeds[1]: must be a web address that begins with http:// or https://"
                " (is 'example.org/b')"
            ),
        ),
        (
            "https://example.org/b",
            "https://example.org/a",
            "20: sections[0].feeds[1]: is this section's feed in line 19 already; take one out",
        ),
        (
            "[https://example.org/c]",
            "https://example.org/c",
            "24: sections[1].feeds: must be a list, each item on its own line after '- '",
        ),
        ("[https://example.org/c]", "[]", "24: sections[1].feeds: needs at least 1"),
        (
            "- id: sport",
            "- id: politics",
            "22: sections[1].id: is also the id of the section in line 16; give each its own",
        ),
        (
            "language: no",
            "title: Yes",
            "4: title: is here twice, first in line 2; keep one",
        ),
        (
            "description: News",
            "description: [News]",
            (
                "3: description: must be one text;"
                " put quotes round it if it has a colon or begins with a bracket"
            ),
        ),
        ("description: News", "description: ''", "3: description: must not be empty"),
        (
            "max_lateness: 2h",
            "max_lateness: soon",
            "25: max_lateness: write a length of time such as 30m, 6h or 2d (is 'soon')",
        ),
        (
            "description: News",
            "description: News: all of it",
            "3: YAML: put quotes round a text with ': ' in it, and indent fields alike",
        ),
        ("  name: The", "\tname: The", "6: YAML: use spaces, not tabs, to indent"),
        ("max_lateness: 2h", "---\nid: other", "25: YAML: one newsletter a file"),
        (
            "max_lateness: 2h",
            "look: breif",
            "25: look: must be broadsheet, brief or cards (is 'breif'); did you mean 'brief'?",
        ),
        (
            "max_lateness: 2h",
            "look: newspaper-ish",
            "25: look: must be broadsheet, brief or cards (is 'newspaper-ish')",
        ),
        (
            "max_lateness: 2h",
            "note: {text: We moved., until: next week}",
            "25: note.until: write a day such as 2026-12-01 (is 'next week')",
        ),
        (
            "max_lateness: 2h",
            "note:\n  text: We moved.\n  untill: 2026-12-01",
            "27: note.untill: unknown field; did you mean 'until'?",
        ),
        (
            '  accent: "#8a1c1c"',
            '  heading_font: "Palatino; color:red"',
            (
                "10: brand.heading_font: write names of fonts and commas only,"
                " such as Palatino, Georgia, serif (is 'Palatino; color:red')"
            ),
        ),
        (
            '  accent: "#8a1c1c"',
            "  text_font: Verdana, Arial",
            (
                "10: brand.text_font: end with a general family, for readers who lack the others:"
                " serif, sans-serif or monospace (is 'Verdana, Arial')"
            ),
        ),
        (
            '  accent: "#8a1c1c"',
            "  social:\n    - name: Mastodon\n      url: @courant",
            "12: YAML: put it in quotes; without them, no value may begin with this character",
        ),
        (
            '  accent: "#8a1c1c"',
            "  social:\n    - name: Mastodon\n      url: https://a.example\n      icon: x",
            "13: brand.social[0].icon: unknown field; there are: name, url",
        ),
        (
            "max_lateness: 2h",
            "greeting: maybe",
            "25: greeting: must be true or false (is 'maybe')",
        ),
        (
            "max_lateness: 2h",
            "web: {editons: true}",
            "25: web.editons: unknown field; did you mean 'editions'?",
        ),
    ],
)
def test_a_mistake_names_line_field_and_mend(before: str, after: str, expected: str) -> None:
    assert before in GOOD

    lines = told(GOOD.replace(before, after, 1))

    assert len(lines) == 1
    assert lines[0].startswith(expected)


@pytest.mark.parametrize("font", ["Georgia, serif", "Verdana, Sans-Serif", "system-ui"])
def test_fonts_that_end_with_a_general_one_are_taken(font: str) -> None:
    newsletter, mistakes = parse(GOOD.replace('  accent: "#8a1c1c"', f"  text_font: {font}"))

    assert mistakes == ()
    assert newsletter is not None
    assert newsletter.brand.text_font == font


def test_every_mistake_of_a_file_is_told_in_the_files_order(tmp_path: Path) -> None:
    file = tmp_path / "morning.yaml"
    file.write_text(GOOD.replace("limit: 5", "limit: 99").replace("id: morning", "id: M"), "utf-8")

    with pytest.raises(ConfigurationError) as caught:
        load(file)

    lines = str(caught.value).splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"{file}:1:", f"{file}:21:"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- id: morning",
        "just words",
        "a: &a [*a]",
        "? [a]\n: b",
        "a: *nothing",
        "x: !!python/x y",
    ],
)
def test_what_is_no_newsletter_is_told_with_a_line(text: str) -> None:
    assert all(line[0].isdigit() for line in told(text))


def test_aliases_that_multiply_are_stopped() -> None:
    doubling = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)
    )

    assert "alias" in told(doubling)[0]


@given(st.text())
def test_no_text_crashes_the_reader(text: str) -> None:
    newsletter, mistakes = parse(text)

    assert (newsletter is None) == bool(mistakes)


@given(st.data())
def test_no_change_of_a_good_file_crashes_the_reader(data: st.DataObject) -> None:
    lines = GOOD.splitlines(keepends=True)
    n = data.draw(st.integers(0, len(lines) - 1))
    lines[n] = data.draw(st.sampled_from(["", "  x:\n", lines[n].rstrip() + ": {\n", lines[n] * 2]))

    newsletter, mistakes = parse("".join(lines))

    assert (newsletter is None) == bool(mistakes)


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text(GOOD, "utf-8")

    with pytest.raises(ConfigurationError, match=r"b\.yml: id: 'morning' is also the id of"):
        load_folder(tmp_path)


@pytest.mark.parametrize("data", [None, b"\xff\xfe\x00", b"title: \xe9"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, data: bytes | None) -> None:
    file = tmp_path / "morning.yaml"
    if data is not None:
        file.write_bytes(data)

    with pytest.raises(ConfigurationError, match=r"morning\.yaml: "):
        load(file)


def test_an_empty_folder_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no newsletter here"):
        load_folder(tmp_path)


def test_the_newsletters_we_ship_are_right() -> None:
    assert {newsletter.id for newsletter in load_folder(SHIPPED)} >= {"demo", "morning"}


def test_a_newsletter_is_kept_as_it_was_applied(stack: "Stack", clock: "HandClock") -> None:
    store = NewsletterStore(stack.table("content"))
    shipped = sorted(load_folder(SHIPPED), key=lambda newsletter: newsletter.id)
    for newsletter in shipped:
        store.put(newsletter, clock())

    kept, one = store.all(), store.get("demo")
    store.delete("demo")

    assert list(kept) == shipped
    assert one in shipped
    assert store.get("demo") is None


def test_a_file_of_megabytes_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_text("- b\n" * 3_000_000, "utf-8")

    with pytest.raises(ConfigurationError, match="over 1 MB; a newsletter is a page or two"):
        load(file)
