"""A row of the table of trials."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Count:
    """One row of the table: ``done`` of at least ``wanted`` trials of a kind; each fault is a sentence."""

    what: str
    wanted: int
    done: int = 0
    faults: list[str] = field(default_factory=list)
    note: str = ""  # a measured figure next to the number of trials

    @property
    def holds(self) -> bool:
        """Whether there were enough trials and no faults."""
        return self.done >= self.wanted and not self.faults
