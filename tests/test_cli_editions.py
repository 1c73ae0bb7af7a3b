"""courant editions pause, resume, cancel, retry-unresolved, watch and show; subscribers show."""

import json
import re
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from courant.delivery.heard import HeardStore
from courant.editions.model import EditionState
from courant.schedule import Slot
from desk.deployment import Deployment
from desk.stack import Call
from tests.cli_newsroom import Desk, desk
from tests.conftest import HandClock

pytestmark = pytest.mark.slow

TODAY = "morning/daily/2026-11-22"
PARTS = ("sent", "skipped", "failed", "unresolved", "had", "cancelled", "waiting")


@pytest.fixture
def one(clock: HandClock) -> Iterator[Desk]:
    with desk(clock) as made:
        yield made


@pytest.fixture
def composed(one: Desk) -> Desk:
    """Today's edition is frozen; nobody was mailed."""
    one.as_json("send", "morning", "--yes", "--no-wait")
    one.endpoint.stack.pump(only=["compose"])
    one.clock.advance(seconds=10)
    return one


@pytest.fixture
def unresolved(composed: Desk) -> Desk:
    """Of one of its mails nobody knows whether SES took it; it did."""
    lost: list[str] = []

    def loses(call: Call) -> None:
        if call.operation == "SendEmail" and not lost:
            lost.extend(call.params["Destination"]["ToAddresses"])
            raise ReadTimeoutError(endpoint_url="https://email.example")

    composed.endpoint.stack.calls.after = loses
    composed.room.run(3)
    composed.clock.advance(minutes=40)
    composed.room.run(4)
    assert composed.room.edition().state is EditionState.SENT_WITH_UNRESOLVED
    return composed


def test_pause_and_resume_say_what_is_now_so(composed: Desk) -> None:
    paused = composed.courant("editions", "pause", TODAY, "--reason", "wrong headline")
    again = composed.as_json("editions", "pause", TODAY)
    composed.room.run(4)
    watched = composed.courant("editions", "watch", TODAY)
    nobody = len(composed.room.mails())
    resumed = composed.courant("editions", "resume", TODAY)
    end = composed.courant("editions", "watch", TODAY)

    assert paused.exit_code == 0
    assert paused.stdout.startswith(f"done: {TODAY} is paused")
    assert (again["status"], again["state"]) == ("already", "paused")
    assert watched.exit_code == 3
    assert "by hand: wrong headline" in watched.stdout
    assert nobody == 0
    assert resumed.stdout.startswith(f"done: {TODAY} goes on")
    assert end.exit_code == 0
    assert composed.room.mailed().total() == 4


def test_what_is_over_can_not_be_paused(composed: Desk) -> None:
    composed.room.run(5)

    for command in ("pause", "resume", "cancel"):
        result = composed.courant("editions", command, TODAY)

        assert result.exit_code == 2
        assert f"{TODAY} is sent since" in result.stderr
        assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["pause", "resume", "cancel", "retry-unresolved", "watch"])
def test_an_edition_nobody_knows_is_not_found(one: Desk, command: str) -> None:
    assert one.courant("editions", command, "morning/daily/2020-01-01").exit_code == 4
    assert one.courant("editions", command, "morning").exit_code == 2


def test_cancelling_asks_with_what_it_means(composed: Desk) -> None:
    no = composed.courant("editions", "cancel", TODAY, answer="n\n")
    running = composed.room.edition().state
    yes = composed.courant("editions", "cancel", TODAY, answer="y\n")
    composed.room.run(15)
    shown = composed.as_json("editions", "show", TODAY)

    assert no.exit_code == 1
    assert "4 of 4 members do not have it yet" in no.stderr
    assert running is EditionState.SENDING
    assert yes.exit_code == 0
    assert "is cancelled" in yes.stdout
    assert shown["cancelled"] == shown["members"] == sum(shown[part] for part in PARTS) == 4
    assert composed.room.mails() == ()


def test_trying_the_unresolved_again_asks_with_the_risk(unresolved: Desk) -> None:
    no = unresolved.courant("editions", "retry-unresolved", TODAY, answer="n\n")
    before = unresolved.room.mailed().total()
    yes = unresolved.courant("editions", "retry-unresolved", TODAY, answer="y\n")
    end = unresolved.courant("editions", "watch", TODAY)

    assert no.exit_code == 1
    assert "Up to 1 reader may get it twice" in no.stderr
    assert before == 4
    assert yes.exit_code == 0
    assert end.exit_code == 0, end.output
    assert unresolved.room.mailed().total() == 5
    assert unresolved.room.counts().sent == 4


def test_an_edition_is_told_whole(unresolved: Desk) -> None:
    edition = unresolved.room.edition().id
    HeardStore(unresolved.endpoint.stack.table("ledger")).add(
        edition, {"delivered": 2, "bounced": 1}, unresolved.clock()
    )

    told = unresolved.as_json("editions", "show", TODAY, "--exceptions")
    shown = unresolved.courant("editions", "show", TODAY, "--exceptions")

    assert told["members"] == sum(told[part] for part in PARTS) == 4
    assert (told["sent"], told["unresolved"]) == (3, 1)
    assert (told["heard"]["delivered"], told["heard"]["bounced"]) == (2, 1)
    [digest] = told["digests"]
    assert digest["state"] == "unresolved"
    assert "@" not in shown.stdout
    assert digest["subscriber"] in shown.stdout
    assert [(one["state"], one["digests"]) for one in told["exceptions"]] == [("unresolved", 1)]
    audit = [one["after"] for one in told["audit"]]
    assert audit[0] == "scheduled"
    assert audit[-1] == "sent with unresolved"
    assert told["audit"][0]["by"] == "editor:ann"
    assert "Of the 3 sent, SES told" in shown.stdout
    assert re.search(r"^delivered to their mail servers +2$", shown.stdout, re.MULTILINE)
    assert re.search(r"^bounced for good.* 1$", shown.stdout, re.MULTILINE)
    assert re.search(r"^= members counted at the cut +4$", shown.stdout, re.MULTILINE)
    assert f"courant editions retry-unresolved {TODAY}" in shown.stdout


def test_deliveries_that_nobody_asked_ses_for_are_not_told_as_none(
    unresolved: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deployment, "deliveries_told", False)

    told = unresolved.as_json("editions", "show", TODAY)
    shown = unresolved.courant("editions", "show", TODAY)

    assert told["heard"]["delivered"] is None
    assert re.search(
        r"^delivered to their mail servers +not asked for$", shown.stdout, re.MULTILINE
    )
    assert "nothing yet" not in shown.stdout


def test_whom_an_edition_did_not_reach_is_looked_up_by_the_id_it_shows(unresolved: Desk) -> None:
    [digest] = unresolved.as_json("editions", "show", TODAY, "--exceptions")["digests"]

    person = unresolved.as_json("subscribers", "show", digest["subscriber"])
    nobody = unresolved.courant("subscribers", "show", "0" * 32)

    assert person["id"] == digest["subscriber"]
    assert person["email"].endswith("@example.com")
    assert nobody.exit_code == 4


def test_a_person_is_told_what_became_of_their_digest(unresolved: Desk) -> None:
    lines = "".join(
        unresolved.courant("subscribers", "show", f"{name}@example.com").stdout
        for name in ("reader0", "reader1", "reader2", "nl0")
    )
    unresolved.room.subscribe(1, prefix="late")
    unresolved.room.subscribe(1, prefix="weekly", slot=Slot("weekly"))
    late = unresolved.as_json("subscribers", "show", "late0@example.com")
    weekly = unresolved.courant("subscribers", "show", "weekly0@example.com")

    sent = re.findall(rf"(?m)^{TODAY} +sent +2026-11-22 05:40 .*nothing bad", lines)
    unknown = re.findall(rf"(?m)^{TODAY} +unresolved .*nobody knows", lines)
    assert (len(sent), len(unknown)) == (3, 1)
    [told] = late["deliveries"]
    assert told["state"] is None
    assert "not among its members: they joined" in told["known"]
    assert "they get the weekly edition" in weekly.stdout


def test_bounces_are_told_of_the_person_and_listed(composed: Desk) -> None:
    composed.room.run(4)
    mail = next(one for one in composed.room.mails() if one.to == ("reader0@example.com",))
    bounce = {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "reader0@example.com"}],
        },
        "mail": {
            "messageId": mail.message_id,
            "tags": {name: [value] for name, value in mail.tags.items()},
        },
    }
    record = {"messageId": "1", "body": json.dumps(bounce)}
    composed.endpoint.stack.invoke("feedback", {"Records": [record]})

    person = composed.courant("subscribers", "show", "reader0@example.com")
    told = composed.as_json("editions", "show", TODAY, "--exceptions")

    assert re.search(rf"^{TODAY} +sent .*bounced", person.stdout, re.MULTILINE)
    assert "is suppressed" in person.stdout
    assert told["heard"]["bounced"] == 1
    assert [one["evidence"] for one in told["digests"]] == ["Bounce"]
    assert told["exceptions"] == []


def test_the_account_answers_over_the_wire(one: Desk) -> None:
    """As it has to for a command in another process, where the stack's clients are not patched."""
    from urllib.request import Request, urlopen

    signed = Request(f"{one.endpoint.url}/v2/email/account", headers={"Authorization": "AWS4"})  # noqa: S310 - our own loopback address
    with urlopen(signed) as answer:  # noqa: S310 - as above
        told = json.loads(answer.read())

    assert told["SendQuota"] == boto3.client("sesv2").get_account()["SendQuota"]
    assert told["SendQuota"]["Max24HourSend"] > 0
