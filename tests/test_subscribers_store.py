"""People join, move and leave; the send path's count and walk agree through all of it."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from courant.errors import Conflict
from courant.schedule import Slot
from courant.subscribers import items
from courant.subscribers.address import AddressKey, normalised
from courant.subscribers.model import (
    SHARDS,
    Consent,
    Joining,
    Left,
    Member,
    Profile,
    Signup,
    Status,
)
from courant.subscribers.roster import export
from courant.subscribers.store import SubscriberStore
from tests.test_schedule import newsletter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

    from desk.stack import Stack

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MUCH_LATER = NOW + timedelta(hours=2)
KEY = AddressKey(b"secret of the tests")
DAILY, TOKYO = Slot("daily"), Slot("daily", "Asia/Tokyo", "07:00")
# Three o'clock has passed at NOW, so that nothing of today is left to the slot one moves out of.
MORNING = newsletter("0 3 * * *", "subscriber")
EVENING = MORNING.model_copy(update={"id": "evening"})


@pytest.fixture
def table(stack: "Stack") -> "Table":
    return stack.table("subscribers")


@pytest.fixture
def store(table: "Table") -> SubscriberStore:
    return SubscriberStore(table)


def signup(email: str = "Ada@Example.org", **choices: Any) -> Signup:
    values: dict[str, Any] = {"newsletter": "morning", "slot": DAILY} | choices
    return Signup(email=email, consent=Consent("test", NOW), **values)


def join(store: SubscriberStore, email: str = "Ada@Example.org", **choices: Any) -> str:
    store.subscribe(signup(email, **choices), NOW, KEY)
    sid = store.find(email, KEY)
    assert sid is not None
    return sid


def walk(store: SubscriberStore, slot: Slot, at: datetime, limit: int = 2) -> list[Member]:
    members: list[Member] = []
    for digit in SHARDS:
        cursor: str | None = ""
        while cursor is not None:
            page = store.page("morning", slot, digit, at, cursor, limit)
            members += page.members
            cursor = page.cursor
    return members


def count(store: SubscriberStore, slot: Slot, at: datetime) -> int:
    return sum(store.count("morning", slot, digit, at) for digit in SHARDS)


def test_joining_makes_a_profile_a_way_to_find_it_and_a_membership(store: SubscriberStore) -> None:
    ada = signup(sections=("politics",), limit=3, name="Ada", locale="nl", format="text")

    answer = store.subscribe(ada, NOW, KEY)

    sid = store.find("ada@EXAMPLE.org", KEY)
    assert answer is Joining.ADDED
    assert sid is not None
    assert len(sid) == 32
    profile, member = store.profile(sid), store.member("morning", DAILY, sid)
    assert profile is not None
    assert (profile.email, profile.status, profile.version) == ("Ada@Example.org", "active", 1)
    assert profile.subscriptions["morning"].sections == ("politics",)
    assert profile.subscriptions["morning"].limit == 3
    assert member == Member(
        sid=sid,
        email="Ada@Example.org",
        name="Ada",
        sections=("politics",),
        limit=3,
        format="text",
        locale="nl",
        active_from=NOW,
    )
    assert store.slots("morning") == (DAILY,)


def test_no_key_shows_an_address(store: SubscriberStore, table: "Table") -> None:
    join(store)

    keys = [str(item["PK"]) + str(item["SK"]) for item in table.scan()["Items"]]

    assert len(keys) == 4
    assert not [key for key in keys if "ada" in key.lower()]


def test_joining_twice_changes_nothing(store: SubscriberStore) -> None:
    sid = join(store)

    answer = store.subscribe(signup("ADA@example.org", slot=TOKYO), LATER, KEY)

    profile = store.profile(sid)
    assert answer is Joining.ALREADY
    assert profile is not None
    assert profile.version == 1
    assert count(store, TOKYO, LATER) == 0


def test_many_join_at_once_and_each_gets_their_own_answer(store: SubscriberStore) -> None:
    gone = join(store, "gone@example.org")
    barred = join(store, "barred@example.org")
    join(store, "here@example.org")
    store.unsubscribe(gone, "morning", "link", NOW)
    store.suppress(barred, "bounce", NOW, KEY)
    many = [signup(f"reader{n}@example.org") for n in range(40)]
    known = [signup(f"{name}@example.org") for name in ("gone", "barred", "here", "READER1")]

    answers = store.subscribe_all([*many[:20], *known, *many[20:]], NOW, KEY)

    assert answers[20:24] == (Joining.LEFT, Joining.SUPPRESSED, Joining.ALREADY, Joining.ALREADY)
    assert set(answers[:20] + answers[24:]) == {Joining.ADDED}
    assert count(store, DAILY, LATER) == 41


def test_a_batch_that_somebody_crosses_goes_one_by_one(
    store: SubscriberStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    join(store, "reader3@example.org")
    # As if they had joined between our look-up and our transaction.
    monkeypatch.setattr(store, "_look_up", lambda _: (set(), set()))

    answers = store.subscribe_all([signup(f"reader{n}@example.org") for n in range(6)], NOW, KEY)

    assert [answer.value for answer in answers].count("added") == 5
    assert answers[3] is Joining.ALREADY
    assert count(store, DAILY, LATER) == 6


def test_a_pending_subscription_is_in_no_list_until_confirmed(store: SubscriberStore) -> None:
    sid = join(store, status=Status.PENDING)
    before = count(store, DAILY, LATER)

    confirmed = [store.confirm(sid, "morning", LATER), store.confirm(sid, "morning", LATER)]

    assert before == 0
    assert confirmed == [True, True]
    assert [member.active_from for member in walk(store, DAILY, LATER)] == [LATER]


def test_only_what_is_pending_can_be_confirmed(store: SubscriberStore) -> None:
    sid = join(store, status=Status.PENDING)
    store.unsubscribe(sid, "morning", "link", NOW)

    assert not store.confirm(sid, "morning", LATER)
    assert not store.confirm(sid, "evening", LATER)
    assert not store.confirm("f" * 32, "morning", LATER)
    assert count(store, DAILY, LATER) == 0


def test_who_leaves_is_still_counted_by_an_edition_cut_before(store: SubscriberStore) -> None:
    sid = join(store, name="Ada", sections=("politics",))

    left = store.unsubscribe(sid, "morning", "one-click", LATER)

    assert left
    assert (count(store, DAILY, NOW), count(store, DAILY, LATER)) == (1, 0)
    assert walk(store, DAILY, LATER) == []
    (tombstone,) = walk(store, DAILY, NOW)
    assert (tombstone.email, tombstone.name, tombstone.sections) == (None, None, ())
    assert (tombstone.gone_at, tombstone.gone_reason) == (LATER, "one-click")


def test_a_tombstone_has_nothing_personal_and_an_end(
    store: SubscriberStore, table: "Table"
) -> None:
    sid = join(store, name="Ada", locale="nl", limit=3)

    store.unsubscribe(sid, "morning", "one-click", LATER)

    item = table.get_item(Key=items.membership_key("morning", DAILY, sid))["Item"]
    assert set(item) == {"PK", "SK", "active_from", "gone_at", "gone_reason", "ttl"}
    assert item["ttl"] == int((LATER + timedelta(days=14)).timestamp())


def test_leaving_twice_or_what_one_never_had_changes_nothing(store: SubscriberStore) -> None:
    sid = join(store)
    store.unsubscribe(sid, "morning", "link", NOW)

    again = [
        store.unsubscribe(sid, "morning", "link", LATER),
        store.unsubscribe(sid, "evening", "link", LATER),
        store.unsubscribe("0" * 32, "morning", "link", LATER),
    ]

    member = store.member("morning", DAILY, sid)
    assert again == [False, False, False]
    assert member is not None
    assert member.gone_at == NOW


def test_leaving_one_newsletter_keeps_the_other(store: SubscriberStore) -> None:
    sid = join(store)
    store.subscribe(signup(newsletter="evening"), NOW, KEY)

    store.unsubscribe(sid, "morning", "link", LATER)

    profile = store.profile(sid)
    assert profile is not None
    assert profile.status is Status.ACTIVE
    assert profile.subscriptions["morning"].status is Status.UNSUBSCRIBED
    assert store.count("evening", DAILY, sid[0], LATER) == 1


def test_moving_leaves_a_tombstone_and_counts_in_the_other_slot(store: SubscriberStore) -> None:
    sid = join(store, name="Ada")

    moved = store.move(sid, MORNING, LATER, slot=TOKYO)

    assert moved
    assert (count(store, DAILY, NOW), count(store, TOKYO, NOW)) == (1, 0)
    assert (count(store, DAILY, LATER), count(store, TOKYO, LATER)) == (0, 1)
    assert [member.name for member in walk(store, TOKYO, MUCH_LATER)] == ["Ada"]
    assert set(store.slots("morning")) == {DAILY, TOKYO}


def test_who_comes_back_is_counted_by_the_editions_of_both_stays(store: SubscriberStore) -> None:
    sid = join(store)
    store.move(sid, MORNING, LATER, slot=TOKYO)
    back = MUCH_LATER + timedelta(hours=1)

    store.move(sid, MORNING, back, slot=DAILY)

    instants = (NOW, LATER, MUCH_LATER, back)
    assert [count(store, DAILY, at) for at in instants] == [1, 0, 0, 1]
    assert [len(walk(store, DAILY, at)) for at in instants] == [1, 0, 0, 1]
    assert [count(store, TOKYO, at) for at in instants] == [0, 1, 1, 0]
    member = store.member("morning", DAILY, sid)
    assert member is not None
    assert (member.email, member.gone_at) == ("Ada@Example.org", None)


EARLY = Slot("daily", "UTC", "06:00")
LATE = Slot("daily", "UTC", "18:00")
TODAY = NOW.replace(hour=18)


def linger(store: SubscriberStore, **choices: Any) -> str:
    """Somebody who at LATER moved from 18:00 to 06:00: today's they still get at the old hour."""
    sid = join(store, slot=LATE, **choices)
    store.move(sid, MORNING, LATER, slot=EARLY)
    return sid


def test_the_slot_left_behind_still_mails_what_it_alone_can_today(store: SubscriberStore) -> None:
    sid = linger(store, name="Ada")
    late = TODAY + timedelta(minutes=5)

    (member,) = walk(store, LATE, late)
    profile = store.profile(sid)

    assert (member.email, member.name) == ("Ada@Example.org", "Ada")
    assert member.gone_reason == "moved"
    # By then the edition was cut, or is too late; tomorrow's the new slot alone brings.
    assert member.gone_at == TODAY + MORNING.max_lateness + timedelta(hours=1)
    assert [count(store, LATE, TODAY + timedelta(days=n)) for n in (0, 1)] == [1, 0]
    assert [one.sid for one in walk(store, EARLY, TODAY + timedelta(days=1))] == [sid]
    assert profile is not None
    assert profile.subscriptions["morning"].left == (Left(LATE, member.gone_at),)
    assert profile.subscriptions["morning"].served == TODAY.date()


def test_another_cadence_begins_after_the_day_that_was_served(store: SubscriberStore) -> None:
    weekly = Slot("weekly", "UTC", "20:00")
    sundays = {"cron": "0 8 * * 0", "timezone": "subscriber"}
    both = newsletter(
        cadences={"daily": {"cron": "0 7 * * *", "timezone": "UTC"}, "weekly": sundays}
    )
    ada = join(store, slot=DAILY)  # at seven, on a Sunday
    ben = join(store, "ben@example.org", slot=Slot("daily", "UTC", "06:00"))

    store.move(ada, both, LATER, slot=weekly)
    store.move(ben, MORNING, LATER, slot=DAILY)

    # Whoever joined after the hour was served nothing yet.
    after, profile = store.member("morning", weekly, ada), store.profile(ben)
    assert after
    assert after.active_from == datetime(2026, 11, 23, tzinfo=UTC)
    assert profile
    assert profile.subscriptions["morning"].served is None


def test_who_lies_in_two_places_is_exported_once(store: SubscriberStore) -> None:
    linger(store)

    rows = list(export(store, MORNING, MUCH_LATER))

    assert [row.cells["time"] for row in rows] == ["06:00"]


def test_leaving_ends_both_places_at_once(store: SubscriberStore, table: "Table") -> None:
    sid = linger(store, name="Ada", locale="nl")

    assert store.unsubscribe(sid, "morning", "one-click", MUCH_LATER)

    assert [count(store, slot, TODAY) for slot in (LATE, EARLY)] == [0, 0]
    # An edition cut before still counts them, and finds no address.
    (tombstone,) = walk(store, LATE, LATER)
    assert (tombstone.email, tombstone.gone_reason) == (None, "one-click")
    assert tombstone.gone_at == MUCH_LATER
    assert_nothing_personal_in_lists(table)


def test_suppression_ends_both_places_at_once(store: SubscriberStore, table: "Table") -> None:
    sid = linger(store, name="Ada")
    store.subscribe(signup(newsletter="evening", slot=LATE), NOW, KEY)
    store.move(sid, EVENING, LATER, slot=EARLY)

    assert store.suppress(sid, "complaint", MUCH_LATER, KEY)

    assert [count(store, slot, TODAY) for slot in (LATE, EARLY)] == [0, 0]
    assert_nothing_personal_in_lists(table)


def test_an_address_stays_in_places_left_earlier_only_until_its_owner_leaves(
    store: SubscriberStore, table: "Table"
) -> None:
    sid = join(store, slot=LATE)
    hours = [Slot("daily", "UTC", f"{hour:02}:00") for hour in range(6)]
    for day, slot in enumerate([EARLY, *hours, LATE]):
        store.move(sid, MORNING, LATER + timedelta(days=day), slot=slot)
    kept, before = addresses(table), store.member("morning", hours[0], sid)

    store.unsubscribe(sid, "morning", "link", LATER + timedelta(days=9))

    # Who came back to a place has it once.
    assert sorted(kept) == sorted(
        items.list_key("morning", slot, sid[0]) for slot in (LATE, EARLY, *hours)
    )
    # Editions cut since they moved out have not counted them, and do not begin to.
    after = store.member("morning", hours[0], sid)
    assert before
    assert after
    assert after.gone_at == before.gone_at
    assert_nothing_personal_in_lists(table)


def test_who_moves_all_day_long_lies_in_a_bounded_number_of_places(
    store: SubscriberStore, table: "Table"
) -> None:
    sid = join(store, slot=LATE)
    for minute in range(50):
        slot = Slot("daily", "UTC", f"05:{minute:02}")
        assert store.move(sid, MORNING, LATER + timedelta(minutes=minute), slot=slot)

    assert len(addresses(table)) == 21
    assert store.unsubscribe(sid, "morning", "link", MUCH_LATER)
    assert_nothing_personal_in_lists(table)


def test_places_whose_tombstones_are_gone_are_forgotten(store: SubscriberStore) -> None:
    sid = linger(store)

    store.move(sid, MORNING, LATER + timedelta(days=20), slot=TOKYO)

    profile = store.profile(sid)
    assert profile is not None
    assert [one.slot for one in profile.subscriptions["morning"].left] == [EARLY]


def test_other_choices_reach_the_slot_that_still_mails_today(store: SubscriberStore) -> None:
    sid = linger(store, sections=("sport",))

    store.move(sid, MORNING, MUCH_LATER, sections=("politics",), limit=3)
    store.move(sid, MORNING, MUCH_LATER + timedelta(days=2), limit=5)

    old, new = store.member("morning", LATE, sid), store.member("morning", EARLY, sid)
    assert old is not None
    assert new is not None
    assert (old.sections, old.limit) == (("politics",), 3)
    assert (new.sections, new.limit) == (("politics",), 5)


def test_who_goes_back_the_same_day_is_counted_once(store: SubscriberStore) -> None:
    sid = linger(store)

    store.move(sid, MORNING, MUCH_LATER, slot=LATE)

    (member,) = walk(store, LATE, TODAY)
    profile = store.profile(sid)
    assert (member.email, member.gone_at) == ("Ada@Example.org", None)
    assert profile is not None
    assert [one.slot for one in profile.subscriptions["morning"].left] == [EARLY]
    assert count(store, EARLY, TODAY) == 0


def addresses(table: "Table") -> list[str]:
    """The places that hold an address."""
    return [
        str(item["PK"])
        for item in table.scan(ConsistentRead=True)["Items"]
        if str(item["PK"]).startswith("L#") and "email" in item
    ]


def assert_nothing_personal_in_lists(table: "Table") -> None:
    memberships = [
        item
        for item in table.scan(ConsistentRead=True)["Items"]
        if str(item["PK"]).startswith("L#")
    ]
    allowed = {"PK", "SK", "active_from", "gone_at", "gone_reason", "was_from", "was_gone", "ttl"}
    assert memberships
    assert all(set(item) <= allowed for item in memberships)


def test_other_sections_leave_no_tombstone(store: SubscriberStore) -> None:
    sid = join(store)

    moved = store.move(sid, MORNING, LATER, sections=("sport", "politics"))

    (member,) = walk(store, DAILY, NOW)
    assert moved
    assert (member.sections, member.active_from) == (("sport", "politics"), NOW)


def test_another_limit_leaves_no_tombstone_and_the_sections_alone(store: SubscriberStore) -> None:
    sid = join(store, sections=("sport",))

    limits = []
    for limit in (4, None, 0):
        assert store.move(sid, MORNING, LATER, limit=limit)
        (member,) = walk(store, DAILY, NOW)
        profile = store.profile(sid)
        assert profile is not None
        assert profile.subscriptions["morning"].limit == member.limit
        assert (member.sections, member.active_from) == (("sport",), NOW)
        limits.append(member.limit)

    # 4, as it was, and the newsletter's own again.
    assert limits == [4, 4, None]


def test_choices_come_along_to_another_slot(store: SubscriberStore) -> None:
    sid = join(store, sections=("sport",), limit=4, locale="nl")

    store.move(sid, MORNING, LATER, slot=TOKYO)

    (member,) = walk(store, TOKYO, LATER)
    assert (member.sections, member.limit, member.locale) == (("sport",), 4, "nl")


def test_who_has_left_can_not_be_moved(store: SubscriberStore) -> None:
    sid = join(store)
    store.unsubscribe(sid, "morning", "link", NOW)

    assert not store.move(sid, MORNING, LATER, slot=TOKYO)
    assert count(store, TOKYO, LATER) == 0


def test_asking_twice_waits_for_one_confirmation_and_an_import_needs_none(
    store: SubscriberStore,
) -> None:
    sid = join(store, status=Status.PENDING)

    asked = store.subscribe(signup(status=Status.PENDING), LATER, KEY, returning=True)
    brought = store.subscribe(signup(), LATER, KEY)

    assert (asked, brought) == (Joining.ALREADY, Joining.ADDED)
    assert [member.sid for member in walk(store, DAILY, LATER)] == [sid]


def test_who_left_and_asks_again_is_pending_until_confirmed(store: SubscriberStore) -> None:
    sid = join(store)
    store.unsubscribe(sid, "morning", "link", NOW)

    answer = store.subscribe(signup(status=Status.PENDING), LATER, KEY, returning=True)

    assert answer is Joining.ADDED
    assert count(store, DAILY, LATER) == 0
    assert store.confirm(sid, "morning", LATER)
    assert count(store, DAILY, LATER) == 1


def test_moving_to_where_one_is_changes_nothing(store: SubscriberStore) -> None:
    sid = join(store)

    moved = store.move(sid, MORNING, LATER, slot=DAILY, sections=())

    profile = store.profile(sid)
    assert moved
    assert profile is not None
    assert profile.version == 1


def test_who_left_comes_back_only_by_asking(store: SubscriberStore) -> None:
    sid = join(store)
    store.unsubscribe(sid, "morning", "link", NOW)

    by_import = store.subscribe(signup(), LATER, KEY)
    to_another = store.subscribe(signup(newsletter="evening"), LATER, KEY)
    by_asking = store.subscribe(signup(), LATER, KEY, returning=True)

    assert (by_import, to_another, by_asking) == (Joining.LEFT, Joining.LEFT, Joining.ADDED)
    assert [member.sid for member in walk(store, DAILY, LATER)] == [sid]


def test_suppression_ends_everything_and_outlives_the_profile(
    store: SubscriberStore, table: "Table"
) -> None:
    sid = join(store)
    store.subscribe(signup(newsletter="evening", slot=TOKYO), NOW, KEY)

    done = [store.suppress(sid, "complaint", LATER, KEY) for _ in range(2)]
    table.delete_item(Key=items.profile_key(sid))
    table.delete_item(Key=items.lookup_key(KEY.digest("ada@example.org")))

    assert done == [True, False]
    assert count(store, DAILY, LATER) == 0
    assert store.count("evening", TOKYO, sid[0], LATER) == 0
    assert count(store, DAILY, NOW) == 1
    assert store.suppressed("ADA@example.ORG", KEY)
    assert store.subscribe(signup(), LATER, KEY, returning=True) is Joining.SUPPRESSED


def test_a_range_narrows_a_shard(store: SubscriberStore) -> None:
    store.subscribe_all([signup(f"reader{n}@example.org") for n in range(99)], NOW, KEY)

    whole = store.count("morning", DAILY, "a", LATER)
    parts = [store.count("morning", DAILY, f"a{digit}", LATER) for digit in SHARDS]
    first = store.page("morning", DAILY, "a", LATER, limit=1)

    assert sum(parts) == whole
    assert count(store, DAILY, LATER) == 99
    assert len({member.sid for member in walk(store, DAILY, LATER)}) == 99
    assert [member.sid for member in first.members] == [first.cursor]


def test_a_change_that_another_crossed_is_decided_anew(
    store: SubscriberStore, table: "Table", monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = join(store)
    store.subscribe(signup(newsletter="evening"), NOW, KEY)
    read, other = store.profile, SubscriberStore(table)

    def read_then_crossed(of: str) -> Profile | None:
        profile = read(of)
        other.unsubscribe(of, "evening", "crossed", NOW)
        return profile

    monkeypatch.setattr(store, "profile", read_then_crossed)

    done = store.unsubscribe(sid, "morning", "link", LATER)

    profile = read(sid)
    assert done
    assert profile is not None
    assert {one.status for one in profile.subscriptions.values()} == {Status.UNSUBSCRIBED}
    assert profile.version == 4


@pytest.mark.parametrize("reason", ["TransactionConflict", "ConditionalCheckFailed"])
def test_a_transaction_that_met_another_is_tried_again(
    store: SubscriberStore, table: "Table", monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    sid = join(store)
    client = table.meta.client
    write, met = client.transact_write_items, iter([True, False])

    def transact(**request: Any) -> Any:
        if next(met):
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": "None"}, {"Code": reason}],
            }
            raise ClientError(answer, "TransactWriteItems")
        return write(**request)

    monkeypatch.setattr(store._table.meta.client, "transact_write_items", transact)

    assert store.unsubscribe(sid, "morning", "link", LATER)


def test_an_error_that_is_no_conflict_comes_through(
    store: SubscriberStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = join(store)

    def transact(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems")

    monkeypatch.setattr(store._table.meta.client, "transact_write_items", transact)

    with pytest.raises(ClientError):
        store.unsubscribe(sid, "morning", "link", LATER)


def test_a_change_that_always_loses_says_so(
    store: SubscriberStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = join(store)
    stale = store.profile(sid)
    assert stale is not None
    monkeypatch.setattr(store, "profile", lambda _: replace(stale, version=99))

    with pytest.raises(Conflict):
        store.unsubscribe(sid, "morning", "link", LATER)

    assert count(store, DAILY, LATER) == 1


def test_a_slot_knows_the_locales_of_its_readers(store: SubscriberStore) -> None:
    before = store.locales("morning")
    join(store, "ada@example.org")
    join(store, "bob@example.org", locale="nl")
    join(store, "eve@example.org", locale="ar", slot=TOKYO)
    join(store, "fay@example.org", locale="de", newsletter="evening")

    assert before == frozenset()
    assert store.locales("morning") == {"nl", "ar"}
    assert store.locales("evening") == {"de"}
    assert set(store.slots("morning")) == {DAILY, TOKYO}


def test_whoever_was_not_confirmed_opens_no_slot_and_brings_no_locale(
    store: SubscriberStore,
) -> None:
    sid = join(store, locale="nl", status=Status.PENDING)
    before = [*store.slots("morning"), *store.locales("morning")]

    store.confirm(sid, "morning", LATER)

    assert before == []
    assert [*store.slots("morning"), *store.locales("morning")] == [DAILY, "nl"]


def test_a_second_newsletter_has_the_locale_of_the_profile_not_of_the_form(
    store: SubscriberStore,
) -> None:
    sid = join(store, locale="nl")

    store.subscribe(signup(newsletter="evening", locale="de"), LATER, KEY)

    member = store.member("evening", DAILY, sid)
    assert member is not None
    assert member.locale == "nl"
    assert "nl" in store.locales("evening")


@pytest.mark.parametrize("seed", range(3))
def test_no_member_has_a_locale_that_no_slot_knows(
    store: SubscriberStore, table: "Table", monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever people do, and at whichever write the process dies."""
    chance = random.Random(seed)
    write = table.meta.client.transact_write_items
    slots = (DAILY, TOKYO, Slot("weekly"))

    def dies_now_and_then(**request: Any) -> Any:
        if chance.random() < 0.2:
            raise KeyboardInterrupt
        return write(**request)

    monkeypatch.setattr(store._table.meta.client, "transact_write_items", dies_now_and_then)
    for step in range(60):
        at = NOW + timedelta(minutes=step)
        email = f"reader{chance.randrange(8)}@example.org"
        letter, slot = chance.choice((MORNING, EVENING)), chance.choice(slots)
        newsletter = letter.id
        sid = store.find(email, KEY) or "0" * 32
        asked = signup(
            email,
            newsletter=newsletter,
            slot=slot,
            locale=chance.choice((None, "nl", "nl-BE", "ar", "de")),
            status=chance.choice((Status.ACTIVE, Status.PENDING)),
        )
        acts: list[Callable[[], object]] = [
            partial(store.subscribe, asked, at, KEY, returning=chance.random() < 0.5),
            partial(store.confirm, sid, newsletter, at),
            partial(store.move, sid, letter, at, slot=slot),
            partial(store.move, sid, letter, at, limit=chance.randrange(9)),
            partial(store.unsubscribe, sid, newsletter, "link", at),
        ]
        with suppress(KeyboardInterrupt):
            chance.choices(acts, (5, 2, 3, 1, 2))[0]()
        here = table.scan(ConsistentRead=True)["Items"]
        members = [item for item in here if str(item["PK"]).startswith("L#")]
        for item in members:
            _, of, in_slot, _ = str(item["PK"]).split("#")
            assert Slot.parse(in_slot) in store.slots(of)
            assert "locale" not in item or item["locale"] in store.locales(of)
    assert len(members) > 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        ("ada@bücher.example", "ADA@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@bücher.example"),
        ("é@example.org", "e\u0301@example.org"),
        (" ada@example.org ", "ada@example.org"),
    ],
)
def test_spellings_of_one_mailbox_have_one_key(one: str, other: str) -> None:
    assert KEY.digest(one) == KEY.digest(other)


def test_plus_addresses_and_dots_are_other_mailboxes() -> None:
    spellings = ("ada@example.org", "ada+news@example.org", "a.da@example.org")

    assert len({KEY.digest(spelling) for spelling in spellings}) == 3
    assert AddressKey(b"another").digest(spellings[0]) != KEY.digest(spellings[0])


def test_a_domain_that_is_none_still_has_a_spelling() -> None:
    assert normalised("ada@-ü-..") == "ada@-ü-.."
