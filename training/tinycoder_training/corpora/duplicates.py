"""Exact and near duplicates: each text is kept once, under the first of its paths.

Near duplicates are found by MinHash over lines with banding (Broder 1997; Leskovec, Rajaraman and Ullman,
"Mining of Massive Datasets", 3.3-3.4), and confirmed by the true Jaccard similarity of their sets of lines.
A text is its lines.
"""

import hashlib
import re
import zlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinycoder.workspace.text import Skipped, Text

THRESHOLD = 0.85  # Jaccard similarity of two sets of lines
MARGIN = 0.12  # an estimate from 120 hashes is off by 0.03 (one standard deviation)
MIN_LINES = 5  # with fewer distinct lines, only exact duplicates count
N_BANDS = 20
N_ROWS = 6  # a pair at the threshold shares a band with probability 0.9999, a pair at 0.5 with 0.27
CHUNK = 4_096  # lines hashed at a time

Lines = NDArray[np.uint64]
Signature = NDArray[np.uint64]

_KEYS = np.frombuffer(hashlib.shake_256(b"tinycoder duplicates").digest(2 * 8 * N_BANDS * N_ROWS), dtype="<u8")
_FACTORS = _KEYS[: N_BANDS * N_ROWS] | np.uint64(1)
_OFFSETS = _KEYS[N_BANDS * N_ROWS :]
_WORD = re.compile(r"\w")


def remove(texts: Sequence[Text]) -> tuple[tuple[Text, ...], tuple[Skipped, ...]]:
    """The texts that stay and those that repeat another one, both sorted by path.

    Line ends and blanks at the ends of lines make no difference to an exact duplicate, nor do indentation and
    the order of lines to a near one. Of equal texts the first by path stays.
    """
    kept: list[Text] = []
    skipped: list[Skipped] = []
    exact: dict[bytes, str] = {}
    near = _Near()
    for text in sorted(texts, key=lambda text: text.path):
        lines = [line.rstrip() for line in text.text.splitlines()]
        digest = hashlib.blake2b("\n".join(lines).rstrip().encode(), digest_size=16).digest()
        if digest in exact:
            skipped.append(text.skipped(f"duplicate of {exact[digest]}"))
            continue
        original = near.add(text.path, _line_hashes(lines))
        if original is not None:
            skipped.append(text.skipped(f"near-duplicate of {original}"))
        else:
            exact[digest] = text.path
            kept.append(text)
    return tuple(kept), tuple(skipped)


class _Near:
    """The texts kept so far, found again by the bands of their signatures."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.lines: list[Lines] = []
        self.signatures: list[Signature] = []
        self.buckets: defaultdict[tuple[int, bytes], list[int]] = defaultdict(list)

    def add(self, path: str, lines: Lines) -> str | None:
        """The first kept path that these lines nearly repeat; else keep them."""
        if len(lines) < MIN_LINES:
            return None
        signature = _signature(lines)
        keys = [(band, row.tobytes()) for band, row in enumerate(signature.reshape(N_BANDS, N_ROWS))]
        for i in sorted({i for key in keys for i in self.buckets.get(key, ())}):
            estimate = np.mean(self.signatures[i] == signature)
            if estimate >= THRESHOLD - MARGIN and _jaccard(self.lines[i], lines) >= THRESHOLD:
                return self.paths[i]
        for key in keys:
            self.buckets[key].append(len(self.paths))
        self.paths.append(path)
        self.lines.append(lines)
        self.signatures.append(signature)
        return None


def _line_hashes(lines: Sequence[str]) -> Lines:
    """The set of lines that hold a word, without their indentation, as sorted hashes."""
    hashes = {zlib.crc32(line.strip().encode()) for line in lines if _WORD.search(line)}
    return np.array(sorted(hashes), dtype=np.uint64)


def _signature(lines: Lines) -> Signature:
    least = np.full(N_BANDS * N_ROWS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(lines), CHUNK):
        hashed = lines[start : start + CHUNK, None] * _FACTORS + _OFFSETS  # modulo 2**64
        np.minimum(least, hashed.min(axis=0), out=least)
    return least


def _jaccard(a: Lines, b: Lines) -> float:
    n_common = len(np.intersect1d(a, b, assume_unique=True))
    return n_common / (len(a) + len(b) - n_common)
