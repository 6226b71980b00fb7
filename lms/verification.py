"""Checking a school's ledger: the tree is recomputed from the records and documents, one entry after another.

It shows that what is recorded is what was recorded when each checkpoint was signed. A ledger that was cut short
together with its checkpoints still fits itself: only a checkpoint that left the building shows that (`against`).
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from secrets import SystemRandom
from typing import Any, cast

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lms import merkle
from lms.attestations import Attestation, Signatory, commitment
from lms.checkpoint import Checkpoint as Tree
from lms.checkpoint import CheckpointError, VerifierKey, verify_checkpoint, verify_note
from lms.db import session
from lms.ledger import Checkpoint, Entry, Ledger
from lms.policies import Document, PolicyVersion
from lms.schools import Organisation

SAMPLE = 3000
"""How many signatures are checked unless all are asked for; each takes a tenth of a millisecond."""


@dataclass(frozen=True, slots=True)
class Problem:
    """The first entry that doesn't fit (its index, from 0; None where nobody can say which), and why."""

    entry_index: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: `entries` fit, of a ledger that says it has `size`; `root` is the root of those that fit."""

    entries: int
    size: int
    root: bytes
    problem: Problem | None
    signatures_checked: int


class _MisfitError(Exception):
    """What is wrong, in plain words, and with which entry."""

    def __init__(self, reason: str, index: int | None) -> None:
        super().__init__(reason)
        self.problem = Problem(index, reason)


@dataclass(slots=True)
class _Run:
    """One run over one ledger, and how far it has got."""

    school: Organisation
    key: VerifierKey
    size: int
    chosen: frozenset[int]
    """The entries whose checkpoint's signature is checked."""
    sources: dict[str, str]
    """The hash of each policy version's source, by the version's id in hex."""
    school_hex: str = field(init=False)
    origin: str = field(init=False)
    checked: set[tuple[Any, ...]] = field(default_factory=set)
    """Records that fit their columns, without what is each one's own; with those columns."""
    documents: set[str] = field(default_factory=set)
    """The documents known to be there and to hash to their names."""
    entries: int = 0
    root: bytes = merkle.EMPTY_ROOT
    last_at: Any = None
    """The time of the last entry, as the driver gives it."""
    signatures: int = 0

    def __post_init__(self) -> None:
        self.school_hex, self.origin = self.school.id.hex, self.school.ledger_origin


def verify(
    school: Organisation,
    public_key: Ed25519PublicKey,
    *,
    all_signatures: bool = False,
    against: str | None = None,
) -> Verdict:
    """Check a school's whole ledger in the order of its entries, and name the first that doesn't fit.

    `against` is a checkpoint that was kept elsewhere: the ledger must still begin with what it states.
    Signatures: the newest checkpoint's always; all of them up to 3,000, above that 3,000 picked at random,
    unless `all_signatures`.

    Raises:
        CheckpointError: `against` can't be read, or isn't signed by this ledger's key.
    """
    key = VerifierKey(school.ledger_origin, public_key)
    outside = verify_checkpoint(against, key) if against else None
    ledger = session.get(Ledger, school.id, populate_existing=True) or Ledger(
        size=0, frontier=b"", last_at=None
    )
    run = _Run(school, key, ledger.size, _chosen(ledger.size, all_signatures), _sources(school))
    problem = None
    try:
        _check_entries(run, outside)
        _check_end(run, ledger)
    except _MisfitError as misfit:
        problem = misfit.problem
    return Verdict(run.entries, run.size, run.root, problem, run.signatures)


def _chosen(size: int, all_signatures: bool) -> frozenset[int]:
    if all_signatures or size <= SAMPLE:
        return frozenset(range(size))
    return frozenset({*SystemRandom().sample(range(size - 1), SAMPLE - 1), size - 1})


def _sources(school: Organisation) -> dict[str, str]:
    rows = session.execute(
        sa.select(PolicyVersion.id, PolicyVersion.source_sha256).where(
            PolicyVersion.organisation_id == school.id
        )
    )
    return {identity.hex: sha for identity, sha in rows}


def _check_entries(run: _Run, outside: Tree | None) -> None:
    if outside and outside.size > run.size:
        # What is left may fit by itself; say first that the end is missing.
        missing = f"A checkpoint kept elsewhere states {outside.size:,} entries; here there are {run.size:,}."
        raise _MisfitError(missing, run.size)
    with session.connection().execute(_statement(run)) as rows:
        for row, root in _with_roots(rows):
            _check_one(run, row, root, outside)


def _check_one(run: _Run, row: _Row, root: bytes, outside: Tree | None) -> None:
    try:
        _check_entry(run, row, root)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _MisfitError("Its record can’t be read.", run.entries) from error
    run.entries, run.root = run.entries + 1, root
    if outside and outside.size == run.entries and outside.root != root:
        raise _MisfitError(
            f"The first {outside.size:,} entries aren’t those that the checkpoint kept elsewhere states: "
            "the ledger was written anew.",
            None,
        )


_Row = tuple[Any, ...]
_COLUMNS = (
    *("id", "organisation_id", "person_id", "assignment_id", "policy_version_id"),
    *("kind", "cycle", "identity_assurance", "recorded_at", "refers_to", "record"),
)


def _with_roots(rows: Iterable[Any]) -> Iterator[tuple[_Row, bytes]]:
    """Yield each entry's row with the root of the tree up to it."""
    row: _Row = ()

    def hashes() -> Iterator[bytes]:
        nonlocal row
        for row in rows:
            yield row[1]

    for root in merkle.roots(hashes()):
        yield row, root


def _statement(run: _Run) -> sa.Select[*tuple[Any, ...]]:
    entry, attestation, signatory, checkpoint = (
        cast(sa.Table, model.__table__) for model in (Entry, Attestation, Signatory, Checkpoint)
    )
    columns = (
        *(entry.c[name] for name in ("index", "hash")),
        *(attestation.c[name] for name in _COLUMNS),
        *(signatory.c[name] for name in ("organisation_id", "salt", "details")),
        checkpoint.c.note,
    )
    # As the driver gives them: parsing ids and times for each row would take as long as all the rest.
    raw = (sa.type_coerce(column, sa.types.NullType()).label(f"c{n}") for n, column in enumerate(columns))
    same_size = sa.and_(checkpoint.c.organisation_id == run.school.id, checkpoint.c.size == entry.c.index + 1)
    return (
        sa.select(*raw)
        .select_from(entry)
        .outerjoin(attestation, attestation.c.id == entry.c.attestation_id)
        .outerjoin(signatory, signatory.c.attestation_id == entry.c.attestation_id)
        .outerjoin(checkpoint, same_size)
        .where(entry.c.organisation_id == run.school.id, entry.c.index < run.size)
        .order_by(entry.c.index)
        .execution_options(yield_per=1000)
    )


def _check_entry(run: _Run, row: _Row, root: bytes) -> None:
    index, hashed, *attestation, record, owner, salt, details, note = row
    expected = run.entries
    if index != expected:
        raise _MisfitError("It is missing: the entries after it are there.", expected)
    if attestation[0] is None:
        raise _MisfitError("Its attestation is missing.", expected)
    if sha256(b"\x00" + record).digest() != hashed:
        raise _MisfitError(
            "Its record was changed: it no longer has the hash that the ledger kept.", expected
        )
    if _hex(owner) != run.school_hex:
        raise _MisfitError("The row for its personal details is missing, or another school’s.", expected)
    is_erased = salt is None and details is None
    committed = None if is_erased else commitment(salt or b"", details or b"")
    _check_record(run, record.decode(), attestation, committed)
    # In canonical JSON a quotation mark within a value is escaped, so this can only be the key.
    if details and f'"person":"{_dashed(attestation[2])}"'.encode() not in details:
        raise _MisfitError("The table says that somebody else signed it.", expected)
    _check_checkpoint(run, note, root)


def _check_record(run: _Run, text: str, attestation: list[Any], committed: str | None) -> None:
    """Compare the record with the columns that pages and workbooks are made from, and with its documents.

    `committed` is what the personal details that are kept come to; None where they have been erased. Most records
    differ only in number, time and person. Without these, one that was checked already needs no parsing again,
    which would take as long as all the rest.
    """
    identity, organisation, _, *columns, at, refers_to = attestation
    own = (
        f'"id":"{_dashed(identity)}"',
        f'"time":"{_written(at)}"',
        f'"personal_details_sha256":"{committed}"',
    )
    form = text.replace(own[0], "", 1).replace(own[1], "", 1).replace(own[2], "", 1)
    like = (form, organisation, refers_to, *columns)
    if like not in run.checked:
        leaf = json.loads(text)
        _check_columns(run, leaf, attestation)
        if committed not in (None, leaf["personal_details_sha256"]):
            raise _MisfitError("Its personal details were changed.", run.entries)
        _check_documents(run, leaf)
        if len(text) - len(form) == sum(map(len, own)):
            run.checked.add(like)
    run.last_at = at


def _check_columns(run: _Run, leaf: dict[str, Any], attestation: list[Any]) -> None:
    identity, organisation, _, assignment, version, kind, cycle, assurance, at, refers_to = attestation
    pairs = (
        ("ledger", leaf["school"], run.origin),
        ("school", run.school_hex, _hex(organisation)),
        ("number", leaf["id"], _dashed(identity)),
        ("kind", leaf["type"], kind),
        ("assignment", leaf["assignment"], _dashed(assignment)),
        ("cycle", leaf["cycle"], cycle),
        ("identity check", leaf["identity_assurance"], assurance),
        ("time", leaf["time"], _written(at)),
        ("policy version", leaf["policy"]["source_sha256"], run.sources.get(_hex(version))),
        ("earlier record", leaf.get("refers_to"), _dashed(refers_to) if refers_to else None),
    )
    for what, in_record, in_table in pairs:
        if in_record != in_table:
            raise _MisfitError(f"Its {what} in the table isn’t the one in its record.", run.entries)


def _check_documents(run: _Run, leaf: dict[str, Any]) -> None:
    policy = leaf["policy"]
    named = {policy["source_sha256"], policy["text_sha256"], leaf["notice_sha256"]}
    named.update(module["sha256"] for module in leaf["modules"])
    if "paper" in leaf:
        named.add(leaf["paper"]["points_sha256"])
    for sha in sorted(named - run.documents):
        content = session.scalar(sa.select(Document.content).where(Document.sha256 == sha))
        if content is None:
            raise _MisfitError(f"The document {sha} that it names is missing.", run.entries)
        if sha256(content).hexdigest() != sha:
            raise _MisfitError(f"The document {sha} that it names was changed.", run.entries)
        run.documents.add(sha)


def _check_checkpoint(run: _Run, note: str | None, root: bytes) -> None:
    text = f"{run.origin}\n{run.entries + 1}\n{b64encode(root).decode()}\n"
    if note is None:
        raise _MisfitError("Its checkpoint is missing.", run.entries)
    if not note.startswith(f"{text}\n— {run.origin} "):
        raise _MisfitError("Its checkpoint states another root than its entries give.", run.entries)
    if run.entries in run.chosen:
        try:
            verify_note(note, run.key)
        except CheckpointError as error:
            raise _MisfitError(
                f"Its checkpoint isn’t signed by this ledger’s key. {error}", run.entries
            ) from error
        run.signatures += 1


def _check_end(run: _Run, ledger: Ledger) -> None:
    """Check what the entries can't show one by one: that none is missing at the end, and none is left over."""
    if run.entries < run.size:
        raise _MisfitError(
            f"It is missing, with all after it: the ledger counted {run.size:,} entries.", run.entries
        )
    try:
        kept = merkle.Frontier.from_bytes(ledger.size, ledger.frontier).root()
    except ValueError:
        kept = b""
    if kept != run.root:
        raise _MisfitError("The ledger’s own state isn’t that of its entries.", None)
    if ledger.last_at != _moment(run.last_at):
        raise _MisfitError("The ledger’s time of the last entry isn’t the one in its record.", run.size - 1)
    _check_left_over(run)


def _check_left_over(run: _Run) -> None:
    # One statement, so that what is being signed meanwhile is seen whole or not at all.
    size = sa.select(Ledger.size).where(Ledger.organisation_id == run.school.id).scalar_subquery()
    entries, states = (
        sa.select(sa.func.coalesce(sa.func.max(column), 0)).where(owner == run.school.id).scalar_subquery()
        for column, owner in (
            (Entry.index + 1, Entry.organisation_id),
            (Checkpoint.size, Checkpoint.organisation_id),
        )
    )
    loose = (
        sa.select(sa.func.count())
        .select_from(Attestation)
        .where(Attestation.organisation_id == run.school.id)
        .where(~sa.exists().where(Entry.attestation_id == Attestation.id))
        .scalar_subquery()
    )
    counted, last_entry, last_state, without = session.execute(
        sa.select(sa.func.coalesce(size, 0), entries, states, loose)
    ).one()
    if last_entry > counted:
        raise _MisfitError("The ledger doesn’t count it, nor any after it.", counted)
    if last_state > counted:
        raise _MisfitError(f"It is missing: there is a checkpoint of {last_state:,} entries.", counted)
    if without:
        raise _MisfitError(f"{without:,} attestations have no entry in the ledger.", None)


def _hex(value: Any) -> str:
    """Return an id as the driver gives it (text from SQLite, a UUID from PostgreSQL) as 32 hex digits."""
    if value is None:
        return ""
    return value if type(value) is str else str(value.hex)


def _dashed(value: Any) -> str:
    """Return such an id as records write it."""
    if type(value) is not str:
        return str(value)
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def _written(value: Any) -> str:
    """Return a time as the driver gives it (text from SQLite) as records write it: ISO 8601, in UTC, with Z."""
    if type(value) is not str:
        return str(value.astimezone(UTC).isoformat()).replace("+00:00", "Z")
    fraction = value[19:26]
    return f"{value[:10]}T{value[11:19]}{'' if fraction == '.000000' else fraction}Z"


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(_written(value)) if value else None
