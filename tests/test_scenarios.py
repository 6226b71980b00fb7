from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lms.config import resource_dir
from lms.scenario_rules import FEWEST_DECISIONS
from lms.scenarios import (
    END,
    ContentError,
    Module,
    Outcome,
    UnknownChoice,
    load_programme,
    module_sha256,
    next_scene,
    parse_module,
)
from tests.scenario_factory import WAYS, module_text, write_programme

SHIPPED = resource_dir("scenarios") / "social-media"


def test_a_folder_is_read_as_a_policy_and_its_modules(tmp_path: Path) -> None:
    programme = load_programme(write_programme(tmp_path))

    assert programme.slug == "being-online"
    assert programme.policy_markdown.startswith("# Being online")
    assert list(programme.modules) == ["friend"]
    assert programme.modules["friend"].scene("two").choice("best").why == "Because best of two"


def test_a_module_keeps_its_exact_bytes_and_their_hash(tmp_path: Path) -> None:
    folder = write_programme(tmp_path, module_text().replace("\n", "\r\n"))
    content = (folder / "module-1.yaml").read_bytes()

    module = load_programme(folder).modules["friend"]

    assert module.content == content
    assert module.sha256 == module_sha256(content) == hashlib.sha256(content).hexdigest()


def test_a_stored_version_plays_on_after_the_file_has_changed(tmp_path: Path) -> None:
    folder = write_programme(tmp_path)
    begun = load_programme(folder).modules["friend"].content
    (folder / "module-1.yaml").write_text(module_text().replace("Because best of two", "Since then"))

    assert parse_module(begun).scene("two").choice("best").why == "Because best of two"


def test_content_is_parsed_once_a_process(tmp_path: Path) -> None:
    folder = write_programme(tmp_path)
    content = (folder / "module-1.yaml").read_bytes()

    assert load_programme(folder) is load_programme(folder)
    assert parse_module(content) is parse_module(bytes(bytearray(content)))


def test_a_module_cannot_be_changed() -> None:
    module = parse_module(module_text().encode())

    with pytest.raises(ValueError, match="frozen"):
        module.title = "Another"


def test_a_choice_that_is_not_in_the_scene_is_refused_in_words() -> None:
    module = parse_module(module_text().encode())

    with pytest.raises(UnknownChoice, match="not one of the choices"):
        module.scene("one").choice("perhaps")
    with pytest.raises(UnknownChoice, match="not part of this version"):
        module.scene(END)


def test_a_safe_choice_leads_on_and_an_unsafe_one_asks_again_or_from_a_worse_place() -> None:
    module = parse_module(module_text().encode())
    one, two = module.scene("one"), module.scene("two")

    assert next_scene(one, one.choice("best")) == "two"
    assert next_scene(one, one.choice("unsafe")) == "worse"
    assert next_scene(two, two.choice("unsafe")) == "two"
    assert next_scene(module.scene("four"), module.scene("four").choice("acceptable")) == END


def test_steps_left_counts_the_longest_safe_way() -> None:
    ways = (("one", "two", "extra", "worse"), ("extra", "two", "two", None), *WAYS[1:])
    module = parse_module(module_text(ways).encode())

    left = {scene.id: module.steps_left(scene.id) for scene in module.scenes}

    assert left == {"one": 5, "extra": 4, "worse": 4, "two": 3, "three": 2, "four": 1}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: A friend request", "title: no", "line 3: .*in quotes"),
        ("goto: four", "goto: five", "no scene “five”"),
        ("start: one", "start: end", "no scene “end”"),
        ("goto: three", "goto: one", "in a circle"),
        ("minutes: 4", "minutes: !!int 4", "line 4: The tag !!int"),
    ],
)
def test_what_cannot_be_played_is_refused_with_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(ContentError, match=message):
        parse_module(module_text().replace(old, new).encode())


def test_a_folder_that_cannot_be_read_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"policy\.md"):
        load_programme(write_programme(tmp_path, policy=None))


def test_a_broken_module_names_its_file_and_line(tmp_path: Path) -> None:
    folder = write_programme(tmp_path, module_text().replace("outcome: best", "outcome: brilliant", 1))

    with pytest.raises(ContentError, match=r"module-1\.yaml, line 25: `outcome` is “brilliant”"):
        load_programme(folder)


def test_two_files_with_one_module_are_refused(tmp_path: Path) -> None:
    folder = write_programme(tmp_path, module_text(), module_text() + "# again\n")

    with pytest.raises(ContentError, match=r"module-2\.yaml: another file"):
        load_programme(folder)


def shipped() -> list[Module]:
    return list(load_programme(SHIPPED).modules.values())


def test_three_modules_and_the_short_programme_are_shipped() -> None:
    assert len(shipped()) == 4


@pytest.mark.parametrize("favourite", list(Outcome))
def test_every_way_of_playing_a_shipped_module_reaches_its_end(favourite: Outcome) -> None:
    for module in shipped():
        assert decisions_made(module, favourite) >= FEWEST_DECISIONS


def decisions_made(module: Module, favourite: Outcome) -> int:
    """Play to the end, with the favoured kind of choice when a scene is first met and a safe one after."""
    scene_id, met = module.start, set[str]()
    while scene_id != END:
        scene = module.scene(scene_id)
        wanted = [choice for choice in scene.choices if choice.outcome is favourite and scene_id not in met]
        choice = (wanted or [choice for choice in scene.choices if choice.is_safe])[0]
        met.add(scene_id)
        left, scene_id = module.steps_left(scene_id), next_scene(scene, choice)
        assert not choice.is_safe or scene_id == END or module.steps_left(scene_id) < left
    return len(met)


def test_every_outcome_of_a_shipped_module_can_be_met() -> None:
    for module in shipped():
        met, ahead = set[str](), [module.start]
        while ahead:
            scene = module.scene(ahead.pop())
            met.add(scene.id)
            ahead += {next_scene(scene, choice) for choice in scene.choices} - met - {END}
        assert met == {scene.id for scene in module.scenes}
        assert {choice.outcome for scene in module.scenes for choice in scene.choices} == set(Outcome)
