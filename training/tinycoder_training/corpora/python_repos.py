"""The ``code`` recipe: Python files of local repositories, without secrets and duplicates, split by file.

Puts the parts together. Knows nothing of tokens, and does not know which model will learn from the texts.
"""

from __future__ import annotations

import codecs
import io
import tokenize
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tinycoder.errors import CorpusError
from tinycoder.forgotten import NOTHING, Forgotten
from tinycoder.secrets.redaction import redact
from tinycoder_training.corpora import duplicates, exclusions, split, tree
from tinycoder_training.corpora.corpus import Corpus, Replaced, Skipped, Text

N_REASONS = 4  # how many an error names
NO_TEXT = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"}  # made for names and literals
UNREADABLE = "cannot be read"  # a reason that begins so may be gone the next time


def read(
    paths: Sequence[Path],
    *,
    exclude: Sequence[str] = (),
    forgotten: Forgotten = NOTHING,
    seed: int = 0,
    validation_fraction: float = 0.1,
) -> Corpus:
    """The Python files under ``paths`` (folders, or files) that git would track and that teach something.

    Those that match a pattern of ``exclude``, written as in ``.gitignore``, and those that are ``forgotten`` are left
    out.

    Line ends and tabs are kept as they are in the files; a byte-order mark is not. ``n_bytes`` of a text or a
    duplicate counts its UTF-8 bytes, of anything else left out its size on disk (0 for a folder, which is not
    descended). Results are sorted by path and hang on nothing but the files, the order of ``paths`` and
    ``seed``.

    Raises ``CorpusError`` when a path does not exist or is not Python, or when nothing usable is left, and
    ``ConfigError`` for a fraction outside (0, 0.5].
    """
    if not paths:
        raise CorpusError("no paths to learn from; give a folder that holds Python code")
    files, skipped = tree.walk(paths, exclude=exclude, forgotten=forgotten)
    texts: list[Text] = []
    secrets: dict[str, tuple[Replaced, ...]] = {}
    for file in files:
        found = read_file(file)
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            text, secrets[file.path] = found
            texts.append(text)
    kept, repeated = duplicates.remove(texts)
    skipped.extend(repeated)
    if not kept:
        raise CorpusError(_nothing_left(paths, skipped))
    train, validation = split.by_file(kept, seed=seed, fraction=validation_fraction)
    return Corpus(
        recipe="code",
        train=train,
        validation=validation,
        skipped=tuple(sorted(skipped, key=lambda entry: entry.path)),
        secrets=tuple(secret for text in kept for secret in secrets[text.path]),
    )


def read_file(file: tree.SourceFile) -> tuple[Text, tuple[Replaced, ...]] | Skipped:
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


def _nothing_left(paths: Sequence[Path], skipped: Sequence[Skipped]) -> str:
    where = ", ".join(map(str, paths))
    if not skipped:
        return f"no Python files under {where}; give a folder that holds Python code"
    reasons = Counter(entry.reason for entry in skipped).most_common(N_REASONS)
    counts = ", ".join(f"{n} × {reason}" for reason, n in reasons)
    return f"no usable Python files under {where} (left out: {counts}); give a folder that holds Python code"
