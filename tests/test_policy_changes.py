"""What changed between two texts of a policy, as somebody who signed the first one reads it."""

from __future__ import annotations

from lms.policy_changes import Change, changes

OLD = """# Conduct

## 1. Kindness

**1.1** Be kind to everybody you meet here.

**1.2** Never post about pupils, by name or
without.

## 2. Phones

- Put your phone away
- Don't take photos of children

## 3. Fax

Send faxes on headed paper.
"""


def test_the_same_text_folded_in_another_way_has_not_changed() -> None:
    assert changes(OLD, OLD.replace("by name or\nwithout", "by name\nor without")) == ()


def test_a_changed_paragraph_is_shown_as_it_was_and_as_it_is() -> None:
    (found,) = changes(OLD, OLD.replace("everybody you meet", "everyone you meet"))
    assert found.heading == "1. Kindness"
    assert found.changes == (
        Change("**1.1** Be kind to everybody you meet here.", "**1.1** Be kind to everyone you meet here."),
    )


def test_list_items_are_added_and_removed_one_by_one() -> None:
    new = OLD.replace("- Put your phone away\n", "").replace(
        "of children\n", "of children\n- Report what you see to the lead\n"
    )
    (found,) = changes(OLD, new)
    assert found.changes == (
        Change("- Put your phone away", ""),
        Change("", "- Report what you see to the lead"),
    )


def test_a_paragraph_put_before_a_changed_one_does_not_hide_the_change() -> None:
    new = OLD.replace(
        "**1.1** Be kind to everybody you meet here.",
        "Nobody has to work alone.\n\n**1.1** Be kind to everyone you meet here.",
    )
    (found,) = changes(OLD, new)
    assert found.changes[0] == Change("", "Nobody has to work alone.")
    assert found.changes[1].before.startswith("**1.1** Be kind to everybody")


def test_a_section_that_is_new_and_one_that_is_gone_are_both_told() -> None:
    new = OLD.replace(
        "## 3. Fax\n\nSend faxes on headed paper.", "## 3. Chat\n\nUse the school's own groups."
    )
    added, removed = changes(OLD, new)
    assert (added.heading, added.changes) == ("3. Chat", (Change("", "Use the school's own groups."),))
    assert (removed.heading, removed.changes) == ("3. Fax", (Change("Send faxes on headed paper.", ""),))


def test_a_section_that_only_got_another_number_has_not_changed() -> None:
    assert changes(OLD, OLD.replace("## 2. Phones", "## 4. Phones")) == ()


def test_two_texts_with_nothing_in_common_take_no_longer_than_a_moment() -> None:
    old = "## 1. One\n\n" + "\n\n".join(f"old rule {n} about a{n} b{n} c{n}" for n in range(300))
    new = "## 1. One\n\n" + "\n\n".join(f"x{n} y{n} z{n} instead" for n in range(300))
    (found,) = changes(old, new)
    assert len(found.changes) == 600
