"""A ledger with a few entries, and the hands of somebody who changes it behind the product's back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from lms import attestations, my_training
from lms.attestations import Attestation, IdentityAssurance
from lms.db import db, session, transaction
from lms.people import Person
from lms.schools import Organisation
from lms.verification import Verdict, verify
from tests.conftest import NOW
from tests.factories import make_person

SIGNERS = 6


@dataclass
class Book:
    """A school whose ledger has six entries, the last but one a refusal to sign; and whom to move things to."""

    app: Flask
    school_id: UUID
    ids: list[UUID]
    """The attestations in the order of their entries."""
    other_person: UUID
    other_school: UUID
    other_version: UUID

    @property
    def key(self) -> Ed25519PrivateKey:
        found = self.app.config["LEDGER_KEY"]
        assert isinstance(found, Ed25519PrivateKey)
        return found

    def verify(self, *, all_signatures: bool = False, against: str | None = None) -> Verdict:
        with transaction(write=False):
            school = session.get_one(Organisation, self.school_id)
            return verify(school, self.key.public_key(), all_signatures=all_signatures, against=against)

    def add(self, count: int = 1) -> None:
        """Let more people sign."""
        with transaction():
            school = session.get_one(Organisation, self.school_id)
            first = session.get_one(Attestation, self.ids[0])
            for n in range(count):
                person = make_person(school, surname=f"Later{n}")
                signed_by(self.app, person, first.assignment_id, 100 + n)


def signed_by(
    app: Flask, person: Person, assignment_id: UUID, minute: int, *, declines: bool = False
) -> UUID:
    now, key = NOW + timedelta(minutes=minute), app.config["LEDGER_KEY"]
    signing = my_training.signing_now(person, assignment_id, IdentityAssurance.WORK_EMAIL, 0, now)
    if declines:
        return attestations.decline(signing, reason="I would rather not.", key=key, now=now).id
    shown = signing.text_sha256
    return attestations.sign(signing, typed_name=person.name, shown_sha256=shown, key=key, now=now).id


def tamper(*changes: str, **values: object) -> None:
    """Change the tables as somebody with the database in their hands would: no triggers, no foreign keys."""
    engine = sa.create_engine(db.engine.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for name in connection.scalars(
                sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET session_replication_role = replica")
        for change in changes:
            statement = sa.text(change)
            used = {name: _raw(value) for name, value in values.items() if f":{name}" in change}
            connection.execute(statement, used)
    session.expire_all()


def _raw(value: object) -> object:
    # PostgreSQL reads 32 hex digits as a UUID; SQLite keeps them.
    return value.hex if isinstance(value, UUID) else value
