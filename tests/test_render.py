"""What of a pressing is settled once for all its readers."""

from __future__ import annotations

import pytest

from courant.editions.pressing import Placeholders
from courant.editions.render import render
from courant.editions.view import Occasion
from courant.newsletter import Newsletter
from courant.schedule import Slot
from tests.test_digest import DAY, NEWSLETTER, ZONE, press, sections_of, story

TAKEN = Placeholders(*(f"c{digit * 32}c" for digit in "12345"))
HOLDS_ONE = NEWSLETTER.model_copy(update={"description": f"So {TAKEN.dropped} it is"})


@pytest.mark.parametrize(
    ("newsletter", "summary"),
    [(NEWSLETTER, f"So {TAKEN.name} it is"), (HOLDS_ONE, "So it is")],
    ids=["a story", "the newsletter"],
)
def test_a_placeholder_that_somebody_wrote_is_not_used(
    monkeypatch: pytest.MonkeyPatch, newsletter: Newsletter, summary: str
) -> None:
    free = Placeholders.fresh()
    offered = iter([TAKEN, free])
    monkeypatch.setattr(Placeholders, "fresh", lambda: next(offered))

    pressing = render(
        Occasion(newsletter=newsletter, day=DAY, zone=ZONE),
        sections_of({"a": [story("a1", summary=summary)]}),
        (Slot("daily"),),
    )

    assert pressing.placeholders == free


def test_there_are_words_for_every_number_of_stories_that_can_be_left_out() -> None:
    pressing = press({"a": [story("a1"), story("a2")], "b": [story("b1")]})

    assert pressing.sheets[0].left_out == (
        "And 1 more story that did not fit",
        "And 2 more stories that did not fit",
        "And 3 more stories that did not fit",
    )
