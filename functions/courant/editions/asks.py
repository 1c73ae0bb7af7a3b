"""What an editor may ask the publish function, as the events say it. Pure.

    {"request_id", "action": "send", "newsletter", "cadence", "extra", "spread", "by"}
    {"request_id", "action": "test", "newsletter", "cadence", "to", "by"}
    {"request_id", "action": "preview", "newsletter", "cadence", "by"}
    {"request_id", "action": "pause" | "resume" | "cancel" | "retry-unresolved",
     "edition", "reason", "spread", "by"}

``by`` is the editor's own name for the audit; it proves nothing, as AWS asks who may invoke.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from courant.editions.steer import Act
from courant.newsletter import Address, Id, Line
from courant.schedule import EditionId


def _an_edition(value: str) -> str:
    return str(EditionId.parse(value))


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@+=,/-]{0,63}$")]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    request_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    by: Name = "unnamed"

    @property
    def editor(self) -> str:
        """Who asked, as the audit names them; never the name of a function."""
        return f"editor:{self.by}"


class Ask(_Asked):
    """Something to be sent or shown.

    ``extra`` names an edition on top of the day's own; without it, ``send`` is the day's edition.
    ``spread``: a daily quota that is too small may spread it over days.
    """

    newsletter: Id
    cadence: Id
    action: Literal["send", "test", "preview"]
    to: Annotated[tuple[Address, ...], Field(max_length=20)] = ()
    extra: Id | None = None
    spread: bool = False

    @model_validator(mode="after")
    def _each_action_has_its_own(self) -> Self:
        if self.action == "test" and not self.to:
            raise ValueError("to: name the addresses that get the test")
        if self.action != "test" and self.to:
            raise ValueError("to: only a test is sent to addresses; a send goes to subscribers")
        if self.extra and self.action != "send":
            raise ValueError("extra: only a send can be an extra edition")
        if self.spread and self.action != "send":
            raise ValueError("spread: only a send can be spread over days")
        return self


class Steering(_Asked):
    """Something to be done to an edition that was started."""

    action: Act
    edition: Annotated[str, AfterValidator(_an_edition)]
    reason: Line | None = None
    spread: bool = False

    @property
    def edition_id(self) -> EditionId:
        """Which edition."""
        return EditionId.parse(self.edition)

    @model_validator(mode="after")
    def _only_a_resume_spreads(self) -> Self:
        if self.spread and self.action is not Act.RESUME:
            raise ValueError("spread: only a resume can spread an edition over days")
        return self


def read(event: object) -> Ask | Steering:
    """What an event asks.

    Raises:
        ValidationError: it asks nothing that there is; ``mistakes`` tells what to mend.
    """
    action = event.get("action") if isinstance(event, dict) else None
    if action in list(Act):  # whatever it is: a set would want it hashable
        return Steering.model_validate(event)
    return Ask.model_validate(event)


def mistakes(error: ValidationError) -> list[str]:
    """What is wrong with an event, a sentence for each field."""
    return [_sentence(dict(detail)) for detail in error.errors()]


def _sentence(detail: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    text = str(detail["msg"]).removeprefix("Value error, ")
    return f"{place}: {text}" if place else text
