"""The house rules that a reader of the tree may rely on."""

from __future__ import annotations

import ast
import graphlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FUNCTIONS = ROOT / "functions"
COURANT = FUNCTIONS / "courant"
HANDLERS = ("heartbeat", "gather", "compose", "deliver", "feedback", "publish", "web", "letters")

# A stage may import itself and what stands before it. Single modules at the top of the package
# are stages of their own.
BASE = [
    *("errors", "clock", "log", "settings", "aws", "table", "locales", "newsletter", "schedule"),
    *("plaintext", "policy", "templates"),
]
ARROWS: dict[str, list[str]] = {
    **dict.fromkeys(BASE, BASE),
    "lambda_events": BASE,
    "watermark": BASE,
    "newsletters": BASE,
    "articles": BASE,
    "feeds": [*BASE, "articles"],
    "editions": [*BASE, "articles", "newsletters"],
    "subscribers": [*BASE, "newsletters"],
    "delivery": [*BASE, "editions", "subscribers"],
    "web": [*BASE, "newsletters", "editions", "subscribers"],
    # What stands at the end of the flow and joins stages.
    "heartbeat": [
        *(*BASE, "newsletters", "feeds", "editions", "subscribers", "delivery", "watermark"),
    ],
    "publish": [*BASE, "newsletters", "editions", "subscribers"],
    "letters": [*BASE, "newsletters", "feeds", "editions", "subscribers", "delivery"],
}
# Pure modules: data in, data out. They may not reach for the world.
DECIDERS = (
    "newsletter.py",
    "policy.py",
    "plaintext.py",
    "schedule.py",
    "editions/model.py",
    "editions/steer.py",
    "editions/cut.py",
    "editions/deal.py",
    "editions/excerpt.py",
    "editions/view.py",
    "editions/likeness.py",
    "editions/select.py",
    "editions/stories.py",
    "editions/pressing.py",
    "editions/prose.py",
    "editions/web_edition.py",
    "editions/wording.py",
    "editions/budget.py",
    "delivery/allowance.py",
    "delivery/brake.py",
    "delivery/causes.py",
    "delivery/digest.py",
    "delivery/mime.py",
    "delivery/pace.py",
    "delivery/plan.py",
    "delivery/ses_events.py",
    "delivery/quoted.py",
    "delivery/watch.py",
    "letters/report.py",
    "subscribers/model.py",
    "subscribers/links.py",
    "subscribers/changes.py",
    "subscribers/choices.py",
    "subscribers/moving.py",
    "web/accent.py",
    "web/answer.py",
    "feeds/document.py",
    "feeds/fresh.py",
    "feeds/health.py",
    "feeds/identity.py",
    "feeds/pace.py",
    "feeds/rounds.py",
    "feeds/raw.py",
    "feeds/visit.py",
    "feeds/cleaning/canonical.py",
    "feeds/cleaning/clean.py",
    "feeds/dates.py",
    "feeds/cleaning/images.py",
    "feeds/cleaning/mojibake.py",
    "feeds/cleaning/names.py",
    "feeds/cleaning/places.py",
    "feeds/cleaning/summary.py",
    "feeds/cleaning/words.py",
    "feeds/fetching/guard.py",
    "feeds/fetching/unpack.py",
    "feeds/pages/body.py",
    "feeds/pages/facts.py",
    "feeds/pages/lacking.py",
    "feeds/pages/page.py",
    "feeds/parsing/decode.py",
    "feeds/parsing/jsonfeed.py",
    "feeds/parsing/parse.py",
    "feeds/parsing/prolog.py",
    "feeds/parsing/feeddates.py",
    "feeds/parsing/xmlelements.py",
    "feeds/parsing/xmlnames.py",
    "feeds/parsing/xmltext.py",
    "feeds/parsing/xmlfeed.py",
    "feeds/sandbox/answers.py",
)
WORLD = re.compile(
    r"\b(boto3|botocore|os\.environ|datetime\.now|clock\.now\(|time\.time|uuid4|urllib3|socket)\b"
)
# What makes a cold start slow; only gather and compose may load them.
HEAVY = (
    *("premailer", "lxml", "cssutils", "feedparser", "trafilatura", "nh3", "babel", "rapidfuzz"),
    "markdown_it",
)
LIGHT = ("deliver", "feedback", "web", "heartbeat", "publish")


def modules() -> list[Path]:
    return sorted(path for path in COURANT.rglob("*.py") if path.name != "__init__.py")


def imported(path: Path) -> set[str]:
    """The stages of ``courant`` that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("courant.")}
    return found


def stage(path: Path) -> str:
    return path.relative_to(COURANT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(COURANT)))
def test_arrows_go_only_backwards(path: Path) -> None:
    own = stage(path)

    assert own in ARROWS, f"say in ARROWS what {own} may import"
    assert imported(path) <= {own, *ARROWS[own]}


def test_the_parts_of_feeds_form_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in sorted((COURANT / "feeds").rglob("*.py")):
        own = path.relative_to(COURANT / "feeds").parts[0].removesuffix(".py")
        found = re.findall(r"courant\.feeds(?:\.(\w+)| import ([\w, ]+))", path.read_text())
        names = {name for one, several in found for name in (one, *several.split(", ")) if name}
        graph.setdefault(own, set()).update(names - {own})

    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


def test_nothing_deployed_imports_the_desk() -> None:
    for path in FUNCTIONS.rglob("*.py"):
        assert not re.search(r"^\s*(from|import) desk\b", path.read_text(), re.MULTILINE), path


@pytest.mark.parametrize("name", DECIDERS)
def test_deciders_do_not_reach_for_the_world(name: str) -> None:
    source = (COURANT / name).read_text()
    code = "\n".join(
        line for line in ast.unparse(ast.parse(source)).splitlines() if '"""' not in line
    )

    assert not WORLD.search(code), WORLD.search(code)


@pytest.mark.parametrize("function", LIGHT)
def test_a_light_function_starts_without_the_heavy_libraries(function: str) -> None:
    script = (
        f"import json, sys; import {function}.handler;"
        f" print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )

    output = subprocess.run(  # noqa: S603 - our own interpreter and our own script
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(FUNCTIONS)},
    ).stdout

    assert json.loads(output) == []


@pytest.mark.parametrize("function", HANDLERS)
def test_importing_a_handler_reads_no_environment_and_makes_no_client(function: str) -> None:
    script = (
        "import boto3\n"
        "def refuse(*args, **kwargs): raise SystemExit('a client at import')\n"
        "boto3.client = boto3.resource = refuse\n"
        f"import {function}.handler as h; assert callable(h.handler) and h.wire.cache_info\n"
    )
    bare = {
        name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ
    }

    subprocess.run(  # noqa: S603 - our own interpreter and our own script
        [sys.executable, "-c", script], check=True, env={**bare, "PYTHONPATH": str(FUNCTIONS)}
    )


def test_what_is_shipped_is_what_is_tested() -> None:
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text()
        return dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;\\]+)", text, re.MULTILINE))

    shipped, tested = pins("functions/requirements.txt"), pins("requirements/dev.txt")

    assert shipped
    assert {name: tested.get(name) for name in shipped} == shipped


def test_no_module_is_named_after_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

    assert (
        not {path.stem for path in [*COURANT.rglob("*.py"), *(ROOT / "desk").rglob("*.py")]}
        & nothing
    )


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(COURANT)))
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
