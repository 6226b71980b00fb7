"""The words for where a person stands on an obligation."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """In order of precedence: the first that holds is the status."""

    NOT_REQUIRED = "not required"
    SIGNED = "signed"
    DECLINED = "declined"
    EXPIRED = "expired"
    OVERDUE = "overdue"
    IN_PROGRESS = "in progress"
    NOT_STARTED = "not started"
