"""What a digest must be as a mail: its weight, links and parts, no leftovers and no spying."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desk.lint import css
from desk.lint.css import Sheet
from desk.lint.findings import Finding, Severity, shorten
from desk.lint.page import Element, Page

# Gmail cuts a message off at about 102 kB of HTML and hides the rest behind a link.
CLIP = 102_400
_NEAR = 0.9
_LINE = 998  # RFC 5322, 2.1.1
# Gmail has been seen to drop style blocks longer than this.
_STYLE = 8_192
_PICTURES = 40

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
_SCHEME = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):")
_FORMS = frozenset({"form", "input", "select", "textarea", "button"})
_ACTIVE = frozenset({"script", "iframe", "object", "embed", "applet", "frame", "frameset"})


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


def findings(page: Page, sheets: Sequence[Sheet], mail: Mail) -> Iterator[Finding]:
    """Everything of this page."""
    yield from _weight(page, mail)
    yield from _leftovers(page.source, mail.marks, "html")
    for check in (_document, _pictures, _links, _active):
        yield from check(page)
    yield from _styles(page, sheets)
    yield from _duties(page, mail)
    yield from _words(page, mail)
    if mail.text is not None:
        yield from _text_part(page, mail.text, mail.marks)


def _at(rule: str, severity: Severity, message: str, element: Element) -> Finding:
    return Finding(
        rule, severity, message, element.line, shorten(element.source), (), element.column
    )


def _weight(page: Page, mail: Mail) -> Iterator[Finding]:
    size = len(page.source.encode("utf-8", "replace"))
    share = f"{size:,} bytes of HTML"
    if size > CLIP:
        yield Finding("html-weight", "error", f"{share}: Gmail cuts it off at {CLIP:,}.")
    elif size > CLIP * _NEAR:
        yield Finding("html-weight", "warning", f"{share}, near {CLIP:,}, where Gmail cuts it off.")
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


def _leftovers(source: str, marks: Sequence[str], part: str) -> Iterator[Finding]:
    def found(rule: str, severity: Severity, message: str, offset: int) -> Finding:
        before = source[:offset]
        line, column = before.count("\n") + 1, offset - before.rfind("\n")
        excerpt = shorten(source[max(0, offset - 20) : offset + 80])
        place = "text" if part == "text" else "html"
        return Finding(
            rule,
            severity,
            message,
            line,
            excerpt,
            (),
            column,
            "text" if place == "text" else "html",
        )

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


def _document(page: Page) -> Iterator[Finding]:
    if page.doctype is None:
        yield Finding("doctype", "warning", "No doctype: clients draw it by rules of the nineties.")
    metas = list(page.named("meta"))
    if not any("charset" in (*meta.attributes, meta.get("content").lower()[-14:-5]) or
               "charset=" in meta.get("content").lower() for meta in metas):  # fmt: skip
        yield Finding("charset", "warning", 'No charset: <meta charset="utf-8"> comes first.')


def _pictures(page: Page) -> Iterator[Finding]:
    pictures = list(page.named("img"))
    if len(pictures) > _PICTURES:
        yield Finding("image-count", "note", f"{len(pictures)} pictures are slow on a train.")
    for picture in pictures:
        source = picture.get("src").strip()
        if _is_pixel(picture):
            yield _at("tracking-pixel", "warning", "A picture that nobody sees spies.", picture)
            continue
        if not source:
            yield _at("image-source", "error", "A picture without an address.", picture)
        elif source.lower().startswith("http:"):
            text = "A picture over http: some clients leave it out, and it can be read on the way."
            yield _at("image-http", "warning", text, picture)
        style = {each.name: each.value for each in css.inline(picture)}
        if not picture.get("width"):
            text = "A picture without width: Outlook draws it at its own size."
            yield _at("image-size", "warning", text, picture)
        elif not picture.get("height") and style.get("height", "auto") == "auto":
            text = "A picture without height: the page jumps as it loads."
            yield _at("image-size", "note", text, picture)


def _is_pixel(picture: Element) -> bool:
    style = {each.name: each.value for each in css.inline(picture)}
    sides = [
        (picture.get(side) or style.get(side, "")).removesuffix("px").strip()
        for side in ("width", "height")
    ]
    return all(side in {"0", "1"} for side in sides)


def _links(page: Page) -> Iterator[Finding]:
    names = {each.get(key) for each in page.elements for key in ("id", "name") if each.get(key)}
    for link in page.named("a", "area"):
        if "href" not in link.attributes:
            continue
        address = link.get("href").strip()
        scheme = match[1].lower() if (match := _SCHEME.match(address)) else ""
        if not address:
            yield _at("link-empty", "error", "A link that leads nowhere.", link)
        elif address.startswith("#"):
            if address[1:] not in names:
                yield _at("link-empty", "warning", f"There is no {address} in the mail.", link)
        elif scheme in {"javascript", "vbscript", "data", "file"}:
            yield _at("link-scheme", "error", f"{scheme}: does not work in a mail.", link)
        elif not scheme:
            text = f"{shorten(address, 60)!r} has no https:// before it, so it leads nowhere."
            yield _at("link-scheme", "error", text, link)
        elif scheme not in {"http", "https", "mailto", "tel", "sms"}:
            yield _at("link-scheme", "warning", f"Few clients open {scheme}: links.", link)


def _active(page: Page) -> Iterator[Finding]:
    for element in page.elements:
        if element.tag in _ACTIVE:
            text = f"<{element.tag}> is dropped by every client, and spam filters count it."
            yield _at("active-content", "error", text, element)
        elif element.tag in _FORMS:
            yield _at("form", "error", f"<{element.tag}>: forms do not work in mails.", element)
        for name in element.attributes:
            if name.startswith("on") and name.isalpha():
                yield _at(
                    "event-handler", "error", f"{name}= is dropped; there is no script.", element
                )
        if element.tag == "link" and "stylesheet" in element.get("rel").lower():
            yield _at(
                "remote-style", "warning", "A style sheet elsewhere is never fetched.", element
            )
        if element.tag == "base":
            yield _at("base-element", "warning", "<base> turns the client's own links.", element)


def _styles(page: Page, sheets: Sequence[Sheet]) -> Iterator[Finding]:
    for sheet in sheets:
        for line, column, what in sheet.broken:
            text = f"CSS that can't be read ({what}): Gmail drops the whole block for it."
            yield Finding("css-broken", "error", text, line, "", (), column)
        if len(sheet.text) > _STYLE:
            text = f"A style block of {len(sheet.text):,} characters: Gmail may drop it."
            yield _at("style-length", "warning", text, sheet.element)
        for at_rule in sheet.at_rules:
            if at_rule.name in {"font-face", "import"}:
                text = (
                    f"@{at_rule.name} asks another server: few clients do, and it tells who reads."
                )
                yield Finding(
                    "remote-font",
                    "warning",
                    text,
                    at_rule.line,
                    at_rule.prelude,
                    (),
                    at_rule.column,
                )
    for element in page.elements:
        names = {each.name: each.value for each in css.inline(element)}
        picture = element.get("background") or "url(" in (
            names.get("background-image", "") + names.get("background", "")
        )
        colour = re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", names.get("background", ""), re.IGNORECASE)
        if picture and not (colour or "background-color" in names or element.get("bgcolor")):
            text = "A background picture without a colour: with pictures off, text may vanish."
            yield _at("background-colour", "warning", text, element)


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
        yield _at("title-is-subject", "error", text, title)
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


def _text_part(page: Page, text: str, marks: Sequence[str]) -> Iterator[Finding]:
    if not text.strip():
        yield Finding("text-part", "error", "No text part.", part="text")
        return
    yield from _leftovers(text, marks, "text")
    whole, at, last = _bare(text), 0, ""
    for heading in page.named("h2", "h3", "h4"):
        name = _bare(heading.text)
        if not name:
            continue
        found = whole.find(name, at)
        if found < 0:
            what = "comes before" if name in whole else "is not in the text part, nor after"
            message = f"“{shorten(heading.text, 60)}” {what} “{shorten(last, 40)}” there."
            rule = "text-part-order" if name in whole else "text-part-stories"
            yield _at(rule, "error", message, heading)
            continue
        at, last = found + len(name), heading.text


def _bare(text: str) -> str:
    """Without white space and capitals: however it is wrapped and set."""
    return "".join(text.split()).casefold()
