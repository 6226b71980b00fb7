"""What a learner sees: what to do and by when, the modules one decision a page, and the policies in full."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, g, redirect, render_template, url_for
from flask.globals import request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from markupsafe import Markup
from wtforms import RadioField
from wtforms.validators import InputRequired

from lms import lessons, my_training, policies, quotations, reading_list, scenarios, training
from lms.clock import london_day
from lms.errors import NotFoundError
from lms.lessons import Lesson
from lms.lti import scores
from lms.my_training import ModuleState, Task
from lms.policy_text import block_html, fill, inline_html, to_html
from lms.reading_list import Reading
from lms.schools import Organisation
from lms.status import Status
from lms.training import Progress, Step
from lms.web import access
from lms.web.due import due_in_words

blueprint = Blueprint("learning", __name__)
blueprint.add_app_template_global(due_in_words)

WHERE_SHE_WAS = 0
"""The step in an address that stands for the one that comes next, whichever it is."""

# A policy's text is turned into HTML once a process.
_policy_html = functools.lru_cache(maxsize=64)(to_html)


class ChoiceForm(FlaskForm):  # type: ignore[misc]
    """One decision."""

    choice = RadioField(
        description="Choose one answer. If it isn’t safe, you can try again.",
        validate_choice=False,
        validators=[InputRequired("Choose one of the answers")],
    )


@dataclass(frozen=True)
class Words:
    """Turns a module's text into HTML, with the names of the school's people in it."""

    school: Organisation

    def prose(self, text: str) -> Markup:
        """Return paragraphs, quotes and lists."""
        return block_html(fill(text, self.school.placeholder_values))

    def line(self, text: str) -> Markup:
        """Return a line, with no paragraph round it."""
        return inline_html(fill(" ".join(text.split()), self.school.placeholder_values))

    def plain(self, text: str) -> str:
        """Return a line without markup, for a page's title."""
        return self.line(text).striptags()


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Show what the signed-in person must do, and by when."""
    user = access.user()
    tasks = _tasks()
    schools = [task.school for task in tasks] or reading_list.schools_of(user.person.id, user.roles)
    g.school = _heading_school(filter(access.is_opened, schools))
    return home_page(tasks)


def _tasks() -> list[Task]:
    """Return what the reader has to do, at the schools that this session opens."""
    found = my_training.tasks(access.user().person, access.request_time())
    return [task for task in found if access.is_opened(task.school)]


def home_page(tasks: list[Task], *, just_done: str = "") -> str:
    """Return the page of these tasks. `just_done` is the title of a module that was asked for and is done."""
    if not tasks:
        return render_template("learning/nothing.html")
    today = london_day(access.request_time())
    return render_template(
        "learning/home.html",
        to_do=[task for task in tasks if _is_to_do(task)],
        coming_up=[task for task in tasks if task.is_open and task.obligation.status is Status.SIGNED],
        settled=[task for task in tasks if not task.is_open or task.obligation.status is Status.DECLINED],
        many_schools=len({task.school.id for task in tasks}) > 1,
        today=today,
        just_done=just_done,
    )


def _heading_school(schools: Iterable[Organisation]) -> Organisation | None:
    """Return the school that a page is headed with: one where the reader has a role, else the first."""
    found, user = list(schools), access.user()
    return next((school for school in found if user.roles_at(school)), found[0] if found else None)


def _is_to_do(task: Task) -> bool:
    return task.is_open and task.obligation.status not in (Status.SIGNED, Status.DECLINED)


@blueprint.get("/modules/<slug>")
def module(slug: str) -> ResponseReturnValue:
    """Say what a module is, before it begins."""
    task, state = _asked(slug)
    if task.is_open and state.is_completed:
        return redirect(url_for(".summary", slug=slug, attempt=state.attempt_id))
    return module_page(task, state)


def module_page(task: Task, state: ModuleState) -> str:
    """Return the page of a module that isn't completed, before its first question; or that nothing is to be done."""
    if not task.is_open:
        return render_template("learning/closed.html", task=task, today=london_day(access.request_time()))
    return render_template(
        "learning/module.html",
        task=task,
        state=state,
        parts=quotations.parts_taught(state.module.slug, state.module.teaches),
        words=Words(task.school),
    )


@blueprint.post("/modules/<slug>")
def start(slug: str) -> ResponseReturnValue:
    """Begin a module, or go on with it, and open the question that comes next."""
    task, state = _asked(slug)
    if not task.is_open:
        return redirect(url_for(".module", slug=slug, assignment=task.id))
    attempt = lessons.begin(
        task.item.assignment,
        access.user().person,
        state.module,
        cycle=task.cycle,
        engagement_type=task.engagement.type,
        now=access.request_time(),
    )
    scores.begun(attempt.person_id, task.item.assignment, task.cycle, slug, access.request_time())
    return redirect(url_for(".step", slug=slug, attempt=attempt.id, step=WHERE_SHE_WAS))


def _asked(slug: str) -> tuple[Task, ModuleState]:
    """Return the task that a module is done for: the one in the address, else the most urgent that has it."""
    assignment = request.args.get("assignment", type=UUID)
    for task in _tasks():
        state = next((state for state in task.modules if state.module.slug == slug), None)
        if state is not None and assignment in (None, task.id):
            g.school = task.school
            return task, state
    raise NotFoundError("That isn’t a module you have been asked to do, or it has been withdrawn.")


@blueprint.route("/modules/<slug>/<uuid:attempt>/<int:step>", methods=["GET", "POST"])
def step(slug: str, attempt: UUID, step: int) -> ResponseReturnValue:
    """Ask a question; take its answer; once it is answered, show what happened next."""
    lesson = _lesson(slug, attempt)
    if lesson.attestation_id is not None:
        return _signed_since(lesson)
    progress = lesson.progress()
    if not 1 <= step <= len(progress.steps):
        return redirect(_where_she_was(progress))
    asked = progress.steps[step - 1]
    if request.method == "POST":
        return _take_answer(lesson, progress, asked)
    return _feedback(lesson, asked) if asked.choice else _question(lesson, asked, _form(lesson, asked))


def _take_answer(lesson: Lesson, progress: Progress, asked: Step) -> ResponseReturnValue:
    form = _form(lesson, asked)
    if not form.validate():
        # A second press on a question that is answered has nothing to choose: it is shown where things stand.
        return redirect(request.path) if asked.choice else _question(lesson, asked, form)
    training.answer(progress, asked.number, form.choice.data, access.request_time())
    kept_first = asked.choice is not None and asked.choice.id != form.choice.data
    return redirect(_step_address(lesson, asked.number, first="kept" if kept_first else None))


def _form(lesson: Lesson, asked: Step) -> ChoiceForm:
    form, words = ChoiceForm(), Words(lesson.school)
    form.choice.label.text = words.line(asked.scene.question)
    form.choice.choices = [(choice.id, words.line(choice.text)) for choice in asked.scene.choices]
    return form


def _question(lesson: Lesson, asked: Step, form: ChoiceForm) -> ResponseReturnValue:
    page = render_template(
        "learning/question.html", lesson=lesson, step=asked, form=form, words=Words(lesson.school)
    )
    return page, 400 if form.errors else 200


def _feedback(lesson: Lesson, asked: Step) -> ResponseReturnValue:
    assert asked.choice is not None
    return render_template(
        "learning/feedback.html",
        lesson=lesson,
        step=asked,
        choice=asked.choice,
        quotations=quotations.quotations(
            asked.choice.clauses, lesson.attempt.module, lesson.version, lesson.school
        ),
        kept_first="first" in request.args,
        words=Words(lesson.school),
    )


@blueprint.get("/modules/<slug>/<uuid:attempt>/summary")
def summary(slug: str, attempt: UUID) -> ResponseReturnValue:
    """Show what to remember when a module is done, and what comes next."""
    lesson = _lesson(slug, attempt)
    if lesson.attestation_id is not None:
        return _signed_since(lesson)
    progress = lesson.progress()
    if not progress.is_done:
        return redirect(_where_she_was(progress))
    left = lesson.modules_left()
    return render_template(
        "learning/summary.html",
        lesson=lesson,
        next_module=scenarios.shipped_modules()[left[0]] if left else None,
        words=Words(lesson.school),
    )


def _lesson(slug: str, attempt: UUID) -> Lesson:
    is_answer = request.method == "POST"
    lesson = lessons.lesson(access.user().person.id, slug, attempt, to_answer=is_answer)
    g.school = lesson.school
    return lesson


def _signed_since(lesson: Lesson) -> ResponseReturnValue:
    """Say that the practice is gone: it is kept only until the policy is signed."""
    if request.method == "POST":
        return redirect(request.path)
    return render_template("learning/signed.html", lesson=lesson)


def _where_she_was(progress: Progress) -> str:
    attempt = progress.attempt
    if progress.is_done:
        return url_for(".summary", slug=attempt.module, attempt=attempt.id)
    return url_for(".step", slug=attempt.module, attempt=attempt.id, step=progress.next_number)


def _step_address(lesson: Lesson, number: int, first: str | None) -> str:
    attempt = lesson.attempt
    return url_for(".step", slug=attempt.module, attempt=attempt.id, step=number, first=first)


@blueprint.get("/policies", endpoint="policies")
def policy_list() -> ResponseReturnValue:
    """List the policies that are asked of people at the reader's schools."""
    found = _readings()
    g.school = _heading_school(r.school for r in found) if found else access.home_school()
    return render_template(
        "learning/policies.html", readings=found, many_schools=len({r.school.id for r in found}) > 1
    )


@blueprint.get("/policies/<slug>")
def policy(slug: str) -> ResponseReturnValue:
    """Show a policy in full, as the reader's school has it."""
    school, found = request.args.get("school"), _readings()
    reading = next((r for r in found if r.policy.slug == slug and school in (None, r.school.slug)), None)
    if reading is None:
        raise NotFoundError(
            "There is no policy at this address that has been asked of people at your school."
        )
    g.school = reading.school
    return render_template(
        "learning/policy.html",
        reading=reading,
        text=_policy_html(policies.rendered(reading.version, reading.school)),
        contacts=reading.school.contacts,
        back=_module_page(request.args.get("back")),
    )


def _readings() -> list[Reading]:
    user = access.user()
    found = reading_list.readings(user.person, user.roles, access.request_time())
    return [reading for reading in found if access.is_opened(reading.school)]


def _module_page(address: str | None) -> str | None:
    """Return where the reader came from if that is a page of a module, and of ours."""
    return access.safe_next(address) if address and address.startswith("/modules/") else None
