"""The database: Flask-SQLAlchemy, the column types, SQLite's set-up, and the one way to write."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from enum import Enum
from typing import Any, cast
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine, ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry, scoped_session

from lms import errors

LOCK_WAIT = 10.0
"""Seconds that a request waits for its turn to write before it is told that the database is busy."""


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment, kept in UTC. A naive one is a bug and is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be kept")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the moment back as aware UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table (models inherit this and not `db.Model`, which mypy can't see through)."""

    # A registry and not a `type_annotation_map`: Flask-SQLAlchemy copies the class, and the map may not be there twice.
    registry = registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={
            Enum: sa.Enum(
                Enum, native_enum=False, length=30, values_callable=lambda kind: [m.value for m in kind]
            ),
            datetime: UTCDateTime,
            UUID: sa.Uuid,
            str: sa.Text,
            dict[str, Any]: sa.JSON,
            dict[str, str]: sa.JSON,
            list[str]: sa.JSON,
        },
    )


class Versioned:
    """A fact as it was recorded: a correction ends this row and adds another, so that a report of a past day
    says what it said on that day. `id` is the thing's own and is shared by its rows.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    recorded_from: Mapped[datetime] = mapped_column(primary_key=True)
    recorded_to: Mapped[datetime | None]

    @classmethod
    def recorded_at(cls, moment: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
        """Return the condition that a row is what was on record at the moment."""
        ended_later = sa.or_(cls.recorded_to.is_(None), cls.recorded_to > moment)
        return sa.and_(cls.recorded_from <= moment, ended_later)


def one_current(table: str, *columns: str) -> sa.Index:
    """Return the unique index that lets a versioned table hold one current row for these columns."""
    current = sa.text("recorded_to IS NULL")
    name = f"uq_{table}_current"
    return sa.Index(name, *columns, unique=True, sqlite_where=current, postgresql_where=current)


APPEND_ONLY = {"append_only": True}
"""Put in a table's `info`: its rows are never changed or removed, and triggers see to that."""

db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
session = cast(scoped_session[Session], db.session)
_writing = threading.Lock()


def init_app(app: Flask) -> None:
    """Bind the database to the app and set its connections up."""
    db.init_app(app)
    with app.app_context():
        if is_sqlite():
            event.listen(db.engine, "connect", _set_up_sqlite)
            event.listen(db.engine, "begin", _begin_sqlite)
        else:
            event.listen(db.engine, "handle_error", _say_no_values)


def is_sqlite() -> bool:
    """Say whether this app's database is SQLite."""
    return db.engine.dialect.name == "sqlite"


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Python's sqlite3 would otherwise begin late, by itself, and deferred.
    connection.isolation_level = None
    for pragma in (
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        f"busy_timeout={int(LOCK_WAIT * 1000)}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("write")
    mode = "ON" if write is False else "OFF"
    # Connections are used again. Said only where it changes: it has SQLite prepare every statement anew.
    if connection.info.get("query_only") != mode:
        connection.exec_driver_sql(f"PRAGMA query_only={mode}")
        connection.info["query_only"] = mode
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _say_no_values(context: ExceptionContext) -> None:
    # PostgreSQL's DETAIL says what a row holds, people's names among it, and the error is written to the log.
    primary = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
    if primary is None:
        return
    context.original_exception.args = (primary,)
    if context.sqlalchemy_exception is not None:
        context.sqlalchemy_exception.args = (f"({type(context.original_exception).__name__}) {primary}",)


def connection() -> Connection:
    """Return the connection of the session's transaction, for the busiest statements: those that make no objects.

    A session looks each statement through for objects first, and goes a long way to say which connection it has.
    """
    held: Connection | None = session.info.get("connection")
    if held is None or held.closed:
        held = session.info["connection"] = session.connection()
    return held


@contextmanager
def transaction(*, write: bool = True) -> Iterator[None]:
    """Commit when the block ends, roll back when it raises. One writer at a time on SQLite.

    With `write` false the database itself refuses to be written to, and all of the block sees one state of it.

    Raises:
        StorageError: the database could not be read or written; nothing of the block was kept.
        ConflictError: somebody else has just added the same thing; nothing of the block was kept.
        UnreadableTextError: PostgreSQL keeps no NUL; nothing of the block was kept.
    """
    with _turn_to_write() if write and is_sqlite() else nullcontext():
        try:
            with storage_errors() if write else _reading_errors():
                session.connection(execution_options=_how_to_begin(write))
                yield
                # Also where it only reads: what was changed and is still unwritten is refused here by the database,
                # and what was read stays readable afterwards, which a rollback would end.
                session.commit()
        finally:
            session.rollback()


def _how_to_begin(write: bool) -> dict[str, Any]:
    if is_sqlite():
        return {"write": write}
    return {} if write else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what the database driver raises in the block into an error of the domain, in words."""
    try:
        yield
    except DBAPIError as error:
        raise storage_error(error) from error


@contextmanager
def _reading_errors() -> Iterator[None]:
    try:
        with storage_errors():
            yield
    except errors.StorageReadOnlyError as error:
        if isinstance(error.__cause__, DBAPIError) and _REFUSED_WRITE.fullmatch(_code(error.__cause__)):
            raise RuntimeError("a transaction that only reads tried to write") from error
        raise


@contextmanager
def _turn_to_write() -> Iterator[None]:
    if not _writing.acquire(timeout=LOCK_WAIT):
        raise errors.StorageBusyError(
            "Many people are saving at this moment. Nothing of yours was kept: try again."
        )
    try:
        yield
    finally:
        _writing.release()


def stream(statement: sa.Select[Any]) -> Generator[sa.Row[Any]]:
    """Yield the rows of a statement without holding them all. Closed early, it lets go of the database's cursor."""
    connection = session.connection()
    found = connection.execute(statement, execution_options={"yield_per": 500})
    try:
        yield from found
    finally:
        # Once its transaction is over the cursor is gone, and the connection may be somebody else's.
        if not connection.closed:
            found.close()


_BUSY = "Somebody else is using the database. Nothing was kept: try again in a moment."
_STORAGE: tuple[tuple[str, type[errors.StorageError], str], ...] = (
    # PostgreSQL's words may be in any language, so its codes: lock timeout, deadlock, serialization, connections.
    (r"^(55P03|40P01|40001|53300)|locked|too many clients", errors.StorageBusyError, _BUSY),
    (
        r"^25006|readonly",
        errors.StorageReadOnlyError,
        "The database can't be written to. Check that it isn't read-only, and that its folder belongs to the user "
        "that runs Countersign.",
    ),
    (
        r"unable to open",
        errors.StorageReadOnlyError,
        "The database can't be opened. Check that its folder is there and belongs to the user that runs Countersign.",
    ),
    (
        r"^53100|disk is full|No space left",
        errors.StorageFullError,
        "The disk that holds the database is full.",
    ),
    (
        r"disk I/O error",
        errors.StorageError,
        "The disk that holds the database can't be read or written. Stop Countersign and check the disk.",
    ),
    (
        r"^(XX001|XX002)|malformed|not a database",
        errors.StorageDamagedError,
        "The database file is damaged. Stop Countersign and restore the last backup.",
    ),
    (
        r"^(42P01|42703)|no such (table|column)",
        errors.StorageOutOfDateError,
        "The database is not at this version. Stop Countersign and run: countersign db upgrade",
    ),
)
_TAKEN = re.compile(r"23505|SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)")
_REFUSED_WRITE = re.compile(r"25006|SQLITE_READONLY")


def storage_error(error: DBAPIError) -> errors.CountersignError:
    """Return what a database driver's error means, in words. A fault of our own SQL is raised as it is."""
    code = _code(error)
    if _TAKEN.fullmatch(code):
        return errors.ConflictError(
            "Somebody else, or you in another window, saved the same thing a moment before. "
            "Nothing of this was kept: look at what is there before you try again."
        )
    if "NUL (0x00)" in str(error.orig):
        return errors.UnreadableTextError("There is a character in it that can't be kept.")
    for pattern, kind, sentence in _STORAGE:
        if re.search(pattern, f"{code} {error.orig}"):
            return kind(sentence)
    if error.connection_invalidated or (isinstance(error, OperationalError) and code != "SQLITE_ERROR"):
        return errors.StorageError("The database can't be reached. Nothing was kept: try again in a moment.")
    raise error


def _code(error: DBAPIError) -> str:
    """Return PostgreSQL's SQLSTATE or SQLite's name for an error; nothing when it never reached the database."""
    orig = error.orig
    return str(getattr(orig, "sqlstate", None) or getattr(orig, "sqlite_errorname", None) or "")


def protect_evidence(connection: Connection) -> None:
    """Put the triggers on every append-only table that refuse UPDATE, DELETE, REPLACE and TRUNCATE.

    Runs after every migration, because Alembic's batch mode makes tables anew, without their triggers.
    """
    tables = [table for table in Base.metadata.sorted_tables if table.info.get("append_only")]
    present = set(sa.inspect(connection).get_table_names())
    make = _sqlite_triggers if connection.dialect.name == "sqlite" else _postgresql_triggers
    for table in tables:
        if table.name in present:
            for statement in make(table):
                connection.exec_driver_sql(statement)


def _sqlite_triggers(table: sa.Table) -> Iterator[str]:
    # REPLACE deletes without firing the other triggers on a connection that has recursive triggers off.
    same = " OR ".join(["rowid = NEW.rowid", *(_same_key(columns) for columns in _unique_keys(table))])
    there = f"SELECT 1 FROM {table.name} WHERE {same}"  # noqa: S608 (names of our own tables)
    events = {
        "update": f"BEFORE UPDATE ON {table.name}",
        "delete": f"BEFORE DELETE ON {table.name}",
        "replace": f"BEFORE INSERT ON {table.name} WHEN EXISTS ({there})",
    }
    for name, happens in events.items():
        yield f"DROP TRIGGER IF EXISTS {table.name}_no_{name}"
        yield (
            f"CREATE TRIGGER {table.name}_no_{name} {happens} "
            f"BEGIN SELECT RAISE(ABORT, '{table.name} is append-only'); END"
        )


def _unique_keys(table: sa.Table) -> Iterator[list[str]]:
    for constraint in sorted(table.constraints, key=lambda c: str(c.name)):
        if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
            yield [column.name for column in constraint.columns]


def _same_key(columns: list[str]) -> str:
    return "(" + " AND ".join(f'"{name}" = NEW."{name}"' for name in columns) + ")"


def _postgresql_triggers(table: sa.Table) -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%% is append-only', TG_TABLE_NAME; END $$"
    )
    yield (
        f"CREATE OR REPLACE TRIGGER {table.name}_no_change BEFORE UPDATE OR DELETE ON {table.name} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    yield (
        f"CREATE OR REPLACE TRIGGER {table.name}_no_truncate BEFORE TRUNCATE ON {table.name} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def enable_wal(engine: Engine) -> None:
    """Switch an SQLite file to write-ahead logging. It stays so: readers never wait for the writer.

    Raises:
        DBAPIError: the file can't be written to.
    """
    statement = "PRAGMA journal_mode=WAL"
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        try:
            # By the driver itself, because a transaction that has begun can't be switched.
            raw.execute(statement)
        except sqlite3.Error as error:
            raise DBAPIError(statement, {}, error) from error
