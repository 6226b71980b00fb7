"""Where somebody who comes from a platform gets to: the module or the programme that the link is for."""

from __future__ import annotations

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue

from lms import my_training
from lms.lti.places import PROGRAMME
from lms.my_training import ModuleState, Task
from lms.scenarios import shipped_modules
from lms.schools import Organisation
from lms.web import access, learning, presentation


def address(target: str) -> str:
    """Return an address that opens what a link is for, whoever comes: asked, not asked, or new at the school."""
    return url_for("lti.welcome", to=target)


def page(school: Organisation, target: str) -> ResponseReturnValue:
    """Return the page of a link's target, for somebody who works at the school. As many queries as their tasks take.

    The browser is told the page's own address.
    """
    g.school = school
    tasks = my_training.tasks(access.user().person, access.request_time())
    if target == PROGRAMME:
        return _home(tasks)
    found = _asked(tasks, school, target)
    if found is None:
        return _not_asked(school, target)
    task, state = found
    if task.is_open and state.is_completed:
        return _home(tasks, just_done=state.module.title)
    presentation.show_at(url_for("learning.module", slug=target, assignment=task.id))
    return learning.module_page(task, state)


def _home(tasks: list[Task], just_done: str = "") -> ResponseReturnValue:
    presentation.show_at(url_for("learning.home"))
    return learning.home_page(tasks, just_done=just_done)


def _asked(tasks: list[Task], school: Organisation, slug: str) -> tuple[Task, ModuleState] | None:
    """Return the most urgent task at this school that has a module; what is asked elsewhere isn't this link's."""
    return next(
        (
            (task, state)
            for task in tasks
            for state in task.modules
            if task.school.id == school.id and state.module.slug == slug
        ),
        None,
    )


def _not_asked(school: Organisation, slug: str) -> ResponseReturnValue:
    presentation.show_at(address(slug))
    module = shipped_modules().get(slug)
    return render_template("lti/not_asked.html", school=school, title=module.title if module else None)
