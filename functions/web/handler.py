"""HTTP API (payload version 2) → the readers' site."""

from __future__ import annotations

from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.editions.archive import Archive
from courant.lambda_events import Context
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Links
from courant.subscribers.store import SubscriberStore
from courant.web.answer import Request, to_gateway
from courant.web.editions import Editions
from courant.web.pages import Pages
from courant.web.site import Site


@cache
def wire() -> tuple[Site, str]:
    """The site on this function's tables, bucket and keys, and its address if it has its own."""
    env = settings.read(settings.Web)
    content = aws.table(env.content_table)
    newsletters = NewsletterStore(content)
    site = Site(
        Pages(
            SubscriberStore(aws.table(env.subscribers_table)),
            newsletters,
            Links("", aws.secret(env.token_secret)),
        ),
        Editions(Archive(content, lambda: aws.client("s3"), env.bucket), newsletters),
    )
    return site, env.site_url


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """One request of a reader's browser, or of a mailbox on their behalf."""
    site, site_url = wire()
    asked = event["requestContext"]
    request = Request(
        method=asked["http"]["method"],
        path=event["rawPath"],
        headers=event.get("headers", {}),
        # The gateway's word, not the browser's: it answers to no other name.
        site_url=site_url or f"https://{asked['domainName']}",
    )
    return to_gateway(site.answer(request, clock.now()), request)
