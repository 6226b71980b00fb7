"""Who is reminded by e-mail, of what and when: one digest a day, in school hours, and nobody who needn't hear."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import absences, assignments, attestations, jobs, mail, people, reminders, reminding
from lms.attestations import Attestation, Kind
from lms.config import Settings
from lms.db import session, transaction
from lms.mail import Message, MessageKind, MessageState
from lms.people import EngagementType, Person
from lms.reminder_settings import ReminderSettings, enter_days, set_schedule
from lms.reminders import Reminder, ReminderKind
from lms.school_days import Days, DaysKind
from tests.conftest import Clock
from tests.counting import counted
from tests.factories import engagement_of, make_assignment, make_person, make_policy, make_school
from tests.mail_server import MailServer

pytestmark = pytest.mark.usefixtures("in_app", "time")

DUE = date(2026, 9, 15)
"""A Tuesday: 14 days after everybody's first day."""


def at(day: date, hour: int = 9) -> datetime:
    """A time in London, in summer."""
    return datetime(day.year, day.month, day.day, hour - 1, 5, tzinfo=UTC)


class Desk:
    """A school that reminds people of one policy, with a manager and a head."""

    def __init__(self, app: Flask, time: Clock) -> None:
        self.app, self.time = app, time
        with transaction():
            self.school = make_school("Ysgol Môr")
            self.version = make_policy(self.school)
            self.assignment = make_assignment(self.school, self.version)
            self.settings = ReminderSettings(
                organisation_id=self.school.id,
                is_on=True,
                head_email="head@school.test",
                escalate_after=21,
                managers_weekly=True,
                texts={},
            )
            session.add(self.settings)
            self.manager = make_person(self.school, forename="Mair", surname="Boss", email="mair@school.test")

    def add(self, name: str, **values: object) -> Person:
        with transaction():
            return make_person(self.school, forename=name, surname="Nair", **values)  # type: ignore[arg-type]

    def work(self, day: date, hour: int = 9, server: MailServer | None = None) -> None:
        """What the worker does in an hour."""
        self.time.now = at(day, hour)
        session.rollback()
        jobs.plan_reminders()
        if server:
            self.deliver(server)

    def deliver(self, server: MailServer) -> None:
        session.rollback()
        settings: Settings = self.app.config["SETTINGS"]
        jobs.deliver(settings.model_copy(update={"smtp_url": server.url}), demo=False)

    def messages(self, kind: MessageKind = MessageKind.REMINDER) -> list[Message]:
        session.rollback()
        with transaction(write=False):
            wanted = (
                sa.select(Message).where(Message.kind == kind).order_by(Message.queued_at, Message.address)
            )
            return list(session.scalars(wanted.execution_options(populate_existing=True)))

    def signed(self, person: Person, kind: Kind = Kind.SIGNED) -> None:
        with transaction():
            session.add(
                Attestation(
                    organisation_id=self.school.id,
                    person_id=person.id,
                    assignment_id=self.assignment.id,
                    policy_version_id=self.version.id,
                    kind=kind,
                    cycle=0,
                    identity_assurance=attestations.IdentityAssurance.WORK_EMAIL,
                    recorded_at=self.time.now,
                    record=b"{}",
                )
            )


@pytest.fixture
def desk(app: Flask, time: Clock) -> Desk:
    return Desk(app, time)


def letters(server: MailServer) -> dict[str, str]:
    """What has come since last time, by address; a second letter to one address would be seen."""
    found: dict[str, str] = {}
    while not server.arrived.empty():
        email = server.arrived.get()
        assert email["To"] not in found, "one letter a person"
        found[email["To"]] = f"{email['Subject']}\n{email.get_content()}".replace("\r", "")
    return found


def test_one_letter_goes_to_each_who_must_sign_and_to_nobody_else(desk: Desk, server: MailServer) -> None:
    desk.add("Priya", email="priya@school.test", manager=desk.manager)
    signed = desk.add("Done", email="done@school.test", manager=desk.manager)
    declined = desk.add("Declined", email="declined@school.test", manager=desk.manager)
    away = desk.add("Away", email="away@school.test", manager=desk.manager)
    exempt = desk.add("Exempt", email="exempt@school.test", manager=desk.manager)
    left = desk.add("Left", email="left@school.test", manager=desk.manager)
    desk.add("Nowhere", email=None)
    desk.add("One", email="office@school.test")
    desk.add("Two", email="office@school.test")
    now = at(date(2026, 9, 1))
    desk.time.now = now
    desk.signed(signed)
    desk.signed(desk.manager)
    desk.signed(declined, Kind.DECLINED)
    with transaction():
        absences.record_absence(
            away, desk.school.id, starts=date(2026, 9, 2), ends=None, reason="illness", by=None, now=now
        )
        assignments.exempt(desk.assignment, exempt.id, reason="works elsewhere", until=None, now=now)
        people.end_engagement(engagement_of(left), ends=date(2026, 9, 2), now=now)

    desk.work(date(2026, 9, 8), server=server)
    sent = letters(server)
    assert set(sent) == {"priya@school.test", "mair@school.test"}
    assert sent["priya@school.test"].startswith("To read and sign for Ysgol Môr\nHello Priya,")
    assert "- Social media policy: due by 15 September 2026" in sent["priya@school.test"]
    team = sent["mair@school.test"]
    assert "Not done: 2\n  - Declined Nair\n  - Priya Nair\nDone: 1\n  - Done Nair" in team
    for word in ("Away", "Exempt", "Left", "illness", "declined", "has chosen"):
        assert word not in team

    desk.work(date(2026, 9, 8), 10, server)
    desk.work(date(2026, 9, 11), 10, server)
    assert letters(server) == {}, "no day of the schedule has come since, and the week's list has gone"
    with transaction(write=False):
        [kept] = session.scalars(sa.select(Reminder))
        assert kept.reminded_on == date(2026, 9, 8)
        had = {(kept.person_id, desk.assignment.id): 1}
        assert reminders.numbers([desk.school.id], date(2026, 9, 8)) == had
        assert reminders.numbers([desk.school.id], date(2026, 9, 7)) == {}


def test_nobody_gets_two_on_a_day_whatever_else_is_asked_and_by_whichever_school(
    desk: Desk, server: MailServer
) -> None:
    desk.add("Priya", email="priya@school.test")
    sam = desk.add("Sam", email="sam@school.test")
    desk.signed(desk.manager)
    desk.work(date(2026, 9, 8), server=server)
    assert set(letters(server)) == {"priya@school.test", "sam@school.test"}
    message_id = desk.messages()[0].id
    session.rollback()
    with transaction():
        conduct = make_policy(desk.school, slug="conduct")
        make_assignment(desk.school, conduct, due_days=1, audience=[EngagementType.TEACHER])
        elsewhere = make_school()
        session.add(
            Reminder(
                organisation_id=elsewhere.id,
                person_id=sam.id,
                assignment_id=desk.assignment.id,
                message_id=message_id,
                kind=ReminderKind.BY_HAND,
                reminded_on=date(2026, 9, 9),
            )
        )
    desk.work(date(2026, 9, 8), 12, server)
    assert set(letters(server)) == {"mair@school.test"}, "who had none that day hears at once"
    desk.work(date(2026, 9, 9), server=server)
    sent = letters(server)
    assert sent["priya@school.test"].count("\n- ") == 2, "both things in one letter"
    assert "sam@school.test" not in sent, "another school has written that day"


def test_nothing_leaves_at_night_and_what_waited_says_what_is_so_when_it_leaves(
    desk: Desk, server: MailServer
) -> None:
    priya, sam = desk.add("Priya", email="priya@school.test"), desk.add("Sam", email="sam@school.test")
    desk.signed(desk.manager)
    for hour in (0, 7, 18, 23):
        desk.work(date(2026, 9, 8), hour or 24, server)
    desk.work(date(2026, 9, 12), 10, server)
    assert desk.messages() == []
    desk.work(date(2026, 9, 8), 17)
    assert len(desk.messages()) == 2, "queued while the mail server can't be reached"
    desk.time.now = at(date(2026, 9, 8), 19)
    desk.deliver(server)
    assert {m.state for m in desk.messages()} == {MessageState.QUEUED}
    assert {(m.next_at, m.attempts) for m in desk.messages()} == {(datetime(2026, 9, 9, 7, tzinfo=UTC), 0)}

    desk.signed(sam)
    desk.time.now = at(date(2026, 9, 9))
    desk.deliver(server)
    assert set(letters(server)) == {"priya@school.test"}
    by_address = {m.address: m for m in desk.messages()}
    assert by_address["sam@school.test"].reason == "there was nothing left to sign when it was to be sent"
    assert by_address["priya@school.test"].person_id == priya.id
    session.rollback()
    with transaction(write=False):
        had = reminders.reminded([desk.school.id], date(2026, 9, 9))
    assert had == {(priya.id, desk.assignment.id): date(2026, 9, 8)}, "what failed was no reminder"


def test_holidays_are_kept_and_are_caught_up_with_in_one_letter(desk: Desk, server: MailServer) -> None:
    desk.add("Priya", email="priya@school.test")
    desk.signed(desk.manager)
    with transaction():
        closed = Days(DaysKind.HOLIDAY, date(2026, 9, 5), date(2026, 10, 2), "Repairs")
        assert enter_days(desk.school.id, [closed, closed]) == 1
        assert enter_days(desk.school.id, [closed]) == 0
        set_schedule(desk.school.id, desk.assignment.id, (-1, 0, 1, 2, 3))
    for number in range(28):
        desk.work(date(2026, 9, 5) + timedelta(days=number), server=server)
    assert letters(server) == {}
    desk.work(date(2026, 10, 5), server=server)
    sent = letters(server)
    assert set(sent) == {"priya@school.test"}
    assert "was due on 15 September 2026, 20 days ago" in sent["priya@school.test"]
    desk.work(date(2026, 10, 6), server=server)
    assert set(letters(server)) == {"head@school.test"}, "long overdue now, and the schedule is at its end"


def test_a_stopped_workers_letter_may_have_been_sent_and_isnt_sent_again(
    desk: Desk, server: MailServer
) -> None:
    desk.add("Priya", email="priya@school.test")
    desk.signed(desk.manager)
    desk.work(date(2026, 9, 8))
    [message] = desk.messages()
    with transaction():
        session.execute(sa.update(Message).values(state=MessageState.SENDING, next_at=at(date(2026, 9, 8))))
    with transaction():
        mail.give_up_unfinished(at(date(2026, 9, 8), 11))
    desk.work(date(2026, 9, 8), 12, server)
    assert letters(server) == {}
    [message] = desk.messages()
    assert "may have been sent" in str(message.reason)
    session.rollback()
    with transaction(write=False):
        assert reminders.reminded([desk.school.id], date(2026, 9, 8)), "and is counted"


def test_the_head_hears_who_is_long_overdue_and_not_of_who_has_signed_since(
    desk: Desk, server: MailServer
) -> None:
    desk.add("Priya", email="priya@school.test")
    sam = desk.add("Sam", email=None)
    desk.signed(desk.manager)
    desk.work(date(2026, 10, 6))
    desk.signed(sam)
    desk.deliver(server)
    sent = letters(server)
    assert "- Priya Nair: Social media policy, 21 days late" in sent["head@school.test"]
    assert "Sam" not in sent["head@school.test"]
    desk.work(date(2026, 10, 7), server=server)
    assert "head@school.test" not in letters(server)


def test_a_school_that_hasnt_switched_reminders_on_sends_none(desk: Desk, server: MailServer) -> None:
    desk.add("Priya", email="priya@school.test")
    with transaction():
        session.get_one(ReminderSettings, desk.school.id).is_on = False
    desk.work(date(2026, 9, 8), server=server)
    assert desk.messages() == []


def test_a_schools_own_words_are_sent_as_they_are(desk: Desk, server: MailServer) -> None:
    desk.add("{{ 7 * 7 }}", email="priya@school.test")
    desk.signed(desk.manager)
    with transaction():
        session.get_one(ReminderSettings, desk.school.id).texts = {
            "reminder": "Annwyl {name}\n{% raise %} {list} {link}"
        }
    desk.work(date(2026, 9, 8), server=server)
    text = letters(server)["priya@school.test"]
    assert text.startswith("Annwyl {{ 7 * 7 }}\n{% raise %} - Social media policy: due by")


def test_all_that_is_due_at_a_trust_is_worked_out_in_under_thirty_queries(app: Flask, time: Clock) -> None:
    def fill(people_each: int) -> None:
        for place in range(3):
            school = make_school(f"School {people_each} {place}")
            session.add(
                ReminderSettings(
                    organisation_id=school.id,
                    is_on=True,
                    head_email="head@school.test",
                    escalate_after=5,
                    managers_weekly=True,
                    texts={},
                )
            )
            for slug in ("one", "two"):
                make_assignment(school, make_policy(school, slug=slug))
            manager = make_person(school)
            for _ in range(people_each):
                make_person(school, EngagementType.GOVERNOR, manager=manager)

    def look() -> tuple[int, int]:
        session.rollback()
        with counted(app) as sent, transaction(write=False):
            planned = reminding.plan(at(date(2026, 10, 6)))
        return len(planned), len(sent)

    with transaction():
        fill(1)
    few, queries = look()
    assert few == 3 * 4, "the person, the manager, the manager's list, the head"
    with transaction():
        fill(4)
    many, queries_of_many = look()
    assert many == few + 3 * 7
    assert queries_of_many < 30
    assert queries_of_many - queries == 0, "none for people; one more for every forty things to sign"
    time.now = at(date(2026, 10, 6))
    session.rollback()
    jobs.plan_reminders()
    jobs.plan_reminders()
    with transaction(write=False):
        assert session.scalar(sa.select(sa.func.count()).select_from(Message)) == many
        per_person: list[tuple[UUID | None, int]] = [
            (person, n)
            for person, n in session.execute(
                sa.select(Message.person_id, sa.func.count())
                .where(Message.kind == MessageKind.REMINDER)
                .group_by(Message.person_id)
            )
        ]
    assert {n for _, n in per_person} == {1}


def test_two_assignments_of_one_policy_are_told_apart_and_what_reads_alike_is_said_once(
    desk: Desk, server: MailServer
) -> None:
    def ask(*modules: str, due_days: int = 14) -> None:
        agency = [EngagementType.AGENCY_WORKER]
        make_assignment(desk.school, desk.version, modules=[*modules], audience=agency, due_days=due_days)

    with transaction():
        ask("must-know-today", due_days=13)
        ask("must-know-today", "friend-request")
        ask("must-know-today", "friend-request")
    desk.add("Priya", email="priya@school.test", type=EngagementType.AGENCY_WORKER, manager=desk.manager)
    desk.add("Tomos", email="tomos@school.test", manager=desk.manager)
    desk.signed(desk.manager)
    desk.work(date(2026, 9, 8), server=server)
    sent = letters(server)
    assert [line for line in sent["priya@school.test"].splitlines() if line.startswith("- ")] == [
        "- Social media policy (Must know today): due by 14 September 2026",
        "- Social media policy (only to read and sign): due by 15 September 2026",
        "- Social media policy (2 modules): due by 15 September 2026",
    ]
    assert "- Social media policy: due by 15 September 2026" in sent["tomos@school.test"]
    for difference in ("Must know today", "2 modules"):
        team = f"Social media policy ({difference})\nNot done: 1\n  - Priya Nair\nDone: 0"
        assert team in sent["mair@school.test"]
    desk.work(date(2026, 10, 12), server=server)
    late = [line for line in letters(server)["head@school.test"].splitlines() if line.startswith("- Priya")]
    assert late == [
        "- Priya Nair: Social media policy (Must know today), 28 days late",
        "- Priya Nair: Social media policy (2 modules), 27 days late",
        "- Priya Nair: Social media policy (only to read and sign), 27 days late",
    ]
