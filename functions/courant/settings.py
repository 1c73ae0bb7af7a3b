"""What each function is told by its environment: one class a function, one field a variable.

``read`` is called when a handler first runs, never at import. tests/test_template.py holds these
classes, the handlers and template.yaml to the same list.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from courant.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Decides what is due: reads newsletters and slots, opens editions, nudges."""

    content_table: str
    subscribers_table: str
    ledger_table: str
    feeds_queue: str
    editions_queue: str
    chunks_queue: str
    letters_queue: str
    epoch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Reads feeds into articles.

    ``open_ports`` names loopback ports, for development only. ``backlog``, if not empty, has all
    that a feed holds told, however old or much: for a demo of given files.
    """

    content_table: str
    contact_url: str
    open_ports: str
    backlog: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compose:
    """Articles → pressing → chunks."""

    content_table: str
    subscribers_table: str
    ledger_table: str
    bucket: str
    chunks_queue: str
    site_url: str
    epoch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """Walks chunks: claim → SES → record. ``lanes``: recipients in flight at once."""

    content_table: str
    subscribers_table: str
    ledger_table: str
    bucket: str
    chunks_queue: str
    site_url: str
    token_secret: str
    configuration_set: str
    lanes: str
    epoch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """SES events → evidence and suppression."""

    subscribers_table: str
    ledger_table: str
    address_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """An editor's hand."""

    content_table: str
    subscribers_table: str
    editions_queue: str
    bucket: str
    epoch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The readers' pages.

    ``site_url`` is empty where the site has no domain of its own: the function can't be told its
    API's address, since the API is made of the function's.
    """

    content_table: str
    subscribers_table: str
    bucket: str
    site_url: str
    token_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """Mails that are no digest."""

    content_table: str
    subscribers_table: str
    ledger_table: str
    site_url: str
    token_secret: str
    configuration_set: str
    delivery_events: str


S = TypeVar("S")


def read(cls: type[S], environ: Mapping[str, str] | None = None) -> S:
    """The settings of one function; ConfigurationError names every variable that is missing."""
    environ = os.environ if environ is None else environ
    names = {field.name: field.name.upper() for field in fields(cls)}  # type: ignore[arg-type]  # every S is one of the dataclasses above
    missing = [variable for variable in names.values() if variable not in environ]
    if missing:
        raise ConfigurationError(
            f"{cls.__name__.lower()}: set {', '.join(missing)} in the function's environment"
        )
    return cls(**{field: environ[variable] for field, variable in names.items()})
