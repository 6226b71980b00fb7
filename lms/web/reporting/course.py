"""One course of the school's learning platform: who is in it and not on record yet, and who has gone."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import Form, SelectField, StringField

from lms.audit import Event
from lms.clock import london_day
from lms.errors import ConflictError
from lms.lti import joiners, leavers, memberships
from lms.lti.joiners import Joiner
from lms.lti.memberships import Course
from lms.people import EngagementType
from lms.web import access
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.fields import DayField, one_line
from lms.web.reporting.filters import asked, page_number
from lms.web.reporting.platform import audit_here

SAME = "same:"
ADDABLE = {
    str(type_): type_.words
    for type_ in EngagementType
    # Whom these come from isn't in the list, and the records need it.
    if type_ not in (EngagementType.AGENCY_WORKER, EngagementType.CONTRACTOR)
}
ROLES = {"": "Everybody", "Learner": "Learners", "Instructor": "Teachers of the course"}
_ROLE_WORDS = {
    "Learner": "Learner",
    "Instructor": "Teacher of the course",
    "ContentDeveloper": "Course editor",
    "Administrator": "Administrator",
    "Manager": "Manager",
    "Mentor": "Mentor",
    "Member": "Member",
    "Officer": "Officer",
}


class MembersForm(Form):  # type: ignore[misc]
    """Which of the people of a course."""

    name = StringField("Name", filters=[one_line])
    role = SelectField("Role in the course", choices=ROLES, validate_choice=False)

    @property
    def query(self) -> dict[str, str]:
        """What was asked for, for an address."""
        role = self.role.data if self.role.data in ROLES else ""
        return {name: value for name, value in {"name": self.name.data, "role": role}.items() if value}


class JoinForm(FlaskForm):  # type: ignore[misc]
    """What each of a page's people is, in fields named after them; and everybody that nothing is chosen for."""

    rest = SelectField(
        "Everybody else on this page",
        choices={"": "Leave for now", **ADDABLE},
        validate_choice=False,
        default="",
    )


class LeaveForm(FlaskForm):  # type: ignore[misc]
    """When those who were ticked leave, or left."""

    last_day = DayField("Their last day at the school", description="For example, 31 12 2026")


@blueprint.route("/schools/<school>/records/lms/courses/<uuid:course_id>", methods=["GET", "POST"])
def course(school: str, course_id: UUID) -> ResponseReturnValue:
    """Show who came to a course and who has gone, and do what HR says about them."""
    del school
    found = memberships.course(access.school().id, course_id)
    do = request.form.get("do", "")
    join = JoinForm(request.form if do == "join" else None)
    leave = LeaveForm(
        request.form if do in ("end", "keep") else None, last_day=london_day(access.request_time())
    )
    if done := _act(found, join, leave, do):
        flash(done)
        return redirect(_address(found), 303)
    page = _page(found, join, leave)
    return page, 400 if join.errors or leave.errors else 200


def _act(found: Course, join: JoinForm, leave: LeaveForm, do: str) -> str | None:
    """Do what a button says and return it in words; None where a form has an error."""
    if do == "join" and join.validate():
        return _join(found, join)
    if do in ("end", "keep") and leave.validate():
        return _leave(found, leave, ends=do == "end")
    if do == "empty":
        memberships.accept_empty(found, access.request_time())
        audit_here(Event.COURSE_EMPTIED, course=str(found.context.id))
        return "Saved: nobody is in this course any more. Say below who has left the school."
    return None


def _page(found: Course, join: JoinForm, leave: LeaveForm) -> str:
    form, now = MembersForm(asked()), access.request_time()
    query = form.query
    return render_template(
        "reporting/course.html",
        course=found,
        members=form,
        is_filtered=bool(query),
        join=join,
        leave=leave,
        form=join if join.errors else leave,
        joiners=joiners.joiners(found, **query, page=page_number(asked().get("page"))),
        choice_of=lambda one: request.form.get(f"as-{one.membership.id}", ""),
        choices=ADDABLE,
        ticked=set(request.form.getlist("left")),
        leavers=leavers.leavers(found, now, page_number(asked().get("leavers"))),
        settled=leavers.settled(found),
        role_words=_role_words,
        is_empty_list=found.context.sync_problem == memberships.EMPTY,
        link=lambda number: _address(found, page=number, _anchor="joiners"),
        leavers_link=lambda number: _address(found, leavers=number, _anchor="leavers"),
    )


def _address(found: Course, **more: Any) -> str:
    kept = MembersForm(asked()).query
    return url_for(".course", school=access.school().slug, course_id=found.context.id, **{**kept, **more})


def _join(found: Course, form: JoinForm) -> str | None:
    chosen = {
        id: word for id in _ids("listed") if (word := request.form.get(f"as-{id}") or form.rest.data or "")
    }
    known = joiners.unknown(found, chosen)
    if not known:
        form.form_errors.append("Choose what at least one of them is")
        return None
    for one in known:
        _put_on_record(found, one, chosen[one.membership.id])
    return (
        "Saved: 1 person is on record." if len(known) == 1 else f"Saved: {len(known)} people are on record."
    )


def _put_on_record(found: Course, one: Joiner, word: str) -> None:
    now, here = access.request_time(), str(found.context.id)
    match = next((person for person in one.matches if word == f"{SAME}{person.id}"), None)
    if match is not None:
        joiners.link(found, one.membership, match, now)
        audit_here(Event.MEMBER_LINKED, match.id, course=here)
    elif word in ADDABLE and one.membership.name:
        person = joiners.add(found, access.school(), one, EngagementType(word), now)
        audit_here(Event.MEMBER_ADDED, person.id, course=here, type=word)
    else:
        raise ConflictError(f"What you chose for {one.membership.name or 'somebody'} can’t be had any more.")


def _leave(found: Course, form: LeaveForm, *, ends: bool) -> str | None:
    people = leavers.chosen(found, _ids("left"), access.request_time())
    if not people:
        form.form_errors.append("Tick at least one of the people who have gone")
        return None
    if not ends:
        for one in people:
            leavers.keep(one)
            audit_here(Event.LEAVER_KEPT, one.person.id, course=str(found.context.id))
        return "Saved: they are still at the school."
    return _end(found, people, form)


def _end(found: Course, people: list[leavers.Leaver], form: LeaveForm) -> str | None:
    last_day: date | None = form.last_day.data
    if last_day is None:
        form.last_day.errors = ["Enter their last day at the school"]
        return None
    if late := [one.person.name for one in people if any(last_day < e.starts for e in one.engagements)]:
        form.last_day.errors = [f"Enter a day after {' and '.join(late)} started"]
        return None
    for one in people:
        leavers.end(one, last_day, access.request_time())
        audit_here(
            Event.LEAVER_ENDED, one.person.id, course=str(found.context.id), last_day=last_day.isoformat()
        )
    return "Saved: 1 person leaves." if len(people) == 1 else f"Saved: {len(people)} people leave."


def _ids(name: str) -> list[UUID]:
    found = []
    for word in request.form.getlist(name):
        try:
            found.append(UUID(word))
        except ValueError:
            continue
    return found


def _role_words(roles: list[str]) -> str:
    """Return the roles in a course in words: "Learner", "Teacher of the course"."""
    names = dict.fromkeys(role.replace("#", "/").rpartition("/")[2] for role in roles)
    return ", ".join(_ROLE_WORDS.get(name, name) for name in names) or "None given"
