"""Entering who is expected: one person, or pasted lines."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.people import Engagement, EngagementType, Person
from lms.schools import add_school
from tests.client import StrictClient
from tests.conftest import Clock
from tests.factories import make_person
from tests.web.reception.conftest import Lobby, names

PASTED = (
    "Name\tAgency\tFrom\tTo\n"
    "Maria Santos\tTandem Staffing\t07/09/2026\t08/09/2026\n\n"
    "Okafor, Grace; Brightwater; today\n"
    '"Tomos Bevan", Quiet Harbour Ltd, 2026-09-07, , Contractor\n'
)


def test_pasted_lines_are_looked_at_first_and_then_expected(desk: StrictClient, lobby: Lobby) -> None:
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines=PASTED)
    assert "Grace Okafor" in desk.text
    assert lobby.visits() == []
    desk.submit(button="Expect these 3 people", step="apply")
    assert "3 people are expected" in desk.text
    assert names(desk) == ["Tomos Bevan", "Grace Okafor", "Maria Santos"]
    assert [visit.day.day for visit in lobby.visits()] == [7, 7, 7, 8]


def test_each_bad_line_is_named_and_nothing_that_was_pasted_is_lost(desk: StrictClient, lobby: Lobby) -> None:
    pasted = (
        "Maria Santos,Tandem,today\nGrace Okafor,,today\n,Tandem,today\nJo Li,Tandem,31/02/2026\n"
        "Al B,T,9/9/2026,8/9/2026"
    )
    desk.get(lobby.expected)
    answer = desk.submit(button="Check these lines", lines=pasted)
    assert answer.status_code == 400
    for reason in (
        "Line 2: the agency is missing",
        "Line 3: the name is missing",
        "Line 4: “31/02/2026” is not a day",
        "Line 5: the last day comes before the first",
    ):
        assert reason in desk.text
    assert "1 line is ready and kept below" in desk.text
    assert desk.page.xpath("string(//textarea)").strip().splitlines() == pasted.splitlines()
    desk.submit(button="Check these lines", lines=pasted.splitlines()[0])
    desk.submit(button="Expect this person", step="apply")
    assert names(desk) == ["Maria Santos"]


def test_a_second_press_changes_nothing(app: Flask, desk: StrictClient, lobby: Lobby) -> None:
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines=PASTED)
    page, address = desk.page, desk.address
    for _ in range(2):
        desk.page, desk.address = page, address
        assert desk.submit(button="Expect these 3 people", step="apply").status_code == 200
    assert len(lobby.visits()) == 4
    with app.app_context():
        found = session.scalars(sa.select(Person).where(Person.surname == "Santos")).all()
    assert len(found) == 1


def test_somebody_known_at_another_school_of_the_trust_is_offered_and_not_doubled(
    app: Flask, desk: StrictClient, lobby: Lobby
) -> None:
    with app.app_context(), transaction():
        other = add_school("Ysgol Bryn", host="countersign.test", parent=session.merge(lobby.school))
        known = make_person(other, EngagementType.AGENCY_WORKER, forename="María", surname="Santos")
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines="Maria Santos, Tandem, today")
    assert "Ysgol Bryn, 1 September 2026" in desk.text
    assert desk.submit(button="Expect this person", step="apply").status_code == 400
    assert "Say whether Maria Santos is the same person" in desk.text
    desk.submit(button="Expect this person", step="apply", **{"same-1": str(known.id)})
    assert [visit.person_id for visit in lobby.visits()] == [known.id]
    with app.app_context():
        shown = session.scalars(sa.select(AuditEntry).where(AuditEntry.event == Event.KNOWN_VISITOR_SHOWN))
        assert {entry.subject_id for entry in shown} == {known.id}


def test_somebody_else_of_the_same_name_gets_a_record_of_their_own(
    desk: StrictClient, lobby: Lobby, app: Flask
) -> None:
    with app.app_context(), transaction():
        known = make_person(session.merge(lobby.school), forename="Maria", surname="Santos")
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines="Maria Santos, Tandem, today")
    desk.submit(button="Expect this person", step="apply", **{"same-1": "new"})
    assert [visit.person_id == known.id for visit in lobby.visits()] == [False]


def test_another_trusts_people_are_not_offered_and_cannot_be_named(
    app: Flask, desk: StrictClient, lobby: Lobby
) -> None:
    with app.app_context(), transaction():
        elsewhere = make_person(
            add_school("Far", host="countersign.test"), forename="Maria", surname="Santos"
        )
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines="Maria Santos, Tandem, today")
    assert "Far" not in desk.text
    desk.submit(button="Expect this person", step="apply", **{"same-1": str(elsewhere.id)})
    assert [visit.person_id == elsewhere.id for visit in lobby.visits()] == [False]


def test_one_person_is_entered_in_boxes_and_what_was_typed_is_kept_on_an_error(
    desk: StrictClient, lobby: Lobby
) -> None:
    desk.get(lobby.expected)
    answer = desk.submit(button="Check this person", name="Ana Reyes", agency="", starts=["8", "9", "2026"])
    assert answer.status_code == 400
    assert "Enter the agency that sent them" in desk.text
    desk.submit(button="Check this person", agency="Tandem")
    desk.submit(button="Expect this person", step="apply")
    (visit,) = lobby.visits()
    assert visit.day.day == 8
    assert visit.expected_by == lobby.receptionist.id


@pytest.mark.parametrize("days", ["", "the 9th"])
def test_a_first_day_that_is_none_is_asked_for(desk: StrictClient, lobby: Lobby, days: str) -> None:
    desk.get(lobby.expected)
    answer = desk.submit(button="Check this person", name="Ana Reyes", agency="Tandem", starts=[days, "", ""])
    assert answer.status_code == 400
    assert lobby.visits() == []


def test_change_goes_back_to_the_lines_as_they_were(desk: StrictClient, lobby: Lobby) -> None:
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines=PASTED)
    desk.submit(button="Change", step="change")
    assert "Okafor, Grace; Brightwater; today" in desk.page.xpath("string(//textarea)")


def test_who_comes_again_after_the_weekend_stays_on_one_longer_engagement(
    app: Flask, desk: StrictClient, lobby: Lobby, time: Clock
) -> None:
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines="Maria Santos, Tandem, 07/09/2026, 11/09/2026")
    desk.submit(button="Expect this person", step="apply")
    time.now = time.now.replace(day=11)
    desk.get(lobby.expected)
    desk.submit(button="Check these lines", lines="Maria Santos, Tandem, 14/09/2026, 15/09/2026")
    desk.submit(button="Expect this person", step="apply")
    with app.app_context():
        current = session.scalars(
            sa.select(Engagement)
            .join(Person, Person.id == Engagement.person_id)
            .where(Person.surname == "Santos", Engagement.recorded_to.is_(None))
        ).all()
    assert [(e.starts.day, e.ends and e.ends.day) for e in current] == [(7, 15)]
    assert len(lobby.visits()) == 7
