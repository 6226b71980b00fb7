"""The bones of a module as its author left it: ids, outcomes and ways on, with their lines.

Built from nodes rather than from `scenarios.Module`, so that a file with one bad key still has all its other
faults found in the same pass. Whatever is missing is None or empty here; its absence is reported elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import yaml

from lms.scenario_graph import END
from lms.scenario_yaml import child, line_of


@dataclass(frozen=True)
class Word:
    """One scalar of the file."""

    text: str
    line: int


@dataclass(frozen=True)
class ChoiceOutline:
    """One choice of a scene."""

    line: int
    id: Word | None
    outcome: str
    goto: Word | None
    clauses: tuple[Word, ...]

    @property
    def is_safe(self) -> bool:
        """Whether it leads on. A misspelt outcome counts as safe, or one slip would look like many faults."""
        return self.outcome != "unsafe"


@dataclass(frozen=True)
class SceneOutline:
    """One scene, and the scenes its choices name."""

    line: int
    id: Word | None
    choices: tuple[ChoiceOutline, ...]

    @property
    def name(self) -> str:
        """The scene's id, or nothing."""
        return self.id.text if self.id else ""

    @property
    def gotos(self) -> tuple[tuple[ChoiceOutline, Word], ...]:
        """The choices that name a scene, each with its `goto`."""
        return tuple((choice, choice.goto) for choice in self.choices if choice.goto)


@dataclass(frozen=True)
class ModuleOutline:
    """One module, and the graph of its scenes."""

    slug: Word | None
    start: Word | None
    teaches: tuple[Word, ...]
    scenes: tuple[SceneOutline, ...]
    scenes_line: int

    @cached_property
    def by_id(self) -> dict[str, SceneOutline]:
        """The scenes that have an id; of two with the same, the first."""
        return {scene.name: scene for scene in reversed(self.scenes) if scene.id}

    @cached_property
    def safe_edges(self) -> dict[str, frozenset[str]]:
        """For each scene, where its safe choices lead; what names no scene is left out."""
        return {name: self._targets(scene, safe_only=True) for name, scene in self.by_id.items()}

    @cached_property
    def edges(self) -> dict[str, frozenset[str]]:
        """For each scene, where any of its choices leads."""
        return {name: self._targets(scene, safe_only=False) for name, scene in self.by_id.items()}

    def _targets(self, scene: SceneOutline, *, safe_only: bool) -> frozenset[str]:
        gotos = {goto.text for choice, goto in scene.gotos if choice.is_safe or not safe_only}
        return frozenset(gotos & (self.by_id.keys() | {END}))


def outline(root: yaml.Node) -> ModuleOutline:
    """Return the outline of a module's file."""
    scenes = child(root, "scenes")
    return ModuleOutline(
        slug=_word(root, "module"),
        start=_word(root, "start"),
        teaches=_words(root, "teaches"),
        scenes=tuple(_scene(node) for node in _items(root, "scenes")),
        scenes_line=scenes[0] if scenes else line_of(root),
    )


def _scene(node: yaml.Node) -> SceneOutline:
    choices = tuple(_choice(item) for item in _items(node, "choices"))
    return SceneOutline(line_of(node), _word(node, "id"), choices)


def _choice(node: yaml.Node) -> ChoiceOutline:
    outcome = _word(node, "outcome")
    return ChoiceOutline(
        line=line_of(node),
        id=_word(node, "id"),
        outcome=outcome.text if outcome else "",
        goto=_word(node, "goto"),
        clauses=_words(node, "clauses"),
    )


def _word(node: yaml.Node, key: str) -> Word | None:
    found = child(node, key)
    if found is None or not isinstance(found[1], yaml.ScalarNode) or not found[1].value:
        return None
    return Word(found[1].value, line_of(found[1]))


def _words(node: yaml.Node, key: str) -> tuple[Word, ...]:
    scalars = [item for item in _items(node, key) if isinstance(item, yaml.ScalarNode)]
    return tuple(Word(item.value, line_of(item)) for item in scalars)


def _items(node: yaml.Node, key: str) -> list[yaml.Node]:
    found = child(node, key)
    return list(found[1].value) if found and isinstance(found[1], yaml.SequenceNode) else []
