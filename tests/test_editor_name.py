"""The name that the audit gets, whatever a machine calls its user."""

import getpass
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.editions import asks
from desk import editor


@given(st.text(max_size=80))
def test_every_name_is_one_that_publish_takes(name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(getpass, "getuser", lambda: name)
        patch.delenv("COURANT_EDITOR", raising=False)
        found = editor.name()

    event = {"request_id": "a", "action": "pause", "edition": "a/b/2026-11-22", "by": found}
    assert asks.read(event).editor == f"editor:{found}"
    assert re.search(r"[A-Za-z0-9]", name) is None or found != "unnamed" or name == "unnamed"


def test_the_environment_goes_before_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURANT_EDITOR", "Ann Lee")

    assert editor.name() == "Ann-Lee"
