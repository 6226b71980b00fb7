"""The pages that say how Countersign works: accessibility, privacy, help."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from flask_login import current_user

from lms.policy_text import PLACEHOLDERS
from lms.schools import Organisation
from lms.web import access

blueprint = Blueprint("pages", __name__)


@blueprint.get("/accessibility")
def accessibility() -> str:
    """Show the accessibility statement."""
    return render_template("pages/accessibility.html", contacts=_contacts())


@blueprint.get("/privacy")
def privacy() -> str:
    """Show what is kept about whom, and why."""
    return render_template("pages/privacy.html", contacts=_contacts())


@blueprint.get("/help")
def help() -> str:
    """Show whom to ask."""
    return render_template("pages/help.html", contacts=_contacts())


def _contacts() -> dict[str, str]:
    """Return the people of the reader's school; before signing in, what each is for."""
    if current_user.is_authenticated:
        g.school = access.home_school()
    school: Organisation | None = g.get("school")
    return (
        school.placeholder_values
        if school
        else {name: f"the {words}" for name, words in PLACEHOLDERS.items()}
    )
