"""The documentation of an item: what it is, how likely, and where it is defined."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tinycoder.validate import DataError, Range
from tinycoder.validate import read as read_as
from tinycoder.workspace.line_ends import as_code
from tinycoder_lsp.documents.positions import labels, short_path
from tinycoder_lsp.editor.docstrings import first_paragraph, line_of

N_ABOVE, N_BELOW = 2, 2  # lines around the one where the name was seen
MAX_FILE_BYTES = 2_000_000  # of a file that is read for it
MAX_SIGNATURE = 2_000  # characters
_Line = Annotated[int, Range(1, 10**9 - 1)]
_MARKED = re.compile(r"(``.+?``|`[^`\n]+`)|([\\*_<>\[\]#|~`])", re.DOTALL)  # code, which stays, or what Markdown reads

Read = Callable[[str], "str | None"]


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What is known of an item: its name, how likely it is in per cent, its signature and where it is defined.

    ``line`` counts from 1; 0 is the module itself. ``seen`` is a path and a line where the name was seen.
    """

    name: str = ""
    seen: tuple[str, int] | None = None
    percent: int | None = None
    signature: str = ""
    path: str = ""
    line: int = 0


def offered(label: object, data: object, *, is_module: bool = False) -> Offered:
    """That of an item, whatever a client sends back as its label and data."""

    def given(name: str, kind: Any) -> Any:
        try:
            return read_as(kind, data.get(name) if isinstance(data, dict) else None)
        except DataError:
            return None

    percent = given("percent", Annotated[float, Range(0, 100)])
    return Offered(
        name=label if isinstance(label, str) else "",
        seen=given("seen", tuple[str, _Line]),
        percent=None if percent is None else round(percent),
        signature=(given("signature", str) or "")[:MAX_SIGNATURE],
        path=given("path", str) or "",
        line=0 if is_module else given("line", _Line) or 0,
    )


def documentation(item: Offered, read: Read, *, markdown: bool = True) -> str:
    """What to say of an item, as Markdown or as plain text. ``read`` gives the text of a path, if it can.

    A definition is shown by its signature and the first paragraph of its docstring; what has neither, by the lines
    around it, or around the line where it was seen. What looks like a secret in those texts is not shown.
    """
    code, prose = (_fenced, _escaped) if markdown else (_indented, str)
    text = _clean(read, item.path)
    paragraph = _paragraph(item, text, read) if text else ""
    said = [code(f"{item.name}{item.signature}")] if item.signature else []
    said += [prose(paragraph)] if paragraph else []
    path = short_path(item.path)
    remarks = [f"{path}:{item.line}" if item.line else path] if path else []
    remarks += [] if item.percent is None else [f"{item.percent} % likely"]
    said += [prose(", ".join(remarks))] if remarks else []
    if not item.signature and not paragraph:
        shown = _excerpt(text, item.line) if text and item.line else _seen(item.seen, read)
        said += [code(shown)] if shown else []
    return "\n\n".join(said)


def _paragraph(item: Offered, text: str, read: Read) -> str:
    """The first paragraph of a docstring; a stub's are in the code next to it."""
    said = first_paragraph(text, item.line)
    code = _clean(read, item.path[:-1]) if not said and item.path.endswith(".pyi") else None
    line = line_of(text, item.line, code) if code is not None else None
    return first_paragraph(code, line) if code is not None and line is not None else said


def _seen(seen: tuple[str, int] | None, read: Read) -> str:
    """The lines around the one where a name was seen."""
    text = _clean(read, seen[0]) if seen else None
    return _excerpt(text, seen[1]) if seen and text is not None else ""


def _clean(read: Read, path: str) -> str | None:
    from tinycoder.workspace.secrets.redaction import redact

    text = read(path) if path else None
    return None if text is None else redact(text)[0]


def _fenced(code: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"{fence}python\n{code}\n{fence}"


def _indented(code: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in code.split("\n"))


def _escaped(text: str) -> str:
    return _MARKED.sub(lambda match: match[1] or f"\\{match[2]}", text)


def read_from_disk(path: str, folders: Sequence[Path], installed: Sequence[Path] = ()) -> str | None:
    """The text of a Python file; ``None`` if it cannot be read, or lies outside.

    ``path`` is that in the workspace's ``folders``, or an absolute one below one of the ``installed`` folders.
    """
    roots = list(labels(tuple(folders)).items())
    if Path(path).is_absolute():
        roots = [(folder, "") for folder in installed]
    for folder, label in roots:
        try:
            file = (folder / path.removeprefix(label)).resolve()
            is_inside = path.startswith(label) and file.is_relative_to(folder.resolve())
            # A pipe is no file: whoever reads it waits for ever.
            is_python = is_inside and file.suffix.lower() in (".py", ".pyi") and file.is_file()
            if is_python and file.stat().st_size <= MAX_FILE_BYTES:
                return _text_of(file.read_bytes())
        except (OSError, ValueError, RuntimeError):  # the last one for links in a circle, before Python 3.13
            continue
    return None


def _text_of(raw: bytes) -> str:
    """The code of a file; what cannot be decoded as Python does is shown as UTF-8."""
    from tinycoder.workspace.python_file import decode

    text, unreadable = decode(raw)
    return as_code(raw.decode("utf-8", "replace")) if unreadable else text


def _excerpt(text: str, line: int) -> str:
    """The lines around ``line``, counted from 1, without the indentation that they share."""
    lines = text.split("\n")[max(0, line - 1 - N_ABOVE) : line + N_BELOW]
    lines = [each.rstrip().expandtabs(4) for each in lines]
    shared = min((len(each) - len(each.lstrip()) for each in lines if each), default=0)
    return "\n".join(each[shared:] for each in lines).strip("\n")
