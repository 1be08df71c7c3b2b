"""What the engine may know of the open documents: their texts without secrets.

A keystroke costs its line: what is known of the other lines is kept, and only private keys and what stands twice, which
are about the whole text, are looked for anew.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from tinycoder.complete.candidate import Candidate, Document
from tinycoder.memory.change import change_of
from tinycoder.workspace.secrets.redaction import PLACEHOLDER, in_lines, replace, spans_of, with_repeats
from tinycoder.workspace.secrets.secret import Secret, Span

MAX_TEXTS = 64  # texts that are kept
_GOES_ON = ("=", ":", ",", "(")  # at the end of a line: a secret may begin in it and go on in the next


@dataclass(frozen=True, kw_only=True)
class Redacted:
    """A document without its secrets, which stood at the rising ``spans`` of ``raw``.

    ``in_lines`` are those that were found line by line.
    """

    document: Document
    raw: str
    spans: tuple[Span, ...]
    in_lines: tuple[Secret, ...]

    def offset(self, at: int) -> int | None:
        """Where ``at`` of the raw text is now; ``None`` in a secret or right behind it: there nothing is to be said."""
        moved = 0
        for start, end in self.spans:
            if at <= start:
                break
            if at <= end:
                return None
            moved += len(PLACEHOLDER) - (end - start)
        return at + moved

    def raw_offset(self, at: int) -> int:
        """Where ``at`` of the text without secrets is in the raw one; of a placeholder, its beginning."""
        moved = 0
        for start, end in self.spans:
            clean = start + moved
            if at <= clean:
                break
            if at < clean + len(PLACEHOLDER):
                return start
            moved += len(PLACEHOLDER) - (end - start)
        return at - moved

    def back(self, candidates: Sequence[Candidate], clean: int, at: int) -> list[Candidate]:
        """Candidates at the cursor ``clean`` as those at the cursor ``at`` of the raw text.

        The placeholder is no word.
        """
        return [self._back(each, at - clean) for each in candidates if PLACEHOLDER not in each.text]

    def _back(self, candidate: Candidate, moved: int) -> Candidate:
        edits = tuple(
            dataclasses.replace(edit, start=self.raw_offset(edit.start), end=self.raw_offset(edit.end))
            for edit in candidate.edits
        )
        end = candidate.replace_end
        return dataclasses.replace(
            candidate,
            start=candidate.start + moved,
            end=candidate.end + moved,
            replace_end=None if end is None else end + moved,
            edits=edits,
        )


class Redactor:
    """Keeps what it read last of each path."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Redacted] = OrderedDict()

    def redacted(self, document: Document) -> Redacted:
        """The document without its secrets."""
        known = self._known.get(document.path)
        if known is None or known.raw != document.text:
            found = in_lines(document.text) if known is None else _read_again(known, document)
            known = self._known[document.path] = _without(document, found)
        self._known.move_to_end(document.path)
        if len(self._known) > MAX_TEXTS:
            self._known.popitem(last=False)
        return known

    def forget(self, path: str) -> None:
        """The file is not open any more."""
        self._known.pop(path, None)


def _without(document: Document, found: Sequence[Secret]) -> Redacted:
    text = document.text
    spans = tuple(spans_of(with_repeats(text, found)))
    clean = Document(path=document.path, text=replace(text, spans)) if spans else document
    return Redacted(document=clean, raw=text, spans=spans, in_lines=tuple(found))


def _read_again(known: Redacted, document: Document) -> list[Secret]:
    """Read the lines that differ, and those around them that may belong to the same secret."""
    change, moved = change_of(known.raw, document.text, document.change), len(document.text) - len(known.raw)
    text = document.text
    start, end = _start_of_lines(text, change.start), _end_of_lines(text, change.new_end)
    above = [secret for secret in known.in_lines if secret.spans[0][0] < start]
    below = [secret.moved(moved) for secret in known.in_lines if secret.spans[0][0] >= end - moved]
    return [*above, *(secret.moved(start) for secret in in_lines(text[start:end])), *below]


def _start_of_lines(text: str, at: int) -> int:
    """Where the lines begin that may belong to the line at ``at``."""
    start = text.rfind("\n", 0, at) + 1
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        line = text[above:start].rstrip()
        if line and not line.endswith(_GOES_ON):
            break
        start = above
    return start


def _end_of_lines(text: str, at: int) -> int:
    """Where the lines end that may belong to the line at ``at``; the last of them has not changed."""
    end = text.find("\n", at) + 1
    while end:
        following = text.find("\n", end) + 1
        last = text[end : following or len(text)].rstrip()
        if last and not last.endswith(_GOES_ON):
            return following or len(text)
        end = following
    return len(text)
