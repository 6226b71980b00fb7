"""The records of a trust: its schools side by side, and the governors' pack of them all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import BooleanField, Form, SelectField

from lms import compliance, governors, trust_records, work
from lms.clock import london_day
from lms.governors import schools_of
from lms.reports import Format, Report
from lms.status import Status
from lms.web import access
from lms.web.reporting import exporting, long_work
from lms.web.reporting.blueprint import blueprint
from lms.web.reporting.fields import DayField, not_in_the_future
from lms.web.reporting.filters import asked

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
    """Make the governors' pack of all the schools, and hand it over; that of many adults is left to the worker."""
    del trust
    pack = PackForm()
    if not pack.validate():
        return _page(TrustForm(), pack), 400
    scope = replace(governors.scope_of(access.school(), pack.moment), with_names=pack.with_names.data)
    return exporting.made(Report.GOVERNORS_PACK, Format.XLSX, scope, pack.day)


def _page(form: TrustForm, pack: PackForm) -> str:
    moment, schools = form.moment, schools_of(access.school())
    titles = trust_records.policies([school.id for school in schools], moment)
    slug = form.item.data if form.item.data in titles else next(iter(titles), None)
    form.item.choices, form.item.data = titles, slug
    lines = trust_records.lines(schools, slug, moment) if slug else []
    adults, statuses = trust_records.total(lines)
    recent = work.recent(access.school().id)
    return render_template(
        "reporting/trust.html",
        form=form,
        pack=pack,
        title=titles[slug] if slug else None,
        lines=lines,
        whole=trust_records.SchoolLine(access.school(), adults, statuses),
        recent=long_work.lines(recent),
        is_late=work.is_late(recent, access.request_time()),
        shown=[status for status in SHOWN if statuses[status] or status is Status.SIGNED],
        # What is asked of a past day is asked of each school's page too.
        query={"as_at": form.day.isoformat()} if form.day else {},
    )
