"""A small valid programme: one policy, one module of five scenes, to be broken one line at a time."""

from __future__ import annotations

from pathlib import Path

POLICY = """# Being online

## 5. Acceptable use

**5.1** Nothing you put online is private. Ask [[head]].

**5.3** Don't be friends with pupils.

**5.5** Not in work time.
"""

# Each line: scene, then where its best, acceptable and unsafe choices lead.
WAYS = (
    ("one", "two", "two", "worse"),
    ("worse", "two", "two", None),
    ("two", "three", "three", None),
    ("three", "four", "four", None),
    ("four", "end", "end", None),
)

HEAD = """# A module to test with
module: friend
title: A friend request
minutes: 4
teaches: ["5.1", "5.3"]
start: one
summary:
  heading: To remember
  text: |
    Tell [[safeguarding_lead]].
  points:
    - Ask first
scenes:
"""

SCENE = """  - id: {id}
    shown_as: phone
    heading: Heading of {id}
    text: |
      Text of {id}, first line.

      Text of {id}, last line.
    question: What do you do in {id}?
    choices:
"""

CHOICE = """      - id: {outcome}
        text: The {outcome} choice of {id}
        outcome: {outcome}
        then: After {outcome} of {id}
        clauses: ["5.1", "5.3"]
        why: Because {outcome} of {id}
"""

Way = tuple[str, str | None, str | None, str | None]


def scene_text(way: Way) -> str:
    name, *targets = way
    text = SCENE.format(id=name)
    for outcome, target in zip(("best", "acceptable", "unsafe"), targets, strict=True):
        text += CHOICE.format(id=name, outcome=outcome)
        text += f"        goto: {target}\n" if target else ""
    return text


def module_text(ways: tuple[Way, ...] = WAYS) -> str:
    return HEAD + "".join(map(scene_text, ways))


def write_programme(tmp_path: Path, *modules: str | bytes, policy: str | None = POLICY) -> Path:
    """Write a folder of content and return it; with no module given, the valid one."""
    folder = tmp_path / "being-online"
    folder.mkdir()
    if policy is not None:
        (folder / "policy.md").write_text(policy, encoding="utf-8")
    for number, module in enumerate(modules or (module_text(),), 1):
        content = module if isinstance(module, bytes) else module.encode()
        (folder / f"module-{number}.yaml").write_bytes(content)
    return folder
