"""HR's records page in a school of 10,000 adults, against the same page in a school of 100."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from time import perf_counter

from tests.benchmarks.figure import Figure
from tests.benchmarks.population import large_school
from tests.client import StrictClient
from tests.counting import queries

FEW, MANY = 100, 10_000
TRIES = 15


@dataclass
class Measured:
    """The page in one school."""

    queries: int
    seconds: float


def run() -> list[Figure]:
    """Return the queries of the page in the large school, and its time as a multiple of the small one's."""
    few, many = _measure(FEW), _measure(MANY)
    return [
        Figure(f"records page, {MANY:,} adults", many.queries, 8, "queries"),
        Figure("records page, time", many.seconds / few.seconds, 5.0, f"× that with {FEW} adults"),
    ]


def _measure(adults: int) -> Measured:
    with large_school(adults) as (app, classroom):
        app.testing = True
        app.test_client_class = StrictClient
        client = app.test_client()
        assert isinstance(client, StrictClient)
        client.sign_in_as(classroom.person.id)
        address = f"/schools/{classroom.school.slug}/records"
        counted = queries(app, client, address)
        return Measured(counted, min(_timed(client, address) for _ in range(TRIES)))


def _timed(client: StrictClient, address: str) -> float:
    gc.collect()
    started = perf_counter()
    # Not through the strict client's own `open`: checking a page takes longer than making it.
    response = super(StrictClient, client).open(address)
    assert response.status_code == 200
    return perf_counter() - started
