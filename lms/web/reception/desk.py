"""Today's list, and the part of it that a desk asks for every few seconds."""

from __future__ import annotations

from uuid import UUID

from flask import Response, make_response, render_template, request

from lms import desk_codes, desk_day
from lms.clock import london_day
from lms.web import access
from lms.web.reception.blueprint import blueprint


@blueprint.get("/schools/<school>/reception")
def desk(school: str) -> str:
    """Show everybody who is expected or has arrived today."""
    del school
    found, now = access.school(), access.request_time()
    # Asked before the list: what changes in between is then fetched by the first poll, not missed.
    version = desk_day.version(found.id, now)
    lines = desk_day.lines(found.id, now)
    return render_template(
        "reception/desk.html",
        lines=lines,
        counts=desk_day.counts(lines),
        today=london_day(now),
        version=version,
        is_guessed=desk_codes.is_guessed(now),
    )


@blueprint.get("/schools/<school>/reception/rows")
def rows(school: str) -> Response:
    """Return the list alone; "not modified" (304) to a desk that shows it as it is."""
    del school
    found, now = access.school(), access.request_time()
    version = desk_day.version(found.id, now)
    response = make_response()
    response.set_etag(version)
    response.make_conditional(request)
    # Part of a page: opened by itself it is text and nothing that a browser runs.
    response.mimetype = "text/plain"
    if response.status_code != 304:
        response.set_data(_rows(version))
    return response


_drawn: dict[UUID, tuple[str, str]] = {}
"""Each school's rows as they were drawn last, with their version: twenty desks that ask for one list draw it once."""


def _rows(version: str) -> str:
    found, now = access.school(), access.request_time()
    kept, page = _drawn.get(found.id, ("", ""))
    if kept != version:
        lines = desk_day.lines(found.id, now)
        page = render_template(
            "reception/_rows.html",
            lines=lines,
            counts=desk_day.counts(lines),
            is_guessed=desk_codes.is_guessed(now),
        )
        _drawn[found.id] = (version, page)
    return page
