"""Who must do what by when, and whether they have: each rule with a case for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from lms import compliance, policies, training
from lms.attestations import Attestation, IdentityAssurance, Kind
from lms.clock import end_of_day, start_of_day
from lms.compliance import Item, Obligation, Standing
from lms.db import session
from lms.people import EngagementType, end_engagement, engage
from lms.policies import PolicyVersion
from lms.status import Status
from lms.training import Assignment, Attempt
from tests.factories import POLICY, engagement_of, make_assignment, make_person, make_policy, make_school

pytestmark = pytest.mark.usefixtures("in_app")

TERM = date(2026, 9, 1)


def at(day: date, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


class Place:
    """A school with one policy, one assignment (made on the first day of term) and one teacher."""

    def __init__(self, *, starts: date = date(2020, 9, 1), **terms: object) -> None:
        self.school = make_school()
        self.version = make_policy(self.school, now=at(date(2020, 1, 6)))
        self.assignment = self.assign(**terms)
        self.person = make_person(self.school, starts=starts, now=at(date(2020, 1, 6)))

    def assign(self, **terms: object) -> Assignment:
        return make_assignment(self.school, self.version, **{"now": at(TERM), "due_days": 14, **terms})  # type: ignore[arg-type]

    def act(
        self,
        when: datetime,
        kind: Kind = Kind.SIGNED,
        *,
        version: PolicyVersion | None = None,
        cycle: int = 0,
        refers_to: Attestation | None = None,
    ) -> Attestation:
        """Record an attestation as it will lie in the table; how one is made is tested elsewhere."""
        attestation = Attestation(
            id=uuid4(),
            organisation_id=self.school.id,
            person_id=self.person.id,
            assignment_id=self.assignment.id,
            policy_version_id=(version or self.version).id,
            kind=kind,
            cycle=cycle,
            identity_assurance=IdentityAssurance.WORK_EMAIL,
            recorded_at=when,
            refers_to=refers_to.id if refers_to else None,
            record=b"{}",
        )
        session.add(attestation)
        session.flush()
        return attestation

    def begin(self, when: datetime) -> None:
        """Begin a module."""
        session.add(
            Attempt(
                id=uuid4(),
                organisation_id=self.school.id,
                person_id=self.person.id,
                assignment_id=self.assignment.id,
                module="friend-request",
                module_sha256=policies.store(b"module: friend-request"),
                cycle=0,
                engagement_type=EngagementType.TEACHER,
                started_at=when,
            )
        )
        session.flush()

    def excuse(self, when: datetime, until: date | None = None) -> None:
        training.exempt(self.assignment, self.person.id, reason="On leave", until=until, now=when)

    def publish(self, when: datetime, resign_by: date | None = None) -> PolicyVersion:
        """Publish another version, which asks to be signed again when a day of grace is given."""
        label = when.isoformat()
        return policies.publish(
            self.school,
            slug="social-media",
            title="Social media policy",
            label=label,
            markdown=f"{POLICY}\n{label}\n",
            now=when,
            resign_by=resign_by,
            is_model=True,
        )

    def item(self, moment: datetime) -> Item | None:
        found = {i.assignment.id: i for i in compliance.items([self.school.id], moment)}
        return found.get(self.assignment.id)

    def look(self, moment: datetime, standing: Standing = Standing.ENGAGED) -> Obligation | None:
        """Return where the person stands at a moment; None where nothing is asked of them."""
        item = self.item(moment)
        held = compliance.of_person(self.person.id, [item], standing) if item else []
        return held[0][1] if held else None

    def status(self, moment: datetime) -> Status | None:
        found = self.look(moment)
        return found.status if found else None


SOON, LATER = at(date(2026, 9, 7)), at(date(2026, 9, 30))
BEFORE_THAT = SOON - timedelta(days=1)
A_YEAR_ON = at(date(2027, 10, 1))


@pytest.mark.parametrize(
    ("happened", "moment", "status"),
    [
        ([], SOON, Status.NOT_STARTED),
        ([], LATER, Status.OVERDUE),
        ([Place.begin], SOON, Status.IN_PROGRESS),
        ([Place.begin], LATER, Status.OVERDUE),
        ([Place.act], LATER, Status.SIGNED),
        ([Place.begin, Place.act], A_YEAR_ON, Status.EXPIRED),
        ([lambda p, t: p.act(t, Kind.DECLINED)], SOON, Status.DECLINED),
        ([lambda p, t: p.act(t, Kind.DECLINED)], LATER, Status.DECLINED),
        (
            [Place.act, lambda p, t: p.act(t + timedelta(hours=1), Kind.DECLINED, cycle=1)],
            SOON,
            Status.SIGNED,
        ),
        (
            [Place.act, lambda p, t: p.act(t + timedelta(hours=1), Kind.DECLINED, cycle=1)],
            A_YEAR_ON,
            Status.DECLINED,
        ),
        ([lambda p, t: p.act(t - timedelta(hours=1), Kind.DECLINED), Place.act], SOON, Status.SIGNED),
        ([lambda p, t: p.act(t - timedelta(hours=1), Kind.DECLINED), Place.act], A_YEAR_ON, Status.EXPIRED),
        ([Place.excuse], LATER, Status.NOT_REQUIRED),
        ([Place.act, Place.excuse], LATER, Status.NOT_REQUIRED),
        ([lambda p, t: p.act(t, Kind.ON_PAPER)], LATER, Status.SIGNED),
        ([lambda p, t: p.act(t, Kind.CONFIRMED)], LATER, Status.SIGNED),
        (
            [lambda p, t: p.act(t, Kind.WITHDRAWN, refers_to=p.act(t - timedelta(hours=1)))],
            SOON,
            Status.NOT_STARTED,
        ),
    ],
)
def test_the_first_status_that_holds_is_the_status(
    happened: list[Callable[[Place, datetime], object]], moment: datetime, status: Status
) -> None:
    place = Place()
    for do in happened:
        do(place, BEFORE_THAT)
    assert place.status(moment) is status


@pytest.mark.parametrize(
    ("starts", "terms", "due"),
    [
        (date(2020, 9, 1), {"due_days": 14}, date(2026, 9, 15)),
        (date(2026, 9, 20), {"due_days": 14}, date(2026, 10, 4)),
        (date(2020, 9, 1), {"due_days": 0}, date(2026, 9, 1)),
        (date(2020, 9, 1), {"due_on": date(2026, 9, 30)}, date(2026, 9, 30)),
        (date(2026, 10, 5), {"due_on": date(2026, 9, 30)}, date(2026, 10, 5)),
    ],
)
def test_it_is_due_after_the_later_of_starting_and_being_assigned_or_on_a_day(
    starts: date, terms: dict[str, object], due: date
) -> None:
    place = Place(starts=starts, **terms)
    last, first_late = end_of_day(due), start_of_day(due + timedelta(days=1))
    found = place.look(max(last, start_of_day(starts)))
    assert found is not None
    assert (found.due, found.status, found.days_overdue) == (due, Status.NOT_STARTED, None)
    late = place.look(first_late)
    assert late is not None
    assert (late.status, late.days_overdue) == (Status.OVERDUE, 1)


def test_the_day_turns_at_midnight_in_london_not_in_greenwich() -> None:
    place = Place(due_on=date(2026, 9, 15))
    assert place.status(at(date(2026, 9, 15), 22, 59)) is Status.NOT_STARTED
    assert place.status(at(date(2026, 9, 15), 23, 30)) is Status.OVERDUE, "half past midnight in London"
    winter = Place(due_on=date(2026, 11, 15))
    assert winter.status(at(date(2026, 11, 15), 23, 30)) is Status.NOT_STARTED


@pytest.mark.parametrize(
    ("signed_on", "months", "ends"),
    [
        (date(2026, 9, 7), 12, date(2027, 9, 7)),
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2027, 1, 28), 1, date(2027, 2, 28)),
        (date(2028, 1, 30), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2027, 2, 28), 12, date(2028, 2, 28)),
        (date(2026, 10, 31), 6, date(2027, 4, 30)),
    ],
)
def test_a_signature_counts_for_so_many_months_and_at_a_months_end_until_its_last_day(
    signed_on: date, months: int, ends: date
) -> None:
    place = Place(months=months)
    place.act(at(signed_on, 22, 30))
    last = place.look(end_of_day(ends - timedelta(days=1)))
    first = place.look(start_of_day(ends))
    assert last is not None
    assert (last.status, last.next_due) == (Status.SIGNED, ends)
    assert first is not None
    assert (first.status, first.due, first.days_overdue) == (Status.EXPIRED, ends, 0)


def test_signing_after_midnight_in_summer_counts_from_the_london_day() -> None:
    place = Place(months=1)
    place.act(at(date(2026, 9, 6), 23, 30))
    found = place.look(at(date(2026, 9, 8)))
    assert found is not None
    assert found.next_due == date(2026, 10, 7)
    assert place.status(at(date(2026, 10, 6), 22, 59)) is Status.SIGNED
    assert place.status(at(date(2026, 10, 6), 23, 0)) is Status.EXPIRED


def test_without_months_a_signature_counts_until_a_new_version_asks() -> None:
    place = Place(months=None)
    place.act(SOON)
    found = place.look(at(date(2040, 1, 1)))
    assert found is not None
    assert (found.status, found.next_due) == (Status.SIGNED, None)


def test_a_new_version_alone_obliges_nobody_to_sign_again() -> None:
    place = Place()
    place.act(SOON)
    place.publish(SOON + timedelta(days=1))
    found = place.look(LATER)
    assert found is not None
    assert (found.status, found.signed_number) == (Status.SIGNED, 1)


def test_a_version_to_be_signed_again_gives_grace_and_then_ends_older_signatures() -> None:
    place = Place()
    place.act(SOON)
    grace = date(2026, 9, 20)
    newer = place.publish(SOON + timedelta(days=1), resign_by=grace)
    within = place.look(end_of_day(grace))
    after = place.look(start_of_day(grace + timedelta(days=1)))
    assert within is not None
    assert (within.status, within.next_due) == (Status.SIGNED, grace + timedelta(days=1))
    assert after is not None
    assert (after.status, after.due) == (Status.EXPIRED, grace + timedelta(days=1))
    place.act(LATER, version=newer, cycle=1)
    again = place.look(LATER)
    assert again is not None
    assert (again.status, again.signed_number) == (Status.SIGNED, 2)


def test_an_exemption_holds_until_its_last_day_and_no_longer_once_lifted() -> None:
    place = Place()
    place.excuse(SOON, until=date(2026, 9, 20))
    assert place.status(end_of_day(date(2026, 9, 20))) is Status.NOT_REQUIRED
    assert place.status(start_of_day(date(2026, 9, 21))) is Status.OVERDUE
    training.lift_exemption(place.assignment.id, place.person.id, SOON + timedelta(days=2))
    assert place.status(SOON + timedelta(days=1)) is Status.NOT_REQUIRED
    assert place.status(SOON + timedelta(days=2)) is Status.NOT_STARTED


def test_two_engagements_are_one_obligation_due_by_the_earlier() -> None:
    place = Place(starts=date(2026, 9, 10))
    engage(place.person, place.school.id, EngagementType.GOVERNOR, starts=date(2019, 1, 1), now=at(TERM))
    item = place.item(LATER)
    assert item is not None
    assert sum(n for _, _, n in compliance.counts(item)) == 1
    found = place.look(LATER)
    assert found is not None
    assert (found.type, found.due) == (EngagementType.GOVERNOR, date(2026, 9, 15))


def test_an_assignment_for_others_asks_nothing() -> None:
    place = Place(audience=[EngagementType.GOVERNOR])
    assert place.status(LATER) is None
    engage(place.person, place.school.id, EngagementType.GOVERNOR, starts=TERM, now=at(TERM))
    found = place.look(LATER)
    assert found is not None
    assert found.type is EngagementType.GOVERNOR


def test_who_starts_later_is_expected_and_not_yet_counted() -> None:
    place = Place(starts=date(2026, 10, 5))
    assert place.look(LATER) is None
    found = place.look(LATER, Standing.EXPECTED)
    assert found is not None
    assert (found.status, found.due) == (Status.NOT_STARTED, date(2026, 10, 19))
    assert place.look(at(date(2026, 10, 5))) is not None


def test_a_leaver_is_asked_nothing_and_what_they_signed_stays() -> None:
    place = Place()
    place.act(SOON)
    end_engagement(engagement_of(place.person), ends=date(2026, 9, 10), now=SOON)
    assert place.status(end_of_day(date(2026, 9, 10))) is Status.SIGNED, "the last day is still one"
    assert place.look(start_of_day(date(2026, 9, 11))) is None
    left = place.look(A_YEAR_ON, Standing.LEFT)
    assert left is not None
    assert left.status is Status.SIGNED, "given, though it would have run out since"


def test_who_left_before_it_was_assigned_was_never_asked() -> None:
    place = Place()
    end_engagement(engagement_of(place.person), ends=TERM - timedelta(days=1), now=at(date(2026, 8, 1)))
    assert place.look(LATER, Standing.LEFT) is None


def test_who_left_on_the_day_it_was_assigned_was_asked() -> None:
    place = Place()
    end_engagement(engagement_of(place.person), ends=TERM, now=at(date(2026, 8, 1)))
    left = place.look(LATER, Standing.LEFT)
    assert left is not None
    assert left.status is Status.NOT_STARTED, "a leaver can no longer be late"


def test_who_left_one_engagement_and_holds_another_is_no_leaver() -> None:
    place = Place()
    end_engagement(engagement_of(place.person), ends=date(2026, 9, 10), now=SOON)
    engage(place.person, place.school.id, EngagementType.GOVERNOR, starts=TERM, now=at(TERM))
    assert place.look(LATER, Standing.LEFT) is None
    assert place.status(LATER) is Status.OVERDUE


def test_todays_correction_does_not_rewrite_last_terms_report() -> None:
    place = Place()
    end_engagement(engagement_of(place.person), ends=date(2026, 9, 5), now=LATER)
    found = place.look(compliance.moment_of(date(2026, 9, 20), LATER))
    assert found is not None, "on the 20th nobody had recorded that they left on the 5th"
    assert found.status is Status.OVERDUE
    assert place.look(LATER) is None


def test_what_was_signed_later_is_not_in_an_earlier_report() -> None:
    place = Place()
    place.act(at(date(2026, 9, 21), 8))
    assert place.status(compliance.moment_of(date(2026, 9, 20), LATER)) is Status.OVERDUE
    assert place.status(compliance.moment_of(date(2026, 9, 21), LATER)) is Status.SIGNED


def test_a_withdrawn_assignment_is_still_in_reports_of_the_days_it_stood() -> None:
    place = Place()
    training.withdraw(place.assignment, at(date(2026, 9, 20)))
    assert place.status(compliance.moment_of(date(2026, 9, 19), LATER)) is Status.OVERDUE
    assert place.item(compliance.moment_of(date(2026, 9, 20), LATER)) is None
    assert place.item(compliance.moment_of(TERM - timedelta(days=1), LATER)) is None, "nor before it was made"


def test_a_report_of_today_or_later_is_of_this_moment() -> None:
    assert compliance.moment_of(date(2026, 9, 30), LATER) == LATER
    assert compliance.moment_of(None, LATER) == LATER
    assert compliance.moment_of(date(2026, 9, 29), LATER) == end_of_day(date(2026, 9, 29))


def test_one_school_is_asked_nothing_of_another() -> None:
    here, elsewhere = Place(), Place()
    engage(here.person, elsewhere.school.id, EngagementType.TEACHER, starts=TERM, now=at(TERM))
    here.act(SOON)
    assert here.status(LATER) is Status.SIGNED
    there = elsewhere.item(LATER)
    assert there is not None
    held = compliance.of_person(here.person.id, [there], Standing.ENGAGED)
    assert [o.status for _, o in held] == [Status.OVERDUE]
    assert {i.assignment.organisation_id for i in compliance.items([here.school.id], LATER)} == {
        here.school.id
    }


def test_counts_and_stream_say_the_same_of_everybody() -> None:
    place = Place()
    place.act(SOON)
    for n, type_ in enumerate((EngagementType.TEACHER, EngagementType.GOVERNOR, EngagementType.GOVERNOR)):
        make_person(place.school, type_, forename=f"Person{n}", starts=TERM, now=at(TERM))
    item = place.item(LATER)
    assert item is not None
    counted = {(type_, status): n for type_, status, n in compliance.counts(item)}
    assert counted == {
        (EngagementType.TEACHER, Status.SIGNED): 1,
        (EngagementType.TEACHER, Status.OVERDUE): 1,
        (EngagementType.GOVERNOR, Status.OVERDUE): 2,
    }
    streamed = list(compliance.stream([item, item], Standing.ENGAGED, ("sort_name", "status")))
    assert [row[0] for row in streamed] == [0, 1] * 4
    assert [row[2] for row in streamed] == sorted(row[2] for row in streamed)
