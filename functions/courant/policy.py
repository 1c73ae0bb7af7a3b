"""What an editor decides about sending that the send path must know, without pydantic's models:
they take as long to load as all else of a cold start that is ours (docs/benchmarks.md).
"""

from enum import StrEnum

# Readers choose their own zone: their hour, wherever they are.
SUBSCRIBER_ZONE = "subscriber"


class Policy(StrEnum):
    """What becomes of a digest of which nobody can say whether SES took it."""

    STRICT = "strict"  # it is not sent again by itself; an editor decides
    AUTO = "auto"  # it is, once SES's events would have told of it
