"""Read a school's own policy, in Markdown or plain text, into the dialect of policy_text, word for word."""

from lms.policy_import.found import Flag, ImportedPolicy, ImportedSection, PolicyRefusedError, Unplaced
from lms.policy_import.reading import read_policy

__all__ = ["Flag", "ImportedPolicy", "ImportedSection", "PolicyRefusedError", "Unplaced", "read_policy"]
