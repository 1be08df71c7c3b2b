"""What was tried, how often, and what went wrong. Knows no part of TinyCoder."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Count:
    """One row of the table: ``done`` of at least ``wanted`` trials of a kind; each fault is a sentence."""

    what: str
    wanted: int
    done: int = 0
    faults: list[str] = field(default_factory=list)
    note: str = ""  # a measured figure, where a number of trials does not say enough

    @property
    def holds(self) -> bool:
        """Whether enough was tried and nothing went wrong."""
        return self.done >= self.wanted and not self.faults
