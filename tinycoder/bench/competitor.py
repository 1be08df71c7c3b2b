"""A competitor in a process of its own, perhaps with another interpreter, that does a turn when it is told to.

It speaks JSON lines: first ``{"ready": ...}`` or ``{"absent": why}``, then one ``{"value": x}`` for each line that it
reads. It ends when its input does, so it never outlives this process.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tinycoder.errors import TinyCoderError

FOLDER = Path(__file__).parent / "competitors"


class Competitor:
    """One started process: ``ready`` is what it says of itself, ``absent`` why it cannot take part, if so."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.absent: str | None = None
        first = self._read()
        self.ready: Any = first.get("ready")
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
            raise TinyCoderError(
                "a competitor ended during its turn; try again, or leave them out with --no-competitors"
            )
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
    wanted: Mapping[str, tuple[str, dict[str, Any]]], python: str | None
) -> Iterator[tuple[dict[str, Competitor], dict[str, str]]]:
    """Start the wanted: name -> (script in ``competitors/``, its arguments). All of them end with the block.

    Yields those that take part, and why the others do not. Without a ``python`` to run them none does.
    """
    if python is None:
        yield {}, dict.fromkeys(wanted, "not asked for (--no-competitors)")
        return
    started: dict[str, Competitor] = {}
    try:
        for name, (script, arguments) in wanted.items():
            started[name] = Competitor([python, str(FOLDER / script), json.dumps(arguments)])
        absent = {name: each.absent for name, each in started.items() if each.absent is not None}
        yield {name: each for name, each in started.items() if each.absent is None}, absent
    finally:
        for competitor in started.values():
            competitor.close()
