"""Form fields that the desk's pages share."""

from __future__ import annotations

from wtforms import StringField
from wtforms.validators import DataRequired, Length

from lms.booking_lines import LONGEST_WORDS
from lms.web.reporting.fields import one_line


def words_field(label: str, missing: str, description: str = "") -> StringField:
    """Return a field for a name on one line, which must be filled in."""
    too_long = Length(max=LONGEST_WORDS, message=f"Use no more than {LONGEST_WORDS} characters")
    return StringField(
        label, description=description, filters=[one_line], validators=[DataRequired(missing), too_long]
    )
