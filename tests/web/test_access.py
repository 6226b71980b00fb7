"""Every route, as everybody: a new route fails here until someone says who may open it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from werkzeug.routing import Rule as Address

from lms.config import Settings
from lms.db import transaction
from lms.people import RoleName, give_role
from lms.schools import Kind
from lms.web import access
from lms.web.rules import RULES, Rule
from tests.client import StrictClient
from tests.factories import World, make_person, make_school

WRITING = {"POST", "PUT", "PATCH", "DELETE"}
SCHOOL_ROLES = {
    Rule.RECORDS: {"manager", "hr", "admin"},
    Rule.RECEPTION: {"receptionist", "hr", "admin"},
    Rule.HR: {"hr", "admin"},
    Rule.ADMIN: {"admin"},
    Rule.TRUST_HR: {"hr of a trust elsewhere"},
    Rule.ADMIN_ANYWHERE: {"admin", "admin elsewhere"},
    Rule.ADMIN_OWN_TRANSACTIONS: {"admin", "admin elsewhere"},
}
LEADS_TO_SIGN_IN = {"sign_in.sign_out", "kiosk.welcome", "kiosk.finish", "kiosk.leave"}
"""Where whoever has signed out, or is on no school's tablet, is shown how to get in."""
PUBLIC = {Rule.ANYONE, Rule.NO_DATABASE, Rule.OWN_TRANSACTIONS}
OF_ADMINS = {Rule.ADMIN_ANYWHERE, Rule.ADMIN_OWN_TRANSACTIONS}
OF_TRUSTS = {Rule.TRUST_HR}
PEOPLE = (
    *("learner", "receptionist", "manager", "hr", "admin"),
    *("hr elsewhere", "admin elsewhere", "hr of a trust elsewhere"),
)


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Settings for one kind of database: every route, five people and more are many requests, and the same on both."""
    shutil.copy(sqlite_template, tmp_path / "countersign.sqlite3")
    return Settings(data_dir=tmp_path)


@dataclass(frozen=True)
class Cast:
    """One person of each role at a school, and some of another's."""

    school: str
    trust: str
    people: dict[str, UUID]


@pytest.fixture
def cast(app: Flask) -> Cast:
    with app.app_context(), transaction():
        world = World()
        elsewhere = make_school()
        people = {"learner": world.person}
        for role in (RoleName.RECEPTIONIST, RoleName.MANAGER, RoleName.HR, RoleName.ADMIN):
            people[role.value] = make_person(world.school, role=role)
        for role in (RoleName.HR, RoleName.ADMIN):
            people[f"{role.value} elsewhere"] = make_person(elsewhere, role=role)
        trust = make_school()
        trust.kind = Kind.TRUST
        people["hr of a trust elsewhere"] = make_person(trust, role=RoleName.HR)
        give_role(people["learner"], world.school.id, RoleName.LEARNER)
        return Cast(world.school.slug, trust.slug, {name: person.id for name, person in people.items()})


def addresses(app: Flask) -> list[Address]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def test_every_route_has_a_rule_and_every_rule_a_route(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(RULES)


def opened(app: Flask, client: StrictClient, rule: Address, cast: Cast) -> list[int]:
    """Open a route by every method it has, with made-up ids; return the statuses, 401 for "sign in first"."""
    made_up = {
        "school": cast.school,
        "trust": cast.trust,
        "step": 1,
        "slug": "social-media",
        "way": "question",
        "secret": "x" * 43,
    }
    values = {name: made_up.get(name, uuid4()) for name in rule.arguments}
    with app.test_request_context():
        path = app.url_map.bind("localhost").build(rule.endpoint, values)
    statuses, token = [], {"csrf_token": _csrf_token(app, client)}
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
        response = client.open(path, method=method, data=token)
        asked = response.status_code == 302 and response.headers["Location"].startswith("/sign-in")
        response.close()
        statuses.append(401 if asked else response.status_code)
    return statuses


def _csrf_token(app: Flask, client: StrictClient) -> str:
    with client.session_transaction() as cookie:
        cookie["csrf_token"] = "0" * 40
    return str(URLSafeTimedSerializer(app.secret_key or "", salt="wtf-csrf-token").dumps("0" * 40))


def test_nobody_sees_more_than_the_public_pages_without_signing_in(app: Flask, cast: Cast) -> None:
    for rule in addresses(app):
        if RULES[rule.endpoint] in PUBLIC:
            continue
        assert set(opened(app, app.test_client(), rule, cast)) == {401}, rule.endpoint


@pytest.mark.parametrize("who", PEOPLE)
def test_each_role_opens_what_its_rule_says_and_nothing_else(app: Flask, cast: Cast, who: str) -> None:
    for rule in addresses(app):
        if rule.endpoint in LEADS_TO_SIGN_IN:
            continue
        wanted = SCHOOL_ROLES.get(RULES[rule.endpoint])
        client = app.test_client()
        client.sign_in_as(cast.people[who])
        statuses = set(opened(app, client, rule, cast))
        assert not statuses & {500, 503}, rule.endpoint
        if wanted is None or who in wanted:
            assert not statuses & {401, 403}, f"{who} may open {rule.endpoint}"
        elif RULES[rule.endpoint] in OF_TRUSTS or (
            "elsewhere" in who and RULES[rule.endpoint] not in OF_ADMINS
        ):
            assert statuses == {404}, f"{who} must not know of {rule.endpoint}"
        else:
            assert statuses == {403}, f"{who} may not open {rule.endpoint}"


def test_a_session_ends_when_the_persons_sessions_were_ended(app: Flask, cast: Cast) -> None:
    from lms.db import session
    from lms.people import Person

    client = app.test_client()
    client.sign_in_as(cast.people["learner"])
    assert client.get("/").status_code == 200
    with app.app_context(), transaction():
        person = session.get(Person, cast.people["learner"])
        assert person is not None
        person.sign_in_epoch += 1
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        ("/sign/1", "/sign/1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_signing_in_leads_only_to_our_own_pages(target: str | None, safe: str) -> None:
    assert access.safe_next(target) == safe
