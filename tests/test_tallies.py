"""Counting several schools at once is counting them one by one: the one definition, asked about together."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import absences, compliance, policies, tallies, training
from lms.db import db, session
from lms.items import Item
from lms.people import EngagementType, engage
from lms.schools import Organisation, add_school
from tests.conftest import NOW
from tests.factories import BEFORE, make_assignment, make_person, make_policy, make_school
from tests.signers import decline, sign

pytestmark = pytest.mark.usefixtures("in_app")
LATER = NOW + timedelta(days=400)


def add(app: Flask, trust: Organisation, number: int) -> Organisation:
    """Add a school with one adult of every standing, and `number` more who haven't begun."""
    school = add_school(f"School {number}", host="countersign.test", parent=trust)
    school.contacts = {"safeguarding_lead": "Siân Pritchard"}
    assignment = make_assignment(school, make_policy(school), due_days=3)
    sign(app, school, make_person(school))
    sign(app, school, make_person(school, EngagementType.GOVERNOR))
    decline(app, school, make_person(school), reason="Not yet")
    training.exempt(assignment, make_person(school).id, reason="Retiring", until=None, now=NOW)
    away = make_person(school)
    absences.record_absence(
        away, school.id, starts=date(2026, 9, 1), ends=None, reason=None, by=None, now=NOW
    )
    back = make_person(school)
    span = {"starts": date(2026, 9, 1), "ends": date(2026, 9, 5)}
    absences.record_absence(back, school.id, **span, reason=None, by=None, now=NOW)
    for _ in range(number):
        make_person(school, EngagementType.VOLUNTEER, starts=date(2026, 9, 1 + number))
    return school


def test_schools_counted_together_are_as_each_by_itself_on_every_day_and_in_one_query(app: Flask) -> None:
    trust = make_school()
    schools = [add(app, trust, number) for number in range(4)]
    # One person at two schools, excused at the first: it says nothing of the second.
    both = make_person(schools[0])
    engage(both, schools[1].id, EngagementType.TEACHER, starts=date(2026, 9, 1), now=BEFORE)
    training.exempt(at(schools[0], NOW)[0].assignment, both.id, reason="x", until=None, now=NOW)
    # One school asks otherwise, and one for a new version: they are counted apart, and rightly.
    make_assignment(schools[2], make_policy(schools[2], slug="other"), due_days=30, least_days=5)
    policies.publish(
        schools[3], slug="social-media", title="Social media policy", label="2", markdown="# P\n\n**1.1** B.\n",
        now=NOW + timedelta(days=30), resign_by=date(2026, 11, 1),
    )  # fmt: skip
    session.flush()
    ids = [school.id for school in schools]
    for moment in (NOW - timedelta(days=2), NOW, NOW + timedelta(days=90), LATER):
        items = compliance.items(ids, moment)
        sent: list[str] = []
        sa.event.listen(db.engine, "before_cursor_execute", lambda *args, sent=sent: sent.append(args[2]))
        found = {(t.item.assignment.id, t.type, t.status): t.people for t in tallies.tallies(items)}
        assert len(sent) == 1
        assert found == {
            (item.assignment.id, type_, status): n
            for item in items
            for type_, status, n in compliance.counts(item)
        }
    statuses = Counter(status for _, _, status in found)
    assert len(statuses) >= 4


def at(school: Organisation, moment: object) -> list[Item]:
    return compliance.items([school.id], moment)  # type: ignore[arg-type]
