"""Training and validation by file: a file's side depends on its own path, so it stays when other files come."""

import dataclasses
import hashlib
import io
from collections.abc import Sequence

from tinycoder.errors import ConfigError, CorpusError
from tinycoder.workspace.text import Text


def by_file(
    texts: Sequence[Text], *, seed: int = 0, fraction: float = 0.1
) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """Training and validation texts, each sorted by path; ``fraction`` of the bytes, about, is validation.

    A file is validation when the hash of seed and path, as a number in [0, 1), is below ``fraction``. Few or
    very unequal files need corrections: the next files by hash join until half the wanted bytes are there,
    and files that would more than double them stay in training. Validation has at least one file, and at most
    half of the files and half of the bytes. A single file is cut at a line: its end is validation.

    Raises ``ConfigError`` for a fraction outside (0, 0.5], ``CorpusError`` for a single file of one line.
    """
    assert texts, "nothing to split"
    if len(texts) == 1:
        return _by_line(texts[0], _checked(fraction))
    chosen = held_out([(text.path, text.n_bytes) for text in texts], seed=seed, fraction=fraction)
    ordered = sorted(range(len(texts)), key=lambda i: texts[i].path)
    train = tuple(texts[i] for i in ordered if i not in chosen)
    return train, tuple(texts[i] for i in ordered if i in chosen)


def held_out(files: Sequence[tuple[str, int]], *, seed: int = 0, fraction: float = 0.1) -> set[int]:
    """Which of at least two files, paths and sizes, are validation, by the rule of ``by_file``.

    Raises ``ConfigError`` for a fraction outside (0, 0.5].
    """
    _checked(fraction)
    ranked = sorted((_rank(seed, path), path, i) for i, (path, _) in enumerate(files))
    total = sum(size for _, size in files)
    chosen: set[int] = set()
    n_bytes = 0
    for rank, _, i in ranked:
        size = files[i][1]
        wanted = rank < fraction or n_bytes < fraction * total / 2
        fits = n_bytes + size <= min(0.5, 2 * fraction) * total and len(chosen) < len(files) // 2
        if wanted and fits:
            chosen.add(i)
            n_bytes += size
    if not chosen:  # few files, none of them small
        chosen.add(next(i for _, _, i in ranked if files[i][1] <= total / 2))
    return chosen


def _checked(fraction: float) -> float:
    if not 0 < fraction <= 0.5:
        raise ConfigError(f"the validation fraction is {fraction}; it must be above 0 and at most 0.5")
    return fraction


def _rank(seed: int, path: str) -> float:
    digest = hashlib.blake2b(f"{seed}\0{path}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def _by_line(text: Text, fraction: float) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    lines = list(io.StringIO(text.text, newline=""))
    if len(lines) < 2:
        raise CorpusError(f"{text.path}, the only file to learn from, has a single line; give more code")
    cut = len(lines) - max(1, round(len(lines) * fraction))
    return (_part(text, lines[:cut]),), (_part(text, lines[cut:]),)


def _part(text: Text, lines: Sequence[str]) -> Text:
    part = "".join(lines)
    return dataclasses.replace(text, text=part, n_bytes=len(part.encode()))
