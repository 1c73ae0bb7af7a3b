"""What an editor defines. The YAML file becomes this model (desk/newsletter_file.py reads the file
and names the line to mend); the content table keeps its JSON; every function reads it back.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)

from courant.policy import SUBSCRIBER_ZONE as SUBSCRIBER_ZONE
from courant.policy import Policy as Policy

# Ids go into keys, URLs, SES tags and file names, so they keep to what all of those allow.
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
# As RFC 5322 writes an address without quotes; SES takes no other letters (no SMTPUTF8).
Address = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$",
        max_length=254,
    ),
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
# A CSS font stack: names, spaces and commas, nothing that could end the declaration it stands in.
FontStack = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ,-]*$")
]
# What every reader has a font for.
_GENERAL_FONTS = frozenset(
    {"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui"}
    | {"ui-serif", "ui-sans-serif", "ui-monospace", "ui-rounded"}
)
Look = Literal["broadsheet", "brief", "cards"]

# templates/<id>/ is where an editor's own templates are; these folders are ours.
_OUR_FOLDERS = frozenset({"courant", "digest", "mail", "web", "locales"})

_DURATION = re.compile(r"^(\d+)\s*(m|h|d)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_HTTP_URL = TypeAdapter(HttpUrl)


def _web_address(value: str) -> str:
    _HTTP_URL.validate_python(value)
    return value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Sender(_Model):
    """Who the mail is from. The domain must be the stack's; ``courant apply`` refuses others."""

    name: Line
    address: Address
    reply_to: Address | None = None

    @field_validator("address", "reply_to")
    @classmethod
    def _domain_in_lower_case(cls, value: str | None) -> str | None:
        # IAM compares the From address letter by letter with the identity's domain.
        local, _, domain = (value or "").rpartition("@")
        return f"{local}@{domain.lower()}" if value else value

    @property
    def domain(self) -> str:
        """The part after the ``@``, lower case."""
        return self.address.rpartition("@")[2].lower()


class Social(_Model):
    """A place where the newsroom can be followed: ``Mastodon`` and its address."""

    name: Annotated[Line, StringConstraints(max_length=40)]
    url: str

    @field_validator("url")
    @classmethod
    def _url_is_a_web_address(cls, value: str) -> str:
        return _web_address(value)


class Brand(_Model):
    """How the newsletter shows itself. ``footer`` is Markdown.

    ``logo_width`` is what a mail shows the logo at, in pixels; its height follows.
    """

    logo: str | None = None
    logo_width: Annotated[int, Field(ge=40, le=536)] = 240
    accent: Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")] = "#8a1c1c"
    heading_font: FontStack | None = None
    text_font: FontStack | None = None
    footer: Text | None = None
    social: Annotated[tuple[Social, ...], Field(max_length=8)] = ()

    @field_validator("heading_font", "text_font")
    @classmethod
    def _fonts_end_with_a_general_one(cls, value: str | None) -> str | None:
        if value and value.rpartition(",")[2].strip().lower() not in _GENERAL_FONTS:
            raise ValueError(
                "end with a general family, for readers who lack the others: "
                "serif, sans-serif or monospace"
            )
        return value

    @field_validator("logo")
    @classmethod
    def _logo_is_a_web_address(cls, value: str | None) -> str | None:
        return value if value is None else _web_address(value)


class Note(_Model):
    """What the editors say above the news, in Markdown. ``until`` is the last day it is shown."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    until: date | None = None


class WebEdition(_Model):
    """What of each edition is on the web: a page, an index and a feed of editions."""

    editions: bool = True
    # Its stories are other people's, so search engines are asked to leave it unless told otherwise.
    search_engines: bool = False


class Cadence(_Model):
    """A named schedule. One edition a local day at most, so one minute and one hour."""

    cron: str
    timezone: str

    @field_validator("cron")
    @classmethod
    def _cron_runs_once_a_day(cls, value: str) -> str:
        parts = value.split()
        if len(parts) != 5:
            raise ValueError("write five fields: minute hour day month weekday, e.g. '0 7 * * *'")
        if not (parts[0].isdigit() and parts[1].isdigit()):
            raise ValueError(
                "give one minute and one hour (an edition is one a day); "
                "for a second edition a day add a second cadence"
            )
        try:
            CronSim(value, datetime(2026, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"not a cron expression: {error}") from error
        return " ".join(parts)

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, value: str) -> str:
        if value != SUBSCRIBER_ZONE and value not in available_timezones():
            raise ValueError("use an IANA name such as Europe/Amsterdam, or 'subscriber'")
        return value

    @property
    def local_time(self) -> str:
        """The cron's own hour and minute: ``07:00``."""
        minute, hour, *_ = self.cron.split()
        return f"{int(hour):02}:{int(minute):02}"


class Section(_Model):
    """A titled part of the newsletter."""

    id: Id
    title: Line
    intro: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    feeds: Annotated[tuple[str, ...], Field(min_length=1, max_length=500)]
    limit: Annotated[int, Field(ge=1, le=50)] = 5
    per_feed: Annotated[int, Field(ge=1, le=50)] | None = None

    @field_validator("feeds")
    @classmethod
    def _feeds_are_web_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            _web_address(url)
        if len(set(value)) != len(value):
            raise ValueError("a feed is listed twice")
        return value


class Newsletter(_Model):
    """One newsletter, whole."""

    id: Id
    title: Line
    description: Text
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    # What "today" is for readers and editors where a cadence leaves the zone to the reader.
    timezone: str = "UTC"
    sender: Sender
    postal_address: Text
    look: Look = "broadsheet"
    brand: Brand = Brand()
    greeting: bool = True
    note: Note | None = None
    web: WebEdition = WebEdition()
    cadences: Annotated[dict[Id, Cadence], Field(min_length=1, max_length=10)]
    sections: Annotated[tuple[Section, ...], Field(min_length=1, max_length=100)]
    minimum_articles: Annotated[int, Field(ge=1)] = 1
    max_lateness: timedelta = timedelta(hours=6)
    delivery: Policy = Policy.STRICT
    # Who is told by mail how each edition went.
    report_to: Annotated[tuple[Address, ...], Field(max_length=10)] = ()

    @field_validator("id")
    @classmethod
    def _id_is_no_folder_of_ours(cls, value: str) -> str:
        if value in _OUR_FOLDERS:
            raise ValueError(f"{value!r} is a folder of templates; choose another id")
        return value

    @field_validator("note", mode="before")
    @classmethod
    def _note_may_be_only_text(cls, value: object) -> object:
        return {"text": value} if isinstance(value, str) else value

    @field_validator("report_to", mode="before")
    @classmethod
    def _report_may_go_to_one(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("report_to")
    @classmethod
    def _nobody_gets_two_reports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len({address.lower() for address in value}) != len(value):
            raise ValueError("an address is listed twice")
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone_is_known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("use an IANA name such as Europe/Amsterdam")
        return value

    @field_validator("max_lateness", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        if isinstance(value, str) and (match := _DURATION.match(value.strip())):
            return timedelta(**{_UNITS[match[2]]: int(match[1])})
        if isinstance(value, str) and not value.startswith("P"):
            raise ValueError("write a length of time such as 30m, 6h or 2d")
        return value

    @field_validator("max_lateness")
    @classmethod
    def _lateness_in_bounds(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=5) <= value <= timedelta(days=2):
            raise ValueError("between 5m and 2d")
        return value

    @model_validator(mode="after")
    def _sections_have_their_own_ids(self) -> Self:
        ids = [section.id for section in self.sections]
        for section in ids:
            if ids.count(section) > 1:
                raise ValueError(f"two sections have the id {section!r}; give each its own")
        return self

    @property
    def feeds(self) -> tuple[str, ...]:
        """Every feed URL of every section, once, in order."""
        return tuple(dict.fromkeys(url for section in self.sections for url in section.feeds))
