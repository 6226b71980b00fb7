"""Mail to many at once, as HR follows it: how far it is, what is taken back, and how it ends whatever is killed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from lms import clock, jobs, mail, reminders
from lms.audit import Event
from lms.db import db, session, transaction
from lms.mail import Message
from lms.people import EngagementType, Person, RoleName, name_person
from lms.smtp import Letter, Problem
from tests.client import StrictClient
from tests.conftest import NOW, Clock
from tests.factories import make_person, make_school
from tests.web.office import Office, cells

EACH = timedelta(seconds=30)
CANCEL = "Take back those that wait"


class Killed(BaseException):
    """The worker is no more."""


class Post:
    """Where letters leave by, half a minute each, and what happens while the first, second … is being sent."""

    def __init__(self, time: Clock) -> None:
        self.time = time
        self.sent: list[str] = []
        self.meanwhile: dict[int, Callable[[], Problem | None]] = {}

    def send(self, letter: Letter, now: datetime) -> Problem | None:
        del now
        if happens := self.meanwhile.pop(len(self.sent) + 1, None):
            with ThreadPoolExecutor(1) as elsewhere:
                problem = elsewhere.submit(happens).result()
            if problem:
                return problem
        self.time.now += EACH
        self.sent.append(letter.address)
        return None

    def close(self) -> None:
        """Nothing is held open."""


@pytest.fixture
def post(time: Clock, monkeypatch: pytest.MonkeyPatch) -> Post:
    made = Post(time)
    monkeypatch.setattr(jobs, "_outlet", lambda *_, **__: made)
    return made


def work(office: Office) -> None:
    """Send what may leave, as the worker does each minute."""
    with office.app.app_context():
        with transaction():
            mail.give_up_unfinished(clock.now())
        jobs.deliver(office.app.config["SETTINGS"], demo=False)


def remind(office: Office, hr: StrictClient, number: int) -> str:
    """Remind everybody in Maths by hand; return the address of the mailing."""
    hr.get(f"{office.records}/reminders/now?department=Maths")
    hr.submit(button=f"Send {number} reminder{'s' if number > 1 else ''}", step="send")
    assert hr.heading == "Reminders sent by hand"
    return hr.address


def add(office: Office, number: int) -> set[UUID]:
    """Add people in Maths who have something to sign."""
    return {
        office.add(forename=f"P{n}", email=f"p{n}@school.test", department="Maths").id for n in range(number)
    }


def had_one(office: Office, time: Clock) -> set[UUID]:
    """Return who has had a reminder today."""
    found: set[UUID] = office.do(reminders.people_on, time.now.date())
    assert found == {person for person, _ in office.do(reminders.asked_for, [office.school.id], NOW.date())}
    return found


def outcome(client: StrictClient) -> str:
    return " ".join(client.page.xpath("string(//section[@aria-labelledby='outcome']/p[1])").split())


def test_a_mailing_is_followed_to_its_end_and_is_the_schools_alone(
    app: Flask, office: Office, hr: StrictClient, post: Post
) -> None:
    add(office, 4)
    address = remind(office, hr, 4)
    assert "4 letters, put in the queue on 7 September 2026, 9:30am, by Meera Zane." in hr.text
    assert "Nothing has been sent yet. The worker takes them up within a minute." in hr.text
    assert "You can close this page" in hr.text
    seen: list[str] = []

    def look() -> None:
        seen.append(hr.get(f"{address}/progress").get_data(as_text=True))
        hr.get(address)

    post.meanwhile[3] = look
    work(office)
    assert 'value="50"' in seen[0]
    assert "2 of 4 sent. About 30 seconds left." in seen[0]
    assert "2 of 4 sent. About 30 seconds left." in hr.text
    assert hr.get(f"{address}/progress").status_code == 204
    hr.get(address)
    assert outcome(hr) == "4 sent."
    assert not hr.page.xpath("//main//button")
    assert not hr.page.xpath("//script[contains(@src, 'work.js')]")
    hr.get(f"{office.records}/reminders")
    hr.follow("Reminders, 7 September 2026, 9:30am")
    assert hr.address == address

    office.add(forename="New", email="new@school.test", department="Maths")
    waiting = remind(office, hr, 1)
    elsewhere = office.do(make_school)
    other = app.test_client()
    assert isinstance(other, StrictClient)
    other.sign_in_as(office.do(lambda: make_person(elsewhere, role=RoleName.HR).id))
    other.get(f"/schools/{elsewhere.slug}/records/reminders")
    assert "7 September" not in other.text
    theirs = waiting.replace(office.school.slug, elsewhere.slug)
    for page in (theirs, f"{theirs}/progress"):
        assert other.get(page).status_code == 404
    other.get(f"/schools/{elsewhere.slug}/records/reminders/settings")
    token = other.page.xpath("string(//input[@name='csrf_token']/@value)")
    assert other.post(f"{theirs}/cancel", data={"csrf_token": token}).status_code == 404
    assert hr.get(f"{waiting}/progress").status_code == 200


def test_what_waits_is_taken_back_half_way_and_may_be_said_the_same_day(
    office: Office, hr: StrictClient, post: Post, time: Clock
) -> None:
    people = add(office, 4)
    address = remind(office, hr, 4)
    assert had_one(office, time) == people

    def take_back() -> None:
        hr.get(address)
        hr.submit(button=CANCEL)

    post.meanwhile[2] = take_back
    work(office)
    assert "1 of 2 sent. The last is being sent." in hr.text
    assert not hr.page.xpath("//main//button"), "what is in the worker's hands can't be taken back"
    hr.follow("Refresh")
    assert outcome(hr) == "2 sent, 2 taken back."
    work(office)
    assert len(post.sent) == 2
    assert len(had_one(office, time)) == 2
    (entry,) = office.audited(Event.MAILING_TAKEN_BACK)
    assert (entry.actor_id, entry.details["people"]) == (office.hr.id, 2)
    assert entry.details["mailing"] == address.rpartition("/")[2]
    hr.get(f"{office.records}/reminders")
    assert "0 waiting, 2 sent, 0 may have been sent, 0 not sent, 2 taken back." in hr.text
    assert sum(one == "Taken back" for one in cells(hr, "How it stands")) == 2

    hr.get(f"{office.records}/reminders/now?department=Maths")
    assert "2 people of them already had a reminder that day" in hr.text
    remind(office, hr, 2)
    work(office)
    hr.follow("Refresh")
    assert outcome(hr) == "2 sent."
    assert sorted(post.sent) == [f"p{n}@school.test" for n in range(4)]
    assert had_one(office, time) == people


def test_what_waits_for_the_school_to_open_says_so_and_what_no_worker_sends_too(
    office: Office, hr: StrictClient, post: Post, time: Clock
) -> None:
    add(office, 2)
    time.now = datetime(2026, 9, 11, 20, 0, tzinfo=UTC)
    address = remind(office, hr, 2)
    assert "2 wait until the school opens on 14 September 2026, 8:00am." in hr.text
    time.now += timedelta(minutes=1)
    hr.get(f"{office.records}/reminders/now?department=Maths")
    hr.submit(button="Send to all 2, another one that day", step="again")
    hr.submit(button=CANCEL)
    assert outcome(hr) == "2 taken back."
    work(office)
    assert post.sent == []

    time.now = datetime(2026, 9, 14, 7, 4, tzinfo=UTC)
    assert "No worker is running" not in hr.get(address).text
    time.now += timedelta(minutes=2)
    hr.get(address)
    assert "No worker is running" in hr.text
    assert "countersign worker" in hr.text
    assert "Waiting 0% Nothing has been sent yet." in hr.text
    work(office)
    hr.follow("Refresh")
    assert outcome(hr) == "2 sent.", "the letters that were taken back don't take the place of the others"


def test_a_mailing_ends_although_its_worker_was_killed_and_none_came_after(
    office: Office, hr: StrictClient, post: Post, time: Clock
) -> None:
    add(office, 3)
    address = remind(office, hr, 3)

    def die() -> None:
        raise Killed

    post.meanwhile[2] = die
    with pytest.raises(Killed):
        work(office)
    hr.get(address)
    assert "1 of 3 sent." in hr.text
    time.now += timedelta(minutes=11)
    hr.get(address)
    assert "No worker is running" in hr.text
    assert "1 of 3 sent. 1 may have been sent." in hr.text
    hr.submit(button=CANCEL)
    assert outcome(hr).startswith("1 sent, 1 may have been sent, 1 taken back.")
    assert hr.get(f"{address}/progress").status_code == 204
    work(office)
    hr.get(address)
    assert outcome(hr).startswith("1 sent, 1 may have been sent, 1 taken back.")
    assert len(post.sent) == 1, "it isn't sent twice"
    assert len(had_one(office, time)) == 2, "what may have been sent counts"


def test_a_mail_server_that_is_away_is_told_from_a_worker_that_is(
    office: Office, hr: StrictClient, post: Post, time: Clock
) -> None:
    add(office, 9)
    address = remind(office, hr, 9)
    away = Problem("the mail server could not be used: refused", unreachable=True)
    for _ in range(7):
        post.meanwhile[1] = lambda: away
        work(office)
        time.now += timedelta(minutes=1)
    hr.get(address)
    assert "Not all could be sent yet: the mail server could not be used: refused. The next try is" in hr.text
    assert "No worker is running" not in hr.text
    post.meanwhile.clear()
    time.now += timedelta(minutes=31)
    assert "No worker is running" in hr.get(address).text
    work(office)
    hr.get(address)
    assert outcome(hr) == "9 sent."


def test_links_sent_to_a_group_are_a_mailing_and_one_taken_back_is_sent_again(
    office: Office, hr: StrictClient, post: Post
) -> None:
    for name in ("Adams", "Bevan"):
        office.add(type=EngagementType.GOVERNOR, surname=name, email=f"{name.lower()}@governors.test")
    hr.get(f"{office.records}/links", query_string={"type": "governor"})
    page = hr.page
    for _ in range(2):  # the second press of one button changes nothing
        hr.page = page
        hr.submit(button="Send by e-mail", who="everybody", how="email")
    hr.follow("See how far sending is, or take back those that wait")
    assert hr.heading == "Personal links sent by hand"
    assert "2 letters, put in the queue on 7 September 2026, 9:30am, by Meera Zane." in hr.text
    hr.submit(button=CANCEL)
    assert "2 taken back on 7 September 2026, 9:30am, by Meera Zane." in hr.text
    assert outcome(hr) == "2 taken back."
    work(office)
    assert post.sent == []
    hr.follow("See what became of each")
    assert cells(hr, "Status") == ["Taken back", "Taken back"]
    assert cells(hr, "Works until") == ["—", "—"]
    hr.submit(button="Send again")
    assert not hr.page.xpath("//a[contains(., 'See how far')]"), "one link is no mailing"
    work(office)
    hr.get(f"{office.records}/links")
    assert sorted(cells(hr, "Status")) == ["Sent", "Taken back"]
    assert len(post.sent) == 1
    with office.app.app_context(), transaction(write=False):
        assert len(session.scalars(sa.select(Message)).all()) == 3


def test_the_page_names_who_asked_and_who_took_the_rest_back(
    app: Flask, office: Office, hr: StrictClient, time: Clock
) -> None:
    add(office, 2)
    other = app.test_client()
    assert isinstance(other, StrictClient)
    colleague = office.do(
        lambda: make_person(office.school, forename="<b>Ian", surname="Rees", role=RoleName.HR)
    )
    other.sign_in_as(colleague.id)
    mine = remind(office, hr, 2)
    other.get(f"{office.records}/reminders/now?department=Maths")
    other.submit(button="Send to all 2, another one that day", step="again")
    theirs = other.address
    assert "9:30am, by <b>Ian Rees." in other.text, "two presses at one moment are told apart"
    assert "9:30am, by Meera Zane." in hr.get(mine).get_data(as_text=True)

    time.now = NOW + timedelta(minutes=1)
    other.get(mine)
    assert "taken back" not in other.text
    other.submit(button=CANCEL)
    said = "2 letters, put in the queue on 7 September 2026, 9:30am, by Meera Zane. "
    assert f"{said}2 taken back on 7 September 2026, 9:31am, by <b>Ian Rees." in other.text
    assert "taken back" not in hr.get(theirs).get_data(as_text=True)

    office.do(lambda: _erase(colleague.id))
    hr.get(mine)
    assert "9:31am, by somebody whose personal details have been erased." in hr.text
    office.do(lambda: name_person(session.get_one(Person, office.hr.id), "", ""))
    hr.get(mine)
    assert "9:30am, by somebody whose name is not on record." in hr.text


def _erase(person_id: UUID) -> None:
    person = session.get_one(Person, person_id)
    name_person(person, "", "")
    person.erased_at = NOW


def test_who_asked_is_looked_up_in_one_query_and_not_while_the_page_is_watched(
    app: Flask, office: Office, hr: StrictClient
) -> None:
    add(office, 2)
    address = remind(office, hr, 2)
    asked: list[str] = []
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    hr.get(address)
    assert sum("FROM audit" in statement for statement in asked) == 1
    asked.clear()
    assert hr.get(f"{address}/progress").status_code == 200
    assert not any("FROM audit" in statement for statement in asked)
