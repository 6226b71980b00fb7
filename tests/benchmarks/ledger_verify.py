"""How long it takes to verify a ledger, against hashing the same leaves and nodes and nothing else."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, cast
from uuid import UUID, uuid4

import rfc8785
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app import create_app
from lms import merkle, migration
from lms.attestations import Attestation, IdentityAssurance, Kind, Signatory, commitment
from lms.checkpoint import sign_checkpoint
from lms.config import Settings
from lms.db import Base, session, transaction
from lms.ledger import Checkpoint, Entry, Ledger
from lms.policies import store
from lms.scenarios import shipped_modules
from lms.schools import Organisation, school_by_slug
from lms.verification import verify
from lms.wording import STATEMENT
from tests.benchmarks.figure import Figure
from tests.conftest import NOW
from tests.factories import World, make_person

ENTRIES = 100_000
PEOPLE = 1_000
"""How many sign, each a hundred times over the years."""
AT_ONCE = 5_000
"""Rows to an INSERT, so that memory stays small."""


def run() -> list[Figure]:
    """Return the time of `verify` as a multiple of bare SHA-256, the better of two runs each."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder) / "data"))
        key = app.config["LEDGER_KEY"]
        with app.app_context():
            migration.upgrade()
            slug = _fill(key)
            with transaction(write=False):
                leaves = list(session.scalars(sa.select(Attestation.record)))
            bare = min(_timed(lambda: _hash(leaves)) for _ in range(2))
            ours = min(_timed(lambda: _verify(slug, key)) for _ in range(2))
    return [Figure(f"verify {ENTRIES:,} entries", ours / bare, 20.0, "× bare SHA-256")]


def _hash(leaves: list[bytes]) -> None:
    """Hash every leaf, and every node once: what no verifier can do without."""
    merkle.root([merkle.leaf_hash(leaf) for leaf in leaves])


def _verify(slug: str, key: Ed25519PrivateKey) -> None:
    with transaction(write=False):
        verdict = verify(school_by_slug(slug), key.public_key())
    if verdict.problem or verdict.entries != ENTRIES:
        raise RuntimeError(f"the ledger that was made for the measurement doesn't verify: {verdict.problem}")


def _fill(key: Ed25519PrivateKey) -> str:
    """Make a school whose ledger has so many entries, each as `sign` writes them; return its slug."""
    with transaction():
        world = World()
        people = [make_person(world.school).id for _ in range(PEOPLE)]
        shared = _shared_columns(world)
        leaf = _shared_leaf(world)
        frontier = merkle.Frontier()
        for start in range(0, ENTRIES, AT_ONCE):
            rows = [_one(people[n % PEOPLE], shared, leaf, n) for n in range(start, start + AT_ONCE)]
            frontier = _insert(world.school, rows, frontier, key)
        state = {"size": frontier.size, "frontier": frontier.to_bytes(), "last_at": _time(ENTRIES - 1)}
        session.execute(sa.insert(Ledger).values(organisation_id=world.school.id, **state))
        return world.school.slug


def _time(n: int) -> datetime:
    return NOW + timedelta(seconds=n)


def _shared_columns(world: World) -> dict[str, Any]:
    return {
        "organisation_id": world.school.id,
        "assignment_id": world.assignment.id,
        "policy_version_id": world.version.id,
        "kind": Kind.SIGNED,
        "identity_assurance": IdentityAssurance.WORK_EMAIL,
    }


def _shared_leaf(world: World) -> dict[str, Any]:
    done = [{"module": m.slug, "sha256": store(m.content)} for m in shipped_modules().values()]
    return {
        "type": "signed",
        "school": world.school.ledger_origin,
        "assignment": str(world.assignment.id),
        "policy": {
            "slug": "social-media",
            "title": "Social media policy",
            "version": "1",
            "source_sha256": world.version.source_sha256,
            "text_sha256": store(b"the text as it was shown"),
        },
        "modules": done,
        "statement": STATEMENT.format(policy="Social media policy", version="1"),
        "notice_sha256": store(b"what was said before"),
        "method": "typed name",
        "identity_assurance": "work_email",
        "engagement_type": "teacher",
    }


def _one(person_id: UUID, shared: dict[str, Any], leaf: dict[str, Any], n: int) -> dict[str, Any]:
    identity, salt = uuid4(), os.urandom(32)
    details = rfc8785.dumps(
        {"person": str(person_id), "forename": "Priya", "surname": "Nair", "name_typed": "Priya Nair"}
    )
    at = _time(n).isoformat().replace("+00:00", "Z")
    own = {
        "id": str(identity),
        "cycle": n // PEOPLE,
        "time": at,
        "personal_details_sha256": commitment(salt, details),
    }
    record = rfc8785.dumps({**leaf, **own})
    return {
        **shared,
        "id": identity,
        "person_id": person_id,
        "cycle": n // PEOPLE,
        "recorded_at": _time(n),
        "record": record,
        "salt": salt,
        "details": details,
    }


def _insert(
    school: Organisation, rows: list[dict[str, Any]], frontier: merkle.Frontier, key: Ed25519PrivateKey
) -> merkle.Frontier:
    entries, notes = [], []
    for row in rows:
        hashed = merkle.leaf_hash(row["record"])
        entries.append({"index": frontier.size, "attestation_id": row["id"], "hash": hashed})
        frontier = frontier.append(hashed)
        note = sign_checkpoint(school.ledger_origin, frontier.size, frontier.root(), key)
        notes.append({"size": frontier.size, "note": note})
    own = {"organisation_id": school.id}
    personal = [
        {"attestation_id": row["id"], "salt": row.pop("salt"), "details": row.pop("details")} for row in rows
    ]
    _bulk(Attestation, rows)
    _bulk(Signatory, [{**own, **row} for row in personal])
    _bulk(Entry, [own | row for row in entries])
    _bulk(Checkpoint, [own | row for row in notes])
    return frontier


def _bulk(model: type[Base], rows: list[dict[str, Any]]) -> None:
    session.execute(sa.insert(cast(sa.Table, model.__table__)), rows)


def _timed(work: Callable[[], None]) -> float:
    gc.collect()
    started = perf_counter()
    work()
    return perf_counter() - started


if __name__ == "__main__":
    for figure in run():
        print(f"{figure.name}: {figure.value:.2f} {figure.unit} (limit {figure.limit}): {figure.ok}")
