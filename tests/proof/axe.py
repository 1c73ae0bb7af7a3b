"""axe-core on a page that is shown in Chromium (``desk.browser``). MPL-2.0; used, never shipped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.proof import tools

if TYPE_CHECKING:
    from playwright.sync_api import Page

# All of WCAG 2.2 A and AA that axe-core has rules for, and its best practices. Left out: AAA (its
# contrast of 7:1 would leave no quiet text), and what axe-core calls experimental or deprecated.
_RUN = """
async () => {
  const values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const result = await axe.run(document, { runOnly: { type: "tag", values } });
  const brief = (rules) => rules.map((rule) => ({
    id: rule.id, help: rule.help, impact: rule.impact,
    nodes: rule.nodes.map((node) => ({
      target: node.target.join(" "), html: node.html,
      why: [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; "),
    })),
  }));
  return {
    violations: brief(result.violations),
    incomplete: brief(result.incomplete),
    passes: result.passes.map((rule) => rule.id),
    inapplicable: result.inapplicable.map((rule) => rule.id),
  };
}
"""


# What axe-core asks of a whole page and not of a part of one. A mail is read inside the page of a
# mail program, which has these landmarks; a `main` in each mail would be one too many.
NOT_OF_A_MAIL = frozenset({"landmark-one-main", "region"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One element that breaks one rule."""

    rule: str
    impact: str
    help: str
    target: str
    html: str
    why: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.impact}): {self.why} — {self.target}: {self.html[:200]}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What axe-core found.

    ``unsure`` is what it leaves to a human; ``rules`` every rule it ran, ``applied`` those that
    met something to judge.
    """

    violations: tuple[Finding, ...]
    unsure: tuple[Finding, ...]
    rules: frozenset[str]
    applied: frozenset[str]

    def of_a_mail(self) -> tuple[Finding, ...]:
        """All findings but those that only whole pages can have."""
        found = (*self.violations, *self.unsure)
        return tuple(each for each in found if each.rule not in NOT_OF_A_MAIL)


def verdict(page: Page) -> Verdict:
    """The verdict on a page as it is shown now, colours and width included."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    result: dict[str, Any] = page.evaluate(_RUN)
    violations = _findings(result["violations"])
    unsure = _findings(result["incomplete"])
    applied = frozenset(
        [*result["passes"], *(each.rule for each in violations), *(each.rule for each in unsure)]
    )
    return Verdict(violations, unsure, applied | frozenset(result["inapplicable"]), applied)


def violations(page: Page) -> tuple[Finding, ...]:
    """Only what is wrong for certain."""
    return verdict(page).violations


@cache
def _source() -> str:
    return tools.npm("axe-core/axe.min.js").read_text("utf-8")


def _findings(rules: list[dict[str, Any]]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            rule["id"],
            rule["impact"] or "unknown",
            rule["help"],
            node["target"],
            node["html"],
            node["why"],
        )
        for rule in rules
        for node in rule["nodes"]
    )
