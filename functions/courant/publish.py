"""An editor's hand: send now, test, preview; pause, resume, cancel, try the unresolved again.

Asking twice with one request id does it once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from courant import aws, log
from courant.editions import asks, steer
from courant.editions.asks import Ask, Steering
from courant.editions.model import Edition
from courant.editions.requests import Action, Request, RequestStore, outcome_write
from courant.editions.start import Starter
from courant.editions.store import EditionStore
from courant.errors import Conflict
from courant.newsletter import Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId, local_date
from courant.subscribers.lists import MemberLists

# How often an edition may move under an editor's hand before we give up.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Publisher:
    """Everything an editor's act needs."""

    newsletters: NewsletterStore
    subscribers: MemberLists
    requests: RequestStore
    editions: EditionStore
    starter: Starter
    sqs: Any
    editions_queue: str
    bucket: str
    epoch: str

    def publish(self, event: object, now: datetime) -> dict[str, Any]:
        """Do what is asked; the answer has ``status`` and a ``message`` for a person.

        Statuses: ``started``, ``done`` (an edition was changed), ``already`` (nothing was done
        again), ``accepted`` (test, preview), ``refused`` (with ``errors``).

        Raises:
            Conflict: an edition kept changing under the hand; nothing was done to it.
        """
        try:
            ask = asks.read(event)
        except ValidationError as error:
            return _refused(asks.mistakes(error))
        if isinstance(ask, Steering):
            return self._steer(ask, now)
        newsletter = self.newsletters.get(ask.newsletter)
        if newsletter is None:
            return _refused(
                [f"newsletter: there is none called {ask.newsletter!r}; apply it first"]
            )
        if ask.cadence not in newsletter.cadences:
            known = ", ".join(newsletter.cadences)
            return _refused([f"cadence: {ask.newsletter} has {known}, not {ask.cadence!r}"])
        request = self._request(ask, newsletter, now)
        before = self._remember(request)
        if before is not None and _differs(before, request):
            return _refused([f"request_id: {ask.request_id!r} was used for something else"])
        if ask.action == "send":
            return self._send(before or request, ask, newsletter, now)
        return self._compose(before or request, again=before is not None)

    def _remember(self, request: Request) -> Request | None:
        before = self.requests.create(request)
        log.event("publish", action=request.action, request=request.id, again=before is not None)
        return before

    def _request(self, ask: Ask, newsletter: Newsletter, now: datetime) -> Request:
        edition = None
        if ask.action == "send":
            day = local_date(newsletter, ask.cadence, now)
            edition = EditionId(ask.newsletter, ask.cadence, day, ask.extra)
        return Request(
            id=ask.request_id,
            action=Action(ask.action),
            newsletter=ask.newsletter,
            cadence=ask.cadence,
            requested_at=now,
            to=ask.to,
            edition=edition,
        )

    def _send(
        self, request: Request, ask: Ask, newsletter: Newsletter, now: datetime
    ) -> dict[str, Any]:
        # The edition of the day when it was first asked, so that a repeat tomorrow sends nothing.
        edition_id = request.edition
        if edition_id is None:
            return _refused([f"request_id: {request.id!r} was not a send"])
        slots = tuple(
            slot
            for slot in self.subscribers.slots(newsletter.id)
            if slot.cadence == request.cadence
        )
        instant = request.requested_at.replace(microsecond=0)
        started = self.starter.by_hand(
            newsletter, edition_id, slots, instant, now, by=ask.editor, spread=ask.spread
        )
        return {
            "status": "started" if started.new else "already",
            "request_id": request.id,
            "edition": str(edition_id),
            "state": started.edition.state.value,
            "message": _says(started.edition, new=started.new),
        }

    def _compose(self, request: Request, *, again: bool) -> dict[str, Any]:
        if request.outcome is None:
            aws.send_all(self.sqs, self.editions_queue, [{"request": request.id}])
        return {
            "status": "already" if again else "accepted",
            "request_id": request.id,
            "outcome": request.outcome,
            "files": f"s3://{self.bucket}/requests/{request.id}/",
            "message": request.outcome or f"the {request.action.value} is being composed",
        }

    def _steer(self, ask: Steering, now: datetime) -> dict[str, Any]:
        edition_id = ask.edition_id
        if self.editions.get(edition_id) is None:
            return _refused([f"edition: there is none called {ask.edition}"])
        request = Request(
            id=ask.request_id,
            action=Action(ask.action.value),
            newsletter=edition_id.newsletter,
            cadence=edition_id.cadence,
            requested_at=now,
            edition=edition_id,
        )
        before = self._remember(request)
        if before is not None and _differs(before, request):
            return _refused([f"request_id: {ask.request_id!r} was used for something else"])
        for _ in range(_ATTEMPTS):
            edition = self.editions.get(edition_id)
            assert edition is not None, "it was there, and rows are never deleted"  # noqa: S101 - states what DynamoDB told us
            if before is not None and before.outcome:
                # Whatever came after it stays.
                return _steered(request, edition, "already", _did(before.outcome, edition))
            decided = steer.step(
                ask.action,
                edition,
                now,
                epoch=self.epoch,
                reason=ask.reason,
                spread=ask.spread,
            )
            if isinstance(decided, steer.Refused):
                return _refused([decided.says])
            if isinstance(decided, steer.Already):
                self.requests.done(request.id, decided.says)
                return _steered(request, edition, "already", decided.says)
            if self.editions.move(
                edition_id,
                edition.state,
                decided.after,
                by=ask.editor,
                now=now,
                reason=decided.reason,
                attended=decided.attended,
                spread=decided.spread,
                resend_before=decided.resend_before,
                # Together, so that one whose answer was lost is known to be done.
                also=[outcome_write(request.id, decided.says)],
            ):
                log.event("edition", status=decided.after, edition=edition.id, by="editor")
                moved = self.editions.get(edition_id) or edition
                return _steered(request, moved, "done", decided.says)
        raise Conflict(f"{ask.edition} keeps changing; look at it and ask again")


def _differs(before: Request, now: Request) -> bool:
    if now.action is not Action.SEND and before.edition != now.edition:
        return True
    return (before.action, before.newsletter, before.cadence, before.to) != (
        now.action,
        now.newsletter,
        now.cadence,
        now.to,
    ) or (before.edition and before.edition.extra) != (now.edition and now.edition.extra)


def _did(outcome: str, edition: Edition) -> str:
    return (
        f"this request was done before and is not done again ({outcome}); {edition.id} is"
        f" {edition.state.value} now. To ask anew, leave the request id out."
    )


def _says(edition: Edition, *, new: bool) -> str:
    if new:
        return f"{edition.id} is on its way"
    return (
        f"{edition.id} is {edition.state.value} since {edition.moved_at:%Y-%m-%d %H:%M} UTC;"
        " nothing was sent again. For one more edition today, ask for an extra one (--extra NAME)."
    )


def _steered(request: Request, edition: Edition, status: str, says: str) -> dict[str, Any]:
    return {
        "status": status,
        "request_id": request.id,
        "edition": str(edition.id),
        "state": edition.state.value,
        "message": says,
    }


def _refused(errors: list[str]) -> dict[str, Any]:
    return {"status": "refused", "errors": errors, "message": "; ".join(errors)}
