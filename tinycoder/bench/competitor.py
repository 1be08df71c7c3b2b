"""A peer in a process of its own, perhaps with another interpreter, that does a turn when it is told to.

It speaks JSON lines: first ``{"ready": ...}`` or ``{"absent": why}``, then one ``{"value": x}`` for each line that it
reads. It ends when its input does, so it never outlives this process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tinycoder.errors import TinyCoderError

FOLDER = Path(__file__).parent / "competitors"


class Competitor:
    """One started process; ``absent`` says why it cannot take part, if so."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.absent: str | None = None
        first = self._read()
        self.facts: dict[str, Any] = first
        if "ready" not in first:
            self.absent = str(first.get("absent", "it ended before it was ready"))

    def ask(self, question: str = "") -> Any:
        """Let it do one turn; returns what it measured. Raises ``TinyCoderError`` if it ended."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(question + "\n")
            self._process.stdin.flush()
        answer = self._read()
        if "value" not in answer:
            raise TinyCoderError("a peer ended during its turn; try again, or leave the peers out with --no-peers")
        return answer["value"]

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
        return {}


@contextmanager
def competitors(
    wanted: Mapping[str, tuple[str, dict[str, Any]]], python: str = sys.executable
) -> Iterator[dict[str, Competitor]]:
    """Start the wanted: name -> (script in ``peers/``, its arguments). All of them end with the block."""
    started: dict[str, Competitor] = {}
    try:
        for name, (script, arguments) in wanted.items():
            started[name] = Competitor([python, str(FOLDER / script), json.dumps(arguments)])
        yield started
    finally:
        for competitor in started.values():
            competitor.close()
