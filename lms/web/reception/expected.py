"""Who is expected: one person or pasted lines, looked at together before anything is recorded; and walk-ins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from lms import bookings
from lms.audit import Event
from lms.booking_lines import FURTHEST, LONGEST_BOOKING, LONGEST_WORDS, Booking, Pasted, read_lines
from lms.bookings import Known
from lms.clock import london_day
from lms.desk import Visit
from lms.people import EngagementType, folded
from lms.web import access
from lms.web.reception.blueprint import blueprint, write_down
from lms.web.reception.fields import words_field
from lms.web.reporting.fields import DayField, one_line

SOMEBODY_ELSE = "new"
APPLY, CHANGE = "apply", "change"
LONGEST_PASTE = 60_000


class PasteForm(FlaskForm):  # type: ignore[misc]
    """Lines as somebody pasted them. They come back as they were typed, whatever is wrong."""

    lines = TextAreaField(
        "Who is expected, a line each",
        description="Name, agency, first day, last day. Paste from a spreadsheet, or put commas or semicolons "
        "between them. For somebody who isn’t from an agency, add what they are, such as Contractor.",
        # No page can show such a mark, and no database keep it.
        filters=[lambda text: (text or "").replace("\0", " ")],
        validators=[
            DataRequired("Type or paste at least one line"),
            Length(max=LONGEST_PASTE, message="Paste fewer lines at once: no more than 200"),
        ],
    )


class PersonForm(FlaskForm):  # type: ignore[misc]
    """One adult, and from when until when."""

    name = words_field("Full name", "Enter the name")
    type = SelectField(
        "What are they here as?",
        choices={type_.value: type_.words for type_ in EngagementType},
        default=EngagementType.AGENCY_WORKER.value,
    )
    agency = StringField(
        "Agency or company",
        description="An agency worker needs one.",
        filters=[one_line],
        validators=[Length(max=LONGEST_WORDS, message=f"Use no more than {LONGEST_WORDS} characters")],
    )
    ends = DayField("Last day", description="For example, 31 12 2026. Leave it empty for one day.")

    def validate_name(self, field: StringField) -> None:
        """Ask for a name with a letter in it."""
        if field.data and not folded(field.data):
            raise ValidationError("Enter the name")

    def validate_agency(self, field: StringField) -> None:
        """Ask for an agency worker's agency, and not for anybody else's."""
        if self.type.data == EngagementType.AGENCY_WORKER and not field.data:
            raise ValidationError("Enter the agency that sent them")

    def validate_ends(self, field: DayField) -> None:
        """Refuse a last day that is over, or is too far off to be meant."""
        if field.errors:
            return
        starts, ends = self.first_day, field.data
        if starts is None or ends is None:
            return
        if ends < starts:
            raise ValidationError("The last day can’t be before the first")
        if ends - starts > LONGEST_BOOKING:
            raise ValidationError(f"Enter a last day within {LONGEST_BOOKING.days} days")

    @property
    def first_day(self) -> date | None:
        """The first day: today, for a walk-in."""
        return london_day(access.request_time())

    @property
    def booking(self) -> Booking:
        """What the form says, as one booking."""
        starts = self.first_day or london_day(access.request_time())
        type_ = EngagementType(self.type.data)
        return Booking(1, self.name.data, self.agency.data, type_, starts, self.ends.data or starts)


class OneForm(PersonForm):
    """One adult who is expected, today or later."""

    starts = DayField("First day", description="For example, 24 11 2026")

    def validate_starts(self, field: DayField) -> None:
        """Refuse a first day that is over, or is too far off to be meant."""
        today = london_day(access.request_time())
        if field.errors:
            return
        if field.data is None:
            raise ValidationError("Enter the first day")
        if field.data < today:
            raise ValidationError("Enter today or a later day")
        if field.data > today + FURTHEST:
            raise ValidationError("Enter a day within a year")

    @property
    def first_day(self) -> date | None:
        """The day that was entered."""
        day: date | None = self.starts.data
        return day


@dataclass(frozen=True, slots=True)
class Asked:
    """One booking with those who may be the same person, and what was chosen of them."""

    booking: Booking
    known: list[Known]
    chosen: str
    is_missing: bool
    """Whether an answer is needed and wasn't given."""

    @property
    def field(self) -> str:
        """The name of the field that carries the answer."""
        return f"same-{self.booking.number}"


@blueprint.route("/schools/<school>/reception/expected", methods=["GET", "POST"])
def expected(school: str) -> ResponseReturnValue:
    """Ask who is expected; show what was understood and whom the trust knows; at a second button, record it."""
    del school
    today = london_day(access.request_time())
    by_line = request.method == "POST" and "lines" in request.form
    paste, one = PasteForm(formdata=request.form if by_line else None), OneForm(formdata=None)
    if request.method == "GET" or request.form.get("step") == CHANGE:
        return _ask(paste, one if by_line or request.method == "GET" else OneForm(), Pasted([], []))
    if not by_line:
        one = OneForm()
        return _check([one.booking], one, None) if one.validate() else _ask(paste, one, Pasted([], []))
    if not paste.validate():
        return _ask(paste, one, Pasted([], []))
    read = read_lines(paste.lines.data, today)
    if read.bad or not read.ready:
        paste.lines.errors = [_summary(read)]
        return _ask(paste, one, read)
    return _check(read.ready, None, paste)


@blueprint.route("/schools/<school>/reception/walk-in", methods=["GET", "POST"])
def walk_in(school: str) -> ResponseReturnValue:
    """Put somebody on today's list who wasn't expected; ask first, where the trust knows somebody of that name."""
    del school
    form = PersonForm()
    if request.form.get("step") == CHANGE or not form.validate_on_submit():
        page = render_template("reception/walk_in.html", form=form, batch=_batch())
        return page, 400 if form.errors else 200
    asked = _asked([form.booking])
    if (
        not _is_made([form.booking])
        and asked[0].known
        and (request.form.get("step") != APPLY or asked[0].is_missing)
    ):
        return _who(asked, form.data, is_walk_in=True)
    visits = _expect([form.booking], asked, by=None)
    return redirect(url_for(".visit", school=access.school().slug, visit=visits[0].id), 303)


def _ask(paste: PasteForm, one: OneForm, read: Pasted) -> ResponseReturnValue:
    errors = [*paste.errors, *one.errors]
    page = render_template(
        "reception/expected.html",
        paste=paste,
        one=one,
        read=read,
        errors=errors,
        today=london_day(access.request_time()),
        contacts=access.school().placeholder_values,
    )
    return page, 400 if errors else 200


def _check(ready: Sequence[Booking], one: OneForm | None, paste: PasteForm | None) -> ResponseReturnValue:
    asked = _asked(ready)
    is_unanswered = request.form.get("step") != APPLY or any(line.is_missing for line in asked)
    if is_unanswered and not _is_made(ready):
        sent = one.data if one else {"lines": paste.lines.data if paste else ""}
        return _who(asked, sent, is_walk_in=False)
    visits = _expect(ready, asked, by=access.user().person.id)
    people = len({visit.person_id for visit in visits})
    flash(f"Saved. {people} {'person is' if people == 1 else 'people are'} expected.")
    return redirect(url_for(".desk", school=access.school().slug), 303)


def _expect(ready: Sequence[Booking], asked: Sequence[Asked], by: UUID | None) -> list[Visit]:
    """Put visits on record, and write down once for each person who did it."""
    is_second_press, now = _is_made(ready), access.request_time()
    visits = bookings.expect(access.school(), ready, _same(asked), batch=_batch(), by=by, now=now)
    if not is_second_press:
        for visit in {visit.person_id: visit for visit in visits}.values():
            write_down(Event.VISITOR_EXPECTED, visit)
    return visits


def _is_made(ready: Sequence[Booking]) -> bool:
    """Say whether this button was pressed before: whom that put on record is then known, and isn't asked about."""
    return bool(bookings.made(access.school(), ready, _batch(), access.request_time()))


def _asked(ready: Sequence[Booking]) -> list[Asked]:
    found = bookings.known(access.school(), ready)
    return [_answered(booking, found.get(booking.number, [])) for booking in ready]


def _answered(booking: Booking, known: list[Known]) -> Asked:
    chosen = request.form.get(f"same-{booking.number}", "")
    may_be = {SOMEBODY_ELSE, *(str(offered.person.id) for offered in known)}
    is_missing = bool(known) and chosen not in may_be and request.form.get("step") == APPLY
    if chosen not in may_be:
        # One of that name and that agency is nearly always the one who is meant; it is still shown, to be changed.
        likely = [offered for offered in known if offered.same_agency]
        chosen = str(likely[0].person.id) if len(likely) == 1 and len(known) == 1 else ""
    return Asked(booking, known, chosen, is_missing)


def _same(asked: Sequence[Asked]) -> dict[int, UUID]:
    return {
        line.booking.number: UUID(line.chosen) for line in asked if line.chosen not in ("", SOMEBODY_ELSE)
    }


def _who(asked: Sequence[Asked], sent: dict[str, object], *, is_walk_in: bool) -> ResponseReturnValue:
    missing = [line for line in asked if line.is_missing]
    shown = [offered for line in asked for offered in line.known]
    bookings.record_look_up(access.school(), shown, access.user().person.id, access.request_time())
    page = render_template(
        "reception/check.html",
        asked=asked,
        sent=_as_sent(sent),
        batch=_batch(),
        is_walk_in=is_walk_in,
        errors=missing,
        form=FlaskForm(),
    )
    return page, 400 if missing else 200


def _as_sent(values: dict[str, object]) -> list[tuple[str, str]]:
    """Return what the next form carries along, days as a link writes them."""
    kept = {name: value for name, value in values.items() if name != "csrf_token" and value is not None}
    return [
        (name, value.isoformat() if isinstance(value, date) else str(value)) for name, value in kept.items()
    ]


def _batch() -> UUID:
    """Return the name that this go at a form has: two presses of its last button are then one."""
    return request.form.get("batch", type=UUID) or uuid4()


def _summary(read: Pasted) -> str:
    if not read.bad:
        return "Type or paste at least one line with a name"
    return f"{len(read.bad)} {'line needs' if len(read.bad) == 1 else 'lines need'} another look"
