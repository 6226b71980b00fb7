"""Databases of a PostgreSQL server for tests: copies of a migrated one, emptied after use for the next test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True)
class PostgreSQL:
    """A running server with a migrated database to copy."""

    address: Callable[[str], str]
    engine: Callable[[str], sa.Engine]
    names: Iterator[str]
    spare: list[Copy]
    """Copies that hold nothing any more: to drop a database costs more than most tests do."""

    def run(self, statement: str) -> None:
        """Run a statement in the server's own database."""
        with self.engine("postgres").connect() as connection:
            connection.exec_driver_sql(statement)

    def take(self) -> Copy:
        """Return an empty copy of the migrated database."""
        return self.spare.pop() if self.spare else self._made()

    def give_back(self, copy: Copy) -> None:
        """Empty a copy for the next test; one whose tables were changed is dropped."""
        with copy.engine.connect() as connection:
            connection.exec_driver_sql(_END_OTHERS)
            if connection.scalar(_SHAPE) == copy.shape:
                connection.exec_driver_sql(_EMPTY)
                self.spare.append(copy)
                return
        copy.engine.dispose()
        self.run(f"DROP DATABASE {copy.name} WITH (FORCE)")

    def _made(self) -> Copy:
        name = next(self.names)
        self.run(f"CREATE DATABASE {name} TEMPLATE migrated")
        engine = self.engine(name)
        with engine.connect() as connection:
            return Copy(name, engine, connection.scalar(_SHAPE))


@dataclass(frozen=True)
class Copy:
    """A copy of the migrated database, and how its tables, triggers and version are when nothing has changed them."""

    name: str
    engine: sa.Engine
    shape: str


_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE = sa.text("""
    SELECT md5(string_agg(whole, ',' ORDER BY whole)) FROM (
        SELECT concat(c.oid, c.relname, c.relnatts, c.relchecks, c.relhastriggers) FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat(oid, tgname, tgenabled) FROM pg_trigger
        UNION ALL SELECT concat(oid, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT concat(attrelid, attname, attnotnull, attisdropped) FROM pg_attribute
        JOIN pg_class c ON c.oid = attrelid AND c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT version_num FROM alembic_version
    ) AS everything (whole)
""")
# As a replica, the triggers that keep evidence from being removed don't fire, nor do references hold anything back.
_EMPTY = """
    DO $$
    DECLARE name regclass;
    BEGIN
        SET LOCAL session_replication_role = replica;
        FOR name IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'alembic_version'
        LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    END $$
"""
