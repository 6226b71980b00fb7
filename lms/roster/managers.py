"""Whom a staff list means by somebody's line manager: a staff number, an e-mail address or a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from lms.roster.matching import KnownPerson, fold, number_key
from lms.roster.rows import RosterRow


class Managers:
    """The people on record and in the file, by what a file may call them."""

    def __init__(
        self,
        known: Sequence[KnownPerson],
        listed: Iterable[tuple[RosterRow, UUID]],
        wanted: Iterable[str],
    ) -> None:
        self._wanted = {key for words in wanted for key in _keys_of(words)}
        self._names: dict[UUID, str] = {}
        self._called: dict[str, set[UUID]] = defaultdict(set)
        for person in known:
            self._add(person, person.id, by_name=not person.is_elsewhere)
        for row, person_id in listed:
            self._add(row, person_id, by_name=True)

    def name(self, person_id: UUID) -> str:
        """Return somebody's name."""
        return self._names.get(person_id, "somebody who isn’t on record here")

    def of(self, row: RosterRow, person_id: UUID) -> tuple[UUID | None, tuple[str, ...]]:
        """Return the manager whom a row names, or nobody with a note that says why."""
        if not row.manager:
            return None, ()
        found = (self._called[key] for key in _keys_of(row.manager) if key and key in self._called)
        meant = next(found, set())
        if len(meant) == 1:
            (manager_id,) = meant
            return (manager_id, ()) if manager_id != person_id else (None, ())
        why = "is the name of several people" if meant else "isn’t on record or in the file"
        return None, (f"The line manager “{row.manager}” {why}, and is passed over.",)

    def _add(self, one: KnownPerson | RosterRow, person_id: UUID, *, by_name: bool) -> None:
        self._names.setdefault(person_id, f"{one.forename} {one.surname}".strip())
        keys = [number_key(one.staff_no), one.email or ""]
        if by_name:
            keys += [fold(f"{one.forename} {one.surname}"), fold(f"{one.surname} {one.forename}")]
            keys += [fold(f"{one.known_as} {one.surname}")] if one.known_as else []
        for key in keys:
            if key and key in self._wanted:
                self._called[key].add(person_id)


def _keys_of(words: str) -> tuple[str, str, str]:
    return number_key(words), words.strip().lower(), fold(words)
