"""How much of each package a corpus takes, so that no giant is half of it, and what is held out.

Which texts come in depends on hashes of their paths: a new version of one package leaves the others as they are.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from cleaning import is_test
from packages import Source

from tinycoder.errors import CorpusError
from tinycoder.workspace.text import Skipped, Text
from tinycoder_training.corpora import split

MAX_SHARE = 0.06  # of all bytes, for one package
MAX_TESTS = 0.25  # of the bytes of a package
HELD_OUT = 0.01  # of the bytes of a domain,
MIN_HELD_OUT = 200_000  # but at least so many,
MAX_HELD_OUT = 0.05  # unless that is more than this part of them


def package_of(path: str) -> str:
    """The package that a path in the corpus begins with; a name that training would not enter ends in ``_`` there."""
    return path.split("/")[0].rstrip("_")


def size_of(texts: Sequence[Text]) -> int:
    """Bytes in all."""
    return sum(text.n_bytes for text in texts)


def choose(texts: Sequence[Text], sources: Sequence[Source], max_share: float) -> tuple[list[Text], list[Skipped]]:
    """The texts within the limits of their packages, and the others; the first by hash come in."""
    groups: defaultdict[str, list[Text]] = defaultdict(list)
    for text in sorted(texts, key=lambda text: (_hash(text.path), text.path)):
        groups[package_of(text.path)].append(text)
    within: dict[str, list[Text]] = {}
    for source in sources:
        code = [text for text in groups[source.package] if not is_test(text.path)]
        tests = [text for text in groups[source.package] if is_test(text.path)]
        code = _first(code, source.max_mb * 1e6)
        limit = min(size_of(code) * MAX_TESTS / (1 - MAX_TESTS), source.max_mb * 1e6 - size_of(code))
        within[source.package] = sorted([*code, *_first(tests, limit)], key=lambda text: _hash(text.path))
    cap = _cap([size_of(group) for group in within.values()], max_share)
    chosen = [text for group in within.values() for text in _first(group, cap)]
    taken = {text.path for text in chosen}
    return chosen, [text.skipped("over the limit") for text in texts if text.path not in taken]


def _first(texts: Sequence[Text], limit: float) -> list[Text]:
    """The texts from the first that fit together; one that does not is passed over."""
    chosen = []
    for text in texts:
        if text.n_bytes <= limit:
            chosen.append(text)
            limit -= text.n_bytes
    return chosen


def _cap(sizes: Sequence[int], max_share: float) -> int:
    """The largest size that no package may exceed for it to be at most ``max_share`` of the sum of all."""
    low, high = 0, max(sizes, default=0)
    while low < high:  # the excess of a size over its share changes its sign once
        middle = (low + high + 1) // 2
        if middle <= max_share * sum(min(size, middle) for size in sizes):
            low = middle
        else:
            high = middle - 1
    if not low:
        raise CorpusError(f"{len(sizes)} packages cannot each be at most {max_share:.0%} of the corpus; install more")
    return low


def split_by_domain(texts: Sequence[Text], domains: Mapping[str, str]) -> tuple[tuple[Text, ...], tuple[Text, ...]]:
    """Train and held-out texts; of each domain some are held out."""
    groups: defaultdict[str, list[Text]] = defaultdict(list)
    for text in texts:
        groups[domains[package_of(text.path)]].append(text)
    train: list[Text] = []
    held_out: list[Text] = []
    for group in groups.values():
        fraction = min(MAX_HELD_OUT, max(HELD_OUT, MIN_HELD_OUT / size_of(group)))
        parts = split.by_file(group, fraction=fraction) if len(group) > 1 else (group, ())
        train += parts[0]
        held_out += parts[1]
    return tuple(sorted(train, key=lambda text: text.path)), tuple(sorted(held_out, key=lambda text: text.path))


def _hash(path: str) -> bytes:
    return hashlib.blake2b(f"chosen\0{path}".encode(), digest_size=8).digest()
