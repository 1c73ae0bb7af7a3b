"""Letters: each goes out once, says what it must, and comes again only if surely not sent."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from courant.delivery.mailer import Accepted, NotSent, Outcome, Refused, Unknown
from courant.letters.claims import LetterClaims, LetterNotSent
from courant.letters.confirmation import Confirmations, confirmation
from courant.letters.outbox import Letters
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.plaintext import WIDTH, columns
from courant.schedule import Slot
from courant.subscribers import items
from courant.subscribers.links import Links
from courant.subscribers.model import Consent, Profile, Status, Subscription
from courant.subscribers.store import SubscriberStore

if TYPE_CHECKING:
    from desk.stack import Stack
    from tests.conftest import HandClock

EVENTS = Path(__file__).resolve().parents[1] / "events"
SID = "0123456789abcdef0123456789abcdef"
MESSAGE = {"kind": "confirmation", "sid": SID, "newsletter": "morning"}
MORNING = Newsletter.model_validate(
    {
        "id": "morning",
        "title": "Ochtend & Кот",
        "description": "News",
        "sender": {
            "name": "De Ochtend",
            "address": "morning@news.example.org",
            "reply_to": "desk@news.example.org",
        },
        "postal_address": "1 Lantern Street\n1234 AB Havenmere",
        "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "UTC"}},
        "sections": [{"id": "news", "title": "News", "feeds": ["https://example.org/feed"]}],
    }
)


class Post:
    """A stack in which Ada waits for her confirmation; SES answers as it is told."""

    def __init__(self, stack: "Stack", clock: "HandClock") -> None:
        self.stack, self.clock = stack, clock
        self.answers: list[Outcome] = []
        self.sent: list[tuple[bytes, str, str]] = []
        NewsletterStore(stack.table("content")).put(MORNING, clock())
        self.ada(Status.PENDING)
        self.claims = LetterClaims(stack.table("ledger"))
        confirmations = Confirmations(
            SubscriberStore(stack.table("subscribers")),
            NewsletterStore(stack.table("content")),
            self.claims,
            Links("https://news.example.org", [b"key"]),
            self,  # type: ignore[arg-type]  # stands in for the mailer
        )
        self.letters = Letters(confirmations, None)  # type: ignore[arg-type]  # no report is asked for here

    def ada(self, status: Status) -> None:
        profile = Profile(
            sid=SID,
            email="ada@example.org",
            name="<b>Buy now https://spam.example</b>",
            status=status,
            consent=Consent("test", self.clock()),
            subscriptions={"morning": Subscription(Slot("daily"), (), status)},
        )
        self.stack.table("subscribers").put_item(Item=items.profile_item(profile))

    def send(self, raw: bytes, to: str, sender: str, tags: dict[str, str]) -> Outcome:
        assert all(value.replace("-", "").replace("_", "").isalnum() for value in tags.values())
        self.sent.append((raw, to, sender))
        return self.answers.pop(0) if self.answers else Accepted("id")

    def take(self, **changes: str) -> str:
        return self.letters.take(MESSAGE | changes, self.clock())


@pytest.fixture
def post(stack: "Stack", clock: "HandClock") -> Post:
    return Post(stack, clock)


def event(case: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"letters.{case}.json").read_text("utf-8"))
    return loaded


def test_the_letter_goes_out_through_the_function(post: Post) -> None:
    answer = post.stack.invoke("letters", event("normal"))

    (mail,) = post.stack.mails()
    assert answer == {"batchItemFailures": []}
    assert b"To: ada@example.org\r\n" in mail.raw


def test_a_bad_message_fails_alone(post: Post) -> None:
    loaded = event("bad")

    answer = post.stack.invoke("letters", loaded)

    ids = [record["messageId"] for record in loaded["Records"]]
    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert failed == ids[:2]
    assert len(post.stack.mails()) == 1


def test_the_letter_says_who_writes_and_where_to_click(post: Post) -> None:
    post.take()

    raw, to, sender = post.sent[0]
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    link = Links("https://news.example.org", [b"key"]).confirm(SID, "morning", post.clock())
    assert (to, sender) == ("ada@example.org", "morning@news.example.org")
    assert mail["Subject"] == "Please confirm: Ochtend & Кот"
    assert mail["Reply-To"] == "desk@news.example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert link in plain.get_content()
    assert f'href="{link}"' in html.get_content()
    assert "Ochtend & Кот" in plain.get_content()
    assert "Ochtend &amp; Кот" in html.get_content()


def test_no_word_that_a_stranger_typed_is_in_it(post: Post) -> None:
    post.take()

    mail = BytesParser(policy=policy.default).parsebytes(post.sent[0][0])
    assert all("spam" not in part.get_content() for part in mail.iter_parts())


def test_the_same_letter_is_sent_once_a_day(post: Post) -> None:
    outcomes = [post.take(), post.take()]
    post.clock.at += timedelta(days=1)
    outcomes.append(post.take())

    assert outcomes == ["sent", "already", "sent"]
    assert len(post.sent) == 2


def test_what_was_surely_not_sent_comes_again(post: Post) -> None:
    post.answers = [NotSent("TooManyRequestsException")]

    with pytest.raises(LetterNotSent):
        post.take()

    assert post.take() == "sent"


@pytest.mark.parametrize(
    ("answer", "state"), [(Unknown("ReadTimeoutError"), "unknown"), (Refused("no"), "failed")]
)
def test_what_may_have_been_sent_or_never_will_be_does_not_come_again(
    post: Post, answer: Outcome, state: str
) -> None:
    post.answers = [answer]

    outcomes = [post.take(), post.take()]

    assert outcomes == [state, "already"]
    assert len(post.sent) == 1


def test_only_who_waits_for_it_gets_it(post: Post) -> None:
    for status in (Status.ACTIVE, Status.UNSUBSCRIBED, Status.SUPPRESSED):
        post.ada(status)
        assert post.take() == "not_pending"

    assert post.take(sid="f" * 32) == "not_pending"
    assert post.take(newsletter="evening") == "not_pending"
    assert post.sent == []


def test_a_crash_after_the_claim_sends_nothing_twice(post: Post) -> None:
    post.claims.claim("confirmation", SID, "morning#2026-11-22", post.clock())

    assert post.take() == "already"


def test_a_claim_whose_answer_was_lost_is_still_ones_own(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "mine")
    today = "morning#2026-11-22"

    twice = [post.claims.claim("confirmation", SID, today, post.clock()) for _ in range(2)]

    assert None not in twice


@pytest.mark.parametrize(
    ("locale", "direction", "subject", "line"),
    [
        ("en", "ltr", "Please confirm:", "One click and you’re in"),
        ("nl-BE", "ltr", "Graag bevestigen:", "Nog één klik"),
        ("de", "ltr", "Bitte bestätigen:", "Nur noch ein Klick"),
        ("fr", "ltr", "À confirmer\u202f:", "Plus qu’un clic"),
        ("es", "ltr", "Por favor, confirme:", "Solo falta un clic"),
        ("ar", "rtl", "يُرجى التأكيد:", "بقيت نقرة واحدة"),
        ("pl", "ltr", "Please confirm:", "One click and you’re in"),
    ],
)
def test_a_letter_is_in_the_readers_language(
    locale: str, direction: str, subject: str, line: str
) -> None:
    now = datetime(2026, 11, 22, 7, tzinfo=UTC)
    profile = Profile(sid=SID, email="ada@example.org", consent=Consent("test", now), locale=locale)
    url = "https://news.example.org/c/" + "x" * 90

    mail = BytesParser(policy=policy.default).parsebytes(confirmation(MORNING, profile, url, now))
    text, html = (part.get_content() for part in mail.iter_parts())

    # A header has plain spaces only.
    assert mail["Subject"] == f"{subject} Ochtend & Кот".replace("\u202f", " ")
    assert text.startswith(line)
    assert url in text.splitlines()
    assert all(columns(each) <= WIDTH for each in text.splitlines() if each != url)
    assert f'dir="{direction}"' in html
    assert line in html
