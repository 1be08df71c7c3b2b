"""What the popup's details say of a word: how likely it is, and the lines where it was seen. Knows no protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tinycoder_lsp.documents import labels

N_ABOVE, N_BELOW = 2, 2  # lines around the one where the word was seen
LARGEST = 2_000_000  # bytes of a file that is read for it
_SEEN = re.compile(r"seen in (?P<path>.+):(?P<line>\d+)(?:, \d+ times)?\Z")


def documentation(source: str, probability: float, read: Callable[[str], str | None]) -> str:
    """Markdown for a candidate. ``read`` gives the text under a path of the workspace, if there is one."""
    said = [f"{probability:.0%} likely · {source}"]
    seen = _SEEN.match(source)
    text = read(seen["path"]) if seen else None
    if seen and text is not None:
        shown = _excerpt(text, int(seen["line"]))
        fence = "`" * max(3, 1 + max((len(ticks) for ticks in re.findall("`+", shown)), default=0))
        said.append(f"{fence}python\n{shown}\n{fence}")
    return "\n\n".join(said)


def read_from_disk(path: str, folders: Sequence[Path]) -> str | None:
    """The text of a file by its path in the workspace; ``None`` if it cannot be read, or lies outside."""
    for folder, label in labels(tuple(folders)).items():
        file = folder / path.removeprefix(label)
        try:
            inside = path.startswith(label) and file.resolve().is_relative_to(folder.resolve())
            if inside and file.stat().st_size <= LARGEST:
                return file.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            continue
    return None


def _excerpt(text: str, line: int) -> str:
    """The lines around ``line``, counted from 1, without the indentation that they share."""
    lines = text.split("\n")[max(0, line - 1 - N_ABOVE) : line + N_BELOW]
    lines = [each.rstrip().expandtabs(4) for each in lines]
    shared = min((len(each) - len(each.lstrip()) for each in lines if each), default=0)
    return "\n".join(each[shared:] for each in lines).strip("\n")
