"""The outcome of typing one text: whether the saved bytes are the typed ones, and what each Enter met."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

SHOWN = 5  # of each kind, in a report
SECOND = "second"  # how the second server marks its rows


@dataclass(frozen=True, kw_only=True)
class Enter:
    """An Enter that met an open list, or one that was about to be drawn."""

    line: int  # of the text that was typed, from 1
    row: str  # the selected row; nothing if none was
    rows: Sequence[str] = ()
    taken: bool = False  # whether Enter took it

    def cause(self, text: str) -> str:
        """Why the list was open after this line of the text."""
        word = re.search(r"\w*$", text)
        if not self.row:
            return "it opened just now"
        if SECOND in self.row:
            return "the second server's, which was left open: late answer"
        if word is None or not word[0]:
            return "the dot opened it" if text.endswith(".") else "it was left open after the word: late answer"
        return "the word itself" if self.row.split()[0] == word[0] else "another word"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One text, typed once."""

    editor: str
    name: str
    typed: str
    saved: str
    delay_ms: int
    beside: bool  # next to a second server
    ours: bool = True  # whether TinyCoder completed
    n_keys: int = 0  # that the editor heard
    seconds: float = 0.0
    lists: Sequence[Enter] = field(default=())
    pictures: Sequence[str] = ()

    @property
    def equal(self) -> bool:
        return self.saved == self.typed

    @property
    def n_enters(self) -> int:
        return self.typed.count("\n")

    @property
    def setting(self) -> str:
        who = "TinyCoder" if self.ours else "control"
        return f"{who} and a second server" if self.beside else who

    def row(self) -> str:
        """A row of the table."""
        taken = [enter for enter in self.lists if enter.taken]
        from_second = sum(1 for enter in taken if SECOND in enter.row)
        verdict = "equal" if self.equal else f"DIFFER in {len(self.differences())} places"
        lists = f"{len(self.lists)} of {self.n_enters}"
        n = len(self.typed)
        ms = 1000 * self.seconds / max(1, n)
        return (
            f"{self.editor:7s} {self.name:40s} {self.setting:27s} {self.delay_ms:4d} ms ({ms:3.0f})"
            f"  {n:6,d} keys  lists at Enter {lists:9s} taken {len(taken):2d} (second's {from_second})  {verdict}"
        )

    def differences(self) -> list[str]:
        """The differences between typed and saved text, one entry each."""
        typed, saved = self.typed.split("\n"), self.saved.split("\n")
        entries = []
        for kind, a, b, c, d in difflib.SequenceMatcher(None, typed, saved, autojunk=False).get_opcodes():
            if kind != "equal":
                lines = [f"  line {a + 1}"]
                lines += [f"    typed {line!r}" for line in typed[a:b]]
                lines += [f"    saved {line!r}" for line in saved[c:d]] or ["    saved nothing"]
                entries.append("\n".join(lines))
        return entries

    def report(self) -> str:
        """The details next to the row; empty if all is well."""
        parts = []
        if not self.equal:
            differences = self.differences()
            parts += [f"{self.name}, {self.setting}, {self.delay_ms} ms: first differences", *differences[:SHOWN]]
            lines = self.typed.split("\n")
            parts.append("  lists that were open at an Enter:")
            for enter in self.lists[: 2 * SHOWN]:
                row = repr(enter.row) if enter.row else "a row that was not drawn yet"
                became = f"Enter took {row}" if enter.taken else f"Enter did not take {row}"
                line = lines[enter.line - 1]
                parts.append(f"    line {enter.line}: {line!r}: {became} ({enter.cause(line)})")
            parts += [f"  picture: {path}" for path in self.pictures]
        if self.n_keys < len(self.typed) - 1:  # Neovim ends the last line by itself
            parts.append(f"{self.name}: the editor heard {self.n_keys} of {len(self.typed)} keys")
        return "\n".join(parts)


def summary(outcomes: Sequence[Outcome]) -> str:
    """The details of all outcomes, and one line that sums up."""
    lines = [report for outcome in outcomes if (report := outcome.report())]
    ours = [outcome for outcome in outcomes if outcome.ours]
    n_equal = sum(outcome.equal for outcome in ours)
    n_lists = sum(len(outcome.lists) for outcome in ours)
    n_taken = sum(enter.taken for outcome in ours for enter in outcome.lists)
    n_enters = sum(outcome.n_enters for outcome in ours)
    lines.append(
        f"typing: {n_equal} of {len(ours)} texts saved as typed, {n_lists} of {n_enters} Enters met an open list, "
        f"{n_taken} were taken by one"
    )
    controls = [outcome for outcome in outcomes if not outcome.ours]
    if controls:
        lines[-1] += f"; without TinyCoder {sum(outcome.equal for outcome in controls)} of {len(controls)}"
    return "\n".join(lines)
