"""For the school's monitoring: is the process alive, and can it do its work."""

from __future__ import annotations

from flask import Blueprint, Response

from lms import migration
from lms.db import transaction
from lms.errors import StorageError

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """Say that the process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def ready() -> Response:
    """Say whether the database answers and is at this version; 503 with the reason when not."""
    try:
        with transaction(write=False):
            migration.check()
    except StorageError as error:
        return Response(f"{error}\n", status=503, mimetype="text/plain")
    return Response("ok\n", mimetype="text/plain")
