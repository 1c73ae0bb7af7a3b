"""What a digest must be as a mail: its weight, its way out, its text part, and no leftovers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from courant.editions.budget import LIMIT
from desk.lint import css
from desk.lint.findings import Finding, Severity, at, shorten
from desk.lint.page import Element, Page

# Gmail cuts a message off at about 102 kB of HTML and hides the rest behind a link.
CLIP = 102_400
_LINE = 998  # RFC 5322, 2.1.1

# What our own templates say; a headline that holds braces says something else.
_MARKUP = re.compile(
    r"\{\{\s*(?:newsletter|own|story|section|sections|t|note|footer|date_text|web_url|language|dir"
    r"|start|end|cut|fit|loop|table|slots)\b\s*[.(|}\[]"
    r"|\{%-?\s*(?:if|for|set|block|endif|endfor|endblock|extends|macro|include)\b[^\n]{0,80}%\}"
)
_PLACEHOLDER = re.compile(r"(?<![0-9a-zA-Z])c[0-9a-f]{32}c(?![0-9a-zA-Z])")
_CUT = re.compile(r"<!--[0-9a-f]{32}:\w+:")
_UNFILLED = re.compile(r"\{(?:n|name|newsletter|date|count|url)\}")
_UNSUBSCRIBE = re.compile(
    r"unsub|opt.?out|list-manage|abmelden|abbestell|afmeld|uitschrijv|opzeggen|désabonn|desabonn"
    r"|désinscri|desinscri|darse de baja|date de baja|cancelar|anular|إلغاء"
    r"|stop receiving|manage.{0,20}prefer|notification settings|abbonnement beenden",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What is known of the mail around its HTML; None where nobody knows, so nothing is checked.

    ``marks`` are the placeholders that must be gone, ``address`` the newsroom's postal one, ``raw``
    the mail as it goes out.
    """

    text: str | None = None
    subject: str | None = None
    preheader: str | None = None
    unsubscribe_url: str | None = None
    address: str | None = None
    marks: tuple[str, ...] = ()
    raw: bytes | None = None


def findings(page: Page, mail: Mail) -> Iterator[Finding]:
    """Everything of this page."""
    yield from weight(page.source)
    yield from _lines(page, mail)
    yield from _leftovers(page.source, mail.marks, "html")
    yield from _duties(page, mail)
    yield from _words(page, mail)
    if mail.text is not None:
        yield from _text_part(page, mail.text, mail)


def weight(html: str) -> Iterator[Finding]:
    """Whether Gmail clips it, or a joined digest would be nearer to that than the budget lets."""
    size = len(html.encode("utf-8", "replace"))
    share = f"{size:,} bytes of HTML"
    if size > CLIP:
        yield Finding("html-weight", "error", f"{share}: Gmail cuts it off at {CLIP:,}.")
    elif size > LIMIT:
        yield Finding("html-weight", "warning", f"{share}, near {CLIP:,}, where Gmail cuts it off.")


def _lines(page: Page, mail: Mail) -> Iterator[Finding]:
    if mail.raw is not None:
        long = [
            number
            for number, line in enumerate(mail.raw.split(b"\r\n"), 1)
            if len(line) > _LINE or b"\n" in line
        ]
        if long:
            text = (
                f"Line {long[0]} of the mail's source is longer than {_LINE} bytes or ends oddly."
            )
            yield Finding("line-length", "error", text)
        return
    for number, line in enumerate(page.source.split("\n"), 1):
        if len(line.encode("utf-8", "replace")) > _LINE:
            text = f"A line of over {_LINE} bytes; it must be sent encoded."
            yield Finding("line-length", "note", text, number, shorten(line), (), 1)
            return


def _leftovers(
    source: str, marks: Sequence[str], part: Literal["html", "text"]
) -> Iterator[Finding]:
    def found(rule: str, severity: Severity, message: str, offset: int) -> Finding:
        before = source[:offset]
        line, column = before.count("\n") + 1, offset - before.rfind("\n")
        excerpt = shorten(source[max(0, offset - 20) : offset + 80])
        return Finding(rule, severity, message, line, excerpt, (), column, part)

    for mark in marks:
        if (offset := source.find(mark)) >= 0:
            yield found("placeholder-left", "error", "A reader's own value was not put in.", offset)
    for pattern, text in (
        (_PLACEHOLDER, "It looks like a reader's own value that was not put in."),
        (_CUT, "A mark where the page is cut was left in it."),
        (_MARKUP, "A template was not rendered."),
    ):
        if match := pattern.search(source):
            yield found("placeholder-left", "error", text, match.start())
    if match := _UNFILLED.search(source):
        text = f"{match[0]} looks like a word of templates/locales that nothing was put into."
        yield found("placeholder-left", "note", text, match.start())


def _duties(page: Page, mail: Mail) -> Iterator[Finding]:
    links = list(page.named("a"))
    if mail.unsubscribe_url is not None:
        leaves = any(link.get("href") == mail.unsubscribe_url for link in links)
    else:
        leaves = any(_UNSUBSCRIBE.search(f"{link.get('href')} {link.text}") for link in links)
    if not leaves:
        yield Finding(
            "unsubscribe-link", "error", "No link to unsubscribe: the law and Gmail ask it."
        )
    if mail.address is not None and _bare(mail.address) not in _bare(page.root.text):
        yield Finding(
            "postal-address", "error", "The postal address is missing: the law asks for it."
        )


def _words(page: Page, mail: Mail) -> Iterator[Finding]:
    title = page.first("title")
    if (
        mail.subject is not None
        and title is not None
        and title.text != " ".join(mail.subject.split())
    ):
        text = f"The title is not the subject, “{shorten(mail.subject, 60)}”."
        yield at("title-is-subject", "error", text, title)
    hidden = next((each for each in page.elements if _hides(each) and each.text), None)
    body = page.first("body")
    begins = (body or page.root).text[:400]
    if mail.preheader is not None:
        if not begins.startswith(" ".join(mail.preheader.split())[:100]):
            yield Finding("preheader", "error", "The mail does not begin with its preheader.")
    elif hidden is None or not begins.startswith(hidden.text[:40]):
        text = "No preheader: inboxes show whatever words come first beside the subject."
        yield Finding("preheader", "warning", text)


def _hides(element: Element) -> bool:
    if element.tag not in {"div", "span", "p", "td"}:
        return False
    style = {each.name: each.value for each in css.inline(element)}
    return style.get("display", "").startswith("none") or style.get("mso-hide") == "all"


def _text_part(page: Page, text: str, mail: Mail) -> Iterator[Finding]:
    if not text.strip():
        yield Finding("text-part", "error", "No text part.", part="text")
        return
    yield from _leftovers(text, mail.marks, "text")
    if mail.unsubscribe_url is not None:
        leaves = mail.unsubscribe_url in text
    else:
        leaves = _UNSUBSCRIBE.search(text) is not None
    if not leaves:
        message = "No link to unsubscribe in the text part; who reads only that has no other."
        yield Finding("unsubscribe-link", "error", message, part="text")
    whole, start, last = _bare(text), 0, ""
    for heading in page.named("h2", "h3", "h4"):
        name = _bare(heading.text)
        if not name:
            continue
        found = whole.find(name, start)
        if found < 0:
            what = "comes before" if name in whole else "is not in the text part, nor after"
            message = f"“{shorten(heading.text, 60)}” {what} “{shorten(last, 40)}” there."
            rule = "text-part-order" if name in whole else "text-part-stories"
            yield at(rule, "error", message, heading)
            continue
        start, last = found + len(name), heading.text


def _bare(text: str) -> str:
    """Without white space and capitals: however it is wrapped and set."""
    return "".join(text.split()).casefold()
