"""CSV files of subscribers, as spreadsheets and other newsletter programs write them.

Turns bytes into rows with our column names, and rows into CSV. What a row means, and who may be
subscribed, is courant.subscribers.roster.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from email_validator import EmailNotValidError, validate_email

from courant.errors import ConfigurationError
from courant.subscribers.roster import COLUMNS, Row

_ALIASES = {
    "email": "email e-mail mail email-address e-mail-address address subscriber-email",
    "name": "name full-name display-name your-name",
    "first name": "first-name firstname given-name fname forename",
    "last name": "last-name lastname surname family-name lname",
    "cadence": "cadence frequency schedule",
    "timezone": "timezone time-zone tz zone",
    "time": "time hour send-time local-time delivery-time",
    "sections": "sections section topics interests",
    "limit": "limit stories stories-per-section items max-stories",
    "locale": "locale language lang",
    "format": "format mail-format email-format",
    "status": "status state subscription-status",
}
_COLUMN = {alias: column for column, aliases in _ALIASES.items() for alias in aliases.split()}
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class RosterFile:
    """A file as read: its rows, the rows that could not be, and what to tell about the whole."""

    rows: tuple[Row, ...]
    broken: tuple[tuple[int, str], ...] = ()
    warnings: tuple[str, ...] = ()


def read(path: Path) -> RosterFile:
    """The rows of a CSV file.

    Raises:
        ConfigurationError: not a CSV file with a column of addresses.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    try:
        return parse(data)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def parse(data: bytes) -> RosterFile:
    """``read`` for bytes; the error names no file."""
    text, warnings = _decode(data)
    lines = list(io.StringIO(text, newline=""))
    first = next((n for n, line in enumerate(lines) if line.strip(" \t\r\n,;")), 0)
    delimiter = max(_DELIMITERS, key=_outside_quotes("".join(lines[first : first + 1])).count)
    records = _records(lines, first, delimiter)
    _, header = next(records, (1, []))
    if isinstance(header, str):
        raise ConfigurationError(f"line {first + 1}: {header}")
    columns, unknown = _columns(header)
    warnings += [f"column {name!r} is not used" for name in unknown]
    rows: list[Row] = []
    broken: list[tuple[int, str]] = []
    for line, cells in records:
        if isinstance(cells, str):
            broken.append((line, cells))
        elif any(cell.strip() for cell in cells[len(header) :]):
            found = f"has {len(cells)} fields where the header has {len(header)}"
            broken.append((line, f"{found}; put quotes round a field with a {delimiter!r} in it"))
        elif any(cell.strip() for cell in cells):
            rows.append(Row(line, _named(columns, cells)))
    return RosterFile(tuple(rows), tuple(broken), tuple(warnings))


def write(rows: Iterable[Row]) -> Iterator[str]:
    """The rows as lines of CSV (RFC 4180, header first), each with its line end."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for cells in ([*COLUMNS], *([row.cells.get(name, "") for name in COLUMNS] for row in rows)):
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def address(text: str) -> str:
    """An address as SES takes it: ASCII, the domain in lower case.

    Raises:
        ValueError: says what is wrong with it.
    """
    try:
        valid = validate_email(
            text.strip(), check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as error:
        shown = text.strip()[:100] or "nothing"
        raise ValueError(f"bad address ({shown}): {error}") from error
    # Without SMTPUTF8 there always is an ASCII form.
    return str(valid.ascii_email)


def _records(
    lines: Sequence[str], start: int, delimiter: str
) -> Iterator[tuple[int, list[str] | str]]:
    """Each record's first line and its cells, or why it has none.

    A quote that is never closed would take the rest of the file with it; so after a record that
    can't be read the next line is tried as a new one.
    """
    while start < len(lines):
        reader = csv.reader(
            islice(lines, start, None), delimiter=delimiter, skipinitialspace=True, strict=True
        )
        line = start
        try:
            for cells in reader:
                yield line + 1, cells
                line = start + reader.line_num
            start = len(lines)
        except csv.Error as error:
            yield line + 1, f"not readable as CSV ({error}); is a quote missing?"
            start = line + 1


def _decode(data: bytes) -> tuple[str, list[str]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(data, "utf-16"), []
    # Plain letters in UTF-16 without its mark have a zero in every second byte.
    if data[:4].count(0) == 2 and len(data) % 2 == 0:
        return _strict(data, "utf-16-be" if data[0] == 0 else "utf-16-le"), []
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return (
            data.decode("cp1252", "replace"),
            ["not UTF-8; read as Windows-1252, so look at the names"],
        )


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"not text in {encoding}; save it as UTF-8") from error


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _columns(header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    columns: dict[str, int] = {}
    unknown: list[str] = []
    for position, title in enumerate(header):
        column = _COLUMN.get(re.sub(r"[\s_-]+", "-", title.strip().lower()))
        if column is None:
            unknown += [title.strip()] if title.strip() else []
        elif column in columns:
            raise ConfigurationError(
                f"line 1: two columns are the {column}; take one out or rename it"
            )
        else:
            columns[column] = position
    if "email" not in columns:
        found = ", ".join(repr(title.strip()) for title in header) or "nothing"
        raise ConfigurationError(
            f"line 1: no column is named 'email' (found {found[:200]}); "
            "the first line must name the columns"
        )
    return columns, unknown


def _named(columns: dict[str, int], cells: Sequence[str]) -> dict[str, str]:
    named = {
        column: cells[position].strip() if position < len(cells) else ""
        for column, position in columns.items()
    }
    first, last = named.pop("first name", ""), named.pop("last name", "")
    whole = named.get("name", "")
    # "Name" beside "Last Name" is the first name; beside both it is the whole.
    parts = (whole,) if whole and (first or not last) else (first or whole, last)
    named["name"] = " ".join(filter(None, parts))
    return named
