"""An editor's hand: send now, test, preview. Asking twice with one request id does it once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from courant import aws, log
from courant.clock import stamp
from courant.editions.model import Edition
from courant.editions.requests import Action, Request, RequestStore
from courant.editions.start import Starter
from courant.newsletter import Address, Id, Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import EditionId, local_date
from courant.subscribers.lists import MemberLists


class Ask(BaseModel):
    """The event: ``{"request_id", "newsletter", "cadence", "action", "to", "extra"}``.

    ``extra`` names an edition on top of the day's own; without it, ``send`` is the day's edition.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    request_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    newsletter: Id
    cadence: Id
    action: Literal["send", "test", "preview"]
    to: Annotated[tuple[Address, ...], Field(max_length=20)] = ()
    extra: Id | None = None

    @model_validator(mode="after")
    def _only_tests_have_addresses(self) -> Self:
        if self.action == "test" and not self.to:
            raise ValueError("to: name the addresses that get the test")
        if self.action != "test" and self.to:
            raise ValueError("to: only a test is sent to addresses; a send goes to subscribers")
        if self.extra and self.action != "send":
            raise ValueError("extra: only a send can be an extra edition")
        return self


@dataclass(frozen=True, slots=True)
class Publisher:
    """Everything an editor's act needs."""

    newsletters: NewsletterStore
    subscribers: MemberLists
    requests: RequestStore
    starter: Starter
    sqs: Any
    editions_queue: str
    bucket: str

    def publish(self, event: object, now: datetime) -> dict[str, Any]:
        """Do what is asked; the answer has ``status`` and a ``message`` for a person.

        Statuses: ``started``, ``already`` (nothing was done again), ``accepted`` (test, preview),
        ``refused`` (with ``errors``).
        """
        try:
            ask = Ask.model_validate(event)
        except ValidationError as error:
            return _refused([_sentence(dict(detail)) for detail in error.errors()])
        newsletter = self.newsletters.get(ask.newsletter)
        if newsletter is None:
            return _refused(
                [f"newsletter: there is none called {ask.newsletter!r}; apply it first"]
            )
        if ask.cadence not in newsletter.cadences:
            known = ", ".join(newsletter.cadences)
            return _refused([f"cadence: {ask.newsletter} has {known}, not {ask.cadence!r}"])
        request = self._request(ask, newsletter, now)
        before = self.requests.create(request)
        if before is not None and _differs(before, request):
            return _refused([f"request_id: {ask.request_id!r} was used for something else"])
        log.event("publish", action=ask.action, request=ask.request_id, again=before is not None)
        if ask.action == "send":
            return self._send(before or request, newsletter, now)
        return self._compose(before or request, again=before is not None)

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

    def _send(self, request: Request, newsletter: Newsletter, now: datetime) -> dict[str, Any]:
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
        started = self.starter.by_hand(newsletter, edition_id, slots, instant, now)
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


def _differs(before: Request, now: Request) -> bool:
    return (before.action, before.newsletter, before.cadence, before.to) != (
        now.action,
        now.newsletter,
        now.cadence,
        now.to,
    ) or (before.edition and before.edition.extra) != (now.edition and now.edition.extra)


def _says(edition: Edition, *, new: bool) -> str:
    if new:
        return f"{edition.id} is on its way"
    return (
        f"{edition.id} is {edition.state.value} since {stamp(edition.started_at)}; nothing was sent"
        " again. For one more edition today, ask for an extra one by name."
    )


def _sentence(detail: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    text = str(detail["msg"]).removeprefix("Value error, ")
    return f"{place}: {text}" if place else text


def _refused(errors: list[str]) -> dict[str, Any]:
    return {"status": "refused", "errors": errors, "message": "; ".join(errors)}
