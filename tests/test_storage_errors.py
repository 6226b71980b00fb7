"""What a database's failures are called."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from lms import errors
from lms.db import storage_error


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (psycopg.errors.LockNotAvailable("Zeitüberschreitung"), errors.StorageBusyError),
        (psycopg.errors.SerializationFailure("kann nicht serialisieren"), errors.StorageBusyError),
        (psycopg.errors.ReadOnlySqlTransaction("nur Lesen"), errors.StorageReadOnlyError),
        (psycopg.errors.DiskFull("voll"), errors.StorageFullError),
        (psycopg.errors.DataCorrupted("kaputt"), errors.StorageDamagedError),
        (psycopg.errors.UndefinedTable("fehlt"), errors.StorageOutOfDateError),
        (psycopg.OperationalError('FATAL:  database "school" does not exist'), errors.StorageError),
        (sqlite3.OperationalError("disk I/O error"), errors.StorageError),
    ],
)
def test_each_failure_of_a_database_has_its_own_words_in_any_language(
    raised: Exception, kind: type[errors.StorageError]
) -> None:
    assert type(storage_error(OperationalError("", {}, raised))) is kind
