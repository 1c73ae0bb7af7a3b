"""The readers' pages, through the web function as the template wires it."""

import base64
import hashlib
import json
import logging
import re
import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from courant import aws, locales
from courant.newsletter import Brand, Newsletter
from courant.newsletters import NewsletterStore
from courant.schedule import Slot
from courant.subscribers.address import AddressKey
from courant.subscribers.links import Links
from courant.subscribers.model import Consent, Signup, Status
from courant.subscribers.store import SubscriberStore

if TYPE_CHECKING:
    from desk.stack import Stack
    from tests.conftest import HandClock

EVENTS = Path(__file__).resolve().parents[1] / "events"
KEY = AddressKey(b"secret of the tests")
DAILY = Slot("daily")
MORNING = Newsletter.model_validate(
    {
        "id": "morning",
        "title": "Morning <Courant>",
        "description": "News",
        "sender": {"name": "Courant", "address": "morning@example.org"},
        "postal_address": "1 Lantern Street",
        "cadences": {"daily": {"cron": "0 7 * * *", "timezone": "UTC"}},
        "sections": [{"id": "news", "title": "News", "feeds": ["https://example.org/feed"]}],
    }
)
ONE_CLICK = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
)


class Site:
    """The site of a stack with one newsletter and one reader, Ada."""

    def __init__(
        self,
        stack: "Stack",
        clock: "HandClock",
        status: Status = Status.ACTIVE,
        locale: str | None = None,
    ) -> None:
        self.stack, self.clock = stack, clock
        self.store = SubscriberStore(stack.table("subscribers"))
        self.links = Links("", aws.secret(stack.environment("web")["TOKEN_SECRET"]))
        NewsletterStore(stack.table("content")).put(MORNING, clock())
        consent = Consent("test", clock())
        ada = Signup(
            email="ada@example.org",
            newsletter="morning",
            slot=DAILY,
            consent=consent,
            status=status,
            locale=locale,
        )
        self.store.subscribe(ada, clock(), KEY)
        self.sid = self.store.find("ada@example.org", KEY) or ""

    def status(self) -> Status:
        profile = self.store.profile(self.sid)
        assert profile is not None
        return profile.subscriptions["morning"].status

    def leave(self) -> str:
        return self.links.unsubscribe(self.sid, "morning")

    def confirm(self) -> str:
        return self.links.confirm(self.sid, "morning", self.clock())


@pytest.fixture
def site(stack: "Stack", clock: "HandClock") -> Site:
    return Site(stack, clock)


@pytest.fixture
def pending(stack: "Stack", clock: "HandClock") -> Site:
    return Site(stack, clock, Status.PENDING)


def event(case: str, path: str | None = None) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EVENTS / f"web.{case}.json").read_text("utf-8"))
    if path is not None:
        loaded["rawPath"] = loaded["requestContext"]["http"]["path"] = path
    return loaded


def test_opening_the_link_shows_a_button_and_changes_nothing(site: Site) -> None:
    answer = site.stack.invoke("web", event("get", site.leave()))

    assert answer["statusCode"] == 200
    assert f'action="{site.leave()}"' in answer["body"]
    assert "Unsubscribe from Morning &lt;Courant&gt;?" in answer["body"]
    assert site.status() is Status.ACTIVE


def test_one_click_unsubscribes_and_may_come_again(site: Site) -> None:
    answers = [site.stack.invoke("web", event("post", site.leave())) for _ in range(2)]

    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert answers[0]["body"] == answers[1]["body"]
    assert site.status() is Status.UNSUBSCRIBED
    assert site.store.count("morning", DAILY, site.sid[0], site.clock()) == 0


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (ONE_CLICK, b"List-Unsubscribe=One-Click"),
        ({"content-type": "multipart/form-data; boundary=x"}, MULTIPART),
        (ONE_CLICK, b""),
        ({}, b""),
        ({"content-type": "application/octet-stream"}, bytes(range(256))),
    ],
)
def test_every_kind_of_body_unsubscribes(site: Site, headers: dict[str, str], body: bytes) -> None:
    answer = site.stack.request("POST", site.leave(), headers=headers, body=body)

    assert answer.status == 200
    assert site.status() is Status.UNSUBSCRIBED


def test_what_a_post_answers_moves_nobody_and_remembers_nothing(site: Site) -> None:
    answer = site.stack.invoke("web", event("post", site.leave()))

    names = {name.lower() for name in answer["headers"]}
    assert not names & {"location", "set-cookie", "refresh"}
    assert "cookies" not in answer


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT"])
@pytest.mark.parametrize("path", ["/u/nonsense", "/nowhere", "valid"])
def test_every_answer_is_locked_down(site: Site, method: str, path: str) -> None:
    answer = site.stack.request(method, site.leave() if path == "valid" else path)

    headers = {name.lower(): value for name, value in answer.headers.items()}
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"].startswith("max-age=")


def test_head_is_get_without_its_body(site: Site) -> None:
    head, get = site.stack.request("HEAD", site.leave()), site.stack.request("GET", site.leave())

    assert (head.status, head.headers) == (get.status, get.headers)
    assert not head.body
    assert site.status() is Status.ACTIVE


def test_a_sample_link_unsubscribes_nobody_and_says_so(site: Site) -> None:
    link = site.links.sample("morning")

    get, post = site.stack.request("GET", link), site.stack.request("POST", link)

    assert (get.status, post.status) == (200, 200)
    assert "Nobody has been unsubscribed" in str(post.body)
    assert site.status() is Status.ACTIVE


def test_a_changed_link_is_met_calmly_and_changes_nothing(site: Site) -> None:
    token = site.leave()
    broken = token[:-1] + ("A" if token[-1] != "A" else "Q")

    get, post = site.stack.request("GET", broken), site.stack.request("POST", broken)

    assert (get.status, post.status) == (404, 200)
    assert get.body == post.body
    assert site.status() is Status.ACTIVE


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/", 404),
        ("GET", "/u/", 404),
        ("GET", "/u/a/b", 404),
        ("GET", "/favicon.ico", 404),
        ("PUT", "/u/token", 405),
        ("DELETE", "/c/token", 405),
    ],
)
def test_everything_else_is_not_there(site: Site, method: str, path: str, status: int) -> None:
    answer = site.stack.request(method, path)

    assert answer.status == status


def test_the_bad_event_is_answered_without_a_crash(site: Site) -> None:
    assert site.stack.invoke("web", event("bad"))["statusCode"] == 404


def test_a_reader_can_leave_a_newsletter_that_is_no_more(site: Site) -> None:
    NewsletterStore(site.stack.table("content")).delete("morning")

    answer = site.stack.request("POST", site.leave())

    assert answer.status == 200
    assert site.status() is Status.UNSUBSCRIBED


def test_the_page_speaks_the_newsletters_language(site: Site) -> None:
    dutch = MORNING.model_copy(update={"language": "nl-BE"})
    NewsletterStore(site.stack.table("content")).put(dutch, site.clock())

    answer = site.stack.request("GET", site.leave())

    assert '<html lang="nl"' in str(answer.body)


@pytest.mark.parametrize(
    ("locale", "papers", "spoken"),
    [
        ("fr", "nl-BE", "fr"),
        ("ar-EG", "en", "ar"),
        ("pl", "nl-BE", "nl"),
        ("pl", "pl", "en"),
        (None, "de", "de"),
    ],
)
def test_every_page_of_a_reader_is_in_their_language(
    stack: "Stack", clock: "HandClock", locale: str | None, papers: str, spoken: str
) -> None:
    site = Site(stack, clock, Status.PENDING, locale)
    paper = MORNING.model_copy(update={"language": papers})
    NewsletterStore(stack.table("content")).put(paper, clock())
    requests = [
        *((method, link) for link in (site.confirm(), site.leave()) for method in ("GET", "POST")),
        ("GET", site.leave()),
        ("POST", site.confirm()),  # nothing to confirm any more
    ]

    for method, link in requests:
        page = str(stack.request(method, link, headers={"accept-language": "es"}).body)
        assert f'<html lang="{spoken}"' in page


def test_words_of_the_newsletters_own_are_on_its_pages(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(locales.FOLDER, tmp_path / "locales")
    (tmp_path / "morning" / "locales").mkdir(parents=True)
    (tmp_path / "morning" / "locales" / "en.toml").write_text('unsubscribe_button = "Goodbye"')
    ours = locales.strings
    monkeypatch.setattr(
        locales,
        "strings",
        lambda language, newsletter: ours(language, tmp_path / "locales", newsletter),
    )

    assert ">Goodbye</button>" in str(site.stack.request("GET", site.leave()).body)


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("pl,fr-CH;q=0.5", "fr"),
        ("en;q=0.3,AR;q=0.7", "ar"),
        ("nl;q=0,de;q=0.1", "de"),
        ("*", "en"),
        ("", "en"),
        ("../../nl", "en"),
        ("pl;q=0.9," * 30 + "nl", "en"),
    ],
)
@pytest.mark.parametrize("path", ["/u/broken", "/nowhere", "/e/nothing"])
def test_a_page_of_nobodys_is_in_a_language_of_the_browsers(
    site: Site, asked: str, spoken: str, path: str
) -> None:
    answer = site.stack.request("GET", path, headers={"accept-language": asked})

    assert (answer.status, f'<html lang="{spoken}"' in str(answer.body)) == (404, True)


def test_a_newsletter_that_is_no_more_is_left_in_the_readers_language(
    stack: "Stack", clock: "HandClock"
) -> None:
    site = Site(stack, clock, locale="nl")
    NewsletterStore(stack.table("content")).delete("morning")

    page = str(stack.request("GET", site.leave(), headers={"accept-language": "fr"}).body)

    assert '<html lang="nl"' in page
    assert "Stoppen met morning?" in page


def test_pages_wear_the_newsletters_accent_and_their_policy_knows_it(site: Site) -> None:
    branded = MORNING.model_copy(update={"brand": Brand(accent="#ffe08a")})
    NewsletterStore(site.stack.table("content")).put(branded, site.clock())

    answer = site.stack.request("GET", site.leave())

    page = bytes(answer.body).decode()
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert "--accent: #ffe08a; --on-accent: #000000;" in style
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "#ffe08a" not in str(site.stack.request("GET", "/u/broken").body)


def test_who_has_left_is_told_so_and_has_no_button(site: Site) -> None:
    site.stack.request("POST", site.leave())

    answer = site.stack.request("GET", site.leave())

    assert answer.status == 200
    assert "already unsubscribed from Morning &lt;Courant&gt;" in str(answer.body)
    assert "<button" not in str(answer.body)
    assert site.status() is Status.UNSUBSCRIBED


def test_a_pending_reader_may_still_say_no(pending: Site) -> None:
    assert "<button" in str(pending.stack.request("GET", pending.leave()).body)


def test_who_has_confirmed_is_told_so_and_has_no_button(pending: Site) -> None:
    pending.stack.request("POST", pending.confirm())

    page = str(pending.stack.request("GET", pending.confirm()).body)

    assert "You are subscribed" in page
    assert "<button" not in page


def test_confirming_takes_a_button_and_may_come_again(pending: Site) -> None:
    link = pending.confirm()

    shown = pending.stack.request("GET", link)
    before = pending.status()
    done = [pending.stack.request("POST", link).status for _ in range(2)]

    assert shown.status == 200
    assert before is Status.PENDING
    assert done == [200, 200]
    assert pending.status() is Status.ACTIVE
    assert pending.store.count("morning", DAILY, pending.sid[0], pending.clock()) == 1


def test_a_confirmation_comes_too_late(pending: Site) -> None:
    link = pending.confirm()
    pending.clock.at += timedelta(hours=49)

    statuses = [pending.stack.request(method, link).status for method in ("GET", "POST")]

    assert statuses == [404, 200]
    assert pending.status() is Status.PENDING


def test_confirming_brings_nobody_back_who_left(pending: Site) -> None:
    link = pending.confirm()
    pending.stack.request("POST", pending.leave())

    answer = pending.stack.request("POST", link)

    assert "does not work" in str(answer.body)
    assert pending.status() is Status.UNSUBSCRIBED


def test_a_link_for_one_page_is_none_for_the_other(pending: Site) -> None:
    leave, confirm = pending.leave(), pending.confirm()

    pending.stack.request("POST", "/c/" + leave.removeprefix("/u/"))
    pending.stack.request("POST", "/u/" + confirm.removeprefix("/c/"))

    assert pending.status() is Status.PENDING


def test_no_page_and_no_log_line_holds_an_address_or_a_token(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The logger itself: it does not propagate, so pytest's own capture sees nothing of it.
    logged: list[str] = []
    monkeypatch.setattr(
        logging.getLogger("courant"), "_log", lambda _, text, args: logged.append(text % args)
    )

    answer = site.stack.request("POST", site.leave())

    lines = "".join(logged)
    assert "unsubscribed" in lines
    assert "ada@" not in str(answer.body) + lines
    assert site.leave().removeprefix("/u/") not in lines


def test_the_post_event_is_base64_as_the_gateway_sends_forms() -> None:
    loaded = event("post")

    assert loaded["isBase64Encoded"]
    assert base64.b64decode(loaded["body"]) == b"List-Unsubscribe=One-Click"
