"""How commands talk: results on stdout, everything else on stderr, one exit code a kind of end.

Nothing here knows what a command does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from typer.core import TyperCommand

# Piped output is read by scripts and people's greps, not by a window of some width.
_PIPED_WIDTH = 200


class Exit(IntEnum):
    """What the shell gets."""

    OK = 0
    FAILED = 1
    WRONG_INPUT = 2  # also what typer says to a wrong option
    PARTLY = 3
    NOT_FOUND = 4


_EXIT_CODES = """\
Exit codes:
  0  all done
  1  something failed, or you answered no
  2  wrong input or configuration
  3  partly done; what was not is reported
  4  not found"""

StackName = Annotated[
    str,
    typer.Option(
        "--stack",
        metavar="NAME",
        envvar="COURANT_STACK",
        help="The deployed stack's name in CloudFormation.",
        rich_help_panel="Where",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout; anything else goes to stderr.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


class Command(TyperCommand):
    """A command whose help names an argument as its usage does: FILE, not ``{FILE} <path>``."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """``FILE``, ``FILE...`` or ``[NEWSLETTER]``."""
        return [
            piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments and options, each with its help."""
        records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for param in self.get_params(ctx):
            if record := param.get_help_record(ctx):
                name, told = record
                if param.param_type_name == "argument":
                    name = param.metavar or name
                records[param.param_type_name].append((name, told))
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            if records[kind]:
                with formatter.section(title):
                    formatter.write_dl(records[kind])


def epilog(*examples: str, more: str = "", title: str = "Examples") -> str:
    """What stands below a command's options: examples as they are, a paragraph, the exit codes."""
    shown = "\n".join([f"{title}:", *(f"  {example}" for example in examples)])
    # \b keeps the lines of a paragraph as they are.
    parts = [f"\b\n{shown}", more, f"\b\n{_EXIT_CODES}"]
    return "\n\n".join(filter(None, parts))


def say(text: str = "", style: str | None = None) -> None:
    """A result, on stdout."""
    console(stderr=False).print(text, style=style, soft_wrap=True)


def note(text: str, style: str | None = None) -> None:
    """Something to know on the way, on stderr."""
    console(stderr=True).print(text, style=style, soft_wrap=True)


def show(value: Any) -> None:
    """A result as JSON, alone on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: int = 0,
    stderr: bool = False,
) -> None:
    """A table on stdout, or stderr; its last ``numbers`` columns are aligned right."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=any(columns))
    for place, column in enumerate(columns):
        is_number = place >= len(columns) - numbers
        made.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    console(stderr=stderr).print(made)


def ask(question: str) -> None:
    """Go on only after a yes.

    Raises:
        typer.Exit: they said no, or nobody was there to say anything.
    """
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort as error:
        note("\nNobody answered, so nothing was done. Use --yes where nobody is there to ask.")
        raise typer.Exit(Exit.FAILED) from error
    if not agreed:
        note("Nothing was done.")
        raise typer.Exit(Exit.FAILED)


def progress() -> Progress:
    """A progress bar on stderr; silent where stderr is no terminal."""
    on = console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=on,
        transient=True,
        disable=not on.is_terminal,
    )


def console(*, stderr: bool) -> Console:
    """A stream as rich draws on it."""
    # Made when it is used: the streams may be others by then, and text of ours is never markup.
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = _PIPED_WIDTH
    return made
