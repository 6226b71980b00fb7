"""What a platform does with an invitation, and what is left of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from lms.db import session, transaction
from lms.lti import invites
from lms.lti.platforms import Deployment, Registration
from lms.schools import Organisation
from tests.client import StrictClient
from tests.conftest import NOW

CONNECT = "Connect Moodle"


def invite(app: Flask, organisation: Organisation) -> str:
    with app.app_context(), transaction():
        return invites.invite(organisation.id, invited_by=None, now=NOW)[0]


def opened(client: StrictClient, secret: str, configuration: str, token: str | None = None) -> TestResponse:
    """Open the invitation as a platform does."""
    asked = {"openid_configuration": configuration} | ({"registration_token": token} if token else {})
    return client.get(f"/lti/register/{secret}?{urlencode(asked)}")


def is_open(app: Flask, secret: str) -> bool:
    with app.app_context(), transaction(write=False):
        found = invites.find(secret)
        assert found is not None
        return found.is_open(NOW)


def count(app: Flask, table: type[Any]) -> int:
    with app.app_context(), transaction(write=False):
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def kept(app: Flask) -> tuple[Registration, list[Deployment]]:
    with app.app_context(), transaction(write=False):
        return session.scalars(sa.select(Registration)).one(), list(session.scalars(sa.select(Deployment)))
