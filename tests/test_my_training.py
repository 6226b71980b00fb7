"""What one person has to do, of all that is asked at their schools."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from flask import Flask

from lms import my_training
from lms.db import transaction
from lms.people import EngagementType, engage
from lms.policies import publish
from lms.status import Status
from tests.conftest import NOW
from tests.counting import counted
from tests.factories import BEFORE, make_assignment, make_person, make_policy, make_school
from tests.learners import Classroom, do_modules, sign


@pytest.fixture
def classroom(app: Flask) -> Iterator[Classroom]:
    with app.app_context():
        with transaction():
            made = Classroom(modules=["friend-request"])
        yield made


def in_two_ways(classroom: Classroom) -> None:
    """Make the teacher a governor of her school too, from a later day, and publish a second version."""
    governor = EngagementType.GOVERNOR
    engage(classroom.person, classroom.school.id, governor, starts=date(2026, 9, 2), now=BEFORE)
    again = {"slug": "social-media", "title": "Social media policy", "label": "4"}
    publish(classroom.school, **again, markdown="# Policy\n\n## 1. New\n\n**1.1** Words.\n", now=NOW)


def test_somebody_who_is_two_things_at_a_school_has_one_task_for_the_first_of_them(
    classroom: Classroom,
) -> None:
    with transaction():
        in_two_ways(classroom)
        (task,) = my_training.tasks(classroom.person, NOW)
    assert task.engagement.type is EngagementType.TEACHER
    assert [version.number for version in task.item.versions] == [1, 2]


def test_what_only_governors_must_sign_is_signed_as_a_governor(classroom: Classroom) -> None:
    with transaction():
        in_two_ways(classroom)
        policy = make_policy(classroom.school, slug="governors")
        only = make_assignment(classroom.school, policy, audience=[EngagementType.GOVERNOR])
        task = my_training.task(classroom.person, only.id, NOW)
    assert task.engagement.type is EngagementType.GOVERNOR


def test_a_signature_is_one_cycle_however_many_engagements_and_versions_there_are(
    app: Flask, classroom: Classroom
) -> None:
    sign(app, classroom.person.id, classroom.assignment.id)
    with transaction():
        in_two_ways(classroom)
        (task,) = my_training.tasks(classroom.person, NOW)
    assert task.cycle == 1
    assert not task.modules[0].is_completed


def test_a_colleagues_signature_is_no_cycle_of_hers(app: Flask, classroom: Classroom) -> None:
    with transaction():
        mate = make_person(classroom.school)
    sign(app, mate.id, classroom.assignment.id)
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        (task,) = my_training.tasks(classroom.person, NOW)
    assert task.cycle == 0
    assert task.modules[0].is_completed


def test_each_school_asks_for_its_own(classroom: Classroom) -> None:
    with transaction():
        other = make_school()
        for school, day in ((classroom.school, 2), (other, 3)):
            engage(
                classroom.person, school.id, EngagementType.GOVERNOR, starts=date(2026, 8, day), now=BEFORE
            )
        theirs = make_assignment(other, make_policy(other), now=NOW)
        make_assignment(other, make_policy(other, slug="teachers"), audience=[EngagementType.TEACHER])
        found = {task.id: task for task in my_training.tasks(classroom.person, NOW)}
    assert set(found) == {classroom.assignment.id, theirs.id}
    assert found[theirs.id].school == other
    assert all(task.engagement.organisation_id == task.school.id for task in found.values())
    assert found[theirs.id].engagement.type is EngagementType.GOVERNOR


def test_who_has_left_has_nothing_to_do_and_who_starts_later_has(classroom: Classroom) -> None:
    with transaction():
        left = make_person(classroom.school, ends=(NOW - timedelta(days=1)).date())
        last_day = make_person(classroom.school, ends=NOW.date())
        new = make_person(classroom.school, starts=(NOW + timedelta(days=7)).date())
        assert my_training.tasks(left, NOW) == []
        assert len(my_training.tasks(last_day, NOW)) == len(my_training.tasks(new, NOW)) == 1


def test_who_came_back_signs_as_what_they_are_now(classroom: Classroom) -> None:
    with transaction():
        person = make_person(classroom.school, starts=date(2025, 9, 1), ends=date(2026, 7, 31))
        engage(person, classroom.school.id, EngagementType.TEACHER, starts=date(2026, 9, 1), now=BEFORE)
        (task,) = my_training.tasks(person, NOW)
    assert task.engagement.starts == date(2026, 9, 1)


def test_it_takes_three_queries(app: Flask, classroom: Classroom) -> None:
    with transaction():
        in_two_ways(classroom)
        with counted(app) as sent:
            my_training.tasks(classroom.person, NOW)
    assert len(sent) == 3


def test_what_is_asked_again_on_the_same_day_and_the_next_is_answered_anew(
    app: Flask, classroom: Classroom
) -> None:
    with transaction():
        person = make_person(classroom.school)
        make_assignment(
            classroom.school, make_policy(classroom.school, slug="today"), due_on=NOW.date(), months=None
        )
        before, later, tomorrow = NOW - timedelta(hours=1), NOW + timedelta(hours=1), NOW + timedelta(days=1)
        assert [t.obligation.status for t in my_training.tasks(person, before)] == [Status.NOT_STARTED] * 2
    sign(app, person.id, classroom.assignment.id)
    with transaction(write=False):
        found = {
            moment: {t.obligation.status for t in my_training.tasks(person, moment)}
            for moment in (before, later, tomorrow)
        }
    assert found[before] == {Status.NOT_STARTED}
    assert found[later] == {Status.NOT_STARTED, Status.SIGNED}
    assert found[tomorrow] == {Status.OVERDUE, Status.SIGNED}
