"""The texts of open documents without their secrets, which is all that the engine sees of them.

A keystroke costs its line: the secrets of the other lines are kept. Only private keys and repeated secrets, which
concern the whole text, are searched again.
"""

import dataclasses
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from tinycoder.complete.candidate import Candidate, Document
from tinycoder.memory.change import change_of
from tinycoder.workspace.secrets.redaction import PLACEHOLDER, in_lines, replace, spans_of, with_repeats
from tinycoder.workspace.secrets.secret import Secret, Span

MAX_TEXTS = 64  # that are kept
_GOES_ON = ("=", ":", ",", "(", "[", "{")  # at the end of a line: a secret may continue on the next
_COMMENTED = re.compile(r"(?:^|[=:,(\[{])[ \t]*#")


@dataclass(frozen=True, kw_only=True)
class Redacted:
    """A document without its secrets, which are at the rising ``spans`` of ``raw``; ``in_lines`` found line by line."""

    document: Document
    raw: str
    spans: tuple[Span, ...]
    in_lines: tuple[Secret, ...]

    def offset(self, at: int) -> int | None:
        """Map an offset of the raw text to the text without secrets; None within a secret or right after it."""
        moved = 0
        for start, end in self.spans:
            if at <= start:
                break
            if at <= end:
                return None
            moved += len(PLACEHOLDER) - (end - start)
        return at + moved

    def raw_offset(self, at: int) -> int:
        """Map an offset of the text without secrets to the raw text; within a placeholder, to the secret's start."""
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
        """Map candidates from the cursor ``clean`` to the cursor ``at`` of the raw text.

        Drop those that contain the placeholder.
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
    """Redacts documents; keeps the latest result of each path."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Redacted] = OrderedDict()

    def redacted(self, document: Document) -> Redacted:
        """The document without its secrets."""
        known = self._known.get(document.path)
        if known is None or known.raw != document.text:
            secrets = in_lines(document.text) if known is None else _read_again(known, document)
            known = self._known[document.path] = _without(document, secrets)
        self._known.move_to_end(document.path)
        if len(self._known) > MAX_TEXTS:
            self._known.popitem(last=False)
        return known

    def forget(self, path: str) -> None:
        """Drop a file that was closed."""
        self._known.pop(path, None)


def _without(document: Document, secrets: Sequence[Secret]) -> Redacted:
    text = document.text
    spans = tuple(spans_of(with_repeats(text, secrets)))
    clean = Document(path=document.path, text=replace(text, spans)) if spans else document
    return Redacted(document=clean, raw=text, spans=spans, in_lines=tuple(secrets))


def _read_again(known: Redacted, document: Document) -> list[Secret]:
    """Search the lines that differ, and those around them that may belong to the same secret."""
    change, moved = change_of(known.raw, document.text, document.change), len(document.text) - len(known.raw)
    text = document.text
    start, end = _start_of_lines(text, change.start), _end_of_lines(text, change.new_end)
    above = [secret for secret in known.in_lines if secret.spans[0][0] < start]
    below = [secret.moved(moved) for secret in known.in_lines if secret.spans[0][0] >= end - moved]
    return [*above, *(secret.moved(start) for secret in in_lines(text[start:end])), *below]


def _start_of_lines(text: str, at: int) -> int:
    """The start of the first line that may share a secret with the line at ``at``."""
    start = text.rfind("\n", 0, at) + 1
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        line = text[above:start].rstrip()
        if not _goes_on(line):
            break
        start = above
    return start


def _end_of_lines(text: str, at: int) -> int:
    """The end of the last line that may share a secret with the line at ``at``; that line is unchanged."""
    end = text.find("\n", at) + 1
    while end:
        following = text.find("\n", end) + 1
        last = text[end : following or len(text)].rstrip()
        if not _goes_on(last):
            return following or len(text)
        end = following
    return len(text)


def _goes_on(line: str) -> bool:
    """Whether a secret may continue behind a line without blanks at its end."""
    return not line or line.endswith(_GOES_ON) or ("#" in line and _COMMENTED.search(line) is not None)
