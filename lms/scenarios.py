"""Authored content: a module is made of scenes, a scene of choices. One YAML file a module, no code in it."""

from __future__ import annotations

import functools
import graphlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints, ValidationError

from lms import scenario_graph
from lms.config import resource_dir
from lms.errors import CountersignError, NotFoundError
from lms.scenario_words import shape_flaws
from lms.scenario_yaml import Flaw, plain, read

END = scenario_graph.END

Text = Annotated[str, StringConstraints(strict=True, pattern=r"\S")]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class ContentError(CountersignError):
    """Authored content that can't be played; the message names the file or line."""


class UnknownChoice(NotFoundError):
    """A scene or a choice that this version of the module doesn't have."""


class Outcome(StrEnum):
    """How a choice turns out. Not right and wrong: "acceptable" is safe and leaves something undone."""

    UNSAFE = "unsafe"
    ACCEPTABLE = "acceptable"
    BEST = "best"


class ShownAs(StrEnum):
    """How a situation is met, and so how it is drawn."""

    PHONE = "phone"
    MESSAGE = "message"
    REMARK = "remark"
    EMAIL = "email"
    SETTINGS = "settings"
    NOTICE = "notice"


class _Authored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(_Authored):
    """One thing a person could do: what happens then, why, and the clauses it rests on."""

    id: Slug
    text: Text
    outcome: Outcome
    then: Text
    clauses: Annotated[tuple[Text, ...], Field(min_length=1)]
    why: Text
    goto: Slug | None = None

    @property
    def is_safe(self) -> bool:
        """Whether it leads on; after an unsafe choice the person tries again."""
        return self.outcome is not Outcome.UNSAFE


class Scene(_Authored):
    """One situation and the decision it asks for."""

    id: Slug
    shown_as: ShownAs
    caption: Text | None = None
    sender: Text | None = None
    heading: Text
    text: Text
    question: Text
    choices: tuple[Choice, ...]

    def choice(self, choice_id: str) -> Choice:
        """Return one of the scene's choices, or raise UnknownChoice."""
        for choice in self.choices:
            if choice.id == choice_id:
                return choice
        raise UnknownChoice("That answer is not one of the choices for this question.")


class Summary(_Authored):
    """What is said when the module is done."""

    heading: Text
    text: Text
    points: Annotated[tuple[Text, ...], Field(min_length=1)]


class Module(_Authored):
    """One authored module, and the exact bytes it was read from."""

    module: Slug
    title: Text
    minutes: Annotated[int, Field(strict=True, ge=1, le=30)]
    teaches: tuple[Text, ...]
    start: Slug
    scenes: tuple[Scene, ...]
    summary: Summary
    _content: bytes = PrivateAttr(default=b"")

    @property
    def slug(self) -> str:
        """The module's name in addresses and records."""
        return self.module

    @property
    def content(self) -> bytes:
        """The bytes of the file, kept as a document with each attempt."""
        return self._content

    @functools.cached_property
    def sha256(self) -> str:
        """The hash by which an attempt names its version."""
        return module_sha256(self._content)

    def scene(self, scene_id: str) -> Scene:
        """Return one of the module's scenes, or raise UnknownChoice."""
        for scene in self.scenes:
            if scene.id == scene_id:
                return scene
        raise UnknownChoice("That question is not part of this version of the module.")

    def steps_left(self, scene_id: str) -> int:
        """Return how many decisions are left on the longest way on by safe choices, this one included."""
        return self._steps[self.scene(scene_id).id]

    @functools.cached_property
    def _steps(self) -> dict[str, int]:
        return scenario_graph.longest(
            {
                scene.id: {next_scene(scene, choice) for choice in scene.choices if choice.is_safe}
                for scene in self.scenes
            }
        )


@dataclass(frozen=True)
class Programme:
    """A policy and the modules that teach it: one folder."""

    slug: str
    policy_markdown: str
    modules: Mapping[str, Module]


def next_scene(scene: Scene, choice: Choice) -> str:
    """Return where a choice leads: a scene's id or `end`. An unsafe choice with no `goto` asks again."""
    return choice.goto or scene.id


def module_sha256(content: bytes) -> str:
    """Return the hex SHA-256 of a module's exact bytes."""
    return hashlib.sha256(content).hexdigest()


@functools.lru_cache(maxsize=256)
def parse_module(content: bytes) -> Module:
    """Return the module that a file's exact bytes hold: today's, or the version somebody began.

    Raises:
        ContentError: it can't be read, or can't be played to its end; the message gives the line.
    """
    source = read(content)
    if source.flaws or source.root is None:
        raise ContentError(_first(source.flaws))
    try:
        module = Module.model_validate(plain(source.root))
    except ValidationError as error:
        raise ContentError(_first(shape_flaws(source.root, error))) from error
    module._content = content
    _refuse_unplayable(module)
    return module


def _first(flaws: list[Flaw] | tuple[Flaw, ...]) -> str:
    flaw = min(flaws)
    return f"line {flaw.line}: {flaw.message}"


def _refuse_unplayable(module: Module) -> None:
    """Raise ContentError where a learner could be led nowhere or round in circles."""
    scenes = {scene.id for scene in module.scenes}
    targets = {choice.goto for scene in module.scenes for choice in scene.choices if choice.goto}
    for target in sorted(((targets - {END}) | {module.start}) - scenes):
        raise ContentError(f"the module {module.slug} has no scene “{target}”.")
    try:
        module.steps_left(module.start)
    except graphlib.CycleError as error:
        raise ContentError(f"the module {module.slug} leads round in a circle.") from error


def module_files(folder: Path) -> list[Path]:
    """Return a programme's module files, in the order of their names."""
    return sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})


@functools.cache
def load_programme(folder: Path) -> Programme:
    """Return the policy and modules in a folder, read once a process; its name is the policy's slug.

    Raises:
        ContentError: something is missing or can't be played; the message names the file.
    """
    modules: dict[str, Module] = {}
    try:
        policy = (folder / "policy.md").read_bytes().decode("utf-8")
        for path in module_files(folder):
            module = _load(path)
            if module.slug in modules:
                raise ContentError(f"{path}: another file already holds the module {module.slug}.")
            modules[module.slug] = module
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"The content in {folder} can't be read: {error}.") from error
    return Programme(folder.name, policy, modules)


def _load(path: Path) -> Module:
    try:
        return parse_module(path.read_bytes())
    except ContentError as error:
        raise ContentError(f"{path}, {error}") from error


@functools.cache
def shipped_programmes() -> tuple[Programme, ...]:
    """Return every programme that comes with the product. Parsed once a process."""
    folders = sorted(path for path in resource_dir("scenarios").iterdir() if path.is_dir())
    return tuple(load_programme(folder) for folder in folders)


@functools.cache
def shipped_modules() -> dict[str, Module]:
    """Return every module that comes with the product, by slug."""
    return {slug: module for programme in shipped_programmes() for slug, module in programme.modules.items()}
