"""Search bytes, files and token streams for pieces of planted credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from planting import LONG, Planted
from safetensors.numpy import load_file

from tinycoder.transformer.tokenizer import Tokenizer

_RUN = re.compile(rb"[A-Za-z0-9+/!%%@=_-]{%d,}" % LONG)


class Search:
    """Searches for the pieces of all credentials at once."""

    def __init__(self, planted: Iterable[Planted]) -> None:
        self._owners = {piece.encode(): one for one in planted for piece in one.pieces}
        self.n_bytes = 0

    def found(self, raw: bytes) -> set[Planted]:
        """The credentials of which a piece is in ``raw``."""
        self.n_bytes += len(raw)
        found: set[Planted] = set()
        for run in _RUN.finditer(raw):
            text = run[0]
            pieces = (text[i : i + LONG] for i in range(len(text) - LONG + 1))
            found.update(self._owners[piece] for piece in pieces if piece in self._owners)
        return found

    def faults(self, raw: bytes, where: str) -> list[str]:
        """A sentence for each credential of which a piece is in ``raw``."""
        return [f"a piece of a generated {one.kind} credential is in {where}: {one.code!r}" for one in self.found(raw)]

    def faults_under(self, folder: Path) -> list[str]:
        """The same for every file under ``folder``."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [fault for file in files for fault in self.faults(file.read_bytes(), str(file.relative_to(folder)))]


def texts_of(file: Path, names: Iterable[str], tokenizer: Tokenizer) -> bytes:
    """The text of the token ids in arrays of a file."""
    arrays = load_file(file)
    ids = np.concatenate([arrays[name].astype(np.int64) for name in names])
    return b"".join(tokenizer.raw[i] for i in ids.tolist() if i >= 0)
