"""A small world in memory, where the real code delivers to one reader and may be broken anywhere.

Real are Deliverer, Sender, Gate, Ledger, ChunkStore, EditionStore, MemberLists, reconcile, Upkeep,
Feedback and Mailer. Not real are the tables, SES, the clock, and the digest's bytes. Every call
that leaves the code passes ``World.call``, where a ``plan`` says what befalls it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from courant.clock import from_stamp, stamp
from courant.delivery.chunks import Chunk, ChunkStore
from courant.delivery.deliver import Deliverer
from courant.delivery.evidence import Evidence
from courant.delivery.feedback import Feedback
from courant.delivery.gate import FENCE
from courant.delivery.heard import HeardStore
from courant.delivery.lanes import Lanes
from courant.delivery.ledger import FINAL, Delivery, DeliveryState, Ledger
from courant.delivery.mailer import Mailer
from courant.delivery.upkeep import Upkeep
from courant.editions.model import (
    Edition,
    EditionState,
)
from courant.editions.steer import Act, Step, step
from courant.editions.store import EditionStore
from courant.errors import Conflict
from courant.newsletter import Policy
from courant.subscribers import items
from courant.subscribers.lists import MemberLists
from tests.model.facts import (
    CHUNK,
    EDITION,
    ENDS,
    LEASE_AGES,
    LIMIT,
    READER,
    SLOT,
    START,
    URL,
    Facts,
    Killed,
    Plan,
    View,
    Violation,
)
from tests.model.laws import check, check_claim, check_twice
from tests.model.machine import Mail, Row, Word
from tests.model.seams import Seam, Sqs, TellingLedger, Throttle, Watched, error, frozen
from tests.model.stage import agree, found, try_in_vain

_MOST_CALLS = 100
# What befalls the call itself; anything else happens before it.
_OF_THE_CALL = frozenset({"again", "lost", "killed", "slow"})


class World:
    """The world. ``seen`` is called after each visible step."""

    def __init__(
        self,
        *,
        policy: Policy = Policy.STRICT,
        faults: int = 1,
        acts: int = 1,
        consents: int = 1,
        heard: bool = True,
        tried: int = 0,
        doubt: DeliveryState = DeliveryState.UNKNOWN,
        out: str | None = None,
        agreed: bool = False,
        epoch: str = "1",
        seen: Callable[[int, View], int] | None = None,
    ) -> None:
        """``tried``: so many attempts were made before, and the last left the row in ``doubt``.
        ``out``: SES has the first one's mail, and its event is ``late`` or a late ``reject``.
        ``agreed``: the last try was by an editor's word. ``heard``: events come.
        """
        self.facts = Facts(faults=faults, acts=acts, consents=consents)
        self.policy = policy
        self.epoch = epoch
        self.heard = heard
        self._seen = seen
        self.content = Watched(self._told, "content")
        self.ledger = Watched(self._told, "ledger")
        self.subscribers = Watched(self._told, "subscribers")
        self.plan: Plan = {}
        self.calls: list[str] = []
        self.deadline: datetime | None = None
        self.edges: set[tuple[Row, Row]] = set()
        self._depth = 0
        self._began = START
        self._stalled = False
        self._dies = ""
        self.settling = False  # it is reconciliation that writes
        self._owner: int | None = None  # the depth of the invocation that has the chunk
        self._stalled_at = 0
        self._throttled = False  # until the invocation's end
        found(self)
        for _ in range(tried):
            try_in_vain(self, doubt, out)
            out = None
        if agreed:
            agree(self)

    # ── what is there ────────────────────────────────────────────────────────────────────────────

    @property
    def two(self) -> int:
        return self.policy is Policy.AUTO

    def row(self) -> Delivery | None:
        return Ledger(cast("Any", self.ledger)).get(EDITION, READER)

    def edition(self) -> Edition:
        found = EditionStore(cast("Any", self.content)).get(EDITION)
        assert found is not None
        return found

    def chunk(self) -> Chunk:
        (found,) = ChunkStore(cast("Any", self.ledger)).of_edition(EDITION)
        return found

    def keep(self) -> tuple[Any, ...]:
        """Everything, to come back to."""
        tables = (self.content, self.ledger, self.subscribers)
        return (self.facts, *(table.keep() for table in tables))

    def put_back(self, kept: tuple[Any, ...]) -> None:
        """As it was."""
        self.facts = kept[0]
        for table, was in zip((self.content, self.ledger, self.subscribers), kept[1:], strict=True):
            table.put_back(was)

    def change(self, **changes: Any) -> None:
        self.facts = replace(self.facts, **changes)

    def now(self) -> datetime:
        return self.facts.now

    def digest(self) -> tuple[Any, ...]:
        """The state of everything, as far as it can make a difference: time only by what passed."""
        now, row, chunk, edition = self.now(), self.row(), self.chunk(), self.edition()
        facts = self.facts
        resend = edition.resend_before
        passed = timedelta(minutes=2)
        return (
            row
            and (
                row.state,
                self.ordinal(row.attempt),
                bisect(LEASE_AGES, now.timestamp() - row.lease),
                row.tries,
                row.evidence,
                row.heard and self.ordinal(row.heard),
                self.ordinal(row.doubt),
                resend is not None and row.at < resend,
            ),
            (
                chunk.state,
                chunk.cursor,
                chunk.counts,
                chunk.lease_until and chunk.lease_until >= now,
                chunk.nudged_at + passed <= now,
                chunk.halted_at and chunk.halted_at > edition.moved_at,
                chunk.reason,
                resend and chunk.resent and chunk.resent < resend,
                chunk.begun_at is None,
            ),
            (
                edition.state,
                self.ended(),
                resend is not None,
                edition.moved_at + 5 * passed <= now,
            ),
            [one.state for one in EditionStore(cast("Any", self.content)).pressings(EDITION)],
            replace(facts, now=START, ids=0, gone_at=facts.gone_at and START),
        )

    # ── every call of the code ───────────────────────────────────────────────────────────────────

    def call(self, kind: str, ask: Callable[[], Any]) -> Any:
        """A call that leaves the code, and what befalls it."""
        if self._depth > 1 and self._dies == "takes" and kind == "write":
            ask()
            raise Killed
        if self._depth > 1 or self.deadline is None:
            return ask()
        number = len(self.calls)
        self.calls.append(kind)
        if number > _MOST_CALLS:
            raise Violation("an invocation has no end")
        fault = self.plan.get(number)
        if kind == "claim":
            check_claim(self, self._began)
        if fault is None:
            return ask()
        if fault == "fails":
            raise error("InternalServerError", 500)
        if fault not in _OF_THE_CALL and not (kind == "claim" and fault.startswith("stalled")):
            self._meanwhile(fault)
            return ask()
        answer = ask()
        if fault == "again":  # the reply was lost, and the SDK asks once more
            return ask()
        if fault in {"lost", "killed"}:
            raise error("InternalServerError", 500) if fault == "lost" else Killed
        self._meanwhile(fault)
        return answer

    def _meanwhile(self, fault: str) -> None:
        """Something else happens before the code goes on."""
        if fault.startswith("stalled"):
            row = self.row()
            if row and row.state is DeliveryState.CLAIMED:
                self.change(cut=True)
            self._stalled = True
            self._stalled_at = self._depth
            # Past the lease; past the grace only if no event is on its way.
            coming = any(mail.word is Word.COMING for mail in self.facts.mails)
            self.change(now=self.now() + timedelta(minutes=5 if coming else 25))
        for one in fault.split(", "):
            if one == "slow":
                assert self.deadline is not None
                self.change(now=self.deadline - FENCE + timedelta(seconds=5))
            elif one in {"dies", "takes"}:
                # Another invocation, killed when SES has the mail, or with no more than the lease.
                self._dies = one
                self.act("deliver")
                self._dies = ""
            elif one != "stalled":
                self.act(one)

    def ask_ses(self, arguments: Mapping[str, Any], attempts: int) -> dict[str, str]:
        """SES's SendEmail, as an SDK with so many attempts makes it."""
        number = len(self.calls)
        self.calls.append("ses")
        fault = self.plan.get(number, "") if self._depth == 1 else ""
        if self._depth > 1 and self._dies == "dies":
            fault = "killed"
        tags = {tag["Name"]: tag["Value"] for tag in arguments["EmailTags"]}
        assert self.deadline is not None
        if self.epoch != "1":
            raise Violation("asks SES in another epoch")
        if self.now() > self.deadline - FENCE and not self._stalled:
            raise Violation("asks SES too near the deadline")
        if fault == "throttled on" or self._throttled:
            self._throttled = True
            raise error("TooManyRequestsException", 429)
        if fault == "throttled":
            raise error("TooManyRequestsException", 429)
        if fault == "halted, cancel":
            self.act("cancel")
        if fault.startswith("halted"):
            raise error("AccountSuspendedException", 400)
        if fault == "refused":
            self.change(refused=True)
            raise error("MessageRejected", 400)
        if fault == "no connection":
            raise ConnectTimeoutError(endpoint_url=URL)
        if fault == "nothing, no answer":
            self.change(cut=True)
            raise ReadTimeoutError(endpoint_url=URL)
        self._accept(tags["att"], rejected=fault.startswith("to be rejected"))
        if fault.endswith(", event"):
            fault = fault.removesuffix(", event")
            self._event(len(self.facts.mails) - 1)
        fault = fault.removeprefix("to be rejected, ")
        if fault in {"no answer", "server error", "killed"}:
            self.change(cut=True)
            if fault == "no answer" and attempts > 1:
                self._accept(tags["att"])
            elif fault == "server error":
                raise error("InternalServerError", 500)
            elif fault == "killed":
                raise Killed
            else:
                raise ReadTimeoutError(endpoint_url=URL)
        return {"MessageId": tags["att"]}

    def _accept(self, attempt: str, *, rejected: bool = False) -> None:
        ordinal = self.ordinal(attempt)
        self.change(mails=(*self.facts.mails, Mail(ordinal, Word.COMING, rejected)))
        self.notice()
        check_twice(self)

    # ── what may happen ──────────────────────────────────────────────────────────────────────────

    def act(self, name: str, plan: Plan | None = None) -> None:
        """Do one thing; Violation if that breaks a law."""
        match name.split():
            case ["deliver"]:
                self._deliver(plan or {})
            case ["beat"]:
                self._beat(plan or {})
            case ["wait", minutes]:
                self.change(now=self.now() + timedelta(minutes=int(minutes)))
            case ["event"]:
                self._event(0)
            case ["event", number]:
                self._event(int(number))
            case ["lose", number] | ["late", number]:
                word = Word.LOST if name.startswith("lose") else Word.LATE
                self._word(int(number), word)
                self.change(silences=self.facts.silences + 1)
            case ["leave"]:
                self._leave()
            case [verb]:
                self._edit(Act(verb))
        check(self)

    def _deliver(self, plan: Plan) -> None:
        self._invoke(plan, self._walk)

    def _walk(self) -> str:
        assert self.deadline is not None
        tables = {
            name: cast("Any", Seam(self, table))
            for name, table in (
                ("content", self.content),
                ("ledger", self.ledger),
                ("subscribers", self.subscribers),
            )
        }
        deliverer = Deliverer(
            editions=EditionStore(tables["content"]),
            pressings=cast("Any", SimpleNamespace(get=frozen)),
            subscribers=MemberLists(tables["subscribers"]),
            ledger=TellingLedger(self, tables["ledger"]),
            chunks=ChunkStore(tables["ledger"]),
            mailer=Mailer("set"),
            throttle=cast("Any", Throttle(self)),
            lanes=Lanes(1),
            links=cast("Any", SimpleNamespace(unsubscribe=lambda *_: "https://example.org/u")),
            sqs=Sqs(self),
            queue="chunks",
            epoch=self.epoch,
            now=self.now,
            new_id=self.new_id,
        )
        return deliverer.deliver(EDITION, CHUNK, self.deadline)

    def _beat(self, plan: Plan) -> None:
        self._invoke(plan, self._take_up)

    def _take_up(self) -> str:
        ledger, content = (cast("Any", Seam(self, t)) for t in (self.ledger, self.content))
        editions = EditionStore(content)
        upkeep = Upkeep(
            editions=editions,
            chunks=ChunkStore(ledger),
            heard=HeardStore(ledger),
            account=cast("Any", None),
            grants=cast("Any", SimpleNamespace(current=lambda: None)),
            starter=cast("Any", None),
            sqs=Sqs(self),
            chunks_queue="chunks",
            letters_queue="letters",
        )
        edition = editions.get(EDITION)
        if edition and edition.state not in ENDS:
            upkeep.take_up(edition, None, self.now())
        return "beat"

    def _invoke(self, plan: Plan, work: Callable[[], str]) -> str | None:
        """Run a function as Lambda does; None if it died."""
        outer = (self.plan, self.calls, self.deadline, self._began, self._stalled, self._owner)
        self.plan, self.calls, self._stalled = plan, [], False
        self.deadline, self._began = self.now() + LIMIT, self.now()
        self._depth += 1
        try:
            return work()
        except (Killed, ClientError):
            row = self.row()
            if row and row.state is DeliveryState.CLAIMED:
                self.change(cut=True)
            return None
        finally:
            self._depth -= 1
            self.last = self.calls
            self.plan, self.calls, self.deadline, self._began, self._stalled, owner = outer
            self._owner = owner if self._depth else None
            if self._depth == 0:
                self._stalled_at, self._throttled = 0, False
                # The next invocation is a moment later.
                self.change(now=self.now() + timedelta(seconds=1))

    def _event(self, number: int) -> None:
        if number >= len(self.facts.mails):
            return
        mail = self.facts.mails[number]
        self._word(number, Word.TOLD)
        attempt = self.facts.attempts[mail.attempt - 1]
        body = {
            "eventType": "Reject" if mail.rejected else "Delivery",
            "mail": {
                "messageId": attempt,
                "tags": {"ed": [EDITION.tag], "rid": [READER], "att": [attempt]},
            },
        }
        feedback = Feedback(
            ledger=Ledger(cast("Any", self.ledger)),
            evidence=Evidence(cast("Any", self.ledger)),
            heard=HeardStore(cast("Any", self.ledger)),
            subscribers=cast("Any", None),
            key=cast("Any", None),
        )
        try:
            feedback.take(body, self.now())
        except Conflict:
            self._word(number, mail.word)  # it comes again
            return
        row = self.row()
        if not mail.rejected and (
            row is None or row.state not in FINAL - {DeliveryState.UNRESOLVED}
        ):
            raise Violation("an event was told, and the row does not know")

    def _word(self, number: int, word: Word) -> None:
        mails = list(self.facts.mails)
        mails[number] = mails[number]._replace(word=word)
        self.change(mails=tuple(mails))

    def _leave(self) -> None:
        if self.facts.gone_at is not None:
            return
        self.change(gone_at=self.now())
        self.subscribers.update_item(
            Key=items.membership_key(EDITION.newsletter, SLOT, READER),
            UpdateExpression="SET gone_at = :at, gone_reason = :why REMOVE email",
            ExpressionAttributeValues={":at": stamp(self.now()), ":why": "left"},
        )
        if self._depth:
            self.change(now=self.now() + timedelta(seconds=40))

    def _edit(self, act: Act) -> None:
        edition = self.edition()
        made = step(act, edition, self.now(), epoch="1")
        if not isinstance(made, Step):
            return
        EditionStore(cast("Any", self.content)).move(
            EDITION,
            edition.state,
            made.after,
            by="editor:ed",
            now=self.now(),
            attended=made.attended,
            resend_before=made.resend_before,
        )
        if act is Act.RETRY_UNRESOLVED:
            self.change(consented=self.facts.consented + 1)
            self.notice()
        self.change(now=self.now() + timedelta(seconds=10))

    def new_id(self) -> str:
        self.change(ids=self.facts.ids + 1)
        return f"a{self.facts.ids}"

    # ── what is seen, and the laws ───────────────────────────────────────────────────────────────

    def ordinal(self, attempt: str | None) -> int:
        return 1 + self.facts.attempts.index(attempt) if attempt in self.facts.attempts else 0

    def view(self) -> View:
        """What the model sees too."""
        row = self.row()
        mails = tuple((mail.attempt, mail.rejected) for mail in self.facts.mails)
        if row is None:
            return Row.NONE, 0, mails, self.facts.consented
        skipped = row.state is DeliveryState.SKIPPED
        attempt = 0 if skipped else self.ordinal(row.attempt)
        return Row(row.state.value), attempt, mails, self.facts.consented

    def notice(self) -> None:
        if self._seen:
            self.change(trace=self._seen(self.facts.trace, self.view()))
            if self.facts.trace < 0:
                raise Violation(f"the model does not know this: {self.view()}")

    def _told(self, key: tuple[str, str], before: Any, after: Any) -> None:
        if key == ("C#" + str(EDITION), CHUNK) and before:
            self._check_chunk(before, after)
        if key[1] != READER or not key[0].startswith("D#"):
            return
        was = Row(before["st"]) if before else Row.NONE
        is_ = Row(after["st"])
        attempt = after.get("att")
        if is_ is Row.CLAIMED and attempt not in self.facts.attempts:
            self.change(attempts=(*self.facts.attempts, attempt))
        if was is is_ and before.get("att") == attempt:
            return
        if is_ is Row.RETRY and self.settling:
            self.change(reopened=self.facts.reopened + 1)
        self.edges.add((was, is_))
        if was is Row.SENT:
            raise Violation(f"a SENT row became {is_}")
        self.notice()

    def ended(self) -> bool:
        key = f"N#{EDITION.newsletter}"
        return all("due_kind" not in item for item in self.content.partitions[key].values())

    def rests(self) -> bool:
        """Nothing more will happen by itself."""
        told = all(mail.word in {Word.TOLD, Word.LOST} for mail in self.facts.mails)
        state = self.edition().state
        over = state in ENDS or (state is EditionState.CANCELLED and self.ended())
        return told and over

    def _check_chunk(self, before: Any, after: Any) -> None:
        if after["cursor"] < before["cursor"]:
            raise Violation("a cursor went back")
        was, is_ = before.get("lease_until"), after.get("lease_until")
        if is_ and is_ != was:
            if self._owner is not None and self._depth > self._owner and not self._stalled_at:
                raise Violation("two walk one chunk")
            self._owner = self._depth
        elif was and not is_:
            if self._stalled and from_stamp(was) >= self.now():
                raise Violation("somebody else's lease was given away")
            self._owner = None
        if before["st"] == "done" and after["st"] == "open":
            raise Violation("a chunk that is done was opened")
