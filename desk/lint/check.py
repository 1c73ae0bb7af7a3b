"""The linter's one door: a page, and what is known of the mail around it → findings."""

from __future__ import annotations

from courant.delivery.digest import Digest
from courant.editions.pressing import Pressing
from courant.newsletter import Newsletter
from desk.lint import accessibility, clients, css, legibility, mail, markup, page
from desk.lint.clients import Row
from desk.lint.findings import Finding, in_order
from desk.lint.mail import Mail

# Characters; nobody mails a page of ten times what Gmail shows, and reading it takes a while.
_LENGTH_MAX = 1_000_000


def check(html: str, around: Mail | None = None) -> tuple[Finding, ...]:
    """All findings, the worst first; of a page of over a million characters, its weight alone.

    Whatever is put in, nothing raises.
    """
    if len(html) > _LENGTH_MAX:
        return tuple(mail.weight(html))
    parsed = page.parse(html)
    sheets = css.sheets(parsed)
    return in_order(
        [
            *clients.findings(parsed, sheets),
            *accessibility.findings(parsed),
            *legibility.findings(parsed, sheets),
            *markup.findings(parsed, sheets),
            *mail.findings(parsed, around or Mail()),
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
    if len(html) > _LENGTH_MAX:
        return ()
    parsed = page.parse(html)
    return clients.table(parsed, css.sheets(parsed))
