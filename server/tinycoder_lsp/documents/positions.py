"""Lines, positions and paths as the Language Server Protocol counts them.

A line ends with ``\\n``, ``\\r\\n`` or ``\\r`` and with nothing else: form feeds and U+2028 are inside a line,
although ``str.splitlines`` cuts there. A column counts code units of the negotiated encoding, an offset code points.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path, PurePath
from urllib.parse import quote, unquote, urlsplit

from lsprotocol.types import Position, Range

from tinycoder.complete.candidate import Candidate, Document, Edit
from tinycoder.memory.change import Change
from tinycoder.storage.forget_list import true_path
from tinycoder.workspace.line_ends import BYTE_ORDER_MARK

_LINE_END = re.compile(r"\r\n|\n|\r")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def whole(text: str) -> str:
    """The text with every lone surrogate replaced.

    JSON can carry half an emoji, UTF-8 cannot. The replacement is as long in each encoding, so columns stay valid.
    """
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


@dataclass(frozen=True)
class Lines:
    """A text without lone surrogates, its lines, and the encoding in which the client counts columns.

    ``change`` is how the text came from the one before it, where that is known. The client may have a byte-order mark
    before the text, with ``has_mark``, and other line ends; ``line_end`` is that of lines to insert.
    """

    text: str
    encoding: str = "utf-16"
    change: Change | None = field(default=None, compare=False)
    has_mark: bool = False
    line_end: str = "\n"

    @cached_property
    def starts(self) -> list[int]:
        """The offset of each line; a text that ends with a line end has an empty last line."""
        if "\r" in self.text and self.text.count("\r") > self.text.count("\r\n"):
            return [0, *(end.end() for end in _LINE_END.finditer(self.text))]
        return list(accumulate((len(line) + 1 for line in self.text.split("\n")[:-1]), initial=0))

    @cached_property
    def n_bytes(self) -> int:
        """The size of the text as a file."""
        return len(self.text) if self.text.isascii() else len(self.text.encode("utf-8"))

    def offset(self, position: Position) -> int:
        """The number of code points before ``position``.

        A column past the end of a line means its end, before the line break; a line past the last means the end of the
        text. A column inside a character (half a surrogate pair, say) means the start of that character.
        """
        if position.line >= len(self.starts):
            return len(self.text)
        start, end = self._span(position.line)
        codec, size = _CODECS[self.encoding]
        column = max(0, position.character - self._before_line(position.line))
        units = self.text[start:end].encode(codec)[: column * size]
        return start + len(units.decode(codec, "ignore"))

    def position(self, offset: int) -> Position:
        """The line and column of ``offset``; between ``\\r`` and ``\\n`` it is the end of the line."""
        line = bisect.bisect_right(self.starts, offset) - 1
        start, end = self._span(line)
        codec, size = _CODECS[self.encoding]
        column = len(self.text[start : min(offset, end)].encode(codec)) // size
        return Position(line, self._before_line(line) + column)

    def range(self, start: int, end: int) -> Range:
        """The range between two offsets."""
        return Range(self.position(start), self.position(end))

    def edited(self, span: Range, new: str) -> Lines:
        """The text with ``new`` in place of ``span``; a range given backwards is turned round."""
        start, end = sorted((self.offset(span.start), self.offset(span.end)))
        change = Change(self.text, start, end, start + len(new))
        return dataclasses.replace(self, text=self.text[:start] + new + self.text[end:], change=change)

    def inserted(self, text: str) -> str:
        """A text to insert, with line feeds, as the client is to have it."""
        return text.replace("\n", self.line_end)

    def _before_line(self, line: int) -> int:
        """Columns of a line before its text: those of the byte-order mark."""
        if line or not self.has_mark:
            return 0
        codec, size = _CODECS[self.encoding]
        return len(BYTE_ORDER_MARK.encode(codec)) // size

    def _span(self, line: int) -> tuple[int, int]:
        """Start and end of a line, without its line break."""
        start = self.starts[line]
        if line + 1 == len(self.starts):
            return start, len(self.text)
        end = self.starts[line + 1]
        return start, end - (2 if self.text.startswith("\r\n", end - 2) else 1)


@dataclass(frozen=True, kw_only=True)
class TextCursor:
    """A cursor in a text, as it was when the request arrived.

    ``offset`` counts in the text of ``lines``. If that is one cell of a notebook, ``above`` and ``below`` are the
    texts of the other cells, and ``document`` is the whole notebook.
    """

    uri: str
    path: str
    lines: Lines
    offset: int
    above: str = ""
    below: str = ""

    @property
    def after_deletion(self) -> bool:
        """Whether the last edit only took text away, and did so at the cursor; less indentation is no deletion."""
        change, at = self.lines.change, self.offset
        if change is None or change.new_end > change.start:
            return False
        n_deleted = change.old_end - change.start
        line = self.lines.text[self.lines.text.rfind("\n", 0, at) + 1 : at]
        if not (line + change.before[change.start : change.old_end]).strip(" \t"):
            return False
        # Of equal characters another than the one before or after the cursor may count as deleted.
        return n_deleted > 0 and change.before[:at] + change.before[at + n_deleted :] == self.lines.text

    @cached_property
    def document(self) -> Document:
        """The document that is completed."""
        return Document(path=self.path, text=self.above + self.lines.text + self.below)

    @property
    def offset_in_document(self) -> int:
        """The cursor's offset in ``document``."""
        return len(self.above) + self.offset

    def relocate(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Move candidates from ``document`` to the text of ``lines``; drop those that would edit another cell."""
        if not self.above and not self.below:
            return list(candidates)
        return [moved for each in candidates if (moved := self._moved(each)) is not None]

    def _moved(self, candidate: Candidate) -> Candidate | None:
        n, end = len(self.above), len(self.lines.text)
        edits = tuple(Edit(start=each.start - n, end=each.end - n, text=each.text) for each in candidate.edits)
        if any(each.start < 0 or each.end > end for each in edits):
            return None
        replace_end = None if candidate.replace_end is None else min(end, candidate.replace_end - n)
        return dataclasses.replace(
            candidate, start=candidate.start - n, end=candidate.end - n, replace_end=replace_end, edits=edits
        )


def file_path(uri: str) -> Path:
    """The path that a URI names; for a text without a file, such as ``untitled:Untitled-1``, its name.

    Characters that no path can hold, a null or half an emoji, are replaced. Of a malformed URI the last part is used.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:
        parts = urlsplit(quote(uri.rpartition("/")[2]))
    path = whole(unquote(parts.path)).replace("\0", "\ufffd")
    if os.name == "nt" and re.match(r"/[A-Za-z]:", path):
        path = path[1:]
    host = "" if parts.netloc == "localhost" else whole(parts.netloc).replace("\0", "\ufffd")
    return Path(f"//{host}{path}" if host else path)


def relative_path(uri: str, folders: Sequence[Path]) -> str:
    """The path of a document relative to the first workspace folder that holds it, with forward slashes.

    If there are several folders it begins with the folder's name, as in the workspace's index. Links are followed, so
    that a file has one path however it is reached. Outside all folders it is only the name of the file: the path to it
    on this machine says nothing about the code.
    """
    return "".join(place(uri, tuple(folders)) or ("", file_path(uri).name))


def short_path(path: str) -> str:
    """The part of a path to show: that below installed packages, else all of a relative path, else the file's name."""
    parts = PurePath(path).parts
    for n, part in enumerate(parts):
        if part in ("site-packages", "dist-packages"):
            return PurePath(*parts[n + 1 :]).as_posix()
    return parts[-1] if parts and PurePath(path).is_absolute() else path


def path_in_folder(uri: str, folders: Sequence[Path]) -> str:
    """The same without the folder's name."""
    return (place(uri, tuple(folders)) or ("", file_path(uri).name))[1]


@functools.lru_cache(maxsize=1024)
def place(uri: str, folders: tuple[Path, ...]) -> tuple[str, str] | None:
    """The label of the first folder that holds a document, and its path there; None outside all of them.

    A link that leaves all folders has the place where it is itself.
    """
    path, by_label = file_path(uri), labels(folders)
    paths = [(path, folder, label) for folder, label in by_label.items()]
    if path.is_absolute():
        real = true_path(path)
        paths = [(real, true_path(folder), label) for folder, label in by_label.items()] + paths
    for path, folder, label in paths:
        if path.is_relative_to(folder):
            return label, path.relative_to(folder).as_posix()
    return None


@functools.lru_cache(maxsize=8)
def labels(folders: tuple[Path, ...]) -> dict[Path, str]:
    """The prefix of paths in each folder, as in the workspace's index: what distinguishes it from the other folders."""
    real = {folder: true_path(folder) for folder in folders}
    if len(set(real.values())) < 2:
        return dict.fromkeys(folders, "")
    from tinycoder.workspace.tree import labels_of

    of_real = labels_of(list(real.values()))
    return {folder: of_real[path] for folder, path in real.items()}


def is_python(uri: str, language: str | None) -> bool:
    """Whether a document is Python, by its language in the editor (also ``python.django``) or by its name."""
    return "python" in (language or "").split(".") or file_path(uri).suffix in (".py", ".pyi")
