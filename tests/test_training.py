"""Assignments and exemptions as they were recorded; attempts and answers that nothing can double."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import scenarios, training
from lms.choice_counts import ChoiceCount
from lms.db import session, transaction
from lms.errors import ConflictError, NotFoundError
from lms.people import EngagementType
from lms.policies import store, store_both
from lms.training import Answer, Assignment, Attempt, Completion, Exemption, Progress
from tests.conftest import NOW
from tests.factories import make_person
from tests.learners import Classroom, do_modules, progress

pytestmark = pytest.mark.usefixtures("in_app")
MODULE = "friend-request"


@pytest.fixture
def classroom() -> Classroom:
    with transaction():
        return Classroom(modules=[MODULE])


def begin(classroom: Classroom, cycle: int = 0) -> Attempt:
    return training.start(
        classroom.assignment,
        classroom.person.id,
        scenarios.shipped_modules()[MODULE],
        cycle=cycle,
        engagement_type=EngagementType.TEACHER,
        now=NOW,
    )


def choose(at: Progress, outcome: str, step: int | None = None) -> str:
    """Choose the first choice with this outcome, and return its id."""
    number = step or at.next_number
    choice = next(c for c in at.steps[number - 1].scene.choices if c.outcome == outcome)
    training.answer(at, number, choice.id, NOW)
    return choice.id


def number_of(table: type) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def at_once(app: Flask, *works: Callable[[], object]) -> list[Exception]:
    """Do several things in threads and transactions of their own; return what they raised."""
    raised: list[Exception] = []

    def run(work: Callable[[], object]) -> None:
        try:
            with app.app_context(), transaction():
                work()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_a_module_begun_twice_is_one_attempt(classroom: Classroom) -> None:
    with transaction():
        assert begin(classroom) is begin(classroom)
        assert begin(classroom, cycle=1) is not begin(classroom)


def test_one_question_is_asked_again_until_the_choice_is_safe(classroom: Classroom) -> None:
    with transaction():
        attempt = begin(classroom)
        choose(progress(attempt), "unsafe")
        again = progress(attempt)
        assert [step.question for step in again.steps] == [1, 1]
        choose(again, "best")
        assert progress(attempt).steps[-1].question == 2


def test_an_answer_is_counted_for_nobody_in_particular(classroom: Classroom) -> None:
    with transaction():
        choice = choose(progress(begin(classroom)), "best")
        classroom.person = make_person(classroom.school)
        choose(progress(begin(classroom)), "best")
        counted = session.scalars(sa.select(ChoiceCount)).one()
        assert (counted.choice, counted.n, counted.engagement_type) == (choice, 2, EngagementType.TEACHER)
        assert not {"person_id", "attempt_id"} & set(ChoiceCount.__table__.columns.keys())


def test_a_second_answer_to_the_same_question_changes_nothing(classroom: Classroom) -> None:
    with transaction():
        attempt = begin(classroom)
        seen = progress(attempt)
        choose(seen, "best")
        choose(progress(attempt), "unsafe", step=1)
        assert number_of(Answer) == 1
        assert session.scalar(sa.select(sa.func.sum(ChoiceCount.n))) == 1


def test_two_tabs_that_answer_at_once_keep_one_answer_and_the_other_is_told(
    app: Flask, classroom: Classroom
) -> None:
    with transaction():
        seen = progress(begin(classroom))
    raised = at_once(app, lambda: choose(seen, "best"), lambda: choose(seen, "unsafe"))
    assert [type(error) for error in raised] == [ConflictError]
    with transaction(write=False):
        assert number_of(Answer) == 1
        assert session.scalar(sa.select(sa.func.sum(ChoiceCount.n))) == 1


@pytest.mark.parametrize("step", [0, -1, 2, 10**30])
def test_a_question_that_has_not_been_reached_takes_no_answer(classroom: Classroom, step: int) -> None:
    with transaction():
        at = progress(begin(classroom))
        with pytest.raises(ConflictError, match="haven't reached"):
            training.answer(at, step, at.steps[0].scene.choices[0].id, NOW)


def test_a_choice_of_another_scene_is_not_found(classroom: Classroom) -> None:
    with transaction(), pytest.raises(NotFoundError, match="not one of the choices"):
        training.answer(progress(begin(classroom)), 1, "no-such-choice", NOW)


def test_practice_that_was_forgotten_stays_forgotten(classroom: Classroom) -> None:
    with transaction():
        do_modules(classroom.person, classroom.assignment)
        training.forget_answers(classroom.person.id, classroom.assignment.id)
        choose(progress(begin(classroom)), "best")
        assert number_of(Answer) == 0
        assert number_of(Completion) == 1


def test_only_the_practice_of_that_person_and_assignment_is_forgotten(classroom: Classroom) -> None:
    with transaction():
        choose(progress(begin(classroom)), "best")
        training.forget_answers(make_person(classroom.school).id, classroom.assignment.id)
        assert number_of(Answer) == 1


# Assignments and exemptions


def assignments_at(moment: datetime) -> int:
    with transaction(write=False):
        query = sa.select(sa.func.count()).select_from(Assignment).where(Assignment.recorded_at(moment))
        return session.scalar(query) or 0


def test_a_withdrawn_assignment_is_gone_from_that_instant_and_stays_in_earlier_reports(
    classroom: Classroom,
) -> None:
    with transaction():
        training.withdraw(classroom.assignment, NOW)
    assert (assignments_at(NOW - timedelta(microseconds=1)), assignments_at(NOW)) == (1, 0)
    with transaction(write=False):
        assert training.current_assignment(classroom.assignment.id) is None


def test_withdrawing_twice_keeps_the_first_moment(app: Flask, classroom: Classroom) -> None:
    at_once(app, lambda: training.withdraw(classroom.assignment, NOW))
    at_once(app, lambda: training.withdraw(classroom.assignment, NOW + timedelta(hours=1)))
    assert assignments_at(NOW + timedelta(minutes=1)) == 0


@pytest.mark.parametrize(
    ("due_days", "due_on"), [(None, None), (14, date(2026, 10, 1))], ids=["neither", "both"]
)
def test_an_assignment_says_once_when_it_is_due(
    classroom: Classroom, due_days: int | None, due_on: date | None
) -> None:
    with transaction(), pytest.raises(ConflictError, match="when it is due"):
        training.assign(
            classroom.school.id,
            classroom.version.policy_id,
            modules=[],
            audience=[EngagementType.TEACHER],
            now=NOW,
            assigned_on=NOW.date(),
            due_days=due_days,
            due_on=due_on,
        )


def exempt(classroom: Classroom, reason: str, now: datetime) -> None:
    training.exempt(classroom.assignment, classroom.person.id, reason=reason, until=None, now=now)


def reasons_at(classroom: Classroom, moment: datetime) -> list[str]:
    with transaction(write=False):
        query = sa.select(Exemption.reason).where(
            Exemption.person_id == classroom.person.id, Exemption.recorded_at(moment)
        )
        return list(session.scalars(query))


def test_a_later_exemption_takes_the_place_of_an_earlier_and_lifting_ends_it(classroom: Classroom) -> None:
    hour = timedelta(hours=1)
    with transaction():
        exempt(classroom, "On leave", NOW)
        exempt(classroom, "On secondment", NOW + hour)
        training.lift_exemption(classroom.assignment.id, classroom.person.id, NOW + 2 * hour)
    found = [reasons_at(classroom, NOW + n * hour) for n in range(3)]
    assert found == [["On leave"], ["On secondment"], []]


def test_two_who_exempt_somebody_at_once_leave_one_exemption(app: Flask, classroom: Classroom) -> None:
    at_once(app, *[lambda: exempt(classroom, "On leave", NOW)] * 6)
    assert len(reasons_at(classroom, NOW)) == 1


# Documents, which attempts and signatures keep


def test_the_same_bytes_kept_twice_have_one_hash_each_time() -> None:
    with transaction():
        assert store_both(b"a", b"b") == (store(b"a"), store(b"b"))
        assert store_both(b"c", b"c") == (store(b"c"), store(b"c"))


def test_many_who_keep_the_same_documents_at_once_all_succeed(app: Flask) -> None:
    assert (
        at_once(app, *[lambda: store_both(b"one", b"other"), lambda: store_both(b"other", b"one")] * 4) == []
    )
