"""A school with a reception desk, and an assignment for agency workers that is due on the day they come."""

from __future__ import annotations

import pytest
from flask import Flask

from lms.db import session, transaction
from lms.desk import Visit
from lms.people import EngagementType, RoleName
from tests.client import StrictClient
from tests.conftest import Clock
from tests.factories import make_assignment, make_person, make_policy, make_school

MONDAY = "07/09/2026"


class Lobby:
    """The school, who sits at its desk, and the addresses of her pages."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context(), transaction():
            self.school = make_school("Ysgol Môr")
            self.version = make_policy(self.school)
            self.assignment = make_assignment(
                self.school, self.version, audience=[EngagementType.AGENCY_WORKER], due_days=0
            )
            self.receptionist = make_person(
                self.school, forename="Bethan", surname="Moss", role=RoleName.RECEPTIONIST
            )
        self.desk = f"/schools/{self.school.slug}/reception"
        self.expected = f"{self.desk}/expected"
        self.walk_in = f"{self.desk}/walk-in"

    def visits(self) -> list[Visit]:
        with self.app.app_context(), transaction():
            return list(session.query(Visit).order_by(Visit.day))


@pytest.fixture
def lobby(app: Flask, time: Clock) -> Lobby:
    """A school with a desk, at half past nine on a Monday."""
    return Lobby(app)


@pytest.fixture
def desk(client: StrictClient, lobby: Lobby) -> StrictClient:
    """The receptionist's browser."""
    client.sign_in_as(lobby.receptionist.id)
    return client


def add_walk_in(desk: StrictClient, lobby: Lobby, name: str = "Maria Santos") -> None:
    """Put somebody on today's list; her page is then open."""
    desk.get(lobby.walk_in)
    desk.submit(button="Go on", name=name, agency="Tandem Staffing")


def arrive(desk: StrictClient, place: str = "phone") -> None:
    """Tick everything on the visitor's page that is open, and start them."""
    desk.submit(
        button="Arrived",
        agency_confirmed="y",
        id_kind="passport",
        same_person="y",
        place=place,
    )


def states(client: StrictClient) -> list[str]:
    """Return where each visitor of the list stands, as it says."""
    found = client.page.xpath("//td[@data-label='State']")
    return [" ".join(cell.text_content().split()) for cell in found]


def names(client: StrictClient) -> list[str]:
    """Return the visitors of the list."""
    found = client.page.xpath("//table[@role='table']/tbody/tr/th")
    return [" ".join(cell.text_content().split()) for cell in found]


def tally(client: StrictClient) -> dict[str, int]:
    """Return the counts above the list."""
    found = client.page.xpath("//*[contains(concat(' ', @class, ' '), ' app-count ')]")
    pairs = [" ".join(item.text_content().split()).split(" ", 1) for item in found]
    return {state: int(count) for count, state in pairs}
