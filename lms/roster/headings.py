"""The words that schools and their programs put above the columns of a staff list."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class Field(StrEnum):
    """What a column may hold."""

    STAFF_NO = "staff_no"
    SURNAME = "surname"
    FORENAME = "forename"
    NAME = "name"
    """The whole name in one column: "Jane Smith" or "Smith, Jane"."""
    KNOWN_AS = "known_as"
    EMAIL = "email"
    TYPE = "type"
    JOB_TITLE = "job_title"
    DEPARTMENT = "department"
    MANAGER = "manager"
    AGENCY = "agency"
    SCHOOL = "school"
    STARTS = "starts"
    ENDS = "ends"
    STATUS = "status"
    """Whether somebody is still here: "Current", "Left"."""

    @property
    def words(self) -> str:
        """The field as people say it: "Staff number"."""
        return _WORDS[self]


_WORDS = {
    Field.STAFF_NO: "Staff number",
    Field.SURNAME: "Surname",
    Field.FORENAME: "Forename",
    Field.NAME: "Whole name",
    Field.KNOWN_AS: "Known as",
    Field.EMAIL: "Work e-mail",
    Field.TYPE: "Category",
    Field.JOB_TITLE: "Job title",
    Field.DEPARTMENT: "Department",
    Field.MANAGER: "Line manager",
    Field.AGENCY: "Agency or company",
    Field.SCHOOL: "School",
    Field.STARTS: "First day",
    Field.ENDS: "Last day",
    Field.STATUS: "Still here or left",
}

# The best words of each come first: where a file has two columns for one field, they decide. Private addresses and
# birthdays are not here on purpose: nobody's home e-mail is used for work.
_HEADINGS = {
    Field.STAFF_NO: "staff number, staff no, staff id, staff code, staff ref, staff reference, staff, "
    "employee number, employee no, employee id, employee code, employee ref, employee reference, employee, "
    "emp no, emp id, personnel number, personnel no, personnel id, works number, payroll number, payroll no, "
    "payroll id, payroll ref, payroll reference, payroll code, payroll, person id, person number, person no, "
    "person code, worker id, worker number, mis id, sims id, arbor id, bromcom id, unique id, assignment number, "
    "assignment id",
    Field.SURNAME: "surname, last name, family name, second name, surname name, staff surname, employee surname, "
    "preferred surname, preferred last name, chosen surname, legal surname, legal last name, legal family name",
    Field.FORENAME: "forename, first name, given name, forenames, first names, given names, forename s, "
    "first name s, christian name, staff forename, employee forename, staff first name, legal forename, "
    "legal first name, legal forenames, legal given name",
    Field.NAME: "full name, name, staff name, employee name, person name, staff member, member of staff, "
    "employee full name, staff full name, display name, worker name, worker, candidate, candidate name, visitor, "
    "governor name, legal name, legal full name, name of staff, who",
    Field.KNOWN_AS: "known as, preferred name, preferred forename, preferred first name, preferred given name, "
    "chosen name, chosen forename, chosen first name, calling name, familiar name, nickname",
    Field.EMAIL: "work email, work email address, work e mail address, school email, school email address, "
    "staff email, staff email address, email work, email address work, business email, office email, "
    "primary email, primary email address, main email, default email, email, email address, e mail address, "
    "mail, email id, user principal name, upn email",
    Field.TYPE: "engagement type, engagement, category, staff category, staff type, type of staff, type, "
    "staff group, workforce category, workforce group, worker type, employee type, employee category, "
    "employee group, person type, category of staff, staff classification, kind",
    Field.JOB_TITLE: "job title, role, job role, position, post, post title, position title, job, primary job title, "
    "main job title, business role, business roles, primary business role, job description, occupation, duty, "
    "staff role, role title, designation",
    Field.DEPARTMENT: "department, dept, department name, primary department, main department, faculty, team, "
    "department s, departments, subject area, subject department, division, section",
    Field.MANAGER: "line manager, manager, line manager name, manager name, reports to, line managed by, managed by, "
    "supervisor, line manager email, manager email, line manager id, manager id, line manager staff code, "
    "line manager code, appraiser, performance manager",
    Field.AGENCY: "agency, agency name, supply agency, agency or company, agency company, company, company name, "
    "employer, supplier, supplied by, contractor, organisation",
    Field.SCHOOL: "school, school name, site, site name, academy, academy name, establishment, establishment name, "
    "workplace, work location, location, campus, base",
    Field.STARTS: "start date, start, started, date started, date of start, employment start date, employment start, "
    "first day, from, date from, start of employment, joined, date joined, joining date, date of joining, "
    "engagement start, continuous service date, continuous service start date, service start date, arrival date, "
    "date of arrival, date of appointment, appointment date, appointed, term of office start, "
    "contract start date, contract start, role start date, role start, current contract start date, dos, hire date, "
    "date employed, employed from",
    Field.ENDS: "end date, end, ended, leaving date, date of leaving, date left, leave date, left, last day, "
    "finish date, to, date to, employment end date, employment end, end of employment, engagement end, leaver date, "
    "date ended, termination date, term of office end, contract end date, contract end, role end date, role end, "
    "dol, departure date, date of departure, employed to, last working day",
    Field.STATUS: "status, staff status, employment status, employee status, current status, current, active, "
    "is active, is current, leaver, current or left, record status",
}

FIELD_OF = MappingProxyType(
    {
        heading.replace(" ", ""): (field, rank)
        for field, words in _HEADINGS.items()
        for rank, heading in enumerate(words.split(", "))
    }
)
"""The field of a heading, without case, punctuation and spaces, with how good the word is: 0 is best."""
