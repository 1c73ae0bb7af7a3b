"""The subscribers table: people join, change and leave. What a change is, ``changes`` decides.

A method that takes an address also takes the key that hides it; most functions hold none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from courant import aws
from courant.errors import Conflict
from courant.newsletter import Newsletter
from courant.schedule import Slot
from courant.subscribers import changes, items
from courant.subscribers.address import AddressKey
from courant.subscribers.changes import Change
from courant.subscribers.lists import MemberLists
from courant.subscribers.model import Joining, Profile, Signup, Status, new_sid

# DynamoDB takes 100 items a transaction; somebody new is three.
AT_ONCE = 33
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Outcome:
    profile: Profile | None  # as it is now
    changed: bool

    def is_active(self, newsletter_id: str) -> bool:
        found = self.profile.subscriptions.get(newsletter_id) if self.profile else None
        return found is not None and found.status is Status.ACTIVE


class SubscriberStore(MemberLists):
    """Everything about subscribers; the send path needs only ``MemberLists`` of it."""

    def profile(self, sid: str) -> Profile | None:
        """One person, read strongly."""
        item = self._get(items.profile_key(sid))
        return items.profile_of(item) if item else None

    def find(self, email: str, key: AddressKey) -> str | None:
        """The sid behind an address."""
        item = self._get(items.lookup_key(key.digest(email)))
        return str(item["sid"]) if item else None

    def suppressed(self, email: str, key: AddressKey) -> bool:
        """Whether an address is barred for good."""
        return self._get(items.suppression_key(key.digest(email))) is not None

    def subscribe(
        self, signup: Signup, now: datetime, key: AddressKey, *, returning: bool = False
    ) -> Joining:
        """Let somebody join; the same sign-up again changes nothing.

        ``returning`` is for those who ask themselves: it lets one who left come back.
        """
        return self.subscribe_all((signup,), now, key, returning=returning)[0]

    def subscribe_all(
        self,
        signups: Sequence[Signup],
        now: datetime,
        key: AddressKey,
        *,
        returning: bool = False,
    ) -> tuple[Joining, ...]:
        """``subscribe`` for many, newcomers together in one transaction; answers in order."""
        self._open_for(one for one in signups if one.status is Status.ACTIVE)
        answers: list[Joining] = []
        for start in range(0, len(signups), AT_ONCE):
            batch = signups[start : start + AT_ONCE]
            answers += self._subscribe_batch(batch, now, key, returning=returning)
        return tuple(answers)

    def confirm(self, sid: str, newsletter_id: str, now: datetime) -> bool:
        """A pending subscription becomes active; True also when it already was.

        Raises:
            Conflict: others kept changing the profile, so nothing was changed (so do the others).
        """
        done = self._change(sid, lambda profile: changes.confirm(profile, newsletter_id, now))
        return done.is_active(newsletter_id)

    def move(
        self,
        sid: str,
        newsletter: Newsletter,
        now: datetime,
        *,
        slot: Slot | None = None,
        sections: tuple[str, ...] | None = None,
        limit: int | None = None,
    ) -> bool:
        """Another slot or other choices; False when there is no active subscription.

        None is as it was; no ``sections`` are all, and a ``limit`` of 0 is the newsletter's own.
        Whatever slot, each local date is served once (``moving``).
        """

        def decide(profile: Profile) -> Change | None:
            since = self._in_slot_since(profile, newsletter.id) or now
            return changes.move(profile, newsletter, slot, sections, limit, now, since)

        return self._change(sid, decide).is_active(newsletter.id)

    def unsubscribe(self, sid: str, newsletter_id: str, reason: str, now: datetime) -> bool:
        """Leave a newsletter; True when this call ended it. Again changes nothing."""
        return self._change(
            sid, lambda profile: changes.unsubscribe(profile, newsletter_id, reason, now)
        ).changed

    def suppress(self, sid: str, reason: str, now: datetime, key: AddressKey) -> bool:
        """No mail of ours ever again; True when this call did it.

        The address stays barred whatever becomes of the profile.
        """
        return self._change(
            sid,
            lambda profile: changes.suppress(profile, reason, key.digest(profile.email), now),
        ).changed

    def _in_slot_since(self, profile: Profile, newsletter_id: str) -> datetime | None:
        subscription = profile.subscriptions.get(newsletter_id)
        if subscription is None or subscription.status is not Status.ACTIVE:
            return None
        member = self.member(newsletter_id, subscription.slot, profile.sid)
        return member.active_from if member else None

    def _open_for(self, signups: Iterable[Signup]) -> None:
        found: dict[tuple[str, Slot], set[str]] = {}
        for one in signups:
            locales = found.setdefault((one.newsletter, one.slot), set())
            locales |= {one.locale} if one.locale else set()
        for (newsletter, slot), locales in found.items():
            self._open(newsletter, slot, locales)

    def _open(self, newsletter_id: str, slot: Slot, locales: Collection[str]) -> None:
        # Before any membership, so that none lies in a slot that nobody looks into, or has a
        # locale that no page is made for. Nothing is ever taken out again: a locale too many
        # costs a page, one too few a reader's language. Hence a move could do without (who moves
        # had their locale in the slot they leave, and readers of it look at all slots of the
        # newsletter); it comes here for the slot's sake.
        self._table.update_item(**items.slot_update(newsletter_id, slot, locales))

    def _subscribe_batch(
        self, batch: Sequence[Signup], now: datetime, key: AddressKey, *, returning: bool
    ) -> list[Joining]:
        digests = [key.digest(signup.email) for signup in batch]
        known, barred = self._look_up(digests)
        newcomers: dict[str, Signup] = {}
        for digest, signup in zip(digests, batch, strict=True):
            if digest not in known | barred:
                newcomers.setdefault(digest, signup)
        if not self._put_newcomers(newcomers, now):
            newcomers.clear()  # one has just joined elsewhere; so each for itself
        answers: list[Joining] = []
        for digest, signup in zip(digests, batch, strict=True):
            if digest in barred:
                answers.append(Joining.SUPPRESSED)
            elif newcomers.pop(digest, None) is not None:
                answers.append(Joining.ADDED)
            else:
                answers.append(self._subscribe_one(signup, digest, now, returning=returning))
        return answers

    def _subscribe_one(
        self, signup: Signup, digest: str, now: datetime, *, returning: bool
    ) -> Joining:
        for _ in range(_ATTEMPTS):
            lookup = self._get(items.lookup_key(digest))
            if lookup is None:
                if self._put_newcomers({digest: signup}, now):
                    return Joining.ADDED
                continue
            done = self._change(
                lookup["sid"],
                lambda profile: changes.join(profile, signup, now, returning=returning),
            )
            if done.changed:
                return Joining.ADDED
            if done.profile is not None:
                return changes.may_join(done.profile, signup, returning=returning)
        raise Conflict("somebody else keeps changing the same address")

    def _put_newcomers(self, newcomers: Mapping[str, Signup], now: datetime) -> bool:
        return aws.transact(
            self._table,
            (
                {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(PK)"}}
                for digest, signup in newcomers.items()
                for item in changes.newcomer(signup, new_sid(), digest, now)
            ),
        )

    def _change(self, sid: str, decide: Callable[[Profile], Change | None]) -> _Outcome:
        for _ in range(_ATTEMPTS):
            profile = self.profile(sid)
            if profile is None or (change := decide(profile)) is None:
                return _Outcome(profile, changed=False)
            after = replace(change.profile, version=profile.version + 1)
            if change.enters is not None:
                slot = after.subscriptions[change.enters].slot
                # The profile's locale, as the membership has it; a sign-up may have named another.
                self._open(change.enters, slot, [after.locale] if after.locale else [])
            put = {
                "Item": items.profile_item(after),
                "ConditionExpression": "version = :version",
                "ExpressionAttributeValues": {":version": profile.version},
            }
            if aws.transact(self._table, ({"Put": put}, *change.writes)):
                return _Outcome(after, changed=True)
        raise Conflict(f"somebody else keeps changing subscriber {sid}")

    def _look_up(self, digests: Iterable[str]) -> tuple[set[str], set[str]]:
        """Which of the digests we know, and which are barred."""
        keys = [
            key(one) for one in set(digests) for key in (items.lookup_key, items.suppression_key)
        ]
        found: dict[str, set[str]] = {"E": set(), "X": set()}
        request: Any = {self._table.name: {"Keys": keys, "ConsistentRead": True}}
        while request:
            answer = self._table.meta.client.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._table.name, []):
                kind, digest = str(item["PK"]).split("#", 1)
                found[kind].add(digest)
            request = answer.get("UnprocessedKeys")
        return found["E"], found["X"]
