"""Read one Python file: decode it as Python does, judge its contents, and replace its secrets."""

import codecs
import io
import tokenize

from tinycoder.workspace import exclusions
from tinycoder.workspace.line_ends import as_code
from tinycoder.workspace.secrets.redaction import redact
from tinycoder.workspace.text import Replaced, Skipped, Text, unreadable
from tinycoder.workspace.tree import SourceFile

NO_TEXT = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"}  # codecs of names and literals


def read_file(file: SourceFile) -> tuple[Text, tuple[Replaced, ...]] | Skipped:
    """Return the text of ``file`` without its secrets, and which they were; or why the file is left out.

    The text has line feeds at its line ends. A file is left out if it cannot be read or decoded, or for its contents
    (``exclusions.content_reason``).
    """
    try:
        raw = file.location.read_bytes()
    except OSError as error:
        return file.skipped(unreadable(error))
    contents, reason = decode(raw)
    reason = reason or exclusions.content_reason(file.location.name, contents)
    if reason is not None:
        return file.skipped(reason)
    text, replaced = redact(contents, file.path)
    return Text(path=file.path, text=text, n_bytes=len(text.encode())), replaced


def left_out(file: SourceFile | Skipped | None) -> str | None:
    """Why a file that ``tree.walk_to`` found is not learnt from; ``None`` if it is, or there is none."""
    read = read_file(file) if isinstance(file, SourceFile) else file
    return read.reason if isinstance(read, Skipped) else None


def decode(raw: bytes) -> tuple[str, str | None]:
    """Decode a file by byte-order mark or coding cookie (PEP 263), else as UTF-8: its code, and why there is none.

    The code has line feeds at its line ends, and no byte-order mark.
    """
    if b"\0" in raw:
        return "", "binary"
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        if codecs.lookup(encoding).name in NO_TEXT:
            raise LookupError(encoding)
        text = raw.decode(encoding)
        text.encode()  # some codecs give lone surrogates, which are no text
    except (SyntaxError, LookupError):
        return "", "not UTF-8, and no valid coding cookie"
    except ValueError:  # UnicodeError, and what else some codecs raise
        if encoding.startswith("utf-8"):
            return "", "not UTF-8, and no valid coding cookie"
        return "", f"not {encoding}, which its coding cookie names"
    return as_code(text), None
