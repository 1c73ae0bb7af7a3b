"""HTTP API (payload version 2) → the readers' pages."""

from __future__ import annotations

from functools import cache
from typing import Any

from courant import aws, clock, settings
from courant.lambda_events import Context
from courant.newsletters import NewsletterStore
from courant.subscribers.links import Links
from courant.subscribers.store import SubscriberStore
from courant.web.pages import Pages


@cache
def wire() -> Pages:
    """The pages on this function's tables and keys; made when first asked for."""
    env = settings.read(settings.Web)
    return Pages(
        SubscriberStore(aws.table(env.subscribers_table)),
        NewsletterStore(aws.table(env.content_table)),
        Links("", aws.secret(env.token_secret)),
    )


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """One request of a reader's browser, or of a mailbox on their behalf."""
    method = event["requestContext"]["http"]["method"]
    answer = wire().answer(method, event["rawPath"], clock.now())
    return {
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        "body": "" if method == "HEAD" else answer.body,
        "isBase64Encoded": False,
    }
