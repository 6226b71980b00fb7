"""Check a programme's folder: every fault at once, each with its file and line, for whoever writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from lms import policy_text
from lms.policy_markup import CLAUSE_ID
from lms.scenario_outline import ModuleOutline, outline
from lms.scenario_rules import RULES, clauses_exist
from lms.scenario_words import shape_flaws
from lms.scenario_yaml import LARGEST, Flaw, Source, decode, line_of, plain, read, too_large, walk
from lms.scenarios import Module, module_files

POLICY = "policy.md"

# What CommonMark lets through as HTML: a tag need not be closed to be one. <https://…> is a link, not a tag.
_HTML = re.compile(r"<(?:/?[A-Za-z][A-Za-z0-9-]*(?=[\s/>]|$)|!--|![A-Za-z]|!\[CDATA\[|\?)[^<>\n]*>?", re.M)
_PLACEHOLDER = re.compile(r"\[\[([^\[\]\n]*)\]?\]?")
_CLAUSE = re.compile(rf"\*\*{CLAUSE_ID.pattern}\*\*")


@dataclass(frozen=True, order=True)
class Fault:
    """One thing to put right: the file, the line in it (from 1), and what is wrong in a sentence."""

    file: Path
    line: int
    message: str


@dataclass(frozen=True)
class Report:
    """All faults in the order of file and line, and the policy's clauses that no module teaches."""

    faults: tuple[Fault, ...]
    untaught: tuple[str, ...]


@dataclass(frozen=True)
class _Policy:
    flaws: tuple[Flaw, ...]
    clauses: tuple[str, ...]


def check(folder: Path) -> Report:
    """Return every fault in a programme's folder: `policy.md` and one YAML file a module.

    A folder or file that is missing or can't be opened is a fault like any other, on line 1.
    """
    if not folder.is_dir():
        return Report((Fault(folder, 1, "There is no such folder."),), ())
    policy = _check_policy(folder / POLICY)
    faults = {Fault(folder / POLICY, flaw.line, flaw.message) for flaw in policy.flaws}
    modules: dict[Path, ModuleOutline] = {}
    for path in module_files(folder):
        flaws, module = _check_module(path, policy.clauses)
        faults |= {Fault(path, flaw.line, flaw.message) for flaw in flaws}
        if module:
            modules[path] = module
    if not module_files(folder):
        faults.add(Fault(folder, 1, "There is no module here: no file ends in .yaml."))
    faults |= set(_shared_slugs(modules))
    taught = {clause.text for module in modules.values() for clause in module.teaches}
    untaught = tuple(clause for clause in policy.clauses if clause not in taught)
    return Report(tuple(sorted(faults)), untaught)


def _shared_slugs(modules: dict[Path, ModuleOutline]) -> Iterator[Fault]:
    first_files: dict[str, str] = {}
    for path, module in modules.items():
        if module.slug and module.slug.text in first_files:
            first = first_files[module.slug.text]
            yield Fault(path, module.slug.line, f"The module “{module.slug.text}” is also in {first}.")
        elif module.slug:
            first_files[module.slug.text] = path.name


def _check_policy(path: Path) -> _Policy:
    try:
        content = path.read_bytes()
    except OSError as error:
        return _Policy((_unopened(error),), ())
    if len(content) > LARGEST:
        return _Policy((too_large(content),), ())
    text, flaws = decode(content)
    for number, line in enumerate(text.split("\n"), 1):
        flaws += [Flaw(number, message) for message in _text_messages(line)]
    flaws += _repeated_clauses(text)
    clauses = tuple(policy_text.clauses(text))
    if not clauses:
        flaws.append(Flaw(1, "The policy has no clause: no paragraph begins with an id such as **5.3**."))
    return _Policy(tuple(flaws), clauses)


def _repeated_clauses(text: str) -> Iterator[Flaw]:
    first_lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        found = _CLAUSE.match(line)
        if found and found[1] in first_lines:
            first = first_lines[found[1]]
            yield Flaw(number, f"Clause {found[1]} is here twice; the first is on line {first}.")
        elif found:
            first_lines[found[1]] = number


def _check_module(path: Path, clauses: tuple[str, ...]) -> tuple[list[Flaw], ModuleOutline | None]:
    """Return what is wrong with one file and, where it can be read at all, its outline."""
    try:
        source = read(path.read_bytes())
    except OSError as error:
        return [_unopened(error)], None
    if source.root is None:
        return list(source.flaws), None
    module = outline(source.root)
    flaws = [*source.flaws, *_shape(source.root), *_text_flaws(source, source.root)]
    flaws += [flaw for rule in RULES for flaw in rule(module)]
    # With no policy to look in, every clause would be unknown: the missing policy is the one fault to show.
    flaws += clauses_exist(module, clauses) if clauses else ()
    return flaws, module


def _shape(root: yaml.Node) -> list[Flaw]:
    try:
        Module.model_validate(plain(root))
    except ValidationError as error:
        return shape_flaws(root, error)
    return []


def _text_flaws(source: Source, root: yaml.Node) -> Iterator[Flaw]:
    """Yield the raw HTML and unknown placeholders in any text, on the very line within a block of text."""
    for node in walk(root):
        if isinstance(node, yaml.ScalarNode) and (messages := list(_text_messages(node.value))):
            shown = [
                Flaw(number, message)
                for number in _lines_of(node)
                for message in _text_messages(source.lines[number - 1])
            ]
            # An escape such as "\x3cb>" shows in the text only, not in the lines.
            yield from shown or [Flaw(line_of(node), message) for message in messages]


def _lines_of(node: yaml.ScalarNode) -> range:
    end = node.end_mark
    return range(line_of(node), end.line + 1 if end.column == 0 else end.line + 2)


def _text_messages(text: str) -> Iterator[str]:
    for tag in _HTML.finditer(text):
        yield f"Raw HTML is not allowed: {tag[0].strip()}"
    for found in _PLACEHOLDER.finditer(text):
        if found[1] not in policy_text.PLACEHOLDERS or not found[0].endswith("]]"):
            yield f"{found[0]} is not a placeholder that a school's settings fill in."


def _unopened(error: OSError) -> Flaw:
    return Flaw(1, f"The file can't be opened: {error.strerror}.")
