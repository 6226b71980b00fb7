"""The words that people sign, and are told before they sign. Changing one changes what is hashed with it."""

from __future__ import annotations

STATEMENT = (
    "I have read {policy}, version {version}, and understand what it asks of me. I know whom to ask if I am "
    "unsure. This does not change my contract or my legal rights. My typed name is my signature."
)
DECLINE_STATEMENT = (
    "I have read {policy}, version {version}, and choose not to sign. I have been told that the policy still "
    "applies to me."
)
NOTICE = (
    "We keep your name, your role (and agency or company, if you have one), what you read and its version, the "
    "date and time, and how we knew it was you.",
    "We keep it to show that the adults here have been told how to keep children safe. This is part of the "
    "school's public task; we do not ask for your consent.",
    "HR and the safeguarding lead can see it. Reception and managers see only whether it is done or not done. "
    "Nobody sees what you chose in the practice questions.",
    "We keep it for six years after your work here ends, unless the law asks us to keep it longer.",
    "It can't be changed afterwards. If something in it is wrong, a correction is put beside it.",
    "Questions or a complaint: {data_protection_officer} ({data_protection_officer_email}), the school's data "
    "protection officer. After that, the Information Commissioner's Office (ico.org.uk).",
)
CONFIRMATION = (
    "The record that this one refers to was made by the same person, who was signed in under another account. "
    "HR has looked at both and confirms it."
)
PAPER_STATEMENT = (
    "I have read {policy}, version {version}, and understand what it asks of me. I know whom to ask if I am "
    "unsure. This does not change my contract or my legal rights. I sign here by hand."
)
MUST_KNOW = (
    "Have no personal contact online with pupils, parents or former pupils under 18, unless they are your family. If "
    "one of them contacts you, don't reply: tell {safeguarding_lead}.",
    "Worried about a child? Tell {safeguarding_lead} now ({safeguarding_lead_room}, extension "
    "{safeguarding_lead_extension}). Promise no secrecy and don't investigate. About an adult here, tell {head}; "
    "about the head, {chair_of_governors}. In danger, 999.",
    "Keep your phone away near pupils. Take no photos of them, and post nothing about anyone here. A sexual image of "
    "a child: don't copy or forward it, tell {safeguarding_lead}.",
)
PASSPORT_STATEMENT = (
    "I signed {policy}, version {version}, at {school} on {day}. It holds at {here} too, and I understand what it "
    "asks of me here. I know whom to ask if I am unsure. This does not change my contract or my legal rights."
)
NOT_CLEARANCE = "Signed. This is not clearance to work."


def notice(contacts: dict[str, str]) -> list[str]:
    """Return what is said before signing, a paragraph each, with the school's data protection officer."""
    return [paragraph.format(**contacts) for paragraph in NOTICE]


def must_know(contacts: dict[str, str]) -> list[str]:
    """Return the three rules that matter most on a first morning, with the names of the school's people."""
    return [point.format(**contacts) for point in MUST_KNOW]
