"""Where the memory has seen something."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A path, a line of it counted from 1, and how often in all."""

    path: str
    line: int
    times: int

    def __str__(self) -> str:
        times = f", {self.times} times" if self.times > 1 else ""
        return f"seen in {self.path}:{self.line}{times}"
