"""What the popup's details say of a word: how likely it is, and the lines where it was seen. Knows no protocol."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tinycoder_lsp.documents import labels

N_ABOVE, N_BELOW = 2, 2  # lines around the one where the word was seen
LARGEST = 2_000_000  # bytes of a file that is read for it
_SEEN = re.compile(r"seen in (?P<path>.+):(?P<line>\d{1,9})(?:, \d+ times)?", re.ASCII)


def percent_of(data: object) -> int | None:
    """The probability in an item's ``data``, in per cent, whatever a client sends back as that."""
    found = data.get("percent") if isinstance(data, dict) else None
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not 0 <= found <= 100:
        return None
    return round(found)


def documentation(source: str, percent: int | None, read: Callable[[str], str | None]) -> str:
    """Markdown for a candidate; its source itself is shown beside it. ``read`` gives the text of a path, if it can.

    What looks like a secret in that text is not shown.
    """
    said = [] if percent is None else [f"{percent} % likely"]
    seen = _SEEN.fullmatch(source)
    text = read(seen["path"]) if seen else None
    shown = _excerpt(text, int(seen["line"])) if seen and text is not None else ""
    if shown:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
        said.append(f"{fence}python\n{shown}\n{fence}")
    return "\n\n".join(said)


def read_from_disk(path: str, folders: Sequence[Path]) -> str | None:
    """The text of a Python file by its path in the workspace; ``None`` if it cannot be read, or lies outside."""
    for folder, label in labels(tuple(folders)).items():
        try:
            file = (folder / path.removeprefix(label)).resolve()
            inside = path.startswith(label) and file.is_relative_to(folder.resolve())
            # A pipe is no file: whoever reads it waits for ever.
            if inside and file.suffix.lower() in (".py", ".pyi") and file.is_file() and file.stat().st_size <= LARGEST:
                return file.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError, RuntimeError):  # the last one for links in a circle, before Python 3.13
            continue
    return None


def _excerpt(text: str, line: int) -> str:
    """The lines around ``line``, counted from 1, without the indentation that they share."""
    from tinycoder.secrets.redaction import redact

    text, _ = redact(text)
    lines = text.split("\n")[max(0, line - 1 - N_ABOVE) : line + N_BELOW]
    lines = [each.rstrip().expandtabs(4) for each in lines]
    shared = min((len(each) - len(each.lstrip()) for each in lines if each), default=0)
    return "\n".join(each[shared:] for each in lines).strip("\n")
