"""Lists of subscribers: read from any program's CSV, imported with care, taken away whole."""

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courant.errors import ConfigurationError
from courant.newsletter import Newsletter
from courant.schedule import Slot
from courant.subscribers import choices, roster
from courant.subscribers.address import AddressKey
from courant.subscribers.model import SHARDS
from courant.subscribers.roster import COLUMNS, Imported, Row
from courant.subscribers.store import SubscriberStore
from desk import roster_file

if TYPE_CHECKING:
    from desk.stack import Stack
    from tests.conftest import HandClock

KEY = AddressKey(b"secret of the tests")
MORNING = Newsletter.model_validate(
    {
        "id": "morning",
        "title": "Morning",
        "description": "News",
        "timezone": "Europe/Amsterdam",
        "sender": {"name": "Courant", "address": "morning@example.org"},
        "postal_address": "1 Lantern Street",
        "cadences": {
            "daily": {"cron": "0 7 * * *", "timezone": "subscriber"},
            "weekly": {"cron": "30 8 * * 6", "timezone": "Europe/Amsterdam"},
        },
        "sections": [
            {"id": "politics", "title": "Politics", "feeds": ["https://example.org/a"]},
            {"id": "arts", "title": "Books, film & stage", "feeds": ["https://example.org/b"]},
        ],
    }
)
HEADER = "email,name,cadence,timezone,time,sections,limit,locale,format,status\n"


class Office:
    """Where lists come in and go out."""

    def __init__(self, stack: "Stack", clock: "HandClock") -> None:
        self.store, self.clock = SubscriberStore(stack.table("subscribers")), clock

    def take(self, text: str) -> Imported:
        file = roster_file.parse(text.encode())
        assert file.broken == ()
        return roster.import_rows(
            file.rows, MORNING, self.clock, self.store, KEY, roster_file.address, "import:test"
        )

    def give(self) -> str:
        rows = roster.export(self.store, MORNING, self.clock())
        return "".join(roster_file.write(rows))

    def count(self, slot: Slot) -> int:
        return sum(self.store.count("morning", slot, digit, self.clock()) for digit in SHARDS)

    def sid(self, email: str) -> str:
        sid = self.store.find(email, KEY)
        assert sid is not None
        return sid


@pytest.fixture
def office(stack: "Stack", clock: "HandClock") -> Office:
    return Office(stack, clock)


# ── files ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_file_is_read_whatever_program_wrote_it(delimiter: str, encoding: str, end: str) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end)
    writer.writerows([["E-Mail", "Name"], ["zoë@example.org", f'Zoë {delimiter} "Z"'], ["b@x.org"]])

    file = roster_file.parse(buffer.getvalue().encode(encoding))

    assert file.rows == (
        Row(2, {"email": "zoë@example.org", "name": f'Zoë {delimiter} "Z"'}),
        Row(3, {"email": "b@x.org", "name": ""}),
    )
    assert (file.broken, file.warnings) == ((), ())


@pytest.mark.parametrize(
    ("header", "cells", "name"),
    [
        ("email,first name,last name", "a@x.org,Ada,Byron", "Ada Byron"),
        ("email,First_Name,Surname", "a@x.org,Ada,", "Ada"),
        ("Name,Last Name,email", "Ada,Byron,a@x.org", "Ada Byron"),
        ("full name,first name,last name,mail", "Lady Ada,Ada,Byron,a@x.org", "Lady Ada"),
        ("EMAIL ADDRESS", "a@x.org", ""),
    ],
)
def test_columns_are_known_by_many_names(header: str, cells: str, name: str) -> None:
    file = roster_file.parse(f"{header}\n{cells}\n".encode())

    assert [row.cells["name"] for row in file.rows] == [name]
    assert [row.cells["email"] for row in file.rows] == ["a@x.org"]


def test_a_column_we_do_not_know_is_said_and_passed_over() -> None:
    file = roster_file.parse(b"email,Shoe size\na@x.org,43\n")

    assert file.warnings == ("column 'Shoe size' is not used",)
    assert "Shoe size" not in file.rows[0].cells


def test_a_broken_line_takes_no_other_with_it() -> None:
    text = '\n\nemail,name\na@x.org,"Ada\nb@x.org,Bob\nc@x.org,Byron, Carl\n\nd@x.org,"D"\n'

    file = roster_file.parse(text.encode())

    assert [(row.line, row.cells["email"]) for row in file.rows] == [(5, "b@x.org"), (8, "d@x.org")]
    assert [line for line, _ in file.broken] == [4, 6]


def test_a_text_over_two_lines_is_one_field() -> None:
    file = roster_file.parse(b'name,email\n"Ada\nByron",a@x.org\nBob,b@x.org\n')

    assert [row.line for row in file.rows] == [2, 4]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"name,city\nAda,Delft\n", b"ada@example.org\n", b"email,mail\na,b\n", b'"'],
)
def test_a_file_without_addresses_is_refused_with_the_mend(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"^line \d+: "):
        roster_file.parse(data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.csv: No such file"):
        roster_file.read(tmp_path / "none.csv")


def test_windows_letters_are_read_and_said() -> None:
    file = roster_file.parse("email,name\na@x.org,Zoë\n".encode("cp1252"))

    assert file.rows[0].cells["name"] == "Zoë"
    assert "Windows-1252" in file.warnings[0]


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    try:
        file = roster_file.parse(b"email\n" + data)
    except ConfigurationError:
        return

    assert all(row.line >= 2 for row in file.rows)


cells = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20).map(str.strip)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, cells)), max_size=5))
def test_what_is_written_is_read(rows: list[dict[str, str]]) -> None:
    rows = [row | {"email": "a@x.org"} for row in rows]

    file = roster_file.parse(
        "".join(roster_file.write(Row(n, row) for n, row in enumerate(rows, 2))).encode()
    )

    assert [row.cells for row in file.rows] == rows
    assert file.broken == ()


# ── rows ──────────────────────────────────────────────────────────────────────────────────────


def test_an_import_keeps_the_good_rows_and_names_the_bad(office: Office) -> None:
    done = office.take(
        HEADER
        + "ada@example.org,Ada,,,,politics|Books; film,,,,\n"
        + "bob@example.org,Bob,daily,asia/tokyo,6:30 pm,Politics;arts,12,PT_br,plain,active\n"
        + "not an address,Carl,,,,,,,,\n"
        + "BOB@Example.org,Bob again,,,,,,,,\n"
        + "dan@example.org,,hourly,,,,,,,\n"
        + "eve@example.org,,,Mars/Base,,,,,,\n"
        + "fay@example.org,,,,25:00,,,,,\n"
        + "gus@example.org,,,,,,,,,unsubscribed\n"
        + "hal@example.org,,,,,,,klingon!,,\n"
        + "ida@example.org,,,,,,,,fax,\n"
        + ",Nobody,,,,,,,,\n"
        + 'joy@example.org,Joy,weekly,,,"Books, film & stage",,nl,,\n'
        + "kim@example.org,,,,,,51,,,\n"
    )

    reasons = dict(done.refused)
    assert (done.added, done.already) == (2, 0)
    assert sorted(reasons) == [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14]
    assert reasons[2] == "unknown section 'Books'; there are: politics, arts"
    assert reasons[4].startswith("bad address (not an address): ")
    assert reasons[5] == "duplicate of line 3"
    assert reasons[6] == "unknown cadence 'hourly'; there are: daily, weekly"
    assert reasons[7].startswith("unknown timezone 'Mars/Base'")
    assert reasons[8] == "unknown time '25:00'; write it like 07:00"
    assert reasons[9] == "the file says 'unsubscribed', so not subscribed"
    assert reasons[12].startswith("bad address (nothing)")
    assert reasons[14] == "unknown limit '51'; write how many stories of a section, 1 to 50"
    bob = office.store.profile(office.sid("bob@example.org"))
    joy = office.store.profile(office.sid("joy@example.org"))
    assert bob is not None
    assert joy is not None
    assert bob.subscriptions["morning"].slot == Slot("daily", "Asia/Tokyo", "18:30")
    assert bob.subscriptions["morning"].sections == ("politics", "arts")
    assert bob.subscriptions["morning"].limit == 12
    assert (bob.locale, bob.format) == ("pt-BR", "text")
    assert bob.consent.source == "import:test"
    assert joy.subscriptions["morning"].slot == Slot("weekly")
    assert joy.subscriptions["morning"].sections == ("arts",)
    assert joy.subscriptions["morning"].limit is None


def test_importing_again_adds_nobody(office: Office) -> None:
    text = "email\n" + "".join(f"reader{n}@example.org\n" for n in range(120))

    done = [office.take(text), office.take(text)]

    assert [(one.added, one.already, one.refused) for one in done] == [(120, 0, ()), (0, 120, ())]
    assert office.count(Slot("daily")) == 120


def test_an_import_brings_nobody_back(office: Office) -> None:
    office.take("email\nleft@example.org\nbarred@example.org\n")
    office.store.unsubscribe(office.sid("left@example.org"), "morning", "link", office.clock())
    office.store.suppress(office.sid("barred@example.org"), "bounced", office.clock(), KEY)

    done = office.take("email\nLEFT@example.org\nBarred@example.org\nnew@example.org\n")

    assert done.added == 1
    assert [(line, reason.split(" ")[0]) for line, reason in done.refused] == [
        (2, "unsubscribed"),
        (3, "suppressed:"),
    ]
    assert office.count(Slot("daily")) == 1


def test_what_goes_out_comes_in_the_same(stack: "Stack", clock: "HandClock") -> None:
    office = Office(stack, clock)
    office.take(
        HEADER
        + 'ada@example.org,"A. ""C."", B.",daily,Asia/Tokyo,07:00,politics|arts,7,nl-BE,text,\n'
        + "bob@xn--bcher-kva.example,Bób,weekly,,,,,,,\n"
        + "carl@example.org,,,,,,,,,\n"
    )
    office.store.unsubscribe(office.sid("carl@example.org"), "morning", "link", clock())
    out = office.give()
    for item in stack.table("subscribers").scan()["Items"]:
        stack.table("subscribers").delete_item(Key={"PK": item["PK"], "SK": item["SK"]})

    done = office.take(out)

    assert (done.added, done.refused) == (2, ())
    assert sorted(office.give().splitlines()) == sorted(out.splitlines())


def test_an_imported_locale_is_known_before_the_pages_are_made(office: Office) -> None:
    office.take(HEADER + "ada@example.org,,,,,,,nl_be,,\nbob@example.org,,weekly,,,,,AR,,\n")
    office.take(HEADER + "eve@example.org,,,,,,,,,\nADA@example.org,,,,,,,de,,\n")

    # Ada is subscribed already, and reads what she chose; a German page would be one too many,
    # which is no harm.
    assert office.store.locales("morning") >= {"nl-BE", "ar"}
    ada = office.store.member("morning", Slot("daily"), office.sid("ada@example.org"))
    assert ada is not None
    assert ada.locale == "nl-BE"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("", None),
        ("nl", "nl"),
        ("nl_NL", "nl-NL"),
        ("NL-nl", "nl-NL"),
        ("pt-BR", "pt-BR"),
        ("ZH_hANT_tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-CH-1996", "de-CH-1996"),
        ("ca-ES-VALENCIA", "ca-ES-valencia"),
    ],
)
def test_a_locale_has_one_spelling(text: str, tag: str | None) -> None:
    assert choices.locale_of(text) == tag


@pytest.mark.parametrize(
    "text", ["klingon!", "n", "dutch", "nl-", "-nl", "nl--NL", "nl NL", "nl\n", "nl-abcdefgh" * 9]
)
def test_a_locale_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="unknown locale"):
        choices.locale_of(text)


@given(st.text(st.sampled_from("nNlLxX-_09tT "), max_size=40))
def test_a_locale_once_spelled_stays(text: str) -> None:
    try:
        tag = choices.locale_of(text)
    except ValueError:
        return

    assert choices.locale_of(tag or "") == tag
    assert choices.locale_of(text.swapcase()) == tag


@pytest.mark.parametrize(("text", "limit"), [("", None), ("1", 1), ("07", 7), ("50", 50)])
def test_a_limit(text: str, limit: int | None) -> None:
    assert choices.limit_of(text) == limit


@pytest.mark.parametrize("text", ["0", "51", "-1", "2.5", "many", "5e0", "9" * 5000, "²"])
def test_a_limit_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="unknown limit"):
        choices.limit_of(text)


@pytest.mark.parametrize(
    "title", ["Limit", "stories", "Stories per section", "stories_per_section"]
)
def test_a_limit_has_many_names(title: str) -> None:
    file = roster_file.parse(f"email,{title}\na@x.org,3\n".encode())

    assert [row.cells["limit"] for row in file.rows] == ["3"]
    assert file.warnings == ()


@pytest.mark.parametrize(
    ("zone", "time", "slot"),
    [
        ("", "", Slot("daily")),
        ("europe/amsterdam", "", Slot("daily", "Europe/Amsterdam", "07:00")),
        ("", "9", Slot("daily", "Europe/Amsterdam", "09:00")),
        ("America/New_York", "12 AM", Slot("daily", "America/New_York", "00:00")),
        ("UTC", "12:15pm", Slot("daily", "UTC", "12:15")),
        ("UTC", "06:30:00", Slot("daily", "UTC", "06:30")),
        ("UTC", "18h30", Slot("daily", "UTC", "18:30")),
    ],
)
def test_a_readers_hour(zone: str, time: str, slot: Slot) -> None:
    assert choices.slot_of(MORNING, "", zone, time) == slot
    assert Slot.parse(str(slot)) == slot


@pytest.mark.parametrize("time", ["24:00", "7:60", "0 am", "13pm", "noon", "-1", "٧:٠٠x"])
def test_an_hour_that_is_none(time: str) -> None:
    with pytest.raises(ValueError, match="unknown time"):
        choices.slot_of(MORNING, "daily", "UTC", time)


@given(st.text())
def test_a_name_is_one_printable_line(text: str) -> None:
    name = choices.name_of(text)

    assert name is None or (name.replace("\u200c", "").replace("\u200d", "").isprintable())
    assert name is None or 0 < len(name) <= 100


def test_a_name_can_not_turn_the_line_around() -> None:
    assert choices.name_of(" Ada\u202e\n\x00 Byron\u200b ") == "Ada Byron"
    assert choices.name_of("نیلوفر\u200cها") == "نیلوفر\u200cها"


# ── real files ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("keila-import-csv/import_external_ids.csv", 3, 1),
        ("keila-import-csv/import_libreoffice.csv", 201, 0),
        ("keila-import-csv/import_malformed1.csv", 3, 0),
        ("keila-import-csv/import_rfc_4180_upsert.csv", 4, 1),
        ("keila-import-csv/import_rfc_4180_with_status.csv", 2, 2),
        ("moonmail-csv/242_valid_8_duplicated_recipients.csv", 242, 8),
        ("moonmail-csv/250_valid_recipients.csv", 250, 0),
    ],
)
def test_the_files_of_other_programs(
    office: Office, shared: Path, name: str, good: int, bad: int
) -> None:
    file = roster_file.read(shared / "corpora" / "subscribers" / name)

    done = roster.import_rows(
        file.rows, MORNING, office.clock, office.store, KEY, roster_file.address, "import:test"
    )

    assert (done.added, len(done.refused), file.broken) == (good, bad, ())


def test_no_address_ses_could_not_take_gets_through(shared: Path) -> None:
    folder = shared / "corpora" / "subscribers"
    files = sorted(folder.glob("*/*.jsonl"))

    taken = []
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            text = json.loads(line).get("input")
            if isinstance(text, str):
                try:
                    taken.append(roster_file.address(text))
                except ValueError:
                    continue

    assert len(taken) > 100
    assert all(one.isascii() and one.isprintable() and " " not in one for one in taken)
    assert all(one.count("@") == 1 and "," not in one and len(one) <= 254 for one in taken)
