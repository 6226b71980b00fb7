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


@dataclass(frozen=True)
class Text:
    """A policy's text, and the modules that go with it."""

    slug: str
    title: str
    markdown: str
    modules: list[str]
    is_model: bool


def model_policy() -> Text:
    """Return our model social media policy with its three modules."""
    programme = load_programme(resource_dir("scenarios") / MODEL)
    markdown = programme.policy_markdown
    return Text(MODEL, title_of(markdown), markdown, list(programme.modules), is_model=True)


def own_policy(policy: ImportedPolicy) -> Text:
    """Return a school's own policy; the modules go with it when it is about social media."""
    slug = slug_of_title(policy.title)
    modules = model_policy().modules if slug == MODEL else []
    return Text(slug, policy.title, policy.markdown, modules, is_model=False)


def code_of_conduct(number: int) -> str:
    """Return version 1 or 2 of the code of conduct."""
    return (Path(__file__).parent / "policies" / f"code-of-conduct-{number}.md").read_text("utf-8")
