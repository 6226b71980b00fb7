"""The records of a trust: its schools side by side, and the governors' pack of them all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import partial

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import BooleanField, Form, SelectField

from lms import audit, compliance, governors, reports, trust_records
from lms.audit import Event
from lms.clock import london_day
from lms.governors import schools_of
from lms.reports import Format, Report
from lms.status import Status
from lms.web import access, reading
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.exporting import temporary_file
from lms.web.reporting.fields import DayField, not_in_the_future
from lms.web.reporting.filters import asked
from lms.web.reporting.long_work import handed_over

SHOWN = (
    Status.SIGNED,
    Status.IN_PROGRESS,
    Status.NOT_STARTED,
    Status.OVERDUE,
    Status.EXPIRED,
    Status.DECLINED,
    Status.NOT_REQUIRED,
)


class _OfDay(Form):  # type: ignore[misc]
    """Which day."""

    as_at = DayField(
        "Day", description="For example, 31 8 2026. Leave it empty for today.", validators=[not_in_the_future]
    )

    @property
    def day(self) -> date | None:
        """The past day asked about; None for today."""
        found: date | None = None if self.as_at.errors else self.as_at.data
        return found if found and found < london_day(access.request_time()) else None

    @property
    def moment(self) -> datetime:
        """The moment asked about."""
        return compliance.moment_of(self.day, access.request_time())


class TrustForm(_OfDay):
    """Which policy, on which day."""

    item = SelectField("What to sign", validate_choice=False)


class PackForm(FlaskForm, _OfDay):  # type: ignore[misc]
    """The governors' pack of which day, and whether it names anybody."""

    with_names = BooleanField(
        "Name whoever is late or has declined",
        description="Leave this empty for a meeting: a governor may later sit on a panel about one of them.",
    )


@blueprint.get("/trusts/<trust>/records")
def trust(trust: str) -> ResponseReturnValue:
    """Show the schools of a trust side by side, on one policy."""
    del trust
    form = TrustForm(asked())
    form.validate()
    return _page(form, PackForm(formdata=None, data={"as_at": form.day})), 400 if form.errors else 200


@blueprint.post("/trusts/<trust>/records/exports")
def export_trust(trust: str) -> ResponseReturnValue:
    """Make the governors' pack of all the schools, and hand it over; the audit says who has it."""
    del trust
    pack = PackForm()
    if not pack.validate():
        return _page(TrustForm(), pack), 400
    scope = replace(governors.scope_of(access.school(), pack.moment), with_names=pack.with_names.data)
    now, maker, file = access.request_time(), access.user().person, temporary_file()
    try:
        written = reports.write_report(
            Report.GOVERNORS_PACK, scope, format=Format.XLSX, file=file, made_by=maker.name, made_at=now
        )
    except BaseException:
        file.close()
        raise
    note = partial(
        audit.record,
        Event.EXPORTED,
        organisation_id=scope.school.id,
        now=now,
        actor_id=maker.id,
        report=Report.GOVERNORS_PACK.value,
        rows=written.rows,
        sha256=written.sha256,
    )
    reading.afterwards(note)
    return handed_over(file, reports.file_name(Report.GOVERNORS_PACK, scope, Format.XLSX))


def _page(form: TrustForm, pack: PackForm) -> str:
    moment, schools = form.moment, schools_of(access.school())
    titles = trust_records.policies([school.id for school in schools], moment)
    slug = form.item.data if form.item.data in titles else next(iter(titles), None)
    form.item.choices, form.item.data = titles, slug
    lines = trust_records.lines(schools, slug, moment) if slug else []
    adults, statuses = trust_records.total(lines)
    return render_template(
        "reporting/trust.html",
        form=form,
        pack=pack,
        title=titles[slug] if slug else None,
        lines=lines,
        whole=trust_records.SchoolLine(access.school(), adults, statuses),
        shown=[status for status in SHOWN if statuses[status] or status is Status.SIGNED],
        # What is asked of a past day is asked of each school's page too.
        query={"as_at": form.day.isoformat()} if form.day else {},
    )
