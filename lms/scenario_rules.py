"""What a module must be, beyond its shape. One function a rule; each yields the lines that break it."""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Iterable, Iterator

from lms import scenario_graph
from lms.scenario_graph import END
from lms.scenario_outline import ModuleOutline, SceneOutline, Word
from lms.scenario_yaml import Flaw

FEWEST_DECISIONS, MOST_DECISIONS = 3, 6
FEWEST_CHOICES, MOST_CHOICES = 3, 4
_OUTCOMES = {"unsafe", "acceptable", "best"}

Rule = Callable[[ModuleOutline], Iterator[Flaw]]


def ids_are_used_once(module: ModuleOutline) -> Iterator[Flaw]:
    """A scene's id is its own in the module, and a choice's in its scene: answers are kept by them."""
    yield from _repeated("scene", (scene.id for scene in module.scenes))
    for scene in module.scenes:
        yield from _repeated("choice", (choice.id for choice in scene.choices))
        if scene.id and scene.id.text == END:
            yield Flaw(scene.id.line, "A scene can't be called “end”: that is how a choice ends the module.")


def _repeated(kind: str, words: Iterable[Word | None]) -> Iterator[Flaw]:
    first_lines: dict[str, int] = {}
    for word in words:
        if word and word.text in first_lines:
            first = first_lines[word.text]
            yield Flaw(word.line, f"The {kind} id “{word.text}” is here twice; the first is on line {first}.")
        elif word:
            first_lines[word.text] = word.line


def gotos_name_a_scene(module: ModuleOutline) -> Iterator[Flaw]:
    """`start` and every `goto` name a scene of this module, or `end`."""
    if module.start and module.start.text not in module.by_id:
        yield Flaw(module.start.line, f"`start` names no scene: “{module.start.text}”.")
    for scene in module.scenes:
        for choice, goto in scene.gotos:
            if goto.text == END and choice.outcome == "unsafe":
                yield Flaw(goto.line, "An unsafe choice can't end the module; it is tried again.")
            elif goto.text != END and goto.text not in module.by_id:
                yield Flaw(goto.line, f"`goto` names no scene: “{goto.text}”.")


def safe_choices_lead_on(module: ModuleOutline) -> Iterator[Flaw]:
    """An acceptable or best choice says where it leads."""
    for scene in module.scenes:
        for choice in scene.choices:
            if choice.outcome in {"acceptable", "best"} and not choice.goto:
                yield Flaw(choice.line, f"This choice is {choice.outcome}, so it needs a `goto`.")


def scenes_offer_a_fair_choice(module: ModuleOutline) -> Iterator[Flaw]:
    """Three or four choices, one of them at least the best."""
    for scene in module.scenes:
        count = len(scene.choices)
        if not FEWEST_CHOICES <= count <= MOST_CHOICES:
            yield Flaw(scene.line, f"This scene has {count} choices; it needs 3 or 4.")
        outcomes = {choice.outcome for choice in scene.choices}
        if "best" not in outcomes and outcomes <= _OUTCOMES:
            yield Flaw(scene.line, "No choice in this scene is best.")


def scenes_are_reached(module: ModuleOutline) -> Iterator[Flaw]:
    """Every scene can be met from the start, by safe or unsafe choices."""
    if not module.start or module.start.text not in module.by_id:
        return
    met = scenario_graph.reached(module.edges, module.start.text)
    for name, scene in module.by_id.items():
        if name not in met:
            yield Flaw(scene.line, f"The scene “{name}” can't be reached: no choice leads to it.")


def scenes_lead_to_the_end(module: ModuleOutline) -> Iterator[Flaw]:
    """From every scene the end can be reached by safe choices."""
    finishing = scenario_graph.reaching(module.safe_edges, END)
    for name, scene in module.by_id.items():
        if not module.safe_edges[name]:
            yield Flaw(scene.line, f"The scene “{name}” is a dead end: no safe choice leads on from it.")
        elif name not in finishing:
            yield Flaw(scene.line, f"From the scene “{name}” safe choices never reach the end.")


def safe_choices_never_circle(module: ModuleOutline) -> Iterator[Flaw]:
    """Safe choices never bring a learner back. Every circle has a `goto` that points back or at itself."""
    order = {name: position for position, name in enumerate(_in_file_order(module))}
    for name, scene in module.by_id.items():
        for choice, goto in scene.gotos:
            if not choice.is_safe or order.get(goto.text, len(order)) > order[name]:
                continue
            if name in scenario_graph.reached(module.safe_edges, goto.text):
                yield Flaw(goto.line, f"Safe choices go round in a circle: “{goto.text}” leads back here.")


def _in_file_order(module: ModuleOutline) -> list[str]:
    return sorted(module.by_id, key=lambda name: module.by_id[name].line)


def length_is_one_sitting(module: ModuleOutline) -> Iterator[Flaw]:
    """The shortest way through, by any choices, and the longest, by safe ones, hold 4 to 6 decisions."""
    if not module.start or module.start.text not in module.by_id:
        return
    fewest = scenario_graph.shortest(module.edges, module.start.text, END)
    if fewest is not None and fewest < FEWEST_DECISIONS:
        yield Flaw(module.scenes_line, _length("shortest", fewest))
    try:
        most = scenario_graph.longest(module.safe_edges)[module.start.text]
    except graphlib.CycleError:
        return
    if most > MOST_DECISIONS:
        yield Flaw(module.scenes_line, _length("longest", most))


def _length(which: str, decisions: int) -> str:
    need = f"a module has {FEWEST_DECISIONS} to {MOST_DECISIONS} on every way"
    return f"The {which} way through this module has {decisions} decisions; {need}."


def some_choice_makes_a_difference(module: ModuleOutline) -> Iterator[Flaw]:
    """At least one choice leads to a different scene than its siblings do."""
    if module.scenes and not any(_parts_ways(scene) for scene in module.scenes):
        yield Flaw(module.scenes_line, "No choice leads to a different scene than the others beside it.")


def _parts_ways(scene: SceneOutline) -> bool:
    return len({goto.text for _, goto in scene.gotos}) > 1


def taught_clauses_are_used(module: ModuleOutline) -> Iterator[Flaw]:
    """`teaches` lists just the clauses that the choices cite."""
    cited = {clause.text for scene in module.scenes for choice in scene.choices for clause in choice.clauses}
    taught = {clause.text for clause in module.teaches}
    yield from _repeated("clause", module.teaches)
    for clause in module.teaches:
        if clause.text not in cited:
            yield Flaw(clause.line, f"`teaches` lists clause {clause.text}, but no choice cites it.")
    for clause in _clauses_of_choices(module):
        if clause.text not in taught:
            yield Flaw(clause.line, f"Clause {clause.text} is cited here, but `teaches` doesn't list it.")


def clauses_exist(module: ModuleOutline, known: Iterable[str]) -> Iterator[Flaw]:
    """Every clause cited is one of the policy's."""
    known = set(known)
    for clause in (*module.teaches, *_clauses_of_choices(module)):
        if clause.text not in known:
            yield Flaw(clause.line, f"policy.md has no clause {clause.text}.")


def _clauses_of_choices(module: ModuleOutline) -> list[Word]:
    return [clause for scene in module.scenes for choice in scene.choices for clause in choice.clauses]


RULES: tuple[Rule, ...] = (
    ids_are_used_once,
    gotos_name_a_scene,
    safe_choices_lead_on,
    scenes_offer_a_fair_choice,
    scenes_are_reached,
    scenes_lead_to_the_end,
    safe_choices_never_circle,
    length_is_one_sitting,
    some_choice_makes_a_difference,
    taught_clauses_are_used,
)
