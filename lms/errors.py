"""Domain exceptions. Each message is a sentence that a person can act on."""

from __future__ import annotations


class CountersignError(Exception):
    """The root of everything this product raises on purpose."""


class ConfigurationError(CountersignError):
    """A setting is missing or wrong; the message names it."""


class NotFoundError(CountersignError):
    """No such thing, or not one that this person may know of."""


class NotAllowedError(CountersignError):
    """The person is known, and may not do this."""


class ConflictError(CountersignError):
    """What was asked for no longer fits what is recorded."""


class UnreadableTextError(CountersignError):
    """A text has a character in it that can't be kept."""


class ClockError(CountersignError):
    """The server's clock is behind what has already been recorded."""


class StorageError(CountersignError):
    """The database could not do its work; nothing of this request was kept."""


class StorageBusyError(StorageError):
    """Somebody else held the database for longer than we wait."""


class StorageReadOnlyError(StorageError):
    """The database or its folder can't be written to."""


class StorageFullError(StorageError):
    """The disk has no room left."""


class StorageDamagedError(StorageError):
    """The database file isn't one, or is damaged."""


class StorageOutOfDateError(StorageError):
    """The tables are not those of this version."""
