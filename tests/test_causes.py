"""What an editor reads beside an edition that stands still."""

import pytest
from botocore.exceptions import ClientError

from courant.delivery import causes, mailer
from courant.delivery.mailer import NotSent, judge

SENDER = "morning@news.example.org"
OURS = (
    causes.QUOTA,
    causes.TOO_LATE,
    causes.ALL_REFUSED,
    causes.UNREADABLE,
    causes.ANOTHER_EPOCH,
)
HALTING = sorted(mailer._HALTED)
# These stop every mail only when they say that an address is not verified.
UNVERIFIED = sorted(mailer._REFUSED)


@pytest.mark.parametrize("code", [*HALTING, *UNVERIFIED, *OURS])
def test_every_cause_has_its_words_and_a_way_on(code: str) -> None:
    said = causes.sentence(code, SENDER)

    assert "does not know" not in said
    assert "esume" in said or "ancel" in said
    assert said.count(". ") in {1, 2, 3}  # to be read at a glance
    assert "{" not in said


@pytest.mark.parametrize("code", [*HALTING, *UNVERIFIED])
def test_a_code_of_ses_can_be_looked_up(code: str) -> None:
    assert causes.sentence(code, SENDER).endswith(f" ({code})")


@pytest.mark.parametrize("code", OURS)
def test_our_own_codes_are_not_shown(code: str) -> None:
    assert not causes.sentence(code, SENDER).endswith(")")


@pytest.mark.parametrize("code", UNVERIFIED)
def test_what_the_mailer_halts_on_is_what_is_explained(code: str) -> None:
    error = ClientError(
        {
            "Error": {"Code": code, "Message": "Email address is not verified. …"},
            "ResponseMetadata": {"HTTPStatusCode": 400},  # type: ignore[typeddict-item]  # all that judge reads
        },
        "SendEmail",
    )

    outcome = judge(error)

    assert outcome == NotSent(code, halted=True)
    assert "not verified" in causes.sentence(code, SENDER)


def test_the_sender_and_its_domain_are_named() -> None:
    said = causes.sentence("AccessDeniedException", SENDER)

    assert "send as morning@news.example.org" in said
    assert "with news.example.org" in said


def test_without_a_sender_the_words_still_make_sense() -> None:
    said = causes.sentence("AccessDeniedException")

    assert "send as the newsletter's sender" in said
    assert "with the sender's domain" in said


def test_a_code_nobody_knows_is_told_with_where_to_look() -> None:
    said = causes.sentence("TeapotException", SENDER)

    assert "stopped every mail with TeapotException, which Courant does not know" in said
    assert "log" in said


def test_a_detail_is_shown_after_the_words() -> None:
    assert causes.sentence("quota: 41,300 sent", SENDER).endswith("Amazon SES. (41,300 sent)")
    assert causes.sentence("NotFoundException: gone", SENDER).endswith(" (NotFoundException: gone)")
