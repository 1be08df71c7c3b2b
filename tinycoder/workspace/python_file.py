"""A Python file as text: decoded as Python does, without secrets; or why it is left out."""

from __future__ import annotations

import codecs
import io
import tokenize

from tinycoder.workspace import exclusions
from tinycoder.workspace.secrets.redaction import redact
from tinycoder.workspace.text import Replaced, Skipped, Text
from tinycoder.workspace.tree import SourceFile

NO_TEXT = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"}  # made for names and literals
UNREADABLE = "cannot be read"  # a reason that begins so may be gone the next time


def read_file(file: SourceFile) -> tuple[Text, tuple[Replaced, ...]] | Skipped:
    """The text of a file without its secrets, and which there were; or why it is left out."""
    try:
        raw = file.location.read_bytes()
    except OSError as error:
        reason: str | None = f"{UNREADABLE} ({error.strerror or type(error).__name__})"
    else:
        contents, reason = _decode(raw)
        reason = reason or exclusions.content_reason(file.location.name, contents)
        if reason is None:
            text, found = redact(contents)
            replaced = tuple(Replaced(path=file.path, line=secret.line, kind=secret.kind) for secret in found)
            return Text(path=file.path, text=text, n_bytes=len(text.encode())), replaced
    assert reason is not None
    return Skipped(path=file.path, reason=reason, n_bytes=file.n_bytes)


def _decode(raw: bytes) -> tuple[str, str | None]:
    """The text by its byte-order mark or coding cookie (PEP 263), else by UTF-8; or why there is none."""
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
    except ValueError:  # UnicodeError, and what some codecs raise beside it
        if encoding.startswith("utf-8"):
            return "", "not UTF-8, and no valid coding cookie"
        return "", f"not {encoding}, which its coding cookie names"
    return text, None
