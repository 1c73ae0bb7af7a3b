"""The editors' report: it adds up, says what is to be done, and comes once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from courant.delivery.brake import Heard
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.delivery.mailer import Accepted, NotSent, Outcome
from courant.editions.model import Edition, EditionState, PressingRecord, PressingState
from courant.editions.store import EditionStore
from courant.errors import NotFound
from courant.feeds.store import FeedStore
from courant.letters import reports
from courant.letters.claims import LetterClaims, LetterNotSent
from courant.letters.report import WORTH_A_REPORT, FeedTrouble, Report, letter, report_of, total
from courant.letters.reports import Reports
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.plaintext import WIDTH, columns
from courant.schedule import EditionId, Slot
from desk.newsletter_file import parse
from desk.stack import Stack
from tests.conftest import HandClock

EVENT = Path(__file__).resolve().parents[1] / "events" / "letters.report.json"
ID = EditionId.parse("morning/daily/2026-11-22")
AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
S, E = DeliveryState, EditionState
MORNING = Newsletter.model_validate(
    {
        "id": "morning",
        "title": "The Morning & Кот",
        "description": "News",
        "sender": {"name": "The Morning", "address": "morning@news.example.org"},
        "postal_address": "1 Harbour Street",
        "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "Europe/Amsterdam"}},
        "sections": [{"id": "news", "title": "News", "feeds": ["https://example.org/feed"]}],
        "report_to": ["ada@example.org", "bob@example.org"],
    }
)
DONE = PressingRecord(
    edition=ID,
    instant=AT,
    slots=(Slot("daily"),),
    state=PressingState.DONE,
    touched_at=AT,
    members=12_000,
    articles=41,
)


def edition(state: EditionState = E.SENT, minutes: float = 14, **more: Any) -> Edition:
    return Edition(
        id=more.pop("id", ID),
        state=state,
        started_at=AT,
        closes_at=AT,
        moved_at=AT + timedelta(minutes=minutes),
        by_hand=False,
        epoch="1",
        **more,
    )


def chunk(members: int, range_: str = "a", **counts: int) -> Chunk:
    return Chunk(
        edition=ID,
        id=f"{range_}-{members}",
        state=ChunkState.DONE,
        instant=AT,
        pressing=0,
        slot=Slot("daily"),
        range=range_,
        cut_at=AT,
        cursor="",
        members=members,
        counts=Counts(**counts),
        fence=1,
        lease_until=None,
        nudged_at=AT,
        epoch="1",
        begun_at=AT + timedelta(seconds=20),
    )


def digests(state: DeliveryState, reason: str | None, count: int) -> list[Delivery]:
    return [
        Delivery(
            sid=f"{number:032x}",
            state=state,
            chunk="c",
            attempt=None,
            lease=0,
            tries=1,
            at=AT,
            reason=reason,
        )
        for number in range(count)
    ]


def report(
    one: Edition | None = None,
    chunks: tuple[Chunk, ...] = (),
    *,
    newsletter: Newsletter = MORNING,
    pressings: tuple[PressingRecord, ...] = (DONE,),
    heard: Heard | None = None,
    exceptions: list[Delivery] | None = None,
    feeds: tuple[FeedTrouble, ...] = (),
    **more: Any,
) -> Report:
    return report_of(
        newsletter,
        one or edition(),
        pressings,
        chunks,
        heard or Heard(),
        exceptions or [],
        feeds,
        "https://news.example.org",
        AT + timedelta(minutes=25),
        **more,
    )


def mail_of(one: Report, newsletter: Newsletter = MORNING) -> EmailMessage:
    raw = letter(newsletter, one, "ada@example.org", AT)
    parsed = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(parsed, EmailMessage)
    return parsed


def parts(one: Report, newsletter: Newsletter = MORNING) -> tuple[str, str]:
    text, html = (part.get_content() for part in mail_of(one, newsletter).iter_parts())
    return text, html


# ── what it says ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "chunks", "subject"),
    [
        (edition(), (chunk(12_000, sent=11_960, failed=40),), "11,960 of 12,000 sent"),
        (edition(), (), "nobody to send to"),
        (
            edition(E.SENT_WITH_UNRESOLVED),
            (chunk(12_000, sent=11_998, unresolved=2),),
            "11,998 of 12,000 sent, 2 unresolved",
        ),
        (edition(E.PAUSED), (chunk(12_000, sent=3_000),), "paused after 3,000 of 12,000"),
        (edition(E.PAUSED), (), "paused before anybody was mailed"),
        (
            edition(E.CANCELLED),
            (chunk(12_000, sent=3_000, cancelled=9_000),),
            "cancelled after 3,000 of 12,000",
        ),
        (edition(E.SKIPPED), (), "not sent"),
        (edition(E.EXPIRED), (), "not sent"),
    ],
)
def test_the_subject_says_how_it_went(
    one: Edition, chunks: tuple[Chunk, ...], subject: str
) -> None:
    mail = mail_of(report(one, chunks))

    assert mail["Subject"] == f"The Morning & Кот, 22 November: {subject}"


@pytest.mark.parametrize("state", sorted(WORTH_A_REPORT))
def test_every_state_that_is_worth_a_report_has_words_and_its_command(state: EditionState) -> None:
    text, html = parts(report(edition(state), (chunk(5, sent=3, skipped=2),)))

    for part in (text, html):
        assert f"courant editions show {ID}" in part
        assert ("courant editions resume" in part) == (state is E.PAUSED)
        assert ("courant editions retry-unresolved" in part) == (state is E.SENT_WITH_UNRESOLVED)
    # A template that lost a word leaves what it was to say in the subject.
    assert not mail_of(report(edition(state)))["Subject"].endswith(state.value)


def test_which_edition_is_said_where_there_are_several() -> None:
    two = MORNING.model_copy(
        update={"cadences": {**MORNING.cadences, "weekly": MORNING.cadences["daily"]}}
    )
    extra = edition(id=EditionId.parse("morning/daily/2026-11-22+budget-day"))

    assert mail_of(report(newsletter=two), two)["Subject"].startswith(
        "The Morning & Кот (daily), 22 November:"
    )
    assert mail_of(report(extra))["Subject"].startswith(
        "The Morning & Кот, 22 November (budget-day):"
    )


def test_the_mail_is_one_that_no_machine_answers_and_no_reader_leaves() -> None:
    mail = mail_of(report())

    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["To"] == "ada@example.org"
    assert mail["From"] == "The Morning <morning@news.example.org>"
    assert "List-Unsubscribe" not in mail


@given(
    st.lists(
        st.builds(
            chunk,
            st.just(0),
            st.sampled_from("0123456789abcdef"),
            **{name: st.integers(0, 10**6) for name in Counts.__slots__},
        ),
        max_size=5,
    ),
    st.integers(0, 10**6),
)
def test_what_is_shown_adds_up_to_the_members(chunks: list[Chunk], waiting: int) -> None:
    counted = [replace(one, members=one.counts.total + waiting) for one in chunks]

    text, _ = parts(report(edition(E.PAUSED), tuple(counted)))

    numbers = []
    if "MEMBERS" in text:
        table = text.partition("MEMBERS")[2].partition("OF THOSE SENT")[0]
        numbers = [
            int(line.split()[0].replace(",", ""))
            for line in table.splitlines()
            if line[:10].strip() and line[:10].strip() != "="
            if line.split()[0].replace(",", "").isdigit()
        ]
    assert sum(numbers[:-1]) == sum(numbers[-1:]) == sum(one.members for one in counted)


def test_what_ses_was_heard_of_is_told_and_no_more_delivered_than_sent() -> None:
    heard = Heard(delivered=12, bounced=2, complained=1, soft_bounced=3, dup_suspected=1)

    text, html = parts(report(chunks=(chunk(10, sent=10),), heard=heard))

    for part in (text, html):
        assert "bounced for good" in part
        assert "marked as spam" in part
        assert "sent twice, it seems" in part
        assert "delayed" not in part
    assert "       10  delivered" in text
    assert "As of 07:25." in text


def test_deliveries_that_nobody_asked_ses_for_are_not_told_as_none() -> None:
    heard = Heard(bounced=2)

    text, html = parts(report(chunks=(chunk(10, sent=10),), heard=heard, deliveries_told=False))

    for part in (text, html):
        assert "delivered" not in part
        assert "bounced for good" in part


def test_reasons_come_worst_first_and_open_digests_have_none() -> None:
    exceptions = (
        digests(S.SKIPPED, "left", 20)
        + digests(S.FAILED, "BadRequestException", 3)
        + digests(S.FAILED, "MessageRejected", 5)
        + digests(S.UNRESOLVED, None, 1)
        + digests(S.RETRY, "TooManyRequestsException", 9)
    )

    one = report(chunks=(chunk(30, sent=1, failed=8, skipped=20),), exceptions=exceptions)

    told = [(each.count, each.state, each.reason) for each in one.reasons]
    assert told == [
        (5, "failed", "MessageRejected"),
        (3, "failed", "BadRequestException"),
        (1, "unresolved", ""),
        (20, "skipped", "left"),
    ]
    text, html = parts(one)
    assert "        5  failed: MessageRejected" in text
    assert "no reason known" in html
    assert "and others" not in text


def test_more_reasons_than_are_shown_are_said_to_be_there() -> None:
    exceptions = [one for number in range(20) for one in digests(S.FAILED, f"cause {number}", 1)]

    texts = [
        parts(report(exceptions=exceptions))[0],
        parts(report(exceptions=exceptions[:2], unread=True))[0],
    ]

    assert all("and others" in text for text in texts)


def test_what_strangers_wrote_is_shown_and_not_obeyed() -> None:
    feed = FeedTrouble(
        name="<script>alert(1)</script>",
        url="https://example.org/?a=1&b=2",
        state="failing",
        remark="since yesterday: <b>no</b>",
    )
    one = edition(E.PAUSED, reason="<i>AccountSuspendedException</i>")

    text, html = parts(report(one, feeds=(feed,) * 20))

    assert "<script>" not in html
    assert "&lt;i&gt;AccountSuspendedException" in html
    assert "and 8 more: courant feeds status morning --failing" in text


def test_the_reason_of_an_edition_that_nobody_got_is_that_of_its_pressing() -> None:
    pressing = replace(DONE, state=PressingState.SKIPPED, reason="2 new articles, 3 are asked for")

    assert report(edition(E.SKIPPED), pressings=(pressing,)).reason == pressing.reason
    assert report(edition(E.SENT), pressings=(pressing, DONE)).reason is None


@pytest.mark.parametrize(
    ("minutes", "line"),
    [
        (14, "First mail 22 November, 07:00. Over 07:14, after 14 minutes"),
        (1, "First mail 22 November, 07:00. Over 07:01, after 1 minute (Eu"),
        (95, "First mail 22 November, 07:00. Over 08:35, after 1 h 35 min"),
        (1500, "First mail 22 November, 07:00. Over 23 November, 08:00, after 25 h"),
    ],
)
def test_how_long_it_took_is_said_by_the_newsrooms_clock(minutes: float, line: str) -> None:
    text, _ = parts(report(edition(minutes=minutes), (chunk(1, sent=1),)))

    assert line in " ".join(text.split())


def test_the_web_edition_is_linked_where_there_is_one() -> None:
    address = f"https://news.example.org/e/{ID}"
    without = MORNING.model_copy(update={"web": MORNING.web.model_copy(update={"editions": False})})

    assert report().web_url == address
    assert address in parts(report())[0]
    assert f'href="{address}"' in parts(report())[1]
    assert report(newsletter=without).web_url is None
    assert report(edition(E.SKIPPED), pressings=()).web_url is None


def test_the_text_keeps_to_its_width() -> None:
    text, _ = parts(
        report(
            edition(E.SENT_WITH_UNRESOLVED, reason="word " * 60),
            (chunk(40, sent=9, failed=8, skipped=20, had=1, unresolved=2),),
            heard=Heard(**dict.fromkeys(Heard.__slots__, 1)),
            exceptions=digests(S.FAILED, "word " * 30, 8),
        )
    )

    assert [line for line in text.splitlines() if columns(line) > WIDTH] == []
    assert "\n\n\n" not in text


def test_the_sum_of_counts_forgets_no_kind() -> None:
    one = Counts(**{name: number for number, name in enumerate(Counts.__slots__, 1)})

    assert total([one, one]) == Counts(
        **{name: 2 * number for number, name in enumerate(Counts.__slots__, 1)}
    )


# ── who gets it ───────────────────────────────────────────────────────────────────────────────────


def test_one_address_may_be_written_without_brackets() -> None:
    definition = MORNING.model_dump(mode="json") | {"report_to": "ada@example.org"}

    assert Newsletter.model_validate(definition).report_to == ("ada@example.org",)


@pytest.mark.parametrize(
    "to", [["no address"], [f"{n}@example.org" for n in range(11)], ["a@b.org", "A@b.org"], 3]
)
def test_what_is_no_list_of_ten_addresses_is_refused(to: object) -> None:
    with pytest.raises(ValidationError, match="report_to"):
        Newsletter.model_validate(MORNING.model_dump(mode="json") | {"report_to": to})


def test_an_editor_is_told_which_address_to_mend() -> None:
    text = "\n".join(
        [
            *("id: a", "title: A", "description: A", "postal_address: A"),
            "sender: {name: A, address: a@example.org}",
            'cadences: {daily: {cron: "0 7 * * *", timezone: UTC}}',
            "sections: [{id: a, title: A, feeds: [https://example.org/a]}]",
            "report_to: [a@example.org, nope]",
        ]
    )

    newsletter, mistakes = parse(text)

    assert newsletter is None
    assert [f"{one.line}: {one.where}: {one.text}" for one in mistakes] == [
        "8: report_to[1]: write an address such as desk@example.org (is 'nope')"
    ]


# ── that it comes, and once ───────────────────────────────────────────────────────────────────────


class Post:
    """A stack with an edition in it; SES answers as it is told."""

    def __init__(self, stack: Stack, clock: HandClock) -> None:
        content, ledger = stack.table("content"), stack.table("ledger")
        self.stack, self.clock = stack, clock
        self.editions, self.newsletters = EditionStore(content), NewsletterStore(content)
        self.ledger, self.chunks = Ledger(ledger), ChunkStore(ledger)
        self.heard, self.feeds = HeardStore(ledger), FeedStore(content)
        self.answers: dict[str, list[Outcome]] = {}
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []
        self.newsletters.put(MORNING, clock())
        self.reports = Reports(
            newsletters=self.newsletters,
            editions=self.editions,
            chunks=self.chunks,
            ledger=self.ledger,
            heard=self.heard,
            feeds=self.feeds,
            claims=LetterClaims(ledger),
            mailer=self,  # type: ignore[arg-type]  # stands in for the mailer
            site_url="https://news.example.org",
        )

    def send(self, raw: bytes, to: str, sender: str, tags: dict[str, str]) -> Outcome:
        assert sender == "morning@news.example.org"
        self.sent.append((to, raw, tags))
        answers = self.answers.get(to)
        return answers.pop(0) if answers else Accepted("id")

    def walked(self, one: Chunk) -> None:
        """A chunk that is done, in the ledger."""
        self.chunks.create(replace(one, state=ChunkState.OPEN))
        leased = self.chunks.take(ID, one.id, AT + timedelta(minutes=1), AT)
        assert leased
        self.chunks.release(leased, ChunkState.DONE, one.counts)

    def report(self) -> str:
        return self.reports.send(ID, self.clock())

    def readers(self) -> list[str]:
        return [to for to, _, _ in self.sent]


@pytest.fixture
def post(stack: Stack, clock: HandClock) -> Post:
    return Post(stack, clock)


def test_each_address_gets_one_and_a_second_message_changes_nothing(post: Post) -> None:
    post.editions.create(edition())

    assert [post.report(), post.report()] == ["sent", "already"]
    assert post.readers() == ["ada@example.org", "bob@example.org"]
    assert {json.dumps(tags) for _, _, tags in post.sent} == {'{"letter": "report"}'}


def test_an_edition_that_stops_again_is_reported_again(post: Post) -> None:
    post.editions.create(edition(E.PAUSED, reason="AccountSuspendedException"))
    post.report()
    for number, (before, after) in enumerate([(E.PAUSED, E.SENDING), (E.SENDING, E.PAUSED)], 1):
        now = post.clock() + timedelta(hours=number)
        assert post.editions.move(ID, before, after, by="heartbeat", now=now)

    assert post.report() == "sent"
    assert len(post.sent) == 4


@pytest.mark.parametrize("state", sorted(set(EditionState) - WORTH_A_REPORT))
def test_an_edition_that_runs_is_not_reported(post: Post, state: EditionState) -> None:
    post.editions.create(edition(state))

    assert post.report() == "running"
    assert post.sent == []


def test_nobody_is_told_of_a_newsletter_that_asks_for_no_report(post: Post) -> None:
    post.newsletters.put(MORNING.model_copy(update={"report_to": ()}), post.clock())
    post.editions.create(edition())

    assert post.report() == "nobody_to_tell"


def test_an_edition_that_is_not_there_is_an_error(post: Post) -> None:
    with pytest.raises(NotFound):
        post.report()


def test_what_was_surely_not_sent_comes_again_and_the_others_do_not_wait(post: Post) -> None:
    post.editions.create(edition())
    post.answers = {"ada@example.org": [NotSent("TooManyRequestsException")]}

    with pytest.raises(LetterNotSent):
        post.report()

    assert post.report() == "already sent"
    assert post.readers() == ["ada@example.org", "bob@example.org", "ada@example.org"]


def test_it_is_made_of_the_editions_rows(post: Post) -> None:
    post.editions.create(edition())
    post.walked(chunk(3, sent=1, failed=2))
    for number, state in enumerate([S.SENT, S.FAILED, S.FAILED]):
        sid = f"a{number:031x}"
        post.ledger.claim(ID, sid, attempt="x", chunk="a-3", lease=AT, now=AT)
        post.ledger.record(ID, sid, "x", state, AT, reason="MessageRejected")
    post.heard.add(ID, {"delivered": 1}, AT)
    post.feeds.register("https://example.org/feed", AT - timedelta(hours=2))

    post.report()

    text = _text(post.sent[0][1])
    assert "        1  sent" in text
    assert "        2  failed: MessageRejected" in text
    assert "        1  delivered" in text
    assert "- example.org (late): it was due, and nobody came" in text


def test_of_a_big_edition_only_so_many_rows_are_gone_through(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "_GONE_THROUGH", 10)
    asked: list[str] = []

    def exceptions(_: EditionId, range_: str) -> list[Delivery]:
        asked.append(range_)
        return digests(S.FAILED, f"cause {range_}", 1)

    monkeypatch.setattr(post.ledger, "exceptions", exceptions)
    post.editions.create(edition())
    for range_, failed in {"a": 1, "b": 3, "c": 0, "d": 2}.items():
        post.walked(chunk(6, range_, sent=6 - failed, failed=failed))

    one = post.reports.report(MORNING, edition(), AT)

    assert asked == ["b"]
    assert one.unread
    assert one.counts.failed == 6


def test_it_goes_out_through_the_function(post: Post) -> None:
    post.editions.create(edition())

    answer = post.stack.invoke("letters", json.loads(EVENT.read_text("utf-8")))

    assert answer == {"batchItemFailures": []}
    assert [mail.to for mail in post.stack.mails()] == [("ada@example.org",), ("bob@example.org",)]
    assert all(mail.configuration_set.startswith("Letters") for mail in post.stack.mails())


def _text(raw: bytes) -> str:
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
