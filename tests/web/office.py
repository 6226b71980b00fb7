"""A school with somebody in HR, for tests of the pages for HR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from lms import help_requests
from lms.audit import AuditEntry, Event
from lms.db import session, transaction
from lms.help_requests import HelpKind
from lms.people import Person, RoleName
from lms.training import Assignment
from tests.client import StrictClient
from tests.conftest import NOW
from tests.factories import make_assignment, make_person, make_policy, make_school


class Office:
    """A school with one policy for everyone, due on 4 September (or nothing assigned), and somebody in HR."""

    assignment: Assignment

    def __init__(self, app: Flask, *, is_assigned: bool = True) -> None:
        self.app = app
        with app.app_context(), transaction():
            self.school = make_school("Ysgol Môr")
            if is_assigned:
                self.assignment = make_assignment(self.school, make_policy(self.school), due_days=3)
            self.hr = make_person(self.school, forename="Meera", surname="Zane", role=RoleName.HR)
        self.records = f"/schools/{self.school.slug}/records"

    def add(self, **values: Any) -> Person:
        with self.app.app_context(), transaction():
            return make_person(self.school, **values)

    def do(self, work: Callable[..., Any], *args: Any, **values: Any) -> Any:
        """Do something in a transaction of its own, as another request would."""
        with self.app.app_context(), transaction():
            return work(*args, **values)

    def page_of(self, person: Person) -> str:
        return f"{self.records}/people/{person.id}"

    def audited(self, event: Event) -> list[AuditEntry]:
        with self.app.app_context(), transaction():
            return list(session.scalars(sa.select(AuditEntry).where(AuditEntry.event == event)))


def people_shown(client: StrictClient) -> list[str]:
    return [
        " ".join(name.split())
        for name in client.page.xpath("//table[@role='table']/tbody/tr/th//text()")
        if name.strip()
    ]


def cells(client: StrictClient, label: str) -> list[str]:
    found = client.page.xpath(f"//td[@data-label='{label}']")
    return [" ".join(cell.text_content().split()) for cell in found]


def tiles(client: StrictClient) -> dict[str, str]:
    return {
        tile.xpath("string(.//*[@class='app-tile__word'])"): tile.xpath(
            "string(.//*[@class='app-tile__count'])"
        )
        for tile in client.page.xpath("//li[contains(@class, 'app-tile')]")
    }


def ask_for_help(office: Office, person: Person) -> UUID:
    asked = office.do(
        lambda: help_requests.ask(
            office.school, person.id, office.assignment.id, HelpKind.QUESTION, "Do I\nremove her?", NOW
        )
    )
    identity: UUID = asked.id
    return identity
