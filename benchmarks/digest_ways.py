"""The ways of making one reader's mail that benchmarks/digest.py compares."""

from __future__ import annotations

import binascii
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from benchmarks.edition import LINK, NOW
from courant import locales
from courant.delivery import mime
from courant.delivery.digest import Digest, Reader, join, message
from courant.editions import view
from courant.editions.inline import inline
from courant.editions.pressing import Own, Pressing
from courant.editions.select import SectionStories
from courant.editions.view import Occasion
from courant.templates import environment

_TO = "reader@example.org"
_FIND = "import css_inline, pathlib; print(pathlib.Path(css_inline.__file__).parents[1])"

_CUT = Markup("<!--cut-->")

Inliner = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Case:
    """A reader, what they get, and what of the page is their own."""

    reader: Reader
    digest: Digest
    own: Own


class Ways:
    """Each takes a case and makes the mail's bytes. ``slow`` are those that render."""

    slow = frozenset({"premailer", "css-inline"})

    def __init__(
        self, at: Occasion, sections: Sequence[SectionStories], pressing: Pressing, peers: str
    ) -> None:
        self._pressing = pressing
        newsletter, language = at.newsletter, at.newsletter.language
        self._html = environment(newsletter.id, html=True).get_template(
            f"digest/{newsletter.look}.html.j2"
        )
        self._text = environment(newsletter.id, html=False).get_template("digest/digest.txt.j2")
        strings = locales.strings(language, newsletter=newsletter.id)
        self._context = view.page(at, sections, strings, language)
        self.by_name: dict[str, Callable[[Case], Any]] = {
            "join": self._join,
            "premailer": lambda case: self._alone(case, inline),
        }
        if css_inline := _css_inline(peers):
            self.by_name["css-inline"] = lambda case: self._alone(case, css_inline)
        self.by_name["floor"] = self._floor

    def check(self, some: Iterable[Case]) -> None:
        """That premailer's way and the join make the same page of the same reader.

        Raises:
            RuntimeError: they don't, so there is nothing to compare.
        """
        for case in some:
            html, text = self._pages(case)
            if (inline(html), text) != (case.digest.html, case.digest.text):
                raise RuntimeError(f"another page for {case.reader}")

    def _join(self, case: Case) -> bytes:
        digest = join(self._pressing, case.reader, LINK)
        if digest is None:
            raise RuntimeError("every reader has stories")
        return message(self._pressing, digest, to=_TO, now=NOW, unsubscribe_url=LINK)

    def _alone(self, case: Case, inliner: Inliner) -> bytes:
        html, text = self._pages(case)
        masthead = self._pressing.masthead
        mail = EmailMessage(policy=SMTP)
        mail["From"] = mime.mailbox(masthead.sender_name, masthead.sender_address)
        mail["To"] = _TO
        mail["Subject"] = case.digest.subject
        mail["Date"] = format_datetime(NOW)
        mail["List-Id"] = "<morning.example.org>"
        mail["List-Unsubscribe"] = f"<{LINK}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(text)
        mail.add_alternative(inliner(html), subtype="html")
        return mail.as_bytes()

    @staticmethod
    def _floor(case: Case) -> tuple[bytes, bytes]:
        digest = case.digest
        return binascii.b2a_qp(digest.text.encode()), binascii.b2a_qp(digest.html.encode())

    def _pages(self, case: Case) -> tuple[str, str]:
        """The reader's own page: their sections in their order, their first story large."""
        kept = iter(case.digest.stories)
        wanted, forms = next(kept, None), ("lead",)
        by_id = {section["id"]: section for section in self._context["sections"]}
        sections = []
        for id_ in case.reader.sections or by_id:
            mine = []
            for story in by_id[id_]["stories"]:
                if story["id"] == wanted:
                    mine.append(story | {"forms": forms})
                    wanted, forms = next(kept, None), ("plain",)
            if mine:
                sections.append(by_id[id_] | {"stories": mine})
        context = self._context | {
            "sections": sections,
            "own": case.own,
            "cut": lambda *_: _CUT,
        }
        return _uncut(self._html.render(context)), _uncut(self._text.render(context))


def cases(
    pressing: Pressing, sections: Sequence[SectionStories], readers: Iterable[Reader]
) -> list[Case]:
    """What each reader gets."""
    ids = {story.id: each.section.id for each in sections for story in each.stories}
    if len(ids) != sum(len(each.stories) for each in sections):
        raise RuntimeError("a story of two sections: whose it is would be anyone's guess")
    found = []
    for reader in readers:
        digest = join(pressing, reader, LINK)
        if digest is not None:
            dropped = pressing.sheet(None).left_out[digest.dropped - 1] if digest.dropped else ""
            name = mime.clean(reader.name or "", 60)
            own = Own(digest.subject, digest.preheader, name, LINK, dropped)
            found.append(Case(reader, digest, own))
    return found


def _uncut(page: str) -> str:
    # As the pressing's cuts, each takes its line end with it.
    return page.replace(f"{_CUT}\n", "").replace(_CUT, "")


def _css_inline(peers: str) -> Inliner | None:
    """css-inline out of the peers' environment (of the same Python), or None without one."""
    try:
        found = subprocess.run(  # noqa: S603 - the peers' own Python
            [peers, "-c", _FIND], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    sys.path.append(str(Path(found.stdout.strip())))
    try:
        import css_inline  # type: ignore[import-not-found]  # not in our own environment
    finally:
        sys.path.pop()
    inliner = css_inline.CSSInliner(load_remote_stylesheets=False)

    def inlined(html: str) -> str:
        # It has a mark of its own for blocks that stay.
        return str(inliner.inline(html.replace("data-premailer", "data-css-inline")))

    return inlined
