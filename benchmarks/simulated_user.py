"""A person who types a known text into an editor, with pauses, slips, and suggestions taken.

What is pressed depends on the seed and on what is shown; how fast does not.
"""

from __future__ import annotations

import asyncio
import io
import random
import re
import tokenize
from dataclasses import dataclass

from editor import Editor


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How somebody types. Each share is of all keys."""

    keys_per_s: float = 8.0
    pauses: float = 0.02
    pause_s: tuple[float, float] = (0.5, 2.0)
    slips: float = 0.02  # a wrong letter, which is erased again
    takes: float = 0.05  # a suggestion is taken, or a wrong one taken and undone
    looks: float = 0.005  # something is typed on another line, and erased again


class SimulatedUser:
    """Types ``truth`` from the cursor on, up to ``n_keys`` keys."""

    def __init__(self, editor: Editor, truth: str, n_keys: int, *, seed: int, habits: Habits = Habits()) -> None:
        self._editor = editor
        self._truth = truth
        self._left = n_keys
        self._habits = habits
        self._random = random.Random(seed)
        self._next = 0.0
        self._prose = prose(truth)
        self._taken = 0

    async def type(self) -> int:
        """Do it; how much of the truth stands there in the end."""
        self._next = asyncio.get_running_loop().time()
        at = self._editor.offset
        while self._left > 0 and at < len(self._truth):
            habits, dice = self._habits, self._random.random()
            if (dice := dice - habits.pauses) < 0:
                self._next += self._random.uniform(*habits.pause_s)
            elif (dice := dice - habits.slips) < 0:
                await self._slip(self._random.choice("aeionrst"))
            elif (dice := dice - habits.looks) < 0:
                await self._look_elsewhere()
            elif dice - habits.takes < 0 and (n := await self._take(at)):
                at += n
                continue
            piece = self._piece(at)
            await self._press()
            self._editor.type(piece, popup=at not in self._prose)
            at += len(piece)
        await self._press()
        return at

    def _piece(self, at: int) -> str:
        """A character, or a line break with the indentation that an editor puts there."""
        found = re.match(r"\n+ *", self._truth[at:])
        return found[0] if found else self._truth[at]

    async def _press(self) -> None:
        """Wait until it is time for the next key."""
        self._left -= 1
        self._next += 1 / self._habits.keys_per_s
        await asyncio.sleep(max(0.0, self._next - asyncio.get_running_loop().time()))

    async def _slip(self, wrong: str) -> None:
        await self._press()
        self._editor.type(wrong)
        await self._press()
        self._editor.erase()

    async def _look_elsewhere(self) -> None:
        editor = self._editor
        here, line = editor.offset, editor.text.count("\n", 0, editor.offset)
        ends = [found.start() for found in re.finditer("\n", editor.text[:here])]
        if not ends:
            return
        await self._press()
        editor.move(ends[self._random.randrange(max(0, line - 30), line)])
        for letter in ", x":
            await self._press()
            editor.type(letter)
        for _ in range(3):
            await self._press()
            editor.erase()
        editor.move(here)
        self._next += 0.5

    async def _take(self, at: int) -> int:
        """Take a suggestion as it is shown by now; how many of its characters are right and stay."""
        await self._press()
        editor = self._editor
        rows = [row for row in editor.rows if editor.typed_word and row["label"].startswith(editor.typed_word)]
        if rows and self._taken % 3 == 2:
            taken = editor.accept_row(rows[0])
        elif editor.ghost:
            taken = editor.accept(word=self._taken % 3 == 1)
        else:
            return 0
        self._taken += 1
        if self._truth.startswith(taken, at):
            return len(taken)
        await self._press()
        editor.erase(len(taken))  # as undoing does
        return 0


def prose(text: str) -> set[int]:
    """Offsets inside strings and comments, where editors open no popup by themselves."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    inside: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            start, end = (starts[line - 1] + column for line, column in (token.start, token.end))
            inside.update(range(start, end))
    return inside
