"""Every error of ours.

CourantError
├── FeedError(url)            one feed, one fetch; a value in reports, never ends a run
│   ├── FeedRefused           the address is not one we fetch (guard)
│   ├── FeedUnreachable       no answer, or an answer that is no feed
│   └── FeedUnreadable        an answer that can't be parsed
├── LinkInvalid               a token that we did not sign
├── NotFound                  an id nobody knows
└── Conflict                  somebody else changed the row first

ConfigurationError            outside the tree: code that swallows per-item errors must not
                              swallow a deployment's or an editor's mistake
"""


class CourantError(Exception):
    """Root of what can go wrong with one item."""


class FeedError(CourantError):
    """One feed could not be gathered. ``str`` is the sentence an editor reads."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(reason)
        self.url = url
        self.reason = reason


class FeedRefused(FeedError):
    """The address points where a newsroom's gatherer must not go, or is no web address."""


class FeedUnreachable(FeedError):
    """The server did not give us a feed: no answer, an error status, too big, too slow."""


class FeedUnreadable(FeedError):
    """The body is not a feed that can be read."""


class LinkInvalid(CourantError):
    """A token in a link that was not signed by us, or was cut or changed on the way."""


class NotFound(CourantError):
    """An id nobody knows."""


class Conflict(CourantError):
    """A conditional write lost against somebody else's."""


class ConfigurationError(Exception):
    """An editor's or a deployment's mistake; the message names what to mend."""
