"""Cuts a rendered page into the fragments that a pressing keeps. Pure.

Cuts are marks that the templates set with ``cut(kind, id)``. Each mark, like each placeholder,
carries 128 random bits, so no article can forge one.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest

from courant.editions.pressing import Own, Piece, Placeholders, SectionPieces, StoryPieces
from courant.templates import TemplateBroken

_START, _END = ["head", "greeting", "top"], ["dropped", "foot"]
# What a browser takes for no text, though it stands between tags.
_NO_TEXT = re.compile(r"(?is)(?<=>)[^<]*(?=</(?:style|script)\b)|<!--.*?-->")
_ACROSS = re.compile(r"[+~]|:(?:first|last|nth|only|empty|has|root)\b")


@dataclass(frozen=True, slots=True)
class Cutter:
    """Sets the marks in a page and cuts at them."""

    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def mark(self, kind: str, id_: str = "") -> str:
        """The mark for a cut; in HTML it is a comment, in text a line that goes with the cut."""
        return f"<!--{self.nonce}:{kind}:{id_}-->"

    def pieces(self, page: str) -> Iterator[tuple[str, str, str]]:
        """``(kind, id, text after the mark)``; what is before any mark has the kind ``head``."""
        parts = re.split(self._pattern, page)
        yield "head", "", parts[0]
        yield from zip(parts[1::3], parts[2::3], parts[3::3], strict=True)

    def without_marks(self, page: str) -> str:
        """The page in one piece."""
        return re.sub(self._pattern, "", page)

    @property
    def _pattern(self) -> str:
        return rf"<!--{self.nonce}:(\w+):([^>]*?)-->\n?"


@dataclass(frozen=True, slots=True)
class Told:
    """What a cut needs to know of a story."""

    title: str
    articles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragments:
    """A page cut up."""

    head: Piece
    greeting: Piece
    top: Piece
    sections: tuple[SectionPieces, ...]
    dropped: Piece
    foot: Piece


def cut(
    cutter: Cutter,
    html: str,
    text: str,
    stories: Mapping[tuple[str, str], Told],
    limits: Mapping[str, int],
) -> Fragments:
    """Cut both pages at their marks; both must set the same marks in the same order.

    Args:
        stories: (section id, story id) → what is to be known of the story.
        limits: section id → how many stories it shows.

    Raises:
        TemplateBroken: a template lacks a mark, or the two pages disagree.
    """
    pieces: list[tuple[str, str, Piece]] = []
    nothing = ("", "", "")
    for of_html, of_text in zip_longest(
        cutter.pieces(html), cutter.pieces(text), fillvalue=nothing
    ):
        if of_html[:2] != of_text[:2]:
            raise TemplateBroken(
                f"the HTML template sets {_named(*of_html[:2])} where the text template sets"
                f" {_named(*of_text[:2])}; a digest template that extends one of ours sets all cuts"
            )
        pieces.append((of_html[0], of_html[1], Piece.of(of_html[2], of_text[2])))
    kinds = [kind for kind, _, _ in pieces]
    if kinds[:3] != _START:
        raise TemplateBroken("a digest template must begin with cut('greeting') and cut('top')")
    if kinds[-2:] != _END:
        raise TemplateBroken("a digest template must end with cut('dropped') and cut('foot')")
    head, greeting, top, *middle, dropped, foot = pieces
    sections = tuple(_sections(middle, stories, limits))
    return Fragments(
        head=head[2],
        greeting=greeting[2],
        top=top[2],
        sections=sections,
        dropped=dropped[2],
        foot=foot[2],
    )


def check(page: str, text: str, placeholders: Placeholders) -> None:
    """That an inlined page and its text keep the laws by which the join fills in a reader's own.

    The link to unsubscribe may only be a whole href, all other values only text: that is how the
    join escapes them. No filter may have changed one, and who wants to leave must find the link in
    either form.

    Raises:
        TemplateBroken: one of them is broken.
    """
    bare = _NO_TEXT.sub("", page)
    for name in Own.__dataclass_fields__:
        placeholder = getattr(placeholders, name)
        if name == "unsubscribe_url":
            right = bare.count(f'href="{placeholder}"')
            place = "be the whole value of an href"
        else:
            right = sum(each.count(placeholder) for each in re.findall(r">([^<>]*)", bare))
            place = "stand in text only"
        if page.count(placeholder) != right:
            raise TemplateBroken(f"a digest template uses own.{name} out of place: it may {place}")
        if any(_left_of(placeholder, form) for form in (page, text)):
            raise TemplateBroken(
                f"a digest template changes own.{name}: each reader's value is filled in later, so"
                " filters and slices can't work on it"
            )


def check_frame(fragments: Fragments, placeholders: Placeholders) -> None:
    """That a reader's own stands around the sections, and the link to unsubscribe in every mail.

    Raises:
        TemplateBroken: a section holds something of the reader's, or the link is missing from the
            HTML or the text, or stands where not every reader has it.
    """
    for section in fragments.sections:
        pieces = [section.opening, section.closing]
        pieces += [piece for story in section.stories for piece in (story.lead, story.plain)]
        for own in placeholders.all():
            if any(own in piece.html or own in piece.text for piece in pieces):
                raise TemplateBroken(
                    "a digest template uses own.… in a section: it may stand around the sections,"
                    " in the masthead, the greeting, the note and the foot"
                )
    always = (fragments.head, fragments.top, fragments.foot)
    for form in ("html", "text"):
        if not any(placeholders.unsubscribe_url in getattr(piece, form) for piece in always):
            raise TemplateBroken(
                f"the {form} template has no link to unsubscribe: put own.unsubscribe_url into"
                " its foot"
            )


def check_styles(page: str) -> None:
    """That no style which will be inlined looks across a cut, from a page before it is inlined.

    Raises:
        TemplateBroken: a selector has a sibling combinator or asks for a place among siblings.
    """
    for css in re.findall(r"<style>(.*?)</style>", page, re.DOTALL):
        for selector in re.findall(r"([^{}]*){", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
            if _ACROSS.search(selector):
                raise TemplateBroken(
                    f"the style of {selector.strip()!r} looks from one piece of the page into"
                    " another, which a reader may not have: give the element a class"
                )


def _named(kind: str, id_: str) -> str:
    if not kind:
        return "no cut"
    return f"cut({kind!r}, {id_!r})" if id_ else f"cut({kind!r})"


def _left_of(placeholder: str, form: str) -> bool:
    """Whether a part of a placeholder stands in a page, beside whole ones."""
    rest = form.replace(placeholder, "").lower()
    return any(placeholder[at : at + 8] in rest for at in range(0, len(placeholder) - 8, 4))


def _sections(
    pieces: Iterable[tuple[str, str, Piece]],
    told: Mapping[tuple[str, str], Told],
    limits: Mapping[str, int],
) -> Iterator[SectionPieces]:
    """section, (lead, plain)…, close; and again."""
    left = iter(pieces)
    for kind, section, opening in left:
        if kind != "section" or section not in limits:
            raise _unexpected(kind, section)
        stories: list[StoryPieces] = []
        for inner, id_, piece in left:
            if (inner, id_) == ("close", section):
                yield SectionPieces(section, limits[section], opening, tuple(stories), piece)
                break
            plain = next(left, None)
            if inner != "lead" or plain is None or (section, id_) not in told:
                raise _unexpected(inner, id_)
            if plain[:2] != ("plain", id_):
                raise _unexpected(*plain[:2])
            story = told[section, id_]
            stories.append(StoryPieces(id_, story.title, story.articles, piece, plain[2]))
        else:
            raise TemplateBroken(f"a digest template sets no cut('close', {section!r})")


def _unexpected(kind: str, id_: str) -> TemplateBroken:
    return TemplateBroken(f"a digest template sets {_named(kind, id_)} where none may stand")
