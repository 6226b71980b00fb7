"""What a learner does with the pages of a module, and what that leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask

from lms import scenarios
from lms.db import session, transaction
from tests.client import StrictClient
from tests.counting import counted
from tests.learners import Classroom


def within(app: Flask, work: Callable[[], Any]) -> Any:
    """Do something in a transaction of its own, as another request would."""
    with app.app_context(), transaction():
        return work()


def rows(app: Flask, table: type) -> int:
    with app.app_context(), transaction(write=False):
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def queries(app: Flask, client: StrictClient, address: str) -> int:
    client.get(address)  # content is read once a process
    with counted(app) as sent:
        assert client.get(address).status_code == 200
    return len([s for s in sent if s.lstrip().upper().startswith("SELECT")])


def begin(learner: StrictClient, classroom: Classroom, slug: str = "friend-request") -> str:
    """Start a module; return the address of its first question."""
    learner.get(f"/modules/{slug}?assignment={classroom.assignment.id}")
    learner.submit(button="Start")
    return learner.address


def choose(learner: StrictClient, outcome: str, slug: str = "friend-request") -> None:
    """Answer the question that is shown by its first choice with an outcome."""
    ids = {v for v in learner.page.xpath("//input[@type='radio']/@value")}
    scenes = scenarios.shipped_modules()[slug].scenes
    scene = next(s for s in scenes if {c.id for c in s.choices} == ids)
    learner.submit(button="Continue", choice=next(c.id for c in scene.choices if c.outcome == outcome))


def finish(learner: StrictClient, slug: str = "friend-request") -> None:
    """Answer every question that is left by its best choice."""
    while learner.page.xpath("//input[@type='radio']"):
        choose(learner, "best", slug)
        learner.follow("Continue")


def token(client: StrictClient) -> dict[str, str]:
    """Return the form token of the page that is open."""
    return {"csrf_token": client.page.xpath("string(//input[@name='csrf_token']/@value)")}
