from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lms import scenario_yaml
from lms.config import resource_dir
from lms.scenario_check import Fault, check
from tests.scenario_factory import HEAD, POLICY, WAYS, Way, module_text, scene_text, write_programme
from tests.scenario_faults import SINGLE_LINE_FAULTS


@pytest.fixture(autouse=True, params=["libyaml", "python"])
def both_loaders(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every build of PyYAML has libyaml; lines must be the same without it."""
    if request.param == "python":
        monkeypatch.setattr(scenario_yaml, "_LOADER", yaml.SafeLoader)
    elif scenario_yaml._LOADER is yaml.SafeLoader:
        pytest.skip("this PyYAML was built without libyaml")


def line_with(text: str, part: str, nth: int = 1) -> int:
    """The number of the nth line that holds a part."""
    return [number for number, line in enumerate(text.split("\n"), 1) if part in line][nth - 1]


def faults_of(tmp_path: Path, module: str | bytes, policy: str | None = POLICY) -> list[tuple[int, str]]:
    report = check(write_programme(tmp_path, module, policy=policy))
    return [(fault.line, fault.message) for fault in report.faults if fault.file.name == "module-1.yaml"]


def ways(**changed: Way | None) -> tuple[Way, ...]:
    """The valid module's scenes, some of them changed; a new name adds a scene, None removes one."""
    scenes: dict[str, Way | None] = {way[0]: way for way in WAYS}
    return tuple(way for way in (scenes | changed).values() if way)


def test_a_valid_programme_has_no_fault_and_says_what_is_not_taught(tmp_path: Path) -> None:
    report = check(write_programme(tmp_path))

    assert report.faults == ()
    assert report.untaught == ("5.5",)


@pytest.mark.parametrize("name", SINGLE_LINE_FAULTS)
def test_each_fault_is_reported_on_its_line(name: str, tmp_path: Path) -> None:
    old, new, part, message = SINGLE_LINE_FAULTS[name]
    text = module_text()
    assert old in text
    text = text.replace(old, new, 1)

    found = faults_of(tmp_path, text)

    assert (expected_line(text, part), True) in {(line, message in words) for line, words in found}, found


def expected_line(text: str, part: str | None) -> int:
    """The line a part begins on; `part@-1` the one before, `part@2` the second; None: choice best of two."""
    part, _, which = (part or "The best choice of two@-1").partition("@")
    before = part.join(text.split(part)[: max(int(which or 1), 1)])
    return before.count("\n") + (0 if which == "-1" else 1)


def only(found: list[tuple[int, str]]) -> tuple[int, str]:
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    "name",
    [
        "no for a text",
        "an unknown outcome",
        "a missing why",
        "a tab",
        "an unknown key",
        "a key twice",
    ],
)
def test_one_slip_is_one_fault(name: str, tmp_path: Path) -> None:
    old, new, _, message = SINGLE_LINE_FAULTS[name]

    assert message in only(faults_of(tmp_path, module_text().replace(old, new, 1)))[1]


def test_a_quote_never_closed_is_reported_where_it_began(tmp_path: Path) -> None:
    text = module_text().replace("title: A friend request", 'title: "A friend request')

    line, message = only(faults_of(tmp_path, text))

    assert "can't be read as YAML" in message
    assert line in {3, line_with(text, '["5.1"')}


def test_a_scene_that_no_choice_leads_to_is_unreachable(tmp_path: Path) -> None:
    text = module_text(ways(lost=("lost", "two", "two", None)))

    line, message = only(faults_of(tmp_path, text))

    assert (line, message) == (
        line_with(text, "id: lost"),
        "The scene “lost” can't be reached: no choice leads to it.",
    )


def test_a_scene_whose_safe_choices_lead_nowhere_is_a_dead_end(tmp_path: Path) -> None:
    text = module_text(ways(worse=("worse", None, None, "two")))

    found = dict(faults_of(tmp_path, text))
    best = line_with(text, "The best choice of worse")
    acceptable = line_with(text, "The acceptable choice of worse")

    assert "is a dead end" in found[line_with(text, "id: worse")]
    assert "is best, so it needs a `goto`" in found[best - 1]
    assert "is acceptable, so it needs a `goto`" in found[acceptable - 1]


def test_a_loop_without_exit_is_reported_for_each_scene_in_it(tmp_path: Path) -> None:
    text = module_text(ways(worse=("worse", "again", "again", None), again=("again", "worse", "worse", None)))

    found = faults_of(tmp_path, text)

    stuck = [line for line, message in found if "safe choices never reach the end" in message]
    assert stuck == [line_with(text, "id: worse"), line_with(text, "id: again")]


def test_a_circle_of_safe_choices_is_a_fault_even_with_an_exit(tmp_path: Path) -> None:
    text = module_text(ways(four=("four", "end", "two", None)))

    line, message = only(faults_of(tmp_path, text))

    assert line == len(text.split("\n")) - 1 - 6
    assert message == "Safe choices go round in a circle: “two” leads back here."


def test_a_safe_choice_that_asks_the_same_again_is_a_circle(tmp_path: Path) -> None:
    text = module_text(ways(two=("two", "three", "two", None)))

    assert "round in a circle" in only(faults_of(tmp_path, text))[1]


def test_an_unsafe_choice_may_lead_back(tmp_path: Path) -> None:
    assert faults_of(tmp_path, module_text(ways(two=("two", "three", "three", "one")))) == []


def test_a_way_of_two_decisions_is_too_short(tmp_path: Path) -> None:
    text = module_text(ways(two=("two", "three", "end", None)))

    line, message = only(faults_of(tmp_path, text))

    assert line == line_with(text, "scenes:")
    assert message.startswith("The shortest way through this module has 2 decisions; a module has 3 to 6")


def test_a_way_of_seven_decisions_is_too_long(tmp_path: Path) -> None:
    longer = {"four": ("four", "five", "end", None), "five": ("five", "six", "end", None)}
    text = module_text(ways(**longer, six=("six", "seven", "end", None), seven=("seven", "end", "end", None)))

    line, message = only(faults_of(tmp_path, text))

    assert line == line_with(text, "scenes:")
    assert message.startswith("The longest way through this module has 7 decisions; a module has 3 to 6")


def test_choices_that_never_part_are_a_fault(tmp_path: Path) -> None:
    text = module_text(ways(one=("one", "two", "two", None), worse=None))

    line, message = only(faults_of(tmp_path, text))

    assert (line, message) == (
        line_with(text, "scenes:"),
        "No choice leads to a different scene than the others beside it.",
    )


def test_a_scene_with_no_best_choice_is_a_fault(tmp_path: Path) -> None:
    text = module_text().replace(
        "outcome: best\n        then: After best of two", "outcome: acceptable\n        then: x"
    )

    assert only(faults_of(tmp_path, text)) == (line_with(text, "id: two"), "No choice in this scene is best.")


@pytest.mark.parametrize(("kept", "count"), [(0, 0), (2, 2), (5, 5)])
def test_a_scene_has_three_or_four_choices(kept: int, count: int, tmp_path: Path) -> None:
    head, *choices = scene_text(WAYS[2]).split("      - id: ")
    choices += [choices[1].replace("acceptable", f"other-{n}", 1) for n in range(2)]
    listed = "".join(f"      - id: {choice}" for choice in choices[:kept])
    scene = head + listed if listed else head.replace("choices:\n", "choices: []\n")
    text = HEAD + scene_text(WAYS[0]) + scene_text(WAYS[1]) + scene + "".join(map(scene_text, WAYS[3:]))

    assert (line_with(text, "id: two"), f"This scene has {count} choices; it needs 3 or 4.") in faults_of(
        tmp_path, text
    )


def test_a_scene_may_not_be_called_end(tmp_path: Path) -> None:
    text = module_text(ways(end=("end", "two", "two", None)))

    assert (line_with(text, "id: end"), True) in [
        (line, "can't be called “end”" in message) for line, message in faults_of(tmp_path, text)
    ]


def test_all_faults_come_at_once_in_order_of_file_and_line(tmp_path: Path) -> None:
    first = module_text().replace("Because best of two", "no").replace("goto: worse", "goto: wrose")
    second = module_text().replace("module: friend", "module: other").replace("start: one", "start: on", 1)

    report = check(write_programme(tmp_path, second, first, policy=POLICY + "\n<hr>\n"))

    assert list(report.faults) == sorted(report.faults, key=lambda fault: (fault.file, fault.line))
    words = " ".join(fault.message for fault in report.faults)
    assert all(
        part in words for part in ("<hr>", '"no"', "wrose", "“worse” can't be reached", '"on"', "“on”")
    )


def test_a_module_in_two_files_is_a_fault_of_the_second(tmp_path: Path) -> None:
    folder = write_programme(tmp_path, module_text(), module_text())

    assert check(folder).faults == (
        Fault(folder / "module-2.yaml", 2, "The module “friend” is also in module-1.yaml."),
    )


def test_a_line_that_is_not_utf8_is_a_fault_and_the_rest_is_still_checked(tmp_path: Path) -> None:
    content = module_text().replace("Because best of two", "Because café").encode("cp1252")
    content = content.replace(b"start: one", b"start: nowhere")

    found = dict(faults_of(tmp_path, content))

    assert "not UTF-8" in found[line_with(content.decode("cp1252"), "café")]
    assert "names no scene" in found[6]


def test_lines_are_right_with_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + module_text().replace("title: A friend request", "title: no").encode()

    assert only(faults_of(tmp_path, content.replace(b"\n", b"\r\n")))[0] == 3


@pytest.mark.parametrize("content", ["", "# only a comment\n"])
def test_an_empty_file_is_a_fault(content: str, tmp_path: Path) -> None:
    assert only(faults_of(tmp_path, content)) == (1, "The file is empty.")


@pytest.mark.parametrize("content", ["- a list\n", "just words\n"])
def test_a_file_that_is_no_set_of_keys_is_a_fault(content: str, tmp_path: Path) -> None:
    assert "The file must be a set of keys" in only(faults_of(tmp_path, content))[1]


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    content = module_text() + "#" * 256 * 1024

    assert only(faults_of(tmp_path, content)) == (1, "The file is 260 kB; at most 256 kB is read.")


def test_a_file_that_grows_when_read_is_refused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 30))

    found = faults_of(tmp_path, bomb)

    assert (1, "&a0 is not allowed; write the text out again.") in found
    assert (2, "*a0 is not allowed; write the text out again.") in found


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_a_very_deep_file_is_refused(opening: str, tmp_path: Path) -> None:
    assert "deep" in faults_of(tmp_path, "module: x\nscenes:\n  " + opening * 60_000)[0][1]


def test_a_python_tag_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = module_text().replace("A friend request", f'!!python/object/apply:os.mkdir ["{mark}"]')

    assert faults_of(tmp_path, text)
    assert not mark.exists()


def test_a_missing_policy_is_one_fault(tmp_path: Path) -> None:
    folder = write_programme(tmp_path, policy=None)

    report = check(folder)

    assert report.faults == (
        Fault(folder / "policy.md", 1, "The file can't be opened: No such file or directory."),
    )
    assert report.untaught == ()


POLICY_FAULTS = {
    "raw HTML": ("Ask [[head]].", "Ask <br> [[head]].", 5, "Raw HTML is not allowed: <br>"),
    "an unknown placeholder": ("[[head]]", "[[the head]]", 5, "[[the head]] is not a placeholder"),
    "a clause twice": ("**5.5**", "**5.3**", 9, "Clause 5.3 is here twice; the first is on line 7"),
    "no clause": ("**", "", 1, "The policy has no clause"),
}


@pytest.mark.parametrize("name", POLICY_FAULTS)
def test_a_fault_of_the_policy_is_reported_on_its_line(name: str, tmp_path: Path) -> None:
    old, new, line, message = POLICY_FAULTS[name]

    report = check(write_programme(tmp_path, policy=POLICY.replace(old, new)))

    fault = only([(fault.line, fault.message) for fault in report.faults])
    assert fault[0] == line
    assert message in fault[1]


def test_a_folder_that_is_not_there_or_holds_no_module_is_a_fault(tmp_path: Path) -> None:
    folder = write_programme(tmp_path)
    (folder / "module-1.yaml").unlink()

    assert check(folder).faults == (Fault(folder, 1, "There is no module here: no file ends in .yaml."),)
    assert check(tmp_path / "none").faults == (Fault(tmp_path / "none", 1, "There is no such folder."),)


def test_a_link_in_angle_brackets_and_a_heart_are_not_html(tmp_path: Path) -> None:
    text = module_text().replace(
        "Text of two, last line.", "See <https://example.org/a>, 3 < 4, <3 and a -> b."
    )

    assert faults_of(tmp_path, text) == []


def test_the_shipped_programme_has_no_fault() -> None:
    report = check(resource_dir("scenarios") / "social-media")

    assert [f"{fault.file.name}:{fault.line}: {fault.message}" for fault in report.faults] == []
