"""A figure that was measured, and what it was to reach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement beside its limit, in the same unit."""

    name: str
    value: float
    limit: float
    unit: str
    higher_is_better: bool = False

    @property
    def ok(self) -> bool:
        """Whether the limit was kept."""
        return self.value >= self.limit if self.higher_is_better else self.value <= self.limit
