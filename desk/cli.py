"""The ``courant`` command: what it can do, and how it ends when something is wrong.

The commands themselves are in desk/commands/. A mistake of an editor's or a deployment's is a
sentence on stderr and an exit code; only a defect of ours is a traceback (``--debug``: always).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperGroup

from courant import aws
from courant.errors import ConfigurationError, CourantError, NotFound
from desk.commands import (
    apply,
    demo,
    editions,
    editions_act,
    feeds,
    feeds_import,
    feeds_status,
    lint,
    local,
    person,
    plan,
    preview,
    send,
    subscribers,
    terminal,
)
from desk.commands.terminal import Exit


class _Sentences(TyperGroup):
    """Ends with a sentence and an exit code where Python would end with a traceback."""

    def invoke(self, ctx: Any) -> object:  # typer has its own copy of click's Context, unexported
        if ctx.params.get("debug"):
            return super().invoke(ctx)
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise _end(str(error), Exit.WRONG_INPUT) from error
        except NotFound as error:
            raise _end(str(error), Exit.NOT_FOUND) from error
        except CourantError as error:
            raise _end(str(error), Exit.FAILED) from error
        except ClientError as error:
            message = error.response.get("Error", {}).get("Message", "")
            text = f"AWS refused {error.operation_name}: {aws.code(error)}: {message}"
            raise _end(text, Exit.FAILED) from error
        except BotoCoreError as error:
            raise _end(f"AWS could not be asked: {error}", Exit.FAILED) from error


def _end(sentence: str, code: Exit) -> typer.Exit:
    terminal.note(sentence, style="red")
    return typer.Exit(code)


app = typer.Typer(
    cls=_Sentences,
    help="Newsletter digests on your own AWS: feeds in, one good mail a reader.",
    epilog=terminal.epilog(
        "courant demo                              the whole product here, no network",
        "courant preview newsletters/morning.yaml  your file's digest, in the browser",
        "courant local                             a stack to try the rest on, no AWS",
        title="Start here",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback()
def courant(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error came from (a traceback).")
    ] = False,
) -> None:
    # Its docstring would be the help. `_Sentences` reads the option.
    del debug


app.command(
    short_help="The whole product here, no network.",
    epilog=terminal.epilog("courant demo", "courant demo --feeds DIR --no-serve --out out/feeds"),
)(demo.demo)
app.command(short_help="A file's digest, in the browser.", epilog=preview.EXAMPLES)(preview.preview)
app.command(short_help="What is wrong with a file's digest.", epilog=lint.EXAMPLES)(lint.lint)
app.command(short_help="Check newsletter files.", epilog=apply.VALIDATE_EXAMPLES)(apply.validate)
app.command(short_help="Put newsletter files into the stack.", epilog=apply.APPLY_EXAMPLES)(
    apply.apply
)
app.command(short_help="Send now, or send a test.", epilog=send.EXAMPLES)(send.send)
app.command(short_help="How long, how much, what to raise first.", epilog=plan.EXAMPLES)(plan.plan)
app.command(short_help="A stack on this machine, without AWS.", epilog=local.EXAMPLES)(local.local)

_subscribers = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_subscribers.command("import", epilog=subscribers.IMPORT_EXAMPLES)(subscribers.import_)
_subscribers.command("export", epilog=subscribers.EXPORT_EXAMPLES)(subscribers.export)
_subscribers.command("show", epilog=person.EXAMPLES)(person.show)
app.add_typer(
    _subscribers,
    name="subscribers",
    help="Who reads: import a list, export it, look one person up.",
    epilog=terminal.epilog("courant subscribers show reader@example.org"),
)

_feeds = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_feeds.command(
    "check", short_help="Try feeds, or find those of sites.", epilog=feeds.CHECK_EXAMPLES
)(feeds.check)
_feeds.command(
    "import", short_help="A reader's list as a newsletter file.", epilog=feeds_import.EXAMPLES
)(feeds_import.import_)
_feeds.command(
    "status", short_help="Which fail, and how busy they are.", epilog=feeds_status.EXAMPLES
)(feeds_status.status)
app.add_typer(
    _feeds,
    name="feeds",
    help="What is read: try a feed or find a site's, take over a list, see which fail.",
    epilog=terminal.epilog("courant feeds check theguardian.com"),
)

_editions = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
_editions.command("list", epilog=editions.LIST_EXAMPLES)(editions.list_)
_editions.command("show", epilog=editions.SHOW_EXAMPLES)(editions.show)
_editions.command("watch", epilog=editions_act.WATCH_EXAMPLES)(editions_act.watch)
_editions.command("pause", epilog=editions_act.PAUSE_EXAMPLES)(editions_act.pause)
_editions.command("resume", epilog=editions_act.RESUME_EXAMPLES)(editions_act.resume)
_editions.command("cancel", epilog=editions_act.CANCEL_EXAMPLES)(editions_act.cancel)
_editions.command("retry-unresolved", epilog=editions_act.RETRY_EXAMPLES)(
    editions_act.retry_unresolved
)
app.add_typer(
    _editions,
    name="editions",
    help="What was sent: editions, what became of every member, and a hand on those that run.",
    epilog=terminal.epilog("courant editions list morning"),
)

for _group in (app, _subscribers, _feeds, _editions):
    for _registered in _group.registered_commands:
        _registered.cls = terminal.Command


def main() -> None:
    """Run the command line."""
    app()
