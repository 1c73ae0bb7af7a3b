"""The model of one delivery: one reader, one edition, and everything that may go wrong with it.

Readers are independent (each has their own ledger row), so one is enough. Time is abstract: a
lease has run out when its owner is dead, and the grace is over when every event has come that is
not lost or late. Both are what the fence, the lease beyond the deadline and the grace are for; the
mutants take them away.

Two chunks may hold the reader (they moved to another slot), and two invocations run at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from courant.newsletter import Policy


class Row(StrEnum):
    """The ledger row; ``NONE`` is no row."""

    NONE = "none"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    RETRY = "retry"
    UNKNOWN = "unknown"
    UNRESOLVED = "unresolved"
    SKIPPED = "skipped"


OPEN_ROWS = frozenset({Row.CLAIMED, Row.UNKNOWN, Row.RETRY})
# What an event may still change.
TELLABLE = OPEN_ROWS | {Row.UNRESOLVED}


class At(StrEnum):
    """Where an invocation stands with this reader."""

    IDLE = "idle"
    WALK = "before the claim"
    HELD = "claimed, SES not asked"
    YES = "SES has it"
    DUNNO = "no answer"
    NO = "surely not sent"
    REFUSED = "address refused"
    SEEN = "done with the reader"
    END = "past the last reader"
    SETTLE = "settling"
    OVERDUE = "has read a row to be settled"
    AGAIN = "has read a doubtful row to be tried again"
    AGREED = "has read a row that the editor wants tried again"


HOLDING = frozenset({At.HELD, At.YES, At.DUNNO, At.NO, At.REFUSED})


class Word(StrEnum):
    """The event of one accepted mail."""

    COMING = "coming"  # within the grace
    LATE = "late"  # some day
    LOST = "lost"
    TOLD = "told"


class Worker(NamedTuple):
    """One invocation. ``attempt`` is the one it holds, or read before settling; 0 is none.

    ``stale``: it stalled until its leases had run out, and lives. Lambda kills it before that, so
    this asks more than is needed; it never stalls between its last look at the clock and SES.
    """

    at: At = At.IDLE
    chunk: int = 0
    attempt: int = 0
    stale: bool = False
    reopened: int = 0  # how often the row had been when it was read


class Walk(NamedTuple):
    """One chunk's row. ``holder`` is the worker with the lease, from 1; ``past``: the cursor."""

    state: str = "open"
    past: bool = False
    holder: int = 0


class Mail(NamedTuple):
    """One mail that SES accepted. ``rejected``: SES found a virus in it, and says so."""

    attempt: int
    word: Word
    rejected: bool = False


class State(NamedTuple):
    """Everything. ``faults`` are those that may still come, ``consents`` the editor's."""

    faults: int
    consents: int
    walks: tuple[Walk, ...]
    workers: tuple[Worker, ...]
    row: Row = Row.NONE
    attempt: int = 0
    owner: int = 0
    tries: int = 0
    edition: str = "sending"
    gone: bool = False
    mails: tuple[Mail, ...] = ()
    cut: bool = False  # a claim's fate was cut off: a crash or no answer
    silences: int = 0  # events lost or late, one by one
    outage: bool = False  # no event comes at all
    consented: int = 0
    cancelled: bool = False  # by the editor, some time
    unwanted: bool = False  # claimed although the reader had left, or after pause or cancel
    refused: bool = False  # SES refused the address
    agreed: bool = False  # this UNRESOLVED row was there when the editor agreed
    reopened: int = 0  # put up for another try although the mail may be out
    doubt: int = 0  # the first attempt that was
    attempts: int = 0  # handed out so far


@dataclass(frozen=True, slots=True)
class Rules:
    """The guards of the protocol. Each is true; a mutant drops one."""

    claim_checks: bool = True
    claim_knows_its_own: bool = True
    record_checks_attempt: bool = True
    record_after_send: bool = True
    one_attempt: bool = True
    doubt_is_unknown: bool = True
    throttled_is_retry: bool = True
    fenced: bool = True
    lease_outlives: bool = True
    grace: bool = True
    events: bool = True
    final_stays: bool = True
    event_is_of_this_attempt: bool = True
    settle_checks_row: bool = True
    reopen_checks_row: bool = True
    reopen_asks_consent: bool = True
    doubt_stays: bool = True
    skip_checks: bool = True
    gone_are_skipped: bool = True
    paused_stops: bool = True
    cancel_stops: bool = True
    cursor_after_reader: bool = True
    close_checks_lease: bool = True
    close_checks_rows: bool = True
    take_checks_lease: bool = True
    dead_lose_the_lease: bool = True
    auto_checks_health: bool = True
    auto_bounded: bool = True
    second_pass: bool = True
    unknown_settles: bool = True


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of the world to look at."""

    policy: Policy = Policy.STRICT
    faults: int = 3
    consents: int = 1
    chunks: int = 1
    workers: int = 2
    tries: int = 3  # the bound of the auto policy

    def start(self) -> State:
        """Before anybody did anything."""
        return State(
            self.faults, self.consents, (Walk(),) * self.chunks, (Worker(),) * self.workers
        )


class Step(NamedTuple):
    """One step: what it is, whether it is a fault or an act of somebody's, and where it leads."""

    name: str
    after: State
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """All steps of all states."""

    scope: Scope = Scope()
    rules: Rules = Rules()

    def steps(self, s: State) -> Iterator[Step]:
        """What may happen next."""
        for number, worker in enumerate(s.workers):
            if worker.at is At.IDLE:
                yield from self._take(s, number)
            else:
                yield from self._work(s, number, worker)
                if s.faults:
                    yield from self._dying(s, number, worker)
        yield from self._events(s)
        yield from self._people(s)

    # ── one invocation ───────────────────────────────────────────────────────────────────────────

    def _take(self, s: State, number: int) -> Iterator[Step]:
        if s.edition in {"paused", "closed"}:
            return
        for index, walk in enumerate(s.walks):
            free = not walk.holder
            if not free:
                holder = s.workers[walk.holder - 1]
                alive = holder.at is not At.IDLE and holder.chunk == index
                if not alive or holder.stale:
                    free = self.rules.dead_lose_the_lease
                else:
                    free = not (self.rules.lease_outlives and self.rules.take_checks_lease)
            if free and walk.state != "done":
                at = At.SETTLE if walk.state == "settling" else At.END if walk.past else At.WALK
                taken = _walk(s, index, walk._replace(holder=number + 1))
                yield Step("take", _worker(taken, number, Worker(at, index)))

    def _dying(self, s: State, number: int, w: Worker) -> Iterator[Step]:
        less = s._replace(faults=s.faults - 1, cut=s.cut or w.at in HOLDING)
        yield Step("killed", _worker(less, number, Worker()), fault=True)
        if not w.stale:
            yield Step("stalled", _worker(less, number, w._replace(stale=True)), fault=True)

    def _work(self, s: State, number: int, w: Worker) -> Iterator[Step]:
        match w.at:
            case At.WALK:
                yield from self._before_claim(s, number, w)
            case At.HELD if w.stale and self.rules.fenced:
                yield Step("fence", self._record(s, number, w, Row.RETRY, At.IDLE))
            case At.HELD:
                yield from self._ask(s, number, w)
            case At.YES:
                yield Step("record sent", self._record(s, number, w, Row.SENT, At.SEEN))
            case At.DUNNO if self.rules.doubt_is_unknown:
                yield Step("record unknown", self._record(s, number, w, Row.UNKNOWN, At.SEEN))
            case At.DUNNO:
                yield Step("record unknown", self._record(s, number, w, Row.RETRY, At.IDLE))
            case At.NO if self.rules.throttled_is_retry:
                yield Step("record retry", self._record(s, number, w, Row.RETRY, At.IDLE))
            case At.REFUSED | At.NO:
                yield Step("record failed", self._record(s, number, w, Row.FAILED, At.SEEN))
            case At.SEEN:
                yield Step("advance", self._advance(s, number, w))
            case At.END:
                yield Step("close", self._close(s, number, w))
            case At.SETTLE:
                yield from self._settle(s, number, w)
            case At.OVERDUE | At.AGAIN | At.AGREED:
                yield self._settled(s, number, w)

    def _before_claim(self, s: State, number: int, w: Worker) -> Iterator[Step]:
        mine = s.row is Row.NONE or (s.row is Row.RETRY and s.owner == w.chunk)
        seen = w._replace(at=At.SEEN)
        if w.stale and self.rules.fenced:
            yield Step("deadline", self._leave(s, number, w))
        elif s.edition == "paused" and self.rules.paused_stops:
            yield Step("stop", self._leave(s, number, w))
        elif s.edition in {"cancelled", "closed"} and self.rules.cancel_stops:
            stop = s._replace(row=self._not_sent(s, Row.SKIPPED)) if s.row is Row.RETRY else s
            stop = stop if mine else s
            yield Step("cancelled", _worker(stop, number, seen))
        elif s.gone and self.rules.gone_are_skipped:
            if mine or not self.rules.skip_checks:
                s = s._replace(row=self._not_sent(s, Row.SKIPPED), owner=w.chunk)
            yield Step("skip", _worker(s, number, seen))
        elif not self.rules.cursor_after_reader and not s.walks[w.chunk].past:
            yield Step("advance", _walk(s, w.chunk, s.walks[w.chunk]._replace(past=True)))
        elif mine or not self.rules.claim_checks:
            yield from self._claim(s, number, w)
        else:
            yield Step("not ours", _worker(s, number, seen))

    def _claim(self, s: State, number: int, w: Worker) -> Iterator[Step]:
        claimed = s._replace(
            row=Row.CLAIMED if self.rules.record_after_send else Row.SENT,
            attempt=s.attempts + 1,
            attempts=s.attempts + 1,
            owner=w.chunk,
            tries=s.tries + 1,
            unwanted=s.unwanted or s.gone or s.edition != "sending",
        )
        held = w._replace(at=At.HELD, attempt=s.attempts + 1)
        yield Step("claim", _worker(claimed, number, held))
        if s.faults and not self.rules.claim_knows_its_own:
            # The reply was lost, and the SDK's second try finds the row taken: by itself.
            lost = claimed._replace(faults=s.faults - 1)
            yield Step("claim", _worker(lost, number, w._replace(at=At.SEEN)), fault=True)

    def _ask(self, s: State, number: int, w: Worker) -> Iterator[Step]:
        yield Step("accepted", _accept(s, number, w, At.YES))
        refused = s._replace(refused=True)
        yield Step("refused", _worker(refused, number, w._replace(at=At.REFUSED)), fault=True)
        if not s.faults:
            return
        less = s._replace(faults=s.faults - 1)
        doubt = less._replace(cut=True)
        dunno = w._replace(at=At.DUNNO)
        yield Step("accepted, no answer", _accept(doubt, number, w, At.DUNNO), fault=True)
        yield Step("nothing, no answer", _worker(doubt, number, dunno), fault=True)
        gone = _accept(doubt, number, w, At.DUNNO, rejected=True)
        yield Step("accepted, to be rejected, no answer", gone, fault=True)
        yield Step("throttled", less, fault=True)  # asked again in a moment, the claim kept
        yield Step("not sent", _worker(less, number, w._replace(at=At.NO)), fault=True)
        rejected = _accept(less, number, w, At.YES, rejected=True)
        yield Step("accepted, to be rejected", rejected, fault=True)
        if not self.rules.one_attempt:
            twice = _accept(_accept(less, number, w, At.YES), number, w, At.YES)
            yield Step("accepted", twice, fault=True)

    def _record(self, s: State, number: int, w: Worker, row: Row, on: At) -> State:
        mine = s.row is Row.CLAIMED and s.attempt == w.attempt
        if mine or not self.rules.record_checks_attempt:
            s = s._replace(row=self._not_sent(s, row), agreed=False)
        if on is At.IDLE:
            return self._leave(s, number, w)
        return _worker(s, number, w._replace(at=on, attempt=0))

    def _not_sent(self, s: State, row: Row) -> Row:
        """What a row becomes that is not sent by what is known of its last attempt."""
        unsure = s.doubt and self.rules.doubt_stays and row in {Row.FAILED, Row.SKIPPED}
        return Row.UNRESOLVED if unsure else row

    def _leave(self, s: State, number: int, w: Worker) -> State:
        walk = s.walks[w.chunk]
        if walk.holder == number + 1:
            s = _walk(s, w.chunk, walk._replace(holder=0))
        return _worker(s, number, Worker())

    def _advance(self, s: State, number: int, w: Worker) -> State:
        walk = s.walks[w.chunk]
        if walk.holder != number + 1:
            return _worker(s, number, Worker())
        s = _walk(s, w.chunk, walk._replace(past=True))
        return _worker(s, number, w._replace(at=At.END))

    def _close(self, s: State, number: int, w: Worker) -> State:
        walk = s.walks[w.chunk]
        if walk.holder == number + 1 or not self.rules.close_checks_lease:
            waits = s.row in OPEN_ROWS and s.owner == w.chunk and self.rules.close_checks_rows
            s = _walk(s, w.chunk, Walk("settling" if waits else "done", past=True))
        return _worker(s, number, Worker())

    def _settle(self, s: State, number: int, w: Worker) -> Iterator[Step]:
        """A walked chunk: what is overdue is settled, what waits for a try gets one."""
        read = w._replace(attempt=s.attempt, reopened=s.reopened)
        if s.owner != w.chunk:
            yield Step("close", self._close(s, number, w))
        elif s.row is Row.RETRY and self.rules.second_pass:
            yield Step("second pass", _worker(s, number, w._replace(at=At.WALK)))
        elif s.row is Row.UNRESOLVED and s.consented and self._agreed(s):
            yield Step("reads", _worker(s, number, read._replace(at=At.AGREED)))
        elif s.row in {Row.CLAIMED, Row.UNKNOWN} and self._is_overdue(s):
            at = At.AGAIN if self._may_try_again(s) else At.OVERDUE
            yield Step("reads", _worker(s, number, read._replace(at=at)))
        else:
            yield Step("close", self._close(s, number, w))

    def _agreed(self, s: State) -> bool:
        return s.agreed or not self.rules.reopen_asks_consent

    def _is_overdue(self, s: State) -> bool:
        held = any(w.at in HOLDING and w.attempt == s.attempt and not w.stale for w in s.workers)
        coming = any(m.attempt == s.attempt and m.word is Word.COMING for m in s.mails)
        waits = (held and self.rules.lease_outlives) or (
            coming and self.rules.grace and not s.outage
        )
        return not waits and (self.rules.unknown_settles or s.row is not Row.UNKNOWN)

    def _may_try_again(self, s: State) -> bool:
        if self.scope.policy is not Policy.AUTO or s.cancelled:
            return False
        healthy = not s.outage or not self.rules.auto_checks_health
        return healthy and (s.tries < self.scope.tries or not self.rules.auto_bounded)

    def _settled(self, s: State, number: int, w: Worker) -> Step:
        """Writes what it decided of the row it read, if the row is that one still."""
        on = _worker(s, number, w._replace(at=At.SETTLE, attempt=0, reopened=0))
        doubtful = s.row in {Row.CLAIMED, Row.UNKNOWN}
        if w.at in {At.AGAIN, At.AGREED}:
            same = doubtful if w.at is At.AGAIN else s.row is Row.UNRESOLVED
            same = same and (s.attempt, s.reopened) == (w.attempt, w.reopened)
            if same or not self.rules.reopen_checks_row:
                on = on._replace(
                    row=Row.RETRY,
                    agreed=False,
                    reopened=s.reopened + 1,
                    doubt=s.doubt or s.attempt,
                )
            return Step("reopen", on)
        if doubtful or not self.rules.settle_checks_row:
            on = on._replace(row=Row.UNRESOLVED)
        return Step("settle", on)

    # ── the world ────────────────────────────────────────────────────────────────────────────────

    def _events(self, s: State) -> Iterator[Step]:
        for n, mail in enumerate(s.mails):
            if mail.word in {Word.COMING, Word.LATE, Word.TOLD} and not s.outage:
                told = _mail(s, n, mail._replace(word=Word.TOLD))
                yield Step("event", self._hear(told, mail))
            if mail.word is Word.COMING and s.faults:
                less = s._replace(faults=s.faults - 1, silences=s.silences + 1)
                yield Step("event lost", _mail(less, n, mail._replace(word=Word.LOST)), fault=True)
                yield Step("event late", _mail(less, n, mail._replace(word=Word.LATE)), fault=True)
        if s.outage:
            yield Step("events come again", s._replace(outage=False))
        elif s.faults:
            yield Step("no events", s._replace(outage=True, faults=s.faults - 1), fault=True)

    def _hear(self, s: State, mail: Mail) -> State:
        if not self.rules.events:
            return s
        what = Row.FAILED if mail.rejected else Row.SENT
        if mail.rejected and mail.attempt != s.attempt and self.rules.event_is_of_this_attempt:
            return s  # a later attempt may be out
        if mail.rejected and s.doubt not in {0, mail.attempt} and self.rules.doubt_stays:
            what = Row.UNRESOLVED  # an earlier one may be
            if s.row is what:
                return s
        open_ = s.row in TELLABLE or (not self.rules.final_stays and s.row is not Row.NONE)
        return s._replace(row=what, agreed=False) if open_ else s

    def _people(self, s: State) -> Iterator[Step]:
        done = all(walk.state == "done" for walk in s.walks)
        if done and s.edition in {"sending", "cancelled"}:
            yield Step("over", s._replace(edition="closed"))
        if s.edition == "paused":
            yield Step("resume", s._replace(edition="sending"))
        if s.consents and s.edition == "closed" and s.cut and not s.cancelled:
            # It ended with unresolved ones; of this one word may have come since.
            unresolved = s.row is Row.UNRESOLVED
            walks = tuple(
                Walk("settling", past=True) if index == s.owner and unresolved else walk
                for index, walk in enumerate(s.walks)
            )
            agreed = s._replace(
                consents=s.consents - 1,
                consented=s.consented + 1,
                agreed=unresolved,
                edition="sending",
                walks=walks,
            )
            yield Step("send again", agreed, fault=True)
        if not s.faults:
            return
        less = s._replace(faults=s.faults - 1)
        if s.edition == "sending":
            yield Step("pause", less._replace(edition="paused"), fault=True)
        if s.edition in {"sending", "paused"}:
            cancelled = less._replace(edition="cancelled", cancelled=True)
            yield Step("cancel", cancelled, fault=True)
        if not s.gone:
            yield Step("leave", less._replace(gone=True), fault=True)


def _worker(s: State, number: int, worker: Worker) -> State:
    workers = s.workers
    return s._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def _walk(s: State, index: int, walk: Walk) -> State:
    return s._replace(walks=(*s.walks[:index], walk, *s.walks[index + 1 :]))


def _mail(s: State, n: int, mail: Mail) -> State:
    return s._replace(mails=(*s.mails[:n], mail, *s.mails[n + 1 :]))


def _accept(s: State, number: int, w: Worker, at: At, *, rejected: bool = False) -> State:
    accepted = s._replace(mails=(*s.mails, Mail(w.attempt, Word.COMING, rejected)))
    return _worker(accepted, number, w._replace(at=at))


def canonical(s: State) -> State:
    """Which of two invocations is called the first makes no difference."""
    order = sorted(range(len(s.workers)), key=s.workers.__getitem__)
    if order == list(range(len(order))):
        return s
    place = {old + 1: new + 1 for new, old in enumerate(order)}
    walks = tuple(walk._replace(holder=place.get(walk.holder, 0)) for walk in s.walks)
    return s._replace(workers=tuple(s.workers[old] for old in order), walks=walks)
