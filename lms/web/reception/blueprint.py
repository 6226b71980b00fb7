"""The blueprint that the desk's pages belong to."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("reception", __name__)
