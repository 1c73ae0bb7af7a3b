"""What must hold of every edition, whatever went wrong: while it runs, and when it is at rest.

I1   at most one live claim, so one SES call at a time, for an edition and a reader
I2   SES takes a digest once; with policy ``auto`` again only if the first was ambiguous, and no
     event of it had come
I3   members at the cut, as we counted them = sent + skipped + failed + unresolved + had + cancelled
I4   no SES call later than 60 s after a reader left, what faults held it up aside
I5   sent says that SES took it; failed and skipped, that nobody got it (by the last try)
I6   a final state stays (unresolved may still be heard of, or be tried again)
I7   all mails of a pressing are of the pressing that was frozen
I8   no new SES call later than 5 s after a pause or a cancellation was written, calls of ours that
     faults held up aside
I9   no more SES calls in a second than the account may make
I10  only members of the edition are mailed
I11  unattended, an edition's first mail goes out within max_lateness
I12  after the epoch was raised, nobody who knows it sends an edition of an older one
rest every edition comes to its end
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from courant.delivery.chunks import ChunkState, ChunkStore
from courant.delivery.feedback import edition_of
from courant.editions.model import OPEN, Edition, EditionState, PressingState
from courant.editions.store import EditionStore
from courant.newsletter import Policy
from courant.schedule import EditionId
from tests.simulation.expressions import Item
from tests.simulation.play import Play
from tests.simulation.seams import SesCall
from tests.simulation.table import Key
from tests.simulation.world import SECOND

_UNSENT = frozenset({EditionState.CANCELLED, EditionState.SKIPPED, EditionState.EXPIRED})
_LEAVING, _PAUSING = 60 * SECOND, 5 * SECOND
# Between looking at the clock and the first mail of a chunk: a page's turn at SES.
_WALKING = timedelta(seconds=35)
# What may follow a row's state. Whatever an event says, a final state stays.
_NEXT: dict[str | None, frozenset[str]] = {
    None: frozenset({"claimed", "skipped"}),
    "claimed": frozenset({"claimed", "sent", "failed", "retry", "unknown", "unresolved"}),
    "unknown": frozenset({"sent", "failed", "unresolved", "retry"}),
    "retry": frozenset({"claimed", "skipped", "sent", "failed", "unresolved"}),
    "unresolved": frozenset({"unresolved", "sent", "failed", "retry"}),
    "sent": frozenset({"sent"}),
    "failed": frozenset({"failed"}),
    "skipped": frozenset({"skipped"}),
}


@dataclass(slots=True)
class Judge:
    """Sees a play, and keeps what it broke."""

    play: Play
    broken: list[str] = field(default_factory=list)
    excused: int = 0
    states: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    epochs: dict[str, str] = field(default_factory=dict)
    begun: set[tuple[str, str]] = field(default_factory=set)
    slots: dict[str, str] = field(default_factory=dict)
    """attempt → the slot that it was claimed in"""

    def __post_init__(self) -> None:
        play = self.play
        play.ledger_table.watch = self._row
        play.content.watch = self._edition_row
        play.ses.on_call = self._call
        play.ses.on_accept = self._accept
        play.world.odd = self._odd  # type: ignore[method-assign]  # a hook

    def break_(self, law: str, what: str) -> None:
        """A law was broken."""
        self.broken.append(f"{law}: {what}")
        self.play.world.note(f"‼ {law}: {what}")

    # ── while it runs ────────────────────────────────────────────────────────────────────────────

    def _odd(self, me: Any, failure: Exception) -> None:
        if type(failure).__name__ != "Conflict":
            self.break_("error", f"{me} raised {failure!r}")

    def _row(self, key: Key, before: Item | None, after: Item | None) -> None:
        if not key[0].startswith("D#"):
            return
        assert after is not None, "rows are never deleted"
        self.play.changes += 1
        was, now = before["st"] if before else None, after["st"]
        if now not in _NEXT[was]:
            self.break_("I6", f"{key} went from {was} to {now}")
        if now == "claimed":
            self.slots[after["att"]] = after["chunk"].split("#")[1]
        if now == "sent" and (call := self.play.ses.attempts.get(after.get("att") or "")):
            call.recorded = True

    def _left(self, call: SesCall) -> None:
        """I4, of a call that begins."""
        slot = self.slots.get(call.attempt)
        since = next(
            (
                self.play.registry.gone(one, call.sid, self.play.world.now)
                for one in self.play.registry.slots_of(call.sid)
                if str(one) == slot
            ),
            None,
        )
        if since is not None and self.play.world.now - since > _LEAVING + call.invocation.slowed:
            late = (self.play.world.now - since) / SECOND
            self.break_("I4", f"{call.sid[:6]} is mailed {late:.0f} s after leaving {slot}")

    def _edition_row(self, key: Key, before: Item | None, after: Item | None) -> None:
        if after is None or not key[1].startswith("E#"):
            return
        if before is None or before["st"] != after["st"]:
            tag = EditionId.parse(after["edition"]).tag
            self.play.changes += 1
            self.epochs.setdefault(tag, after["epoch"])
            self.states.setdefault(tag, []).append((self.play.world.now, after["st"]))

    def _call(self, call: SesCall) -> None:
        now = self.play.world.now
        edition = edition_of(call.edition)
        assert edition is not None, "a tag of ours"
        self._left(call)
        for other in self.play.ses.calls[-9:-1]:
            # Over is a call whose answer came, or whose invocation is dead.
            if (other.edition, other.sid) == (call.edition, call.sid) and not (
                other.over or other.invocation.dead
            ):
                self.break_("I1", f"two SES calls at once for {call.sid[:6]}")
        stopped = None
        for when, state in self.states.get(call.edition, ()):
            stopped = (stopped or when) if state in {"paused", "cancelled"} else None
        if stopped is not None and now - stopped > _PAUSING + call.invocation.slowed:
            late = (now - stopped) / SECOND
            self.break_("I8", f"SES was called {late:.1f} s after the edition was stopped")
        self._first(edition, call)
        if self.epochs[call.edition] != call.invocation.epoch:
            self.break_("I12", f"{call.sid[:6]} was sent by a stack of another epoch")

    def _first(self, edition_id: EditionId, call: SesCall) -> None:
        """I11, for each instant of an edition: its first call is in time, or somebody wanted it."""
        play = self.play
        row = play.ledger_table.partitions[f"D#{edition_id}#{call.sid[0]}"][call.sid]
        instant = row["chunk"].partition("Z.")[0]
        if (call.edition, instant) in self.begun:
            return
        self.begun.add((call.edition, instant))
        edition = next(one for one in play.standing() if one.id == edition_id)
        if edition.may_be_late:
            return
        due = datetime.fromisoformat(f"{instant}Z")
        late = play.world.clock() - due - play.newsletter.max_lateness - _WALKING
        allowed = call.invocation.slowed + play.world.most_skew * 2
        if late > timedelta(microseconds=allowed):
            self.break_("I11", f"the first mail of {instant} was {late} too late")

    def _accept(self, call: SesCall, raw: bytes) -> None:
        play = self.play
        # What SES dropped after it had taken it, nobody got.
        before = [
            one
            for one in play.ses.accepts[call.edition, call.sid]
            if one is not call and not one.rejected
        ]
        if before and self._excused(call, before):
            self.excused += 1
        elif before:
            self.break_("I2", f"{call.sid[:6]} got {call.edition} {len(before) + 1} times")
        start = raw.find(b"mark")
        mark = raw[start : start + 16] if start >= 0 else b""
        play.ses.marks.setdefault(call.sid, set()).add(mark)
        frozen = {
            one.pressings[0].masthead.sender_name.encode()
            for key, one in play.bucket.frozen.items()
            if key[0].tag == call.edition
        }
        if mark not in frozen:
            self.break_("I7", f"{call.sid[:6]} got {mark!r}, and frozen is {frozen}")

    def _excused(self, call: SesCall, before: list[SesCall]) -> bool:
        """Whether sending again was right by all that could be known."""
        play = self.play
        edition = next(one for one in play.standing() if one.id.tag == call.edition)
        asked = play.script.policy is Policy.AUTO or edition.resend_before is not None
        return asked and all(
            not one.recorded and (one.heard is None or one.heard > call.started) for one in before
        )

    # ── at rest ──────────────────────────────────────────────────────────────────────────────────

    def rest(self) -> Counter[str]:
        """Check all editions at their end; what became of the digests, counted."""
        play = self.play
        outcomes: Counter[str] = Counter()
        self._pace()
        for edition in play.standing():
            self._edition(edition, outcomes)
        made = {edition.id for edition in play.standing()}
        for missing in set(play.script.editions) - made:
            self.break_("rest", f"{missing} never came to be")
        return outcomes

    def _edition(self, edition: Edition, outcomes: Counter[str]) -> None:
        play = self.play
        if edition.epoch != play.epoch:
            outcomes["edition: of an older epoch"] += 1
            return
        outcomes[f"edition: {edition.state.value}"] += 1
        if edition.state in OPEN:
            self.break_("rest", f"{edition.id} is still {edition.state.value}: {edition.reason}")
            return
        if play.queues.waiting:
            self.break_("rest", f"{play.queues.waiting} messages are still in queues")
        chunks = ChunkStore(play.ledger_table).of_edition(edition.id)  # type: ignore[arg-type]  # as much of a Table as stores use
        rows = {
            item["SK"]: item
            for item in play.ledger_table.all()
            if item["PK"].startswith(f"D#{edition.id}#")
        }
        mailed = {sid for tag, sid in play.ses.accepts if tag == edition.id.tag}
        for chunk in chunks:
            if chunk.state is not ChunkState.DONE:
                self.break_("rest", f"{chunk.id} is {chunk.state.value} in an edition that is over")
            elif chunk.counts.total != chunk.members:
                self.break_("I3", f"{chunk.id} has {chunk.members} members and {chunk.counts}")
            self._recounted(chunk, rows)
        self._members(edition, chunks, rows, mailed)
        for sid, row in rows.items():
            self._outcome(edition, sid, row, mailed)
            outcomes[row["st"]] += 1
        unresolved = any(chunk.counts.unresolved for chunk in chunks)
        if edition.state is EditionState.SENT and unresolved:
            self.break_("I3", f"{edition.id} is sent, with unresolved")

    def _recounted(self, chunk: Any, rows: dict[str, Item]) -> None:
        found = Counter(row["st"] for row in rows.values() if row["chunk"] == chunk.id)
        said = {
            name: getattr(chunk.counts, name)
            for name in ("sent", "skipped", "failed", "unresolved")
            if getattr(chunk.counts, name)
        }
        if said != dict(found):
            self.break_("I3", f"{chunk.id} says {said}, its rows {dict(found)}")

    def _members(
        self, edition: Edition, chunks: Any, rows: dict[str, Item], mailed: set[str]
    ) -> None:
        play = self.play
        everybody: set[str] = set()
        for (of, instant), frozen in play.bucket.frozen.items():
            if of != edition.id:
                continue
            cut = play.bucket.frozen_at[of, instant]
            record = EditionStore(play.content).pressing(of, instant)  # type: ignore[arg-type]  # as much of a Table as stores use
            pressed = record is not None and record.state in {
                PressingState.PRESSED,
                PressingState.DONE,
            }
            mine = [chunk for chunk in chunks if chunk.instant == frozen.instant]
            if not mine and edition.state in _UNSENT:
                continue
            for slot in (slot for one in frozen.pressings for slot in one.slots):
                surely, perhaps = play.registry.members(slot, frozen.cut_at, cut)
                counted = sum(chunk.members for chunk in mine if chunk.slot == slot)
                if edition.state is EditionState.CANCELLED and not pressed:
                    everybody |= surely | perhaps
                    continue  # compose was stopped on its way
                if not len(surely) <= counted <= len(surely) + len(perhaps):
                    self.break_(
                        "I3", f"{slot} has {len(surely)}+{len(perhaps)} members, counted {counted}"
                    )
                everybody |= surely | perhaps
                if edition.state is not EditionState.CANCELLED and mine:
                    for lost in surely - rows.keys():
                        self.break_("I3", f"{lost[:6]} of {slot} is forgotten")
        for stranger in mailed - everybody:
            self.break_("I10", f"{stranger[:6]} is no member, and was mailed")

    def _outcome(self, edition: Edition, sid: str, row: Item, mailed: set[str]) -> None:
        play = self.play
        state = row["st"]
        calls = play.ses.accepts.get((edition.id.tag, sid), [])
        if state == "sent" and sid not in mailed:
            self.break_("I5", f"{sid[:6]} is sent, and SES never took it")
        taken = [call for call in calls if not call.rejected]
        if state in {"failed", "skipped"} and taken:
            self.break_("I5", f"{sid[:6]} is {state} ({row.get('reason')}), and SES took it")
        if state in {"claimed", "unknown", "retry"}:
            self.break_("I3", f"{sid[:6]} is {state} in an edition that is over")
        if state == "unresolved":
            if not self._ambiguous(edition, sid):
                self.break_("I3", f"{sid[:6]} is unresolved, and nothing was ambiguous")
            # That SES dropped an attempt does not say what became of another.
            again = row.get("doubt") is not None
            if any(call.heard is not None and not (call.rejected and again) for call in calls):
                self.break_("I5", f"{sid[:6]} is unresolved, and was heard of")

    def _ambiguous(self, edition: Edition, sid: str) -> bool:
        """Whether something went wrong that may leave a digest's fate unknown."""
        del edition, sid
        return bool(self.play.world.faults)

    def _pace(self) -> None:
        """I9, of calls that no fault held up, so that they go later than in their turn."""
        play = self.play
        if play.world.most_skew:
            return
        started = [call.started for call in play.ses.calls if not call.invocation.slowed]
        most = int(play.ses.max_rate) + 1
        for first, last in zip(started, started[most:], strict=False):
            if last - first < SECOND:
                self.break_("I9", f"{most + 1} SES calls in {(last - first) / SECOND:.3f} s")
                return


def judged(seed: int, *, trace: bool = False) -> tuple[Play, Judge, Counter[str]]:
    """Play a seed, and judge it."""
    play = Play(seed, trace=trace)
    judge = Judge(play)
    play.run()
    return play, judge, judge.rest()
