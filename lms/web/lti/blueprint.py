"""The blueprint that the modules of this package put their routes on."""

from flask import Blueprint

blueprint = Blueprint("lti", __name__, url_prefix="/lti")
