"""What somebody does who signs or doesn't, and what that leaves behind."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from flask import Flask

from lms.attestations import Attestation, Signatory
from lms.db import session
from tests.client import StrictClient
from tests.learners import Classroom
from tests.web.practice import within


def address(classroom: Classroom, rest: str = "") -> str:
    return f"/sign/{classroom.assignment.id}{rest}"


def sign(client: StrictClient, classroom: Classroom, name: str = "Priya Nair") -> Any:
    """Open the page, tick the box, type a name and press the button."""
    client.get(address(classroom))
    return client.submit(button="Sign", statement="y", typed_name=name)


def the_attestation(app: Flask) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the one record there is, with its personal details."""

    def read() -> tuple[dict[str, Any], dict[str, Any]]:
        record, details = session.execute(
            sa.select(Attestation.record, Signatory.details).join(
                Signatory, Signatory.attestation_id == Attestation.id
            )
        ).one()
        return json.loads(record), json.loads(details)

    return within(app, read)  # type: ignore[no-any-return]


def hidden(client: StrictClient, name: str) -> str:
    return str(client.page.xpath(f"//main//input[@name='{name}']/@value")[0])


def choose(client: StrictClient, classroom: Classroom, way: str) -> Any:
    client.get(address(classroom))
    client.follow("I’m not ready to sign")
    return client.submit(button="Continue", way=way)
