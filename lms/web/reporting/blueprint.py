"""The blueprint that the pages for HR belong to."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("reporting", __name__)
