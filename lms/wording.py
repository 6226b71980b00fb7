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
NOT_CLEARANCE = "Signed. This is not clearance to work."


def notice(contacts: dict[str, str]) -> list[str]:
    """Return what is said before signing, a paragraph each, with the school's data protection officer."""
    return [paragraph.format(**contacts) for paragraph in NOTICE]
