"""The protocol with a guard dropped or an order swapped: edits of the real source.

A mutant is put into the loaded modules for the length of a walk and taken out again. Its old text
must be in the source exactly once; where the code has changed, so must the mutant.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any

from courant.delivery.ledger import DeliveryState
from courant.newsletter import Policy

STRICT, AUTO = Policy.STRICT, Policy.AUTO


@dataclass(frozen=True, slots=True)
class Edit:
    """``old`` becomes ``new`` in ``courant.<module>``."""

    module: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant, and the world in which it is looked for."""

    name: str
    edits: tuple[Edit, ...]
    world: Mapping[str, Any]


def _mutant(name: str, *edits: tuple[str, str, str], **world: Any) -> Mutant:
    return Mutant(name, tuple(Edit(*edit) for edit in edits), world)


_LEDGER, _EVIDENCE = "delivery.ledger", "delivery.evidence"
_CHUNKS, _GATE = "delivery.chunks", "delivery.gate"
_SENDER, _DELIVER, _MAILER = "delivery.sender", "delivery.deliver", "delivery.mailer"
_RECONCILE, _WATCH, _FEEDBACK = "delivery.reconcile", "delivery.watch", "delivery.feedback"
_KNOWS = " OR (st = :claimed AND att = :me)"
_CLAIM = '"attribute_not_exists(PK)"\n            " OR (st = :retry AND chunk = :chunk)'
_NOT_GOT = "if answer is None:\n            return self._present(edition, sid)"
_SOMEBODY = (
    "Delivery(sid=sid, state=DeliveryState.SENT, chunk=chunk, attempt=None, lease=0, tries=1,"
    " at=now, reason=None)"
)
_AS_READ = "st = :before AND att = :att AND #at = :at"
_ASK = "outcome = self.mailer.send(raw, to, sender, tags)"
_UNKNOWN = "unknown = self._record(row, DeliveryState.UNKNOWN, reason)"
_FENCED = ',\n            "fence = :fence",'

MUTANTS = (
    # the claim
    _mutant(
        "a claim without a condition",
        (_LEDGER, _CLAIM, _CLAIM.replace('(PK)"', '(PK) OR attribute_exists(PK)"')),
    ),
    _mutant(
        "a claim that does not know its own attempt",
        (_LEDGER, _KNOWS, ""),
        (_LEDGER, _NOT_GOT, _NOT_GOT.replace("self._present(edition, sid)", _SOMEBODY)),
    ),
    _mutant(
        "who did not get the claim sends all the same",
        (
            _SENDER,
            "return row, row.attempt == attempt and row.state is DeliveryState.CLAIMED",
            "return row, True",
        ),
    ),
    _mutant(
        "a claim takes back what is in doubt",
        (
            _LEDGER,
            _CLAIM,
            _CLAIM.replace("(st = :retry", "(st <> :retry AND st <> :claimed) OR (st = :retry"),
        ),
    ),
    # the send
    _mutant(
        "recorded before it is sent",
        (_SENDER, _ASK, f"self._record(row, DeliveryState.SENT); {_ASK}"),
    ),
    _mutant(
        "the SDK sends again", (_MAILER, '{"total_max_attempts": 1}', '{"total_max_attempts": 3}')
    ),
    _mutant(
        "no answer is taken for not sent",
        (_MAILER, "return Unknown(type(error).__name__)", "return NotSent(type(error).__name__)"),
    ),
    _mutant(
        "a server error is taken for not sent",
        (
            _MAILER,
            "if status >= 500:\n        return Unknown(code)",
            "if status >= 500:\n        return NotSent(code)",
        ),
    ),
    _mutant(
        "what is in doubt is tried again", (_SENDER, _UNKNOWN, _UNKNOWN.replace("UNKNOWN", "RETRY"))
    ),
    _mutant(
        "being too fast is taken for a refusal",
        (
            _MAILER,
            "status == 429:\n        return NotSent(code)",
            "status == 429:\n        return Refused(code)",
        ),
    ),
    _mutant(
        "who is throttled has failed",
        (
            _SENDER,
            "self._record(row, DeliveryState.RETRY, reason)\n        return stop",
            "self._record(row, DeliveryState.FAILED, reason)\n        return stop",
        ),
    ),
    _mutant(
        "a halted account fails its readers",
        (
            _SENDER,
            "self._record(row, DeliveryState.RETRY, reason)\n                    return Halt",
            "self._record(row, DeliveryState.FAILED, reason)\n                    return Halt",
        ),
    ),
    _mutant("no fence", (_SENDER, "if not self.gate.in_time():", "if not self.gate:")),
    _mutant(
        "a fence that is always open",
        (_GATE, "return self._now() < self.latest", "return bool(self.latest)"),
    ),
    # the record
    _mutant(
        "a record that does not ask whose attempt it is",
        (
            _LEDGER,
            'ours = "st = :claimed AND att = :me"',
            'ours = "(st = :claimed OR att = :me)"',
        ),
    ),
    _mutant(
        "a skip that overwrites what was claimed",
        (
            _LEDGER,
            '" OR (st = :retry AND chunk = :chunk AND attribute_not_exists(doubt))"',
            '" OR st <> :retry OR chunk = :chunk"',
        ),
    ),
    # the leases
    _mutant(
        "a lease shorter than its invocation",
        (
            _DELIVER,
            "lease = visit.deadline + LEASE_BEYOND_DEADLINE",
            "lease = self.now() + LEASE_BEYOND_DEADLINE",
        ),
    ),
    _mutant(
        "a chunk is taken although it is leased",
        (_CHUNKS, "OR lease_until < :now)", "OR lease_until <> :now)"),
    ),
    _mutant(
        "a cursor that asks for no fence",
        (
            _CHUNKS,
            "moves" + _FENCED,
            "moves" + _FENCED.replace(" = ", " >= "),
        ),
    ),
    _mutant(
        "a release by whom the lease was lost to",
        (
            _CHUNKS,
            'REMOVE {over}"' + _FENCED,
            'REMOVE {over}"' + _FENCED.replace(" = ", " >= "),
        ),
    ),
    # the walk
    _mutant(
        "a cursor past who was not sent",
        (
            _DELIVER,
            "if not isinstance(result, Delivery):\n            break",
            "if not isinstance(result, Delivery):\n            cursor = member.sid; break",
        ),
    ),
    _mutant(
        "a chunk is closed with open rows",
        (
            _DELIVER,
            "ChunkState.SETTLING if found.waiting or found.again else ChunkState.DONE",
            "ChunkState.DONE",
        ),
    ),
    _mutant(
        "no second pass",
        (_DELIVER, "if not found.again:", "if found:"),
        policy=AUTO,
        consents=0,
        tried=1,
        faults=0,
        acts=0,
    ),
    _mutant(
        "an edition ends with open chunks",
        (
            _WATCH,
            "chunk.state is not ChunkState.DONE for chunk in chunks\n    ):",
            "chunk.state is ChunkState.OPEN for chunk in chunks\n    ):",
        ),
        (
            _WATCH,
            "chunk.state is ChunkState.DONE for chunk in mine",
            "chunk.state is not ChunkState.OPEN for chunk in mine",
        ),
    ),
    # who may be mailed
    _mutant(
        "who has left is mailed",
        (_SENDER, "if reason := _absent(member, self.now()):", "if reason := None:"),
    ),
    _mutant(
        "a page is used however old it is",
        (
            _SENDER,
            "min(self.gate.latest, read_at + PAGE_AGE)",
            "max(self.gate.latest, read_at + PAGE_AGE)",
        ),
    ),
    _mutant(
        "a pause stops nobody",
        (_GATE, "edition.state not in SENDS", 'edition.state == "cancelled"'),
    ),
    _mutant(
        "a cancelled edition goes on",
        (_GATE, "edition.state not in SENDS", 'edition.state == "paused"'),
    ),
    _mutant(
        "an edition is read once",
        (_GATE, "if self._now() - self._read_at > FRESH:", "if not self._read_at:"),
    ),
    _mutant(
        "the epoch is not looked at",
        (_DELIVER, "if chunk.epoch != self.epoch:", "if not chunk.epoch:"),
        (_GATE, "edition.epoch != self._epoch", "not edition.epoch"),
        epoch="2",
    ),
    # word of SES
    _mutant(
        "events are not listened to",
        (_FEEDBACK, "if row is None or row.state not in FINAL", "if row is None and row"),
    ),
    _mutant(
        "an event changes what is final",
        (_FEEDBACK, "if row is None or row.state not in FINAL", "if row is None or row.sid"),
        (
            _EVIDENCE,
            '("claimed", "unknown", "retry")',
            '("claimed", "unknown", "retry", "sent", "failed")',
        ),
    ),
    _mutant(
        "word of an unresolved one is not counted",
        (_EVIDENCE, "if row is None or not unresolved:", "if row is None or row.sid:"),
        tried=1,
        out="late",
        faults=0,
        acts=0,
    ),
    # what becomes of doubt
    _mutant(
        "settled without a look at its state",
        (_LEDGER, _AS_READ, "st = :before OR att = :att OR #at = :at"),
        tried=1,
        out="late",
        faults=0,
    ),
    _mutant(
        "settled without a look at its attempt",
        (
            _LEDGER,
            _AS_READ,
            "st = :before AND (att = :att OR #at <> :at)",
        ),
        policy=AUTO,
        consents=0,
        acts=0,
        tried=1,
        doubt=DeliveryState.CLAIMED,
    ),
    _mutant(
        "who is tried again is no longer in doubt",
        (_LEDGER, 'changes += ", doubt = if_not_exists(doubt, :att)"', 'changes += ""'),
        policy=AUTO,
        consents=0,
        tried=1,
        out="late",
    ),
    _mutant(
        "a refusal is of all attempts",
        (_LEDGER, '(state, "attribute_not_exists(doubt)"),', '(state, "attribute_exists(PK)"),'),
        tried=1,
        out="late",
    ),
    _mutant(
        "a skip is of all attempts",
        (
            _LEDGER,
            "AND chunk = :chunk AND attribute_not_exists(doubt))",
            "AND chunk = :chunk AND attribute_exists(PK))",
        ),
        tried=1,
        out="late",
    ),
    _mutant(
        "a cancelled edition knows of no doubt",
        (_RECONCILE, "DeliveryState.UNRESOLVED if row.doubt else", "DeliveryState.FAILED and"),
        policy=AUTO,
        consents=0,
        tried=1,
        out="late",
    ),
    _mutant(
        "what SES drops it drops of all attempts",
        (_EVIDENCE, "if row.doubt not in {None, attempt}:", "if row.doubt == row.sid:"),
        (
            _EVIDENCE,
            "AND (attribute_not_exists(doubt) OR doubt = :heard)",
            "AND (attribute_not_exists(doubt) OR attribute_exists(doubt))",
        ),
        tried=1,
        out="late",
        acts=0,
    ),
    _mutant(
        "what halted a chunk keeps a cancelled edition open",
        (
            _DELIVER,
            "cancelled = edition.state is EditionState.CANCELLED",
            "cancelled = not edition",
        ),
    ),
    _mutant(
        "no grace",
        (
            _RECONCILE,
            "row.lease + grace.total_seconds() < now.timestamp()",
            "row.lease + bool(grace) < now.timestamp()",
        ),
        policy=AUTO,
        consents=0,
    ),
    _mutant(
        "settled while its owner lives",
        (_RECONCILE, "row.lease + grace.total_seconds() < now.timestamp()", "bool(grace)"),
        policy=AUTO,
        consents=0,
    ),
    _mutant(
        "what nobody answered is never settled",
        (
            _RECONCILE,
            "asked = {DeliveryState.CLAIMED, DeliveryState.UNKNOWN}",
            "asked = {DeliveryState.CLAIMED}",
        ),
        tried=1,
        faults=0,
        acts=0,
    ),
    _mutant(
        "strict tries again by itself",
        (
            _RECONCILE,
            "if policy is Policy.STRICT or row.tries >= AUTO_TRIES:",
            "if row.tries >= AUTO_TRIES:",
        ),
        (_RECONCILE, "if trusted:", "if not trusted:"),
    ),
    _mutant(
        "auto without a bound",
        (
            _RECONCILE,
            "if policy is Policy.STRICT or row.tries >= AUTO_TRIES:",
            "if policy is Policy.STRICT:",
        ),
        policy=AUTO,
        consents=0,
        acts=0,
        tried=2,
    ),
    _mutant(
        "auto although no events come",
        (_RECONCILE, "trusted = good > 0 and heard >= accepted * HEARD", "trusted = bool(HEARD)"),
        policy=AUTO,
        consents=0,
        heard=False,
    ),
    _mutant(
        "an editor's word is for ever",
        (_RECONCILE, "row.at < edition.resend_before", "row.at != edition.resend_before"),
        agreed=True,
        tried=2,
        consents=0,
    ),
    _mutant(
        "an editor's word for what waits for none",
        (
            _RECONCILE,
            "edition.resend_before is not None\n        and row.at < edition.resend_before",
            "row.at is not None",
        ),
        tried=1,
    ),
)


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """The loaded code with the mutant in it."""
    with ExitStack() as stack:
        edits: dict[str, list[Edit]] = {}
        for edit in mutant.edits:
            edits.setdefault(f"courant.{edit.module}", []).append(edit)
        for name, some in edits.items():
            for function, code in _changed(importlib.import_module(name), some):
                stack.callback(setattr, function, "__code__", function.__code__)
                function.__code__ = code
        yield


def _changed(module: ModuleType, edits: list[Edit]) -> Iterator[tuple[FunctionType, CodeType]]:
    """The functions of a module whose code the edits change, and into what."""
    source = before = inspect.getsource(module)
    for edit in edits:
        found = source.count(edit.old)
        assert found == 1, f"{edit.module} has {found} times, not once: {edit.old!r}"
        source = source.replace(edit.old, edit.new)
    old, new = (
        _functions(compile(text, module.__file__ or "", "exec")) for text in (before, source)
    )
    names = [name for name in new if _essence(new[name]) != _essence(old[name])]
    assert names, f"the edits change no function: {edits}"
    for name in names:
        target: Any = module
        for part in name.split("."):
            target = inspect.getattr_static(target, part)
        yield target, new[name]


def _functions(code: CodeType, inside: str = "") -> dict[str, CodeType]:
    """Functions and methods by name; what is inside of a function is part of it."""
    found: dict[str, CodeType] = {}
    for const in code.co_consts:
        if not isinstance(const, CodeType) or const.co_name.startswith("<"):
            continue
        name = f"{inside}{const.co_name}"
        if const.co_flags & inspect.CO_NEWLOCALS:
            found[name] = const
        else:
            found |= _functions(const, f"{name}.")
    return found


def _essence(code: CodeType) -> tuple[Any, ...]:
    """What a function does, wherever it stands."""
    consts = tuple(
        _essence(const) if isinstance(const, CodeType) else repr(const) for const in code.co_consts
    )
    return code.co_code, code.co_names, consts
