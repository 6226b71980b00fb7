"""What HR asked to see, read from the address, so that a view can be bookmarked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask import request, url_for
from werkzeug.datastructures import MultiDict
from wtforms import Form, HiddenField, SelectField, StringField

from lms import compliance, standings
from lms.clock import london_day
from lms.compliance import Item
from lms.people import EngagementType
from lms.record import Scope, audience_in_words
from lms.schools import Organisation
from lms.standings import Filters, Sort
from lms.status import Status
from lms.web import access
from lms.web.reporting.fields import DayField, not_in_the_future, one_line

TYPES = {str(type_): type_.words for type_ in EngagementType}
STATUSES = {str(status): status.capitalize() for status in Status}
SORTS = {
    "name": "Name",
    "status": "Status, most urgent first",
    "due": "Due, earliest first",
    "-due": "Due, latest first",
    "-signed": "Signed, latest first",
    "signed": "Signed, earliest first",
    "type": "Engagement type",
    "department": "Department",
}


class PeopleForm(Form):  # type: ignore[misc]
    """Which people, and on which day. What isn't known is left aside: an old bookmark still opens."""

    name = StringField("Name", filters=[one_line])
    type = SelectField("Engagement type", choices={"": "All types", **TYPES}, validate_choice=False)
    department = SelectField("Department", validate_choice=False)
    status = SelectField("Status", choices={"": "All statuses", **STATUSES}, validate_choice=False)
    item = SelectField("What to sign", validate_choice=False)
    as_at = DayField(
        "Day", description="For example, 31 8 2026. Leave it empty for today.", validators=[not_in_the_future]
    )

    def offer(self, items: list[Item], departments: list[str], everything: str | None = None) -> None:
        """Put the school's own choices into the lists; `everything` is the words for all items, where it may be."""
        first = {"": everything} if everything else {}
        self.item.choices = {**first, **titles(items)}
        self.department.choices = {"": "All departments", **{name: name for name in departments}}

    @property
    def filters(self) -> Filters:
        """The people asked for; a value that is none of ours asks for nothing."""
        return Filters(
            name=(self.name.data or "")[:100],
            type=EngagementType(self.type.data) if self.type.data in TYPES else None,
            department=one_line(self.department.data),
            status=Status(self.status.data) if self.status.data in STATUSES else None,
        )

    @property
    def day(self) -> date | None:
        """The past day asked about; None for today, which isn't over."""
        asked: date | None = None if self.as_at.errors else self.as_at.data
        return asked if asked and asked < london_day(access.request_time()) else None

    def moment(self, now: datetime) -> datetime:
        """Return the moment asked about."""
        return compliance.moment_of(self.day, now)

    def scope(self, school: Organisation) -> Scope:
        """Return what a report on what was asked for is about. One query, and one for the departments."""
        moment = self.moment(access.request_time())
        items = compliance.items([school.id], moment)
        self.offer(items, standings.departments(school.id, moment), "Everything")
        return Scope(school, tuple(items), moment, self.filters, chosen(items, self.item.data))

    @property
    def query(self) -> dict[str, str]:
        """What was asked for, for an address."""
        day = self.day.isoformat() if self.day else ""
        asked = {name: self[name].data for name in ("item", "name", "type", "department", "status")}
        return {name: value for name, value in {**asked, "as_at": day}.items() if value}


class ListForm(PeopleForm):
    """The same for the list of people, which has an order and pages."""

    sort = SelectField("Order", choices=SORTS, validate_choice=False)
    page = HiddenField()

    @property
    def order(self) -> tuple[Sort, bool]:
        """What to sort by, and whether the other way round."""
        word = self.sort.data or "name"
        key = word.removeprefix("-")
        return (Sort(key), word.startswith("-")) if key in set(Sort) else (Sort.NAME, False)

    @property
    def page_number(self) -> int:
        """The page asked for, from 1."""
        return page_number(self.page.data)

    @property
    def query(self) -> dict[str, str]:
        """What was asked for but the page, for an address."""
        sort, descending = self.order
        word = f"{'-' if descending else ''}{sort}"
        return {**super().query, **({} if word == "name" else {"sort": word})}


@dataclass(frozen=True)
class Links:
    """Addresses of the records page that keep what was asked for."""

    school: Organisation
    query: dict[str, str]
    sort: Sort
    descending: bool

    def page(self, number: int) -> str:
        """Return the address of another page of the list."""
        return self._to(self.query, page=number, _anchor="people")

    def status(self, status: Status) -> str:
        """Return the address of everybody with a status."""
        return self._to(self._unfiltered, status=status.value, _anchor="people")

    def sorted_by(self, key: str) -> str:
        """Return the address of the list in the order of a column, or the other way round if it is already."""
        turned = key == self.sort and not self.descending
        return self._to({**self.query, "sort": f"-{key}" if turned else key}, _anchor="people")

    def aria_sort(self, key: str) -> str | None:
        """Return how a column is sorted; None for the others."""
        return ("descending" if self.descending else "ascending") if key == self.sort else None

    @property
    def clear(self) -> str:
        """The address without filters."""
        return self._to(self._unfiltered)

    @property
    def today(self) -> str:
        """The address of the same as it is now."""
        return self._to({name: value for name, value in self.query.items() if name != "as_at"})

    @property
    def exports(self) -> str:
        """The address of the exports page, with the same people asked for."""
        kept: dict[str, Any] = {name: value for name, value in self.query.items() if name != "sort"}
        return url_for("reporting.exports", school=self.school.slug, **kept)

    def remind(self, item: Item) -> str:
        """Return the address of the page that reminds the same people of what the list is about."""
        kept: dict[str, Any] = {
            name: value for name, value in self.query.items() if name not in ("sort", "as_at")
        }
        return url_for(
            "reporting.remind_now", school=self.school.slug, **{**kept, "item": item.assignment.id}
        )

    @property
    def _unfiltered(self) -> dict[str, str]:
        return {name: value for name, value in self.query.items() if name in ("item", "as_at")}

    def _to(self, query: dict[str, str], **more: Any) -> str:
        return url_for("reporting.records", school=self.school.slug, **{**query, **more})


def asked() -> MultiDict[str, str]:
    """Return the address's query, fit for a form: as it stands, but for characters no database keeps."""
    return MultiDict((name, value.replace("\0", "")) for name, value in request.args.items(multi=True))


def page_number(asked: str | None) -> int:
    """Return a page's number, from 1; 1 for what isn't one."""
    word = asked or ""
    return max(1, int(word)) if word.isascii() and word.isdigit() and len(word) < 7 else 1


def chosen(items: list[Item], item_id: str | None) -> Item | None:
    """Return the item with an id; None where it isn't one of them (any more, or yet)."""
    try:
        wanted = UUID(item_id or "")
    except ValueError:
        return None
    return next((item for item in items if item.assignment.id == wanted), None)


def widest(items: list[Item]) -> Item | None:
    """Return the item for the most engagement types, which says most about a school; None where there is none."""
    return max(items, key=lambda item: len(item.assignment.audience), default=None)


def titles(items: list[Item]) -> dict[str, str]:
    """Return the items' titles by id; where two have the same, whom each is for is added."""
    names = [item.policy.title for item in items]
    return {
        str(item.assignment.id): name if names.count(name) == 1 else f"{name} ({audience_in_words(item)})"
        for item, name in zip(items, names, strict=True)
    }
