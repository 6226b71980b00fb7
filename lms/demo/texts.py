"""The policies that the demo school asks its adults to sign."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lms.config import resource_dir
from lms.people import EngagementType
from lms.policies import slug_of_title
from lms.policy_import import ImportedPolicy
from lms.policy_text import title_of
from lms.scenarios import load_programme

CODE = "code-of-conduct"
CODE_TITLE = "Staff code of conduct"
CODE_AUDIENCE: list[EngagementType] = [
    kind
    for kind in EngagementType
    if kind not in (EngagementType.AGENCY_WORKER, EngagementType.CONTRACTOR, EngagementType.VOLUNTEER)
]
MODEL = "social-media"
SHORT = "must-know-today"
"""What agency workers do on their first morning, out of the same programme."""


@dataclass(frozen=True)
class Text:
    """A policy's text, and the modules that go with it."""

    slug: str
    title: str
    markdown: str
    modules: list[str]
    short: list[str]
    """The modules of the short programme; none where there is no short one."""
    is_model: bool


def model_policy() -> Text:
    """Return our model social media policy with its three modules, and the short one."""
    programme = load_programme(resource_dir("scenarios") / MODEL)
    markdown = programme.policy_markdown
    modules = [slug for slug in programme.modules if slug != SHORT]
    return Text(MODEL, title_of(markdown), markdown, modules, [SHORT], is_model=True)


def own_policy(policy: ImportedPolicy) -> Text:
    """Return a school's own policy; the modules go with it when it is about social media."""
    slug = slug_of_title(policy.title)
    model = model_policy()
    modules, short = (model.modules, model.short) if slug == MODEL else ([], [])
    return Text(slug, policy.title, policy.markdown, modules, short, is_model=False)


def code_of_conduct(number: int) -> str:
    """Return version 1 or 2 of the code of conduct."""
    return (Path(__file__).parent / "policies" / f"code-of-conduct-{number}.md").read_text("utf-8")
