"""SpamAssassin finds next to nothing to say against our mails."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from courant.delivery import digest as digests
from courant.delivery import mime
from courant.newsletter import Look
from desk import sample_digest
from desk.screenshots import scenes
from tests.proof import spamassassin

LOOKS: tuple[Look, ...] = get_args(Look)
TO = "ada@example.com"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def mail(look: Look, language: str, *, text_only: bool = False) -> bytes:
    """A digest as it reaches a server that asks SpamAssassin."""
    raw = digests.message(
        scenes.pressing(language, look),
        scenes.digest(language, look),
        to=TO,
        now=scenes.NOW,
        unsubscribe_url=sample_digest.UNSUBSCRIBE_URL,
        text_only=text_only,
    )
    return spamassassin.as_ses_sends(raw, TO, scenes.NOW)


@pytest.mark.slow
def test_no_look_reads_like_spam(tmp_path: Path) -> None:
    names = [*product(LOOKS, scenes.LANGUAGES, (False,)), ("broadsheet", "en", True)]
    mails = [mail(look, language, text_only=bare) for look, language, bare in names]
    spam = spamassassin.as_ses_sends(
        mime.build([("From", "a@example.org"), ("To", TO), ("Subject", "x")], GTUBE, None),
        TO,
        scenes.NOW,
    )

    *scores, worst = spamassassin.scores([*mails, spam], tmp_path)

    for (look, language, bare), score in zip(names, scores, strict=True):
        print(look, language, "text" if bare else "html", score)  # noqa: T201 - for pytest -rP
        assert score.hits.keys() == score.says.keys()
    assert [str(score) for score in scores if score.points >= 1.0] == []
    assert "GTUBE" in worst.hits  # the rules did look
