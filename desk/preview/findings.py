"""The linter's findings on the digest that is shown."""

from __future__ import annotations

from desk.lint.check import check_digest
from desk.lint.findings import Finding
from desk.preview.draft import Shown
from desk.sample_digest import UNSUBSCRIBE_URL


def check(shown: Shown) -> tuple[Finding, ...]:
    """What is wrong with it, the worst first; nothing where there is no digest."""
    if shown.digest is None or shown.pressing is None:
        return ()
    found = check_digest(shown.newsletter, shown.pressing, shown.digest, UNSUBSCRIBE_URL, shown.raw)
    if shown.sample.text_only:
        # Nobody sees the HTML.
        found = tuple(one for one in found if one.part == "text")
    return found
