"""Which requests only read, and those that read for long and then write one line: they hold nobody up meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, g
from flask.globals import request

from lms.db import transaction

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
READS_FIRST = frozenset(
    {
        "reporting.export",
        "reporting.export_trust",
        "reporting.compare_list",
        "reporting.fetch_work",
        "reporting.import_list",
    }
)
"""Sent by POST, because it leaves a line in the audit, but its view only reads: what it leaves is `afterwards`."""


def may_write() -> bool:
    """Say whether this request's view may write, and so takes its turn."""
    return request.method not in SAFE_METHODS and request.endpoint not in READS_FIRST


def afterwards(write: Callable[[], object]) -> None:
    """Have something written, in a transaction of its own, once the view has read all that it needs."""
    g.afterwards = write


def finish(response: Response) -> None:
    """Write what the view left for afterwards, before its answer is sent; an answer that may not go is closed."""
    write: Callable[[], object] | None = g.pop("afterwards", None)
    if write is None:
        return
    try:
        with transaction():
            write()
    except Exception:
        response.close()
        raise
