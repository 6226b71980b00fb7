"""Importing a policy and checking content, at a terminal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from lms import policies
from lms.db import session
from lms.policies import PolicyVersion
from tests.cli.terminal import Look, Run

OWN_POLICY = """# Mobile phone policy

## 1. Why

Phones take our eyes off children.

## 2. What we ask

- Keep it in your bag.
- Use it in the staffroom.
"""


def test_importing_a_policy_says_what_was_found_and_publishes_its_words(
    run: Run, school: str, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "phones.md"
    file.write_text(OWN_POLICY)
    dry = run("policy", "import", str(file), "--dry-run")
    assert "2 sections, 2 list items" in dry.output
    assert "Nothing was published" in dry.output
    result = run("policy", "import", str(file), "--label", "Autumn")
    assert result.exit_code == 0, result.output
    assert "until HR assigns it" in result.output
    with look():
        version = session.scalars(sa.select(PolicyVersion).where(PolicyVersion.label == "Autumn")).one()
        assert "- Keep it in your bag." in policies.source(version)
        assert not version.is_model
        assert session.get_one(policies.Policy, version.policy_id).slug == "mobile-phone"


def test_a_later_version_may_ask_for_new_signatures_by_a_day(
    run: Run, school: str, look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "phones.md"
    file.write_text(OWN_POLICY)
    run("policy", "import", str(file))
    file.write_text(OWN_POLICY + "- Not on trips.\n")
    result = run("policy", "import", str(file), "--label", "2", "--resign-by", "2026-10-01")
    assert "sign again by 1 October 2026" in result.output
    with look():
        found = session.scalars(sa.select(PolicyVersion).where(PolicyVersion.label == "2")).one()
        assert (found.number, found.resign_by) == (2, date(2026, 10, 1))


@pytest.mark.parametrize(
    ("name", "content", "more", "sentence"),
    [
        ("policy.docx", "x", [], "plain text"),
        ("policy.md", "", [], "empty"),
        ("policy.md", OWN_POLICY, ["--resign-by", "soon"], "is not a day"),
        ("policy.md", OWN_POLICY, ["--resign-by", "2020-01-01"], "is past"),
        ("policy.md", OWN_POLICY, ["--school", "nowhere"], "no school at the address"),
    ],
)
def test_a_policy_that_cannot_be_published_is_a_sentence(
    run: Run,
    school: str,
    look: Look,
    tmp_path: Path,
    name: str,
    content: str,
    more: list[str],
    sentence: str,
) -> None:
    (tmp_path / name).write_text(content)
    result = run("policy", "import", str(tmp_path / name), *more)
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    with look():
        assert session.scalar(sa.select(sa.func.count(PolicyVersion.id))) == 1


def test_the_content_that_comes_with_countersign_has_no_fault(run: Run) -> None:
    result = run("scenarios", "check")
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "No fault was found.")


def test_faults_in_content_are_told_by_file_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text("# Policy\n\n## 1. One\n\n**1.1** Ask [[nobody]].\n")
    (tmp_path / "module.yaml").write_text("module: m\ntitle: <b>T</b>\n")
    result = run("scenarios", "check", str(tmp_path))
    assert result.exit_code == 1
    assert f"{tmp_path / 'policy.md'}:5: [[nobody]] is not a placeholder" in result.output
    assert f"{tmp_path / 'module.yaml'}:2: Raw HTML" in result.output
