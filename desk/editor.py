"""Who sits at this desk, for the audit of editions."""

from __future__ import annotations

import getpass
import os
import re

# What the publish function takes for a name.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.@+=,/-]+")


def name() -> str:
    """``COURANT_EDITOR``, or the name of this machine's user.

    It is for people to ask each other. Who may act at all, and really did, AWS knows (CloudTrail).
    """
    try:
        found = os.environ.get("COURANT_EDITOR") or getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        found = ""
    cleaned = _NOT_IN_NAMES.sub("-", found).strip("-_.@+=,/")
    return cleaned[:64] or "unnamed"
