"""Cutting a page at its marks, and what a template may do with a reader's own."""

from __future__ import annotations

import pytest

from courant.editions.cut import Cutter, Told, check, cut
from courant.editions.pressing import Placeholders
from courant.templates import TemplateBroken

Marks = list[tuple[str, str]]
START: Marks = [("greeting", ""), ("top", "")]
END: Marks = [("dropped", ""), ("foot", "")]
SECTION: Marks = [("section", "a"), ("close", "a")]


def page(cutter: Cutter, marks: Marks) -> str:
    return "head" + "".join(cutter.mark(kind, id_) for kind, id_ in marks)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ([*START, *SECTION, *END], [*START, ("section", "b"), ("close", "b"), *END]),
        ([*START, *SECTION, *END], [*START, *END]),
        ([*START, *END], [*START, *SECTION, *END]),
        (END, END[1:]),
        ([*START, *END], START),
    ],
    ids=["other ids", "less in text", "more in text", "no start", "no end"],
)
def test_templates_that_cut_differently_are_refused(html: Marks, text: Marks) -> None:
    cutter = Cutter()

    with pytest.raises(TemplateBroken, match="the text template"):
        cut(cutter, page(cutter, html), page(cutter, text), {}, {"a": 1, "b": 1})


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ([("greeting", ""), *END], "must begin"),
        ([("top", ""), ("greeting", ""), *END], "must begin"),
        ([*START, *SECTION], "must end"),
        ([*START, *reversed(END)], "must end"),
        # A story's large form comes first.
        ([*START, ("section", "a"), ("plain", "x"), ("close", "a"), *END], "plain"),
        ([*START, ("section", "a"), ("lead", "x"), ("close", "a"), *END], "close"),
        ([*START, ("section", "a"), ("lead", "x"), ("plain", "y"), ("close", "a"), *END], "y"),
        ([*START, ("section", "a"), ("lead", "z"), ("plain", "z"), ("close", "a"), *END], "z"),
        ([*START, ("section", "a"), ("lead", "x"), ("plain", "x"), *END], "no cut.'close'"),
        ([*START, ("section", "c"), ("close", "c"), *END], "'c'"),
    ],
)
def test_templates_that_leave_out_a_cut_are_refused(marks: Marks, says: str) -> None:
    cutter = Cutter()
    whole = page(cutter, marks)

    with pytest.raises(TemplateBroken, match=says):
        cut(cutter, whole, whole, {("a", "x"): Told("X", ("x",))}, {"a": 1})


@pytest.mark.parametrize(
    ("name", "html"),
    [
        ("subject", '<h1 title="{}">x</h1>'),
        # Before the first tag, no text can be told from what is not.
        ("subject", "{}<p>x</p>"),
        ("preheader", "<p class={}>x</p>"),
        ("name", "<!-- {} -->"),
        ("dropped", "<p>x</p><a href='{}'>"),
        ("unsubscribe_url", "<p>{}</p>"),
        ("unsubscribe_url", '<img src="{}">'),
        ("unsubscribe_url", '<a href="https://example.org/?to={}">x</a>'),
    ],
)
def test_a_value_that_stands_where_it_can_not_be_escaped_is_refused(name: str, html: str) -> None:
    placeholders = Placeholders.fresh()
    whole = html.format(getattr(placeholders, name))

    with pytest.raises(TemplateBroken, match=f"own.{name}"):
        check(whole, "", placeholders)


def test_values_in_their_places_are_accepted() -> None:
    placeholders = Placeholders.fresh()

    check(
        f"<p>{placeholders.subject} &amp; {placeholders.name}</p>"
        f'<a href="{placeholders.unsubscribe_url}">Leave</a>',
        f"{placeholders.name}: {placeholders.unsubscribe_url}",
        placeholders,
    )
