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
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinycoder.transformer.layers import Array
from tinycoder.workspace.text import Skipped, Text

THRESHOLD = 0.85  # Jaccard similarity of two sets of lines
MARGIN = 0.12  # an estimate from 120 hashes is off by 0.03 (one standard deviation)
MIN_LINES = 5  # with fewer distinct lines, only exact duplicates count
N_BANDS = 20
N_ROWS = 6  # a pair at the threshold shares a band with probability 0.9999, a pair at 0.5 with 0.27
CHUNK = 4_096  # lines hashed at a time
DIGEST_SIZE = 16  # bytes

Lines = NDArray[np.uint64]
Signature = NDArray[np.uint64]

_KEYS = np.frombuffer(hashlib.shake_256(b"tinycoder duplicates").digest(2 * 8 * N_BANDS * N_ROWS), dtype="<u8")
_FACTORS = _KEYS[: N_BANDS * N_ROWS] | np.uint64(1)
_OFFSETS = _KEYS[N_BANDS * N_ROWS :]
_MIXING = _FACTORS[:N_ROWS]  # one number of a band's hashes
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether two texts are equal or nearly so: a digest, the set of lines, and hashes of that set.

    ``lines`` (n,) are sorted hashes of lines, ``signature`` (N_BANDS * N_ROWS,) the least of each kind of hash.
    """

    digest: bytes
    lines: Lines
    signature: Signature


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of a text. Line ends and blanks at the ends of lines make no difference to it."""
    lines = [line.rstrip() for line in text.splitlines()]
    hashes = _line_hashes(lines)
    digest = hashlib.blake2b("\n".join(lines).rstrip().encode(), digest_size=DIGEST_SIZE).digest()
    return Fingerprint(digest, hashes, _signature(hashes))


def remove(texts: Sequence[Text]) -> tuple[tuple[Text, ...], tuple[Skipped, ...]]:
    """The texts that stay and those that repeat another one, both sorted by path.

    Line ends and blanks at the ends of lines make no difference to an exact duplicate, nor do indentation and
    the order of lines to a near one. Of equal texts the first by path stays.
    """
    ordered = sorted(texts, key=lambda text: text.path)
    kept: list[Text] = []
    skipped: list[Skipped] = []
    for text, repeat in zip(ordered, repeats([fingerprint(text.text) for text in ordered]), strict=True):
        if repeat is None:
            kept.append(text)
        else:
            skipped.append(text.skipped(f"{repeat.kind} of {ordered[repeat.of].path}"))
    return tuple(kept), tuple(skipped)


@dataclass(frozen=True)
class Repeat:
    """That a text repeats an earlier one, number ``of``, which stays."""

    kind: Literal["duplicate", "near-duplicate"]
    of: int


def repeats(fingerprints: Sequence[Fingerprint]) -> list[Repeat | None]:
    """For each text in turn whether it repeats an earlier one that stays.

    The fingerprints may lie on a disk: they are read once in turn, and again where two texts may be alike.
    """
    exact: dict[bytes, int] = {}
    equal: list[int | None] = []
    bands = np.zeros((len(fingerprints), N_BANDS), np.uint64)
    for i, one in enumerate(fingerprints):
        earlier = exact.setdefault(one.digest, i)
        equal.append(None if earlier == i else earlier)
        if len(one.lines) >= MIN_LINES:
            bands[i] = (one.signature.reshape(N_BANDS, N_ROWS) * _MIXING).sum(axis=1) | np.uint64(1)
    shared = _shared(bands)
    stay: defaultdict[tuple[int, int], list[int]] = defaultdict(list)  # texts by band and what they share there
    result: list[Repeat | None] = []
    for i, first in enumerate(equal):
        repeat = None
        keys = [(band, group) for band, group in enumerate(shared[i].tolist()) if group >= 0]
        if first is not None:
            of = result[first]
            repeat = Repeat("duplicate", first) if of is None else of
        elif keys:
            near = _nearest(fingerprints, i, sorted({other for key in keys for other in stay[key]}))
            repeat = None if near is None else Repeat("near-duplicate", near)
        if repeat is None:
            for key in keys:
                stay[key].append(i)
        result.append(repeat)
    return result


def _shared(bands: Array) -> Array:
    """For each text and band (N, N_BANDS) the number of the texts that agree there; -1 where no other one does."""
    groups = np.full(bands.shape, -1, np.int32)
    for band in range(bands.shape[1]):
        _, group, count = np.unique(bands[:, band], return_inverse=True, return_counts=True)
        groups[:, band] = np.where((count[group] > 1) & (bands[:, band] > 0), group, -1)
    return groups


def _nearest(fingerprints: Sequence[Fingerprint], i: int, candidates: Sequence[int]) -> int | None:
    """The first of some earlier texts that text ``i`` nearly repeats."""
    if not candidates:
        return None
    ours = fingerprints[i]
    for other in candidates:
        theirs = fingerprints[other]
        estimate = np.mean(theirs.signature == ours.signature)
        if estimate >= THRESHOLD - MARGIN and _jaccard(theirs.lines, ours.lines) >= THRESHOLD:
            return other
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
