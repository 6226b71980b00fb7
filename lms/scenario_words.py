"""Say in a sentence what pydantic found wrong with a module, and on which line of its file."""

from __future__ import annotations

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lms.scenario_yaml import Flaw, find, read_as

_KINDS = {"str": "text", "bool": "true or false", "int": "a number", "float": "a number"} | {
    "timestamp": "a date",
    "map": "a set of keys",
    "seq": "a list",
    "null": "nothing",
}
_WHOLES = {"scenes": "scene", "choices": "choice", "summary": "summary"}
_FEEDBACK = {"then": "what happens next", "why": "why it is so"}


def shape_flaws(root: yaml.Node, error: ValidationError) -> list[Flaw]:
    """Return one flaw for each error in the validation of `plain(root)`."""
    return [_flaw(root, details) for details in error.errors(include_url=False, include_context=True)]


def _flaw(root: yaml.Node, details: ErrorDetails) -> Flaw:
    line, node = find(root, details["loc"])
    if details["type"] == "missing":
        return Flaw(line, _missing(details["loc"]))
    return Flaw(line, _sentence(_name(details["loc"]), node, details))


def _sentence(name: str, node: yaml.Node, details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return f"{name} is not a key of a {_whole(details['loc'])}."
        case "string_type" | "enum" if isinstance(node, yaml.ScalarNode) and read_as(node) != "str":
            return _misread(name, node)
        case "enum":
            return f"{name} is “{node.value}”; it must be {context['expected'].replace(chr(39), '')}."
        case "string_pattern_mismatch" if not node.value.strip():
            return f"{name} is empty."
        case "string_pattern_mismatch":
            return f"{name} is “{node.value}”; it must be small letters and figures, joined by hyphens."
        case "too_short":
            return f"{name} is an empty list."
        case "int_type" | "greater_than_equal" | "less_than_equal":
            return f"{name} must be a whole number from 1 to 30."
    return f"{name} must be {_wanted(details['type'])}, not {_KINDS.get(read_as(node), 'this')}."


def _misread(name: str, node: yaml.ScalarNode) -> str:
    if read_as(node) == "null":
        return f"{name} is empty."
    kind = _KINDS[read_as(node)]
    return f'{name}: {node.value} is read as {kind}, not as text. Put it in quotes: "{node.value}".'


def _missing(loc: tuple[int | str, ...]) -> str:
    key = str(loc[-1])
    if key in _FEEDBACK:
        return f"This choice has no feedback: `{key}` is missing, which says {_FEEDBACK[key]}."
    return f"This {_whole(loc)} has no `{key}`."


def _wanted(error_type: str) -> str:
    return {"tuple_type": "a list", "model_type": "a set of keys"}.get(error_type, "text")


def _name(loc: tuple[int | str, ...]) -> str:
    named = [str(step) for step in loc if isinstance(step, str)]
    return f"`{named[-1]}`" if named else "The file"


def _whole(loc: tuple[int | str, ...]) -> str:
    """Return which of the format's parts holds the last key of a path."""
    within = [_WHOLES[str(step)] for step in loc[:-1] if step in _WHOLES]
    return within[-1] if within else "module"
