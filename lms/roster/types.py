"""What somebody is to the school, in the words of staff lists and job titles."""

from __future__ import annotations

import re

from lms.people import EngagementType, folded

_WORDS = {
    EngagementType.TEACHER: "teaching, teachers, teaching staff, class teacher, classroom teacher, qualified teacher, "
    "unqualified teacher, qts, ect, nqt, early career teacher, leading practitioner, middle leader, lecturer",
    EngagementType.SUPPORT_STAFF: "support, associate staff, associate, non teaching, non teaching staff, teaching "
    "assistant, ta, hlta, lsa, learning support, admin, administration, administrative, admin staff, office, site, "
    "premises, catering, technician, midday supervisor, lunchtime supervisor, pupil support, auxiliary staff, "
    "other support staff, school support staff, education support staff, business support",
    EngagementType.SENIOR_LEADER: "leadership, senior leadership, senior leadership team, slt, smt, leader, leadership "
    "group, head, headteacher, deputy head, assistant head, principal, executive leader, senior leaders",
    EngagementType.GOVERNOR: "governors, governing body, school governor, local governor, chair of governors, lgb",
    EngagementType.TRUSTEE: "trustee, trustees, member, members, director, trust board",
    EngagementType.AGENCY_WORKER: "agency, agency staff, agency workers, agency teacher, supply, supply teacher, "
    "supply staff, agency supply, external supply, agency ta, cover agency, temp, temporary worker",
    EngagementType.CONTRACTOR: "contractors, contract staff, contracted staff, external contractor, third party staff, "
    "external staff, external, self employed, service provider",
    EngagementType.VOLUNTEER: "volunteers, voluntary, parent volunteer, unpaid volunteer, helper, parent helper",
    EngagementType.TRAINEE: "trainees, trainee teacher, student teacher, itt, scitt, pgce, pgce student, "
    "initial teacher training, teaching student, school direct, apprentice, student on placement, work placement",
    EngagementType.PERIPATETIC_TEACHER: "peripatetic, peripatetics, peri, visiting music teacher, visiting teacher, "
    "instrumental teacher, music tutor, vmt, peripatetic music teacher, peripatetic staff",
}
_TYPE_OF = {
    **{folded(t.words): t for t in EngagementType},
    **{folded(t.value.replace("_", " ")): t for t in EngagementType},
    **{word: type_ for type_, words in _WORDS.items() for word in words.split(", ")},
}
# The first that fits decides: a clerk to the governors is no governor, a teaching assistant no teacher.
_TITLES = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), type_)
    for pattern, type_ in (
        (r"clerk|governance professional", EngagementType.SUPPORT_STAFF),
        (r"agency", EngagementType.AGENCY_WORKER),
        (r"governors?", EngagementType.GOVERNOR),
        (r"trustees?", EngagementType.TRUSTEE),
        (r"volunteers?", EngagementType.VOLUNTEER),
        (r"contractor", EngagementType.CONTRACTOR),
        (
            r"peripatetic|instrumental (?:teacher|tutor)|visiting (?:\w+ )?teacher",
            EngagementType.PERIPATETIC_TEACHER,
        ),
        (r"trainee teacher|student teacher|pgce|scitt|itt|teacher trainee", EngagementType.TRAINEE),
        (r"(?:pa|assistant|secretary|administrator) to(?: the)? \w+", EngagementType.SUPPORT_STAFF),
        (
            r"(?:deputy|assistant|vice|associate|executive|acting|co)? ?(?:head ?teacher|head ?master|head ?mistress"
            r"|principal)|(?:deputy|assistant|executive) head|head of school|chief executive(?: officer)?|ceo|cfo|coo"
            r"|school business (?:manager|leader)|senior leader|slt",
            EngagementType.SENIOR_LEADER,
        ),
        (
            r"assistants?|ta|hlta|lsa|support|cleaners?|caretaker|site|premises|midday|lunchtime|catering|cooks?|chef"
            r"|kitchen|admin|administrator|administrative|secretary|receptionist|technicians?|librarian|nurse|officer"
            r"|manager|mentor|counsellor|coach|supervisor|finance|hr|it|data|exams?|drivers?|invigilators?|welfare"
            r"|pastoral|bursar|matron|housekeeper|grounds\w*|porter|warden|keyworker|practitioner|escort"
            r"|crossing patrol|therapist|instructor",
            EngagementType.SUPPORT_STAFF,
        ),
        (
            r"teachers?|teaching|lecturer|tutor|senco|sendco|ect|nqt|head of \w+|headof|director of \w+|subject lead\w*"
            r"|lead practitioner|qts",
            EngagementType.TEACHER,
        ),
    )
)


def type_of(words: str) -> EngagementType | None:
    """Return the type that a list's own word for it names; None if it isn't one we know."""
    return _TYPE_OF.get(folded(words))


def guessed_type(title: str) -> EngagementType | None:
    """Return the type that a job title points to; None if it points to none."""
    text = folded(title)
    if text in _TYPE_OF:
        return _TYPE_OF[text]
    return next((type_ for pattern, type_ in _TITLES if pattern.search(text)), None)
