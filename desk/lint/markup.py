"""What the HTML of a mail may not hold: dead addresses, spies, scripts, forms, broken styles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from desk.lint import css
from desk.lint.css import Declaration, Sheet
from desk.lint.findings import Finding, Severity, at, shorten
from desk.lint.page import Element, Page

# Gmail has been seen to drop style blocks longer than this.
_STYLE = 8_192
_PICTURES = 40

_SCHEME = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):")
_URL = re.compile(r"""url\(\s*["']?\s*([^"')\s]+)""", re.IGNORECASE)
_FORMS = frozenset({"form", "input", "select", "textarea", "button"})
_ACTIVE = frozenset({"script", "iframe", "object", "embed", "applet", "frame", "frameset"})


def findings(page: Page, sheets: Sequence[Sheet]) -> Iterator[Finding]:
    """Everything of this page."""
    for check in (_document, _pictures, _links, _active):
        yield from check(page)
    yield from _styles(page, sheets)


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
            yield at("tracking-pixel", "warning", "A picture that nobody sees spies.", picture)
            continue
        if not source:
            yield at("image-source", "error", "A picture without an address.", picture)
        elif match := _source(source):
            yield at(*match, picture)
        style = {each.name: each.value for each in css.inline(picture)}
        if not picture.get("width"):
            text = "A picture without width: Outlook draws it at its own size."
            yield at("image-size", "warning", text, picture)
        elif not picture.get("height") and style.get("height", "auto") == "auto":
            text = "A picture without height: the page jumps as it loads."
            yield at("image-size", "note", text, picture)


def _source(address: str) -> tuple[str, Severity, str] | None:
    """What is wrong with the address of a picture: rule, severity, message."""
    match = _SCHEME.match(address)
    if match is None:
        text = f"{shorten(address, 60)!r} has no https:// before it, so no picture is there."
        return "image-source", "error", text
    if match[1].lower() == "http":
        text = "A picture over http: some clients leave it out, and it can be read on the way."
        return "image-http", "warning", text
    return None


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
            yield at("link-empty", "error", "A link that leads nowhere.", link)
        elif address.startswith("#"):
            if address[1:] not in names:
                yield at("link-empty", "warning", f"There is no {address} in the mail.", link)
        elif scheme in {"javascript", "vbscript", "data", "file"}:
            yield at("link-scheme", "error", f"{scheme}: does not work in a mail.", link)
        elif not scheme:
            text = f"{shorten(address, 60)!r} has no https:// before it, so it leads nowhere."
            yield at("link-scheme", "error", text, link)
        elif scheme not in {"http", "https", "mailto", "tel", "sms"}:
            yield at("link-scheme", "warning", f"Few clients open {scheme}: links.", link)


def _active(page: Page) -> Iterator[Finding]:
    for element in page.elements:
        if element.tag in _ACTIVE:
            text = f"<{element.tag}> is dropped by every client, and spam filters count it."
            yield at("active-content", "error", text, element)
        elif element.tag in _FORMS:
            yield at("form", "error", f"<{element.tag}>: forms do not work in mails.", element)
        for name in element.attributes:
            if name.startswith("on") and name.isalpha():
                yield at(
                    "event-handler", "error", f"{name}= is dropped; there is no script.", element
                )
        if element.tag == "link" and "stylesheet" in element.get("rel").lower():
            yield at(
                "remote-style", "warning", "A style sheet elsewhere is never fetched.", element
            )
        if element.tag == "base":
            yield at("base-element", "warning", "<base> turns the client's own links.", element)


def _styles(page: Page, sheets: Sequence[Sheet]) -> Iterator[Finding]:
    for sheet in sheets:
        for line, column, what in sheet.broken:
            text = f"CSS that can't be read ({what}): Gmail drops the whole block for it."
            yield Finding("css-broken", "error", text, line, "", (), column)
        if len(sheet.text) > _STYLE:
            text = f"A style block of {len(sheet.text):,} characters: Gmail may drop it."
            yield at("style-length", "warning", text, sheet.element)
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
    for declaration in _declarations(page, sheets):
        for address in _URL.findall(declaration.value):
            # "#" means a place in the page itself, as SVG's filters do.
            if not address.startswith("#") and (wrong := _source(address)):
                line, column = declaration.line, declaration.column
                yield Finding(*wrong, line, shorten(declaration.value), (), column)
    for element in page.elements:
        names = {each.name: each.value for each in css.inline(element)}
        picture = element.get("background") or "url(" in (
            names.get("background-image", "") + names.get("background", "")
        )
        colour = re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", names.get("background", ""), re.IGNORECASE)
        if picture and not (colour or "background-color" in names or element.get("bgcolor")):
            text = "A background picture without a colour: with pictures off, text may vanish."
            yield at("background-colour", "warning", text, element)


def _declarations(page: Page, sheets: Sequence[Sheet]) -> Iterator[Declaration]:
    for sheet in sheets:
        for rule in sheet.rules:
            # A font that is fetched is another rule's matter.
            if rule.selector != "@font-face":
                yield from rule.declarations
    for element in page.elements:
        yield from css.inline(element)
