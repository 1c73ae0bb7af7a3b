"""The linter's one door: a page, and what is known of the mail around it → findings."""

from __future__ import annotations

from courant.delivery.digest import Digest
from courant.editions.pressing import Pressing
from courant.newsletter import Newsletter
from desk.lint import accessibility, clients, css, mail, page
from desk.lint.clients import Row
from desk.lint.findings import Finding, in_order
from desk.lint.mail import Mail


def check(html: str, around: Mail | None = None) -> tuple[Finding, ...]:
    """All findings, the worst first. Whatever is put in, nothing raises."""
    parsed = page.parse(html)
    sheets = css.sheets(parsed)
    return in_order(
        [
            *clients.findings(parsed, sheets),
            *accessibility.findings(parsed, sheets),
            *mail.findings(parsed, sheets, around or Mail()),
        ]
    )


def check_digest(
    newsletter: Newsletter,
    pressing: Pressing,
    digest: Digest,
    unsubscribe_url: str,
    raw: bytes | None = None,
) -> tuple[Finding, ...]:
    """All findings of one reader's digest, ``raw`` being its mail as it goes out."""
    return check(digest.html, around(newsletter, pressing, digest, unsubscribe_url, raw))


def around(
    newsletter: Newsletter,
    pressing: Pressing,
    digest: Digest,
    unsubscribe_url: str,
    raw: bytes | None = None,
) -> Mail:
    """What is known of a digest's mail."""
    return Mail(
        text=digest.text,
        subject=digest.subject,
        preheader=digest.preheader,
        unsubscribe_url=unsubscribe_url,
        address=newsletter.postal_address,
        marks=pressing.placeholders.all(),
        raw=raw,
    )


def client_table(html: str) -> tuple[Row, ...]:
    """Every feature that the page uses, with what each client makes of it."""
    parsed = page.parse(html)
    return clients.table(parsed, css.sheets(parsed))
