"""What SES events do to the ledger and to subscribers: once, in any order, and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any
from unittest import mock

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from courant.delivery.brake import Heard
from courant.delivery.chunks import Chunk, ChunkState, ChunkStore, Counts
from courant.delivery.evidence import Evidence
from courant.delivery.feedback import Feedback, Told, edition_of
from courant.delivery.heard import HeardStore
from courant.delivery.ledger import Delivery, DeliveryState, Ledger
from courant.errors import Conflict
from courant.schedule import EditionId, Slot
from courant.subscribers.address import AddressKey
from courant.subscribers.model import Consent, Joining, Signup, Status
from courant.subscribers.store import SubscriberStore
from tests import content_table

EDITION = EditionId.parse("morning/daily/2026-11-22")
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
KEY = AddressKey(b"secret")
SID = "ab" * 16
S = DeliveryState


class Desk:
    """A feedback over empty tables, with one digest in its ledger."""

    def __init__(self) -> None:
        self.table = content_table.make("ledger")
        self.ledger, self.heard = Ledger(self.table), HeardStore(self.table)
        self.subscribers = SubscriberStore(content_table.make("subscribers"))
        self.feedback = Feedback(
            self.ledger, Evidence(self.table), self.heard, self.subscribers, KEY
        )

    def digest(self, state: DeliveryState, *, attempt: str = "one", auto: bool = False) -> None:
        """A digest that has come as far as this."""
        self.ledger.claim(EDITION, SID, attempt=attempt, chunk="c", lease=NOW, now=NOW, auto=auto)
        if state not in {S.CLAIMED, S.UNRESOLVED}:
            self.ledger.record(EDITION, SID, attempt, state, NOW, reason="so")
        if state is S.UNRESOLVED:
            self.ledger.settle(EDITION, self.row(), S.UNRESOLVED, NOW, "nobody said")

    def chunk(self, counts: Counts) -> None:
        """The digest's chunk, which is done."""
        chunks = ChunkStore(self.table)
        chunk = Chunk(
            edition=EDITION,
            id="c",
            state=ChunkState.OPEN,
            instant=NOW,
            pressing=0,
            slot=Slot("daily"),
            range="a",
            cut_at=NOW,
            cursor="",
            members=counts.total,
            counts=counts,
            fence=0,
            lease_until=None,
            nudged_at=NOW,
            epoch="1",
        )
        chunks.create(chunk)
        leased = chunks.take(EDITION, "c", NOW, NOW)
        assert leased
        chunks.release(leased, ChunkState.DONE, counts)

    def take(self, *kinds: str, attempt: str | None = "one") -> tuple[str, ...]:
        """Hear these events, and count them; what was counted."""
        before = Counter(asdict(self.heard.of(EDITION)))
        told = [self.feedback.take(event(kind, attempt), NOW) for kind in kinds]
        self.feedback.count([one for one in told if one], NOW)
        return tuple((Counter(asdict(self.heard.of(EDITION))) - before).elements())

    def row(self) -> Delivery:
        found = self.ledger.get(EDITION, SID)
        assert found is not None
        return found

    def outcome(self) -> tuple[DeliveryState, str | None, str | None]:
        row = self.row()
        return row.state, row.evidence, row.reason


MORE: dict[str, dict[str, Any]] = {
    "Bounce": {"bounce": {"bounceType": "Permanent", "bounceSubType": "NoEmail"}},
    "SoftBounce": {"bounce": {"bounceType": "Transient", "bounceSubType": "MailboxFull"}},
    "Complaint": {"complaint": {"complaintFeedbackType": "abuse"}},
    "NotSpam": {"complaint": {"complaintFeedbackType": "not-spam"}},
    "Reject": {"reject": {"reason": "Bad content"}},
}
TYPES = {"SoftBounce": "Bounce", "NotSpam": "Complaint"}


def event(kind: str, attempt: str | None = "one", **mail: Any) -> dict[str, Any]:
    tags = {"ed": [EDITION.tag], "rid": [SID], **({"att": [attempt]} if attempt else {})}
    return {
        "eventType": TYPES.get(kind, kind),
        "mail": {"messageId": "m1", "tags": tags} | mail,
        **MORE.get(kind, {}),
    }


def signup(email: str) -> Signup:
    consent = Consent("test", NOW)
    return Signup(email=email, newsletter="morning", slot=Slot("daily"), consent=consent)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with mock_aws():
        yield Desk()


@pytest.mark.parametrize("before", [S.CLAIMED, S.UNKNOWN, S.RETRY])
@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("Send", S.SENT),
        ("Delivery", S.SENT),
        ("DeliveryDelay", S.SENT),
        ("Bounce", S.SENT),
        ("Complaint", S.SENT),
        ("NotSpam", S.SENT),
        ("Reject", S.FAILED),
        ("Rendering Failure", S.FAILED),
    ],
)
def test_an_event_settles_a_digest_whose_fate_was_open(
    desk: Desk, before: DeliveryState, kind: str, after: DeliveryState
) -> None:
    desk.digest(before)

    desk.take(kind)

    assert desk.row().state is after
    assert desk.row().evidence == TYPES.get(kind, kind).replace(" ", "")


@pytest.mark.parametrize(
    ("kind", "after", "counts"),
    [("Delivery", S.SENT, Counts(sent=2)), ("Reject", S.FAILED, Counts(sent=1, failed=1))],
)
def test_late_word_of_a_digest_that_was_given_up_mends_the_count_too(
    desk: Desk, kind: str, after: DeliveryState, counts: Counts
) -> None:
    desk.digest(S.UNRESOLVED)
    desk.chunk(Counts(sent=1, unresolved=1))

    desk.take(kind, kind)

    assert desk.row().state is after
    (chunk,) = ChunkStore(desk.table).of_edition(EDITION)
    assert chunk.counts == counts


@pytest.mark.parametrize("kind", ["Send", "Delivery", "DeliveryDelay", "NotSpam"])
def test_good_news_of_a_digest_that_is_known_to_be_sent_writes_nothing(
    desk: Desk, kind: str
) -> None:
    desk.digest(S.SENT)
    before = desk.table.scan()["Items"]

    desk.feedback.take(event(kind), NOW)

    assert desk.table.scan()["Items"] == before


@pytest.mark.parametrize(
    ("kind", "evidence", "reason"),
    [
        ("Bounce", "Bounce", "Permanent NoEmail"),
        ("SoftBounce", "Bounce", "Transient MailboxFull"),
        ("Complaint", "Complaint", "abuse"),
        ("Reject", "Reject", "Bad content"),
    ],
)
def test_bad_news_is_kept_beside_a_digest_that_stays_sent(
    desk: Desk, kind: str, evidence: str, reason: str
) -> None:
    desk.digest(S.SENT)

    desk.take("Delivery", kind)

    assert desk.outcome() == (S.SENT, evidence, reason)


@pytest.mark.parametrize("state", [S.FAILED, S.SKIPPED])
def test_what_is_final_stays_what_it_is(desk: Desk, state: DeliveryState) -> None:
    desk.digest(state)

    desk.take("Delivery", "Bounce")

    assert desk.row().state is state


@pytest.mark.parametrize("state", [S.CLAIMED, S.UNKNOWN, S.RETRY, S.SENT])
def test_the_same_events_leave_the_same_row_in_any_order_however_often(
    desk: Desk, state: DeliveryState
) -> None:
    outcomes, orders = set(), 0
    for number, order in enumerate(permutations(["Delivery", "SoftBounce", "Complaint"])):
        with_its_own = f"{number:02x}" * 16
        _at(desk, with_its_own, state)
        for kind in (*order, *order, *reversed(order)):
            desk.feedback.take(_of(event(kind), with_its_own), NOW)
        orders += 1
        row = desk.ledger.get(EDITION, with_its_own)
        assert row is not None
        outcomes.add((row.state, row.evidence, row.reason))

    assert outcomes == {(S.SENT, "Complaint", "abuse")}
    assert desk.heard.of(EDITION).complained == orders


def _at(desk: Desk, sid: str, state: DeliveryState) -> None:
    desk.ledger.claim(EDITION, sid, attempt="one", chunk="c", lease=NOW, now=NOW)
    if state is not S.CLAIMED:
        desk.ledger.record(EDITION, sid, "one", state, NOW)


def _of(body: dict[str, Any], sid: str) -> dict[str, Any]:
    body["mail"]["tags"]["rid"] = [sid]
    return body


def test_in_auto_every_digest_that_was_heard_of_is_marked_once(desk: Desk) -> None:
    desk.digest(S.SENT, auto=True)

    desk.take("Delivery", "DeliveryDelay", "Delivery")

    assert desk.outcome() == (S.SENT, "Delivery", "so")
    assert desk.row().heard == "one"


def test_an_event_before_our_own_record_wins_and_the_record_is_no_error(desk: Desk) -> None:
    desk.digest(S.CLAIMED)

    desk.take("Delivery")

    assert not desk.ledger.record(EDITION, SID, "one", S.UNKNOWN, NOW, reason="late")
    assert desk.row().state is S.SENT


def test_an_event_of_a_digest_that_is_not_there_makes_no_row(desk: Desk) -> None:
    assert desk.take("Bounce", "Complaint", "Reject") == ()
    assert desk.ledger.get(EDITION, SID) is None


# ── two attempts of one digest ────────────────────────────────────────────────────────────────────


def test_word_of_another_attempt_than_the_one_that_was_recorded_is_told(desk: Desk) -> None:
    desk.digest(S.SENT, attempt="two")

    assert desk.take("Delivery", attempt="one") == ("delivered", "dup_suspected")
    assert desk.take("Delivery", attempt="two") == ("delivered",)
    assert desk.heard.of(EDITION) == Heard(delivered=2, dup_suspected=1)


def test_word_of_an_earlier_attempt_settles_the_digest_and_the_later_one_is_the_second(
    desk: Desk,
) -> None:
    desk.digest(S.CLAIMED, attempt="two")

    assert desk.take("Delivery", attempt="one") == ("delivered",)
    assert desk.row().state is S.SENT
    assert desk.take("Delivery", attempt="one") == ("delivered",)
    assert desk.take("Delivery", attempt="two") == ("delivered", "dup_suspected")


def test_bad_news_is_counted_with_its_row_whatever_becomes_of_the_batch(desk: Desk) -> None:
    desk.digest(S.SENT)
    for _ in range(3):  # the function dies each time before it counts what its batch told
        desk.feedback.take(event("Complaint"), NOW)

    assert desk.heard.of(EDITION) == Heard(complained=1)
    assert desk.row().evidence == "Complaint"


def test_bad_news_of_a_reader_who_is_being_changed_is_counted_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.digest(S.SENT)
    with monkeypatch.context() as patch:
        patch.setattr(SubscriberStore, "suppress", mock.Mock(side_effect=Conflict("busy")))
        with pytest.raises(Conflict):
            desk.feedback.take(event("Complaint"), NOW)

    desk.feedback.take(event("Complaint"), NOW)

    assert desk.heard.of(EDITION) == Heard(complained=1)


def test_a_first_try_that_was_dropped_does_not_make_the_second_a_double(desk: Desk) -> None:
    desk.digest(S.UNKNOWN)
    desk.ledger.settle(EDITION, desk.row(), S.RETRY, NOW, "again")
    desk.ledger.claim(EDITION, SID, attempt="two", chunk="c", lease=NOW, now=NOW)
    desk.take("Reject", attempt="one")
    desk.ledger.record(EDITION, SID, "two", S.SENT, NOW)

    desk.take("Delivery", attempt="two")

    assert desk.heard.of(EDITION) == Heard(delivered=1, rejected=1)


def test_word_that_comes_while_a_digest_is_given_up_comes_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.digest(S.UNKNOWN)
    desk.chunk(Counts(unresolved=1))  # as it is about to be
    get = Ledger.get

    def then_given_up(ledger: Ledger, edition: EditionId, sid: str) -> Delivery | None:
        row = get(ledger, edition, sid)
        assert row is not None
        monkeypatch.setattr(Ledger, "get", get)
        desk.ledger.settle(EDITION, row, S.UNRESOLVED, NOW, "nobody said")
        return row

    monkeypatch.setattr(Ledger, "get", then_given_up)
    with pytest.raises(Conflict):
        desk.feedback.take(event("Delivery"), NOW)
    desk.take("Delivery")

    assert desk.row().state is S.SENT


def test_a_second_attempts_bad_news_does_not_make_the_first_one_the_second(desk: Desk) -> None:
    desk.digest(S.SENT, attempt="two")

    assert desk.take("Bounce", attempt="one") == ("bounced", "dup_suspected")
    assert desk.take("Delivery", attempt="two") == ("delivered",)


@pytest.mark.parametrize("kind", ["Reject", "Rendering Failure"])
def test_an_attempt_that_ses_dropped_is_no_second_mail(desk: Desk, kind: str) -> None:
    desk.digest(S.SENT, attempt="two")

    assert "dup_suspected" not in desk.take(kind, attempt="one")


def test_an_event_without_an_attempt_accuses_nobody(desk: Desk) -> None:
    desk.digest(S.SENT, attempt="two")

    assert desk.take("Delivery", attempt=None) == ("delivered",)


# ── counts ────────────────────────────────────────────────────────────────────────────────────────


class Recorder(HeardStore):
    """Counts how often it is written to."""

    writes = 0

    def add(self, edition: EditionId, counts: Mapping[str, int], now: datetime) -> None:
        self.writes += 1
        super().add(edition, counts, now)


def test_an_invocation_writes_once_an_edition(desk: Desk) -> None:
    other = EditionId.parse("evening/daily/2026-11-22")
    heard = Recorder(desk.table)
    feedback = replace(desk.feedback, heard=heard)

    feedback.count(
        [
            Told(EDITION, ("delivered",)),
            Told(other, ("bounced",)),
            Told(EDITION, ("delivered", "dup_suspected")),
            Told(EDITION, ("complained",)),
        ],
        NOW,
    )
    written = heard.writes
    feedback.count([Told(EDITION, ("delivered",))], NOW)

    assert written == 2
    assert heard.of(EDITION) == Heard(delivered=3, complained=1, dup_suspected=1)
    assert heard.of(other) == Heard(bounced=1)
    assert heard.of(EditionId.parse("morning/daily/2026-11-23")) == Heard()


# ── suppression ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "barred"),
    [
        ("Bounce", True),
        ("Complaint", True),
        ("SoftBounce", False),
        ("NotSpam", False),
        ("Reject", False),
        ("Delivery", False),
        ("Send", False),
    ],
)
def test_who_bounced_for_good_or_complained_is_barred_and_a_new_import_changes_nothing(
    desk: Desk, kind: str, *, barred: bool
) -> None:
    ada = signup("ada@example.org")
    desk.subscribers.subscribe(ada, NOW, KEY)
    sid = desk.subscribers.find("ada@example.org", KEY)
    assert sid

    for _ in range(2):
        desk.feedback.take(_of(event(kind), sid), NOW)

    joining = desk.subscribers.subscribe(ada, NOW, KEY)
    profile = desk.subscribers.profile(sid)
    assert profile is not None
    assert (profile.status is Status.SUPPRESSED) is barred
    assert desk.subscribers.suppressed("Ada@example.org", KEY) is barred
    assert (joining is Joining.SUPPRESSED) is barred


def test_a_mail_without_our_tags_bars_by_its_address(desk: Desk) -> None:
    readers = ["ada@example.org", "bob@example.org"]
    for reader in readers:
        desk.subscribers.subscribe(signup(reader), NOW, KEY)
    body = event("Bounce", tags={})
    told = [{"emailAddress": "BOB@example.org"}, {"emailAddress": "nobody@example.org"}]
    body["bounce"] = body["bounce"] | {"bouncedRecipients": told}

    assert desk.feedback.take(body, NOW) is None

    assert [desk.subscribers.suppressed(reader, KEY) for reader in readers] == [False, True]


def test_no_address_is_in_the_log(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.digest(S.SENT)
    body = event("Bounce", destination=["ada@example.org"])
    body["bounce"] = body["bounce"] | {"bouncedRecipients": [{"emailAddress": "ada@example.org"}]}

    desk.feedback.take(body, NOW)

    logged = capsys.readouterr().err
    assert "Permanent NoEmail" in logged
    assert "ada" not in logged


# ── the edition's tag ─────────────────────────────────────────────────────────────────────────────


@given(
    newsletter=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True),
    extra=st.none() | st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True),
)
def test_an_edition_survives_being_a_tag(newsletter: str, extra: str | None) -> None:
    edition = EditionId(newsletter, "daily", date(2026, 11, 22), extra)

    assert edition_of(edition.tag) == edition
    assert set(edition.tag) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@pytest.mark.parametrize("tag", [None, "", "confirmation", "a_b", "__"])
def test_a_tag_of_something_else_is_no_edition(tag: str | None) -> None:
    assert edition_of(tag) is None


@pytest.mark.parametrize(("busy", "counted"), [(4, 1), (5, 0)])
def test_a_count_waits_for_a_transaction_of_bad_news_but_not_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, busy: int, counted: int
) -> None:
    held = ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")
    write = desk.table.update_item
    answers = iter([held] * busy)

    def update_item(**arguments: Any) -> Any:
        if (error := next(answers, None)) is not None:
            raise error
        return write(**arguments)

    monkeypatch.setattr(desk.table, "update_item", update_item)
    with nullcontext() if counted else pytest.raises(Conflict):
        desk.heard.add(EDITION, {"delivered": 1}, NOW)

    assert desk.heard.of(EDITION).delivered == counted
