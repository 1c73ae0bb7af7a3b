"""The whole flow on the template's own resources: who is mailed, and nobody twice."""

from __future__ import annotations

import re

import boto3
import pytest

from courant.delivery.chunks import Counts
from courant.delivery.ledger import DeliveryState
from courant.editions import compose
from courant.editions.model import EditionState, PressingState
from courant.editions.pressing import Frozen, Pressing
from courant.schedule import Slot
from courant.templates import TemplateBroken
from desk.stack import Call, Killed, Stack
from tests.conftest import HandClock
from tests.newsroom import SPORT, WORLD, Newsroom, html_of, parse, text_of


@pytest.fixture
def newsroom(stack: Stack, clock: HandClock) -> Newsroom:
    """The newsletter ``morning``, 20 minutes before its hour."""
    newsroom = Newsroom(stack, clock)
    newsroom.to(5, 40)
    newsroom.found()
    newsroom.stack.tick()
    return newsroom


def test_the_scheduled_edition_reaches_every_reader_once(newsroom: Newsroom) -> None:
    newsroom.subscribe(30)
    newsroom.bring(4)
    newsroom.to(6)

    newsroom.run()

    assert newsroom.mailed() == {f"reader{n}@example.com": 1 for n in range(30)}
    assert newsroom.edition().state is EditionState.SENT
    assert newsroom.counts() == Counts(sent=30)
    assert sum(record.members for record in newsroom.pressings()) == 30


def test_every_message_twice_and_every_beat_twice_mails_once(newsroom: Newsroom) -> None:
    newsroom.subscribe(30)
    newsroom.bring(4)
    newsroom.to(6)

    newsroom.run(duplicate=True)

    assert newsroom.mailed() == {f"reader{n}@example.com": 1 for n in range(30)}
    assert newsroom.counts() == Counts(sent=30)


def test_a_mail_has_what_mailboxes_ask_for_in_its_raw_bytes(newsroom: Newsroom) -> None:
    newsroom.subscribe(1, name="Zoë")
    newsroom.bring(4)
    newsroom.bring(2, SPORT)
    newsroom.to(6)

    newsroom.run()

    (mail,) = newsroom.mails()
    head = mail.raw.split(b"\r\n\r\n")[0]
    assert re.search(rb"^List-Unsubscribe: <https://[!-~]+>\r$", head, re.MULTILINE)
    assert re.search(rb"^List-Unsubscribe-Post: List-Unsubscribe=One-Click\r$", head, re.MULTILINE)
    assert re.search(rb"^List-Id: The Morning <morning\.news\.example\.org>\r$", head, re.MULTILINE)
    assert re.search(rb"^From: The Morning <morning@news\.example\.org>\r$", head, re.MULTILINE)
    assert re.search(rb"^Reply-To: desk@news\.example\.org\r$", head, re.MULTILINE)
    assert parse(mail)["Subject"] == "Headline 1"
    assert max(len(line) for line in mail.raw.split(b"\r\n")) <= 998
    html, text = html_of(mail), text_of(mail)
    assert len(html.encode()) <= 102_400
    assert 'style="' in html
    for page in (html, text):
        assert "1 Harbour Street" in page
        assert "Headline 4" not in page  # the section's limit is 3
        assert not re.search(r"c[0-9a-f]{32}c|\{\{|<!--[0-9a-f]{32}", page)
    assert mail.tags["ed"] == "morning_daily_2026-11-22"
    assert mail.configuration_set == "DigestsConfigurationSet"


def test_one_click_from_the_mail_unsubscribes_and_the_next_edition_skips_them(
    newsroom: Newsroom,
) -> None:
    newsroom.subscribe(2)
    newsroom.bring(2)
    newsroom.to(6)
    newsroom.run()
    gone = newsroom.mails()[0]
    link = str(parse(gone)["List-Unsubscribe"]).strip("<>")

    for _ in range(2):
        answer = newsroom.stack.request(
            "POST",
            link,
            headers={"content-type": "application/x-www-form-urlencoded"},
            body=b"List-Unsubscribe=One-Click",
        )
        assert answer.status == 200
    newsroom.to(5, day=23)
    newsroom.bring(2)
    newsroom.to(6, day=23)
    newsroom.run()

    assert newsroom.mailed()[gone.to[0]] == 1
    assert sorted(newsroom.mailed().values()) == [1, 2]


def test_compose_run_again_presses_the_same_and_mails_nobody_again(newsroom: Newsroom) -> None:
    newsroom.subscribe(5)
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.stack.tick()
    message = boto3.client("sqs").receive_message(
        QueueUrl=newsroom.stack.queue("editions").url, VisibilityTimeout=0
    )["Messages"][0]["Body"]

    newsroom.run()
    boto3.client("sqs").send_message(
        QueueUrl=newsroom.stack.queue("editions").url, MessageBody=message
    )
    newsroom.run()

    assert set(newsroom.mailed().values()) == {1}
    assert newsroom.counts() == Counts(sent=5)


def test_a_manual_send_is_the_editions_own_and_the_hour_finds_it_done(newsroom: Newsroom) -> None:
    newsroom.subscribe(5)
    newsroom.bring(3)

    answer = newsroom.publish()
    newsroom.run()
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.run()

    assert answer["status"] == "started"
    assert answer["edition"] == "morning/daily/2026-11-22"
    assert set(newsroom.mailed().values()) == {1}
    assert newsroom.edition().state is EditionState.SENT


def test_a_manual_send_after_the_hour_sends_nothing_and_says_so(newsroom: Newsroom) -> None:
    newsroom.subscribe(5)
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.run()
    newsroom.bring(3)

    answer = newsroom.publish()
    newsroom.run()

    assert answer["status"] == "already"
    assert "nothing was sent again" in answer["message"]
    assert set(newsroom.mailed().values()) == {1}


def test_an_extra_edition_asked_for_by_name_goes_on_top_once(newsroom: Newsroom) -> None:
    newsroom.subscribe(5)
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.run()
    newsroom.bring(1)

    for request in ("r1", "r1", "r2"):
        newsroom.publish(request, extra="budget-day")
        newsroom.run()

    assert set(newsroom.mailed().values()) == {2}
    assert newsroom.edition("morning/daily/2026-11-22+budget-day").state is EditionState.SENT


def test_a_repeated_request_sends_nothing_twice_not_even_tomorrow(newsroom: Newsroom) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)
    newsroom.publish("r1")
    newsroom.run()
    newsroom.to(12, day=23)
    newsroom.bring(3)

    answer = newsroom.publish("r1")
    newsroom.run(1)

    assert answer["edition"] == "morning/daily/2026-11-22"
    assert answer["status"] == "already"


def test_a_request_id_used_for_something_else_is_refused(newsroom: Newsroom) -> None:
    newsroom.publish("r1")

    answer = newsroom.publish("r1", "test", to=["desk@example.com"])

    assert answer["status"] == "refused"


def test_a_test_goes_to_the_given_addresses_only_and_touches_no_ledger(newsroom: Newsroom) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)

    for _ in range(2):
        newsroom.publish("r1", "test", to=["a@example.net", "b@example.net"])
        newsroom.stack.pump(duplicate=True)

    assert newsroom.mailed() == {"a@example.net": 1, "b@example.net": 1}
    mail = newsroom.mails()[0]
    assert str(parse(mail)["Subject"]).startswith("[Test] ")
    assert newsroom.editions.of_newsletter("morning") == ()
    kinds = {str(item["PK"])[0] for item in newsroom.stack.table("ledger").scan()["Items"]}
    assert kinds == {"T"}
    link = str(parse(mail)["List-Unsubscribe"]).strip("<>")
    assert newsroom.stack.request("POST", link).status == 200
    newsroom.to(6)
    newsroom.run()
    assert newsroom.counts() == Counts(sent=3)


def test_a_preview_mails_nobody_and_leaves_the_digest_to_look_at(newsroom: Newsroom) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)

    answer = newsroom.publish("r1", "preview")
    newsroom.stack.pump()

    assert answer["status"] == "accepted"
    bucket, _, prefix = answer["files"].removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    names = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert {f"{prefix}digest.html", f"{prefix}digest.txt", f"{prefix}subject.txt"} <= names
    assert newsroom.mails() == ()
    assert newsroom.publish("r1", "preview")["outcome"] == "composed"


def test_without_news_the_edition_is_skipped_and_nobody_is_mailed(newsroom: Newsroom) -> None:
    newsroom.subscribe(3)
    newsroom.to(6)

    newsroom.run()

    assert newsroom.mails() == ()
    assert newsroom.edition().state is EditionState.SKIPPED


def test_too_little_news_waits_and_carries_over_however_many_editions_are_skipped(
    newsroom: Newsroom,
) -> None:
    newsroom.found(minimum_articles=2)
    newsroom.subscribe(1)
    newsroom.bring(2)
    newsroom.to(6)
    newsroom.run()
    newsroom.bring(1)
    for day in (23, 24, 25, 26):
        newsroom.to(6, day=day)
        newsroom.run()
    assert newsroom.edition("morning/daily/2026-11-26").state is EditionState.SKIPPED

    newsroom.bring(1)
    newsroom.to(6, day=27)
    newsroom.run()

    assert newsroom.edition("morning/daily/2026-11-27").state is EditionState.SENT
    assert "Headline 3" in text_of(newsroom.mails()[1])


def test_too_little_news_adds_up_to_a_first_edition(newsroom: Newsroom) -> None:
    newsroom.found(minimum_articles=4)
    newsroom.subscribe(1)
    for day in (22, 23, 24, 25):
        newsroom.to(5, day=day)
        newsroom.bring(1, SPORT if day > 23 else WORLD)
        newsroom.to(6, day=day)
        newsroom.run()

    assert newsroom.edition("morning/daily/2026-11-24").state is EditionState.SKIPPED
    assert newsroom.edition("morning/daily/2026-11-25").state is EditionState.SENT
    assert len(newsroom.mails()) == 1


def test_each_article_is_sent_once_over_the_days(newsroom: Newsroom) -> None:
    newsroom.subscribe(1)
    newsroom.bring(7)
    for day in (22, 23, 24, 25):
        newsroom.to(6, day=day)
        newsroom.run()

    texts = [text_of(mail) for mail in newsroom.mails()]
    headlines = [line for text in texts for line in re.findall(r"Headline \d+", text)]

    # Three a day by the section's limit, out of a window of two periods; none of them twice.
    assert headlines == [f"Headline {n}" for n in range(1, 7)]


def test_an_edition_found_too_late_is_not_sent_unattended_but_by_hand(newsroom: Newsroom) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)
    newsroom.to(13)

    newsroom.run()

    assert newsroom.mails() == ()
    assert newsroom.edition().state is EditionState.EXPIRED
    assert newsroom.publish()["status"] == "started"
    newsroom.run()
    assert set(newsroom.mailed().values()) == {1}
    assert len(newsroom.mailed()) == 3


def test_missed_beats_within_the_lateness_are_caught_up(newsroom: Newsroom) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)
    newsroom.to(9)

    newsroom.run()

    assert len(newsroom.mailed()) == 3


def test_readers_get_their_own_sections_in_their_own_order(newsroom: Newsroom) -> None:
    newsroom.subscribe(1, sections=("sport", "world"), prefix="both")
    newsroom.subscribe(1, sections=("sport",), prefix="sport")
    newsroom.subscribe(1, sections=("gardening",), prefix="neither")
    newsroom.bring(2, WORLD)
    newsroom.bring(2, SPORT)
    newsroom.to(6)

    newsroom.run()

    texts = {mail.to[0]: text_of(mail) for mail in newsroom.mails()}
    assert set(texts) == {"both0@example.com", "sport0@example.com"}
    assert texts["both0@example.com"].index("Sport") < texts["both0@example.com"].index("World")
    assert "World" not in texts["sport0@example.com"]
    assert newsroom.counts() == Counts(sent=2, skipped=1)


def test_a_reader_of_plain_text_gets_plain_text(newsroom: Newsroom) -> None:
    newsroom.subscribe(1, format="text")
    newsroom.bring(2)
    newsroom.to(6)

    newsroom.run()

    assert parse(newsroom.mails()[0]).get_content_type() == "text/plain"


def test_who_leaves_between_the_cut_and_their_turn_is_skipped_and_still_counted(
    newsroom: Newsroom,
) -> None:
    sids = newsroom.subscribe(6)
    newsroom.bring(2)
    newsroom.to(6)
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])
    newsroom.clock.advance(seconds=30)

    newsroom.subscribers.unsubscribe(sids[0], "morning", "left", newsroom.clock())
    newsroom.run()

    assert newsroom.counts() == Counts(sent=5, skipped=1)
    assert newsroom.rows()[sids[0]].reason == "left"
    assert newsroom.edition().state is EditionState.SENT


def test_who_joins_after_the_cut_starts_with_the_next_edition(newsroom: Newsroom) -> None:
    newsroom.subscribe(3)
    newsroom.bring(2)
    newsroom.to(6)
    newsroom.stack.tick()
    newsroom.stack.pump(only=["compose"])
    newsroom.clock.advance(seconds=30)

    newsroom.subscribe(1, prefix="late")
    newsroom.run()

    assert "late0@example.com" not in newsroom.mailed()
    assert newsroom.counts() == Counts(sent=3)


def test_moving_to_a_later_hour_of_the_same_day_brings_no_second_digest(
    newsroom: Newsroom,
) -> None:
    newsletter = newsroom.found(cadences={"daily": {"cron": "0 7 * * *", "timezone": "subscriber"}})
    early = Slot("daily", "Europe/Amsterdam", "07:00")
    late = Slot("daily", "Europe/Amsterdam", "09:00")
    sids = newsroom.subscribe(4, slot=early)
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.run()

    newsroom.subscribers.move(sids[0], newsletter, newsroom.clock(), slot=late)
    newsroom.to(8)
    newsroom.run()

    assert set(newsroom.mailed().values()) == {1}
    assert newsroom.counts() == Counts(sent=4, had=1)


def test_an_edition_of_readers_own_zones_closes_after_the_last_zone(newsroom: Newsroom) -> None:
    newsroom.found(cadences={"daily": {"cron": "0 7 * * *", "timezone": "subscriber"}})
    newsroom.subscribe(2, slot=Slot("daily", "Europe/Amsterdam", "07:00"), prefix="ams")
    newsroom.subscribe(2, slot=Slot("daily", "America/New_York", "07:00"), prefix="nyc")
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.run()

    assert newsroom.edition().state is EditionState.SENDING
    assert set(newsroom.mailed()) == {"ams0@example.com", "ams1@example.com"}

    newsroom.to(12)
    newsroom.run()
    newsroom.to(12, day=23)
    newsroom.run(1)

    assert newsroom.edition().state is EditionState.SENT
    assert len(newsroom.mailed()) == 4
    assert [record.state for record in newsroom.pressings()] == [PressingState.DONE] * 2


@pytest.mark.parametrize("queue", ["editions", "chunks"])
def test_lost_messages_are_found_by_the_next_beats(newsroom: Newsroom, queue: str) -> None:
    newsroom.subscribe(8)
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.stack.tick()
    if queue == "chunks":
        newsroom.stack.pump(only=["compose"])
    newsroom.purge(queue)

    newsroom.run(6)

    assert newsroom.mailed() == {f"reader{n}@example.com": 1 for n in range(8)}
    assert newsroom.edition().state is EditionState.SENT


def test_rows_of_another_epoch_are_never_sent(clock: HandClock) -> None:
    with Stack(clock, epoch="1") as stack:
        newsroom = Newsroom(stack, clock)
        newsroom.to(5, 40)
        newsroom.found()
        stack.tick()
        newsroom.subscribe(3)
        newsroom.bring(3)
        newsroom.to(6)
        stack.tick()
        stack.pump(only=["compose"])
        table = stack.table("ledger")
        for chunk in newsroom.open_chunks():
            # A table restored from a backup that was made in another life of the stack.
            table.update_item(
                Key={"PK": f"C#{chunk.edition}", "SK": chunk.id},
                UpdateExpression="SET epoch = :old",
                ExpressionAttributeValues={":old": "0"},
            )

        newsroom.run(3)

        assert newsroom.mails() == ()


def test_a_permanent_bounce_suppresses_and_an_event_settles_the_delivery(
    newsroom: Newsroom,
) -> None:
    (sid,) = newsroom.subscribe(1)
    newsroom.bring(2)
    newsroom.to(6)
    newsroom.run()
    mail = newsroom.mails()[0]
    tags = {name: [value] for name, value in mail.tags.items()}

    newsroom.stack.put_event(
        {
            "eventType": "Bounce",
            "mail": {"messageId": mail.message_id, "tags": tags},
            "bounce": {
                "bounceType": "Permanent",
                "bouncedRecipients": [{"emailAddress": mail.to[0]}],
            },
        }
    )
    newsroom.stack.pump(duplicate=True)
    newsroom.to(5, day=23)
    newsroom.bring(2)
    newsroom.to(6, day=23)
    newsroom.run()

    assert len(newsroom.mails()) == 1
    assert newsroom.subscribers.suppressed("reader0@example.com", newsroom.key)
    assert newsroom.rows()[sid].state is DeliveryState.SENT


def test_an_editors_call_that_died_half_way_is_finished_by_the_next_beat(
    newsroom: Newsroom,
) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)

    def die(call: Call) -> None:
        if call.operation == "PutItem" and str(call.params["Item"]["SK"]).startswith("P#"):
            raise Killed

    newsroom.stack.calls.before = die
    with pytest.raises(Killed):
        newsroom.publish()
    newsroom.stack.calls.before = None
    newsroom.run()

    assert newsroom.pressings()
    assert newsroom.counts() == Counts(sent=3)


def test_of_two_composes_at_once_one_pressing_is_frozen(newsroom: Newsroom) -> None:
    """The second compose comes between the first one's choice and its freezing."""
    newsroom.subscribe(6)
    newsroom.bring(3)
    newsroom.to(6)
    newsroom.stack.tick()
    message = newsroom.stack.queue("editions").messages()[0]
    event = {"Records": [{"messageId": "second", "body": message}]}
    inside: list[Call] = []

    def compose_again(call: Call) -> None:
        if call.operation == "PutObject" and not inside:
            inside.append(call)
            newsroom.bring(1)
            newsroom.clock.advance(seconds=1)
            newsroom.stack.invoke("compose", event)

    newsroom.stack.calls.before = compose_again
    newsroom.run()

    assert inside
    assert len({text_of(mail).split("Unsubscribe")[0] for mail in newsroom.mails()}) == 1
    assert newsroom.counts() == Counts(sent=6)


def test_one_newsletter_that_can_not_be_read_does_not_stop_the_others(newsroom: Newsroom) -> None:
    newsroom.subscribe(2)
    newsroom.bring(2)
    newsroom.stack.table("content").put_item(
        Item={"PK": "NEWSLETTERS", "SK": "broken", "definition": '{"id": "broken"}'}
    )
    newsroom.to(6)

    newsroom.run()

    assert newsroom.counts() == Counts(sent=2)


def test_a_pressing_that_another_courant_froze_waits_for_an_editor_and_says_so(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)
    to_json = Frozen.to_json
    monkeypatch.setattr(
        Frozen, "to_json", lambda frozen: to_json(frozen).replace('"shape":', '"sheip":')
    )
    newsroom.to(6)

    newsroom.run(6)

    assert newsroom.mails() == ()
    assert newsroom.edition().state is EditionState.PAUSED
    assert "frozen in shape 1, this code reads" in str(newsroom.edition().reason)


BROKEN = TemplateBroken("'headline' is undefined", "templates/morning/digest/brief.html.j2", 7)


def broken(*_: object, **__: object) -> Pressing:
    raise BROKEN


def test_an_edition_that_a_template_stops_says_why_and_goes_out_when_it_is_mended(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)
    newsroom.to(6)
    with monkeypatch.context() as patch:
        patch.setattr(compose, "render", broken)
        newsroom.run(2)
    [pressing] = newsroom.pressings()
    assert (pressing.state, pressing.reason) == (PressingState.WAITING, str(BROKEN))

    newsroom.run(6)

    assert len(newsroom.mailed()) == 3


def test_an_edition_that_a_template_stopped_for_too_long_still_says_why(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.subscribe(3)
    newsroom.bring(3)
    monkeypatch.setattr(compose, "render", broken)
    newsroom.to(6)
    newsroom.run(1)
    newsroom.to(13)

    newsroom.run(1)

    [pressing] = newsroom.pressings()
    assert pressing.state is PressingState.EXPIRED
    assert str(pressing.reason).endswith(f"before that: {BROKEN}")
