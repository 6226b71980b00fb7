"""What a transaction promises: a reader sees one state and writes nothing, and what fails keeps nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from lms import errors
from lms.config import Settings
from lms.db import db, is_sqlite, session, transaction
from lms.tokens import Rate

pytestmark = pytest.mark.usefixtures("in_app")
WINDOW = datetime(2026, 9, 7, tzinfo=UTC)
KEPT = sa.select(sa.func.count()).select_from(Rate)


def one(key: str) -> Rate:
    return Rate(key=key, window=WINDOW, count=1)


def insert_by_statement() -> None:
    session.execute(sa.insert(Rate).values(key="a", window=WINDOW, count=1))


def add_and_look() -> None:
    session.add(one("a"))
    session.scalar(KEPT)


def add_and_leave() -> None:
    session.add(one("a"))


@pytest.mark.parametrize("write", [insert_by_statement, add_and_look, add_and_leave])
def test_a_transaction_that_only_reads_cannot_write_in_any_way(write: Callable[[], None]) -> None:
    with pytest.raises(RuntimeError, match="only reads tried to write"), transaction(write=False):
        write()
    with transaction(write=False):
        assert session.scalar(KEPT) == 0


def test_a_connection_that_has_read_can_write_afterwards() -> None:
    for number in range(3):
        with transaction(write=False):
            assert session.scalar(KEPT) == number
        session.remove()
        with transaction():
            session.add(one(str(number)))
        session.remove()


@pytest.mark.parametrize("write", [insert_by_statement, add_and_look, add_and_leave])
def test_a_connection_that_has_written_cannot_write_where_it_only_reads(write: Callable[[], None]) -> None:
    for number in range(3):
        with transaction():
            session.add(one(str(number)))
        with pytest.raises(RuntimeError, match="only reads tried to write"), transaction(write=False):
            write()
        session.remove()
    with transaction(write=False):
        assert session.scalar(KEPT) == 3


def test_sqlite_prepares_nothing_anew_while_only_writers_come() -> None:
    if not is_sqlite():
        pytest.skip("only SQLite is told at the beginning whether it may be written to")
    said: list[str] = []
    with transaction():
        session.add(one("first"))
    event.listen(db.engine, "before_cursor_execute", lambda *told: said.append(told[2]))
    for number in range(3):
        with transaction():
            session.add(one(str(number)))
    assert said.count("BEGIN IMMEDIATE") == 3
    assert not any("query_only" in statement for statement in said)


def test_a_reader_sees_one_state_of_the_database_from_beginning_to_end(app: Flask) -> None:
    def add() -> None:
        with app.app_context(), transaction():
            session.add(one("meanwhile"))

    with transaction(write=False):
        before = session.scalar(KEPT)
        writer = threading.Thread(target=add)
        writer.start()
        writer.join()
        assert session.scalar(KEPT) == before == 0
    with transaction(write=False):
        assert session.scalar(KEPT) == 1


def test_adding_what_is_there_already_is_a_conflict_and_keeps_nothing() -> None:
    with transaction():
        session.add(one("a"))

    def add_again() -> None:
        session.add(one("b"))
        insert_by_statement()

    with pytest.raises(errors.ConflictError, match="look at what is there"), transaction():
        add_again()
    with transaction(write=False):
        assert session.scalars(sa.select(Rate.key)).all() == ["a"]


def test_a_fault_of_our_own_statement_is_not_taken_for_a_failing_database() -> None:
    with pytest.raises(DBAPIError), transaction():
        session.execute(sa.text("SELEKT 1"))


def test_of_two_that_wait_for_each_other_one_is_told_to_try_again() -> None:
    if is_sqlite():
        pytest.skip("SQLite's writers wait in line")
    with transaction():
        session.add_all([one("a"), one("b")])
    touch = sa.text("UPDATE rate SET count = 2 WHERE key = :key")
    with db.engine.connect() as other:
        other.execute(sa.text("SET LOCAL deadlock_timeout = '60s'"))
        other.execute(touch, {"key": "a"})
        waiting = threading.Thread(target=lambda: other.execute(touch, {"key": "b"}))

        def wait_too() -> None:
            session.execute(sa.text("SET LOCAL deadlock_timeout = '10ms'"))
            session.execute(touch, {"key": "b"})
            waiting.start()
            session.execute(touch, {"key": "a"})

        with pytest.raises(errors.StorageBusyError), transaction():
            wait_too()
        waiting.join()


def test_a_server_that_drops_the_connection_is_out_of_reach_and_the_next_transaction_works() -> None:
    if is_sqlite():
        pytest.skip("a file has no connection to drop")

    def lose_the_connection_and_write() -> None:
        pid = session.scalar(sa.text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(sa.text(f"SELECT pg_terminate_backend({pid}, 5000)"))
        session.add(one("a"))

    with pytest.raises(errors.StorageError, match="can't be reached"), transaction():
        lose_the_connection_and_write()
    with transaction(write=False):
        assert session.scalar(KEPT) == 0


def test_a_failure_does_not_repeat_what_was_typed(settings: Settings) -> None:
    with pytest.raises(DBAPIError) as failure, transaction():
        session.execute(
            sa.text("SELECT * FROM rate WHERE nothing(:typed) = 1"), {"typed": "my secret reason"}
        )
    assert "my secret reason" not in str(failure.value)


def test_a_writer_sees_what_was_committed_while_it_waited_whatever_the_servers_default(
    settings: Settings,
) -> None:
    if is_sqlite():
        pytest.skip("SQLite's writers wait before they begin")
    name = sa.make_url(settings.database).database
    with db.engine.connect() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_isolation = serializable"))
        connection.commit()
    db.engine.dispose()
    with transaction():
        assert session.scalar(sa.text("SHOW transaction_isolation")) == "read committed"
