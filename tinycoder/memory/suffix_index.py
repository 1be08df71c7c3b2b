"""The texts of a workspace as ids, sorted so that all positions with a given context are found at once.

A suffix array over the ids before each place, sorted as deep as a 64-bit number holds: what a longer context leaves of
the places is compared id by id. The arrays may be maps of a file, of which only what is looked at is in memory.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinycoder.transformer.layers import Array

MAX_MATCH = 32  # ids of a context that are compared
SORTED = 4  # ids before a place by which the workspace is sorted
MAX_SAMPLED = 2048  # places of a frequent context that are looked at
MAX_COMPARED = 384  # places whose context is compared id by id
NO_ID = -1  # an id that no text has
SORTED_AT_ONCE = 1 << 17  # places

_BACKWARDS = np.arange(MAX_MATCH - 1, -1, -1)
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class TokenCorpus:
    """Texts one after the other as ids (n,), padded in front so that MAX_MATCH ids are before each.

    ``next_ids`` is the same without the texts that are hidden; text ``i`` has the path ``paths[i]`` and begins at
    ``starts[i]``.
    """

    ids: Array
    next_ids: Array
    paths: tuple[str, ...]
    starts: tuple[int, ...]

    def texts(self) -> dict[str, Array]:
        """The ids of each text by its path, without the separators."""
        ends = (*self.starts, len(self.ids) - 1)[1:]
        return {path: self.ids[i + 1 : end] for path, i, end in zip(self.paths, self.starts, ends, strict=True)}


@dataclass(frozen=True)
class SortedPlaces:
    """All places of a corpus but the padding, ``order`` (n,) int32, by the ids before each: ``keys`` (n,) uint64."""

    order: Array
    keys: Array


class SuffixIndex:
    """The texts on disk, with all places sorted by the SORTED ids before them.

    Texts, places and identifiers are those that ``places`` and ``words`` say; without these they are found out.
    """

    def __init__(
        self, corpus: TokenCorpus, places: SortedPlaces | None = None, words: frozenset[str] | None = None
    ) -> None:
        self.corpus = corpus
        self._places = places or _sorted_places(corpus.ids)
        self._words = words
        self._index = {path: i for i, path in enumerate(corpus.paths)}

    @property
    def order(self) -> Array:
        """All places but the padding, by the ids before each."""
        return self._places.order

    def words(self, raw: Sequence[bytes]) -> frozenset[str]:
        """The identifiers of all texts, where ``raw`` are the bytes of each id."""
        if self._words is None:
            self._words = words_of(self.corpus, raw)
        return self._words

    def counts(self, vocab_size: int) -> Array:
        """How often each id is in the texts, (V,) float32."""
        return _counts(self.corpus.ids, vocab_size).astype(np.float32)

    def hide(self, path: str) -> None:
        """Leave a text out from now on, and that it ends where it ends."""
        start, end = self._span(path)
        self.corpus.next_ids[start : end + 1] = NO_ID

    def show(self, path: str) -> None:
        """Use a hidden text again."""
        start, end = self._span(path)
        self.corpus.next_ids[start : end + 1] = self.corpus.ids[start : end + 1]

    def erase(self, path: str) -> None:
        """Forget a text for good: no context is found in it, nothing follows one, and its words are gone."""
        start, end = self._span(path)
        self.corpus.ids[start:end] = NO_ID
        self.corpus.next_ids[start : end + 1] = NO_ID
        self._words = None

    def matches(self, context: Array) -> tuple[list[tuple[int, Array]], Array, Array]:
        """What the workspace has after the last ids of ``context`` (MAX_MATCH,).

        For each short order what came next, or a sample of it; then the places that have SORTED ids or more in
        common with the context, or a sample, and how many each has.
        """
        bounds = _bounds(context)
        edges = np.searchsorted(self._places.keys, bounds)
        short: list[tuple[int, Array]] = []
        places = np.zeros(0, np.int32)
        for order in range(1, SORTED + 1):
            low, high = int(edges[2 * order - 2]), int(edges[2 * order - 1])
            if low == high:
                break
            if order == SORTED:
                places = self.order[low:high]
                break
            if order < SORTED and high - low == int(edges[2 * order + 1]) - int(edges[2 * order]):
                continue  # the next order says the same
            sample = self.order[low : high : -(-(high - low) // MAX_SAMPLED)]
            short.append((order, self.corpus.next_ids[sample + MAX_MATCH]))
        if len(places) > MAX_COMPARED:
            places = places[:: -(-len(places) // MAX_COMPARED)]
        ids = self.corpus.ids
        return short, places, common_lengths(ids, places, context.astype(ids.dtype))

    def _span(self, path: str) -> tuple[int, int]:
        """Where the ids of a text begin, and its separator behind them; behind all ids if there is no such text."""
        i, starts, n = self._index.get(path), self.corpus.starts, len(self.corpus.ids)
        if i is None:
            return n, n
        return starts[i] + 1, starts[i + 1] if i + 1 < len(starts) else n - 1


def id_type(vocab_size: int) -> type[np.signedinteger[Any]]:
    """The smaller type that holds all ids, what stands for no id, and the sum of an id and 1."""
    return np.int16 if vocab_size < 2**15 else np.int32


def token_corpus(
    texts: Iterable[tuple[str, Array]], separator: int, dtype: type[np.signedinteger[Any]] = np.int32
) -> TokenCorpus:
    """Put (path, ids) one after the other, each after a separator, as ids of type ``dtype``."""
    paths, starts, pieces, n = [], [], [np.full(MAX_MATCH, NO_ID, dtype)], MAX_MATCH
    for path, ids in texts:
        paths.append(path)
        starts.append(n)
        pieces += [np.array([separator], dtype), ids.astype(dtype, copy=False)]
        n += 1 + len(ids)
    pieces.append(np.array([separator], dtype))
    ids = np.concatenate(pieces)
    return TokenCorpus(ids, ids.copy(), tuple(paths), tuple(starts))


def search(ids: Array, context: Array) -> tuple[Array, Array]:
    """The latest places in ``ids`` (padded) that come after the last id of ``context``, and how many ids before each
    are those of the context. A place ``p`` speaks of ``ids[p + MAX_MATCH]``.
    """
    if context[-1] == NO_ID:  # the padding before the first text is no context
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    places = np.flatnonzero(ids[MAX_MATCH - 1 : -1] == context[-1])
    if len(places) > MAX_COMPARED:
        places = places[-MAX_COMPARED:]
    return places, common_lengths(ids, places, context)


def common_lengths(ids: Array, places: Array, context: Array) -> Array:
    """How many of the ids before each place are the last of ``context``."""
    if not len(places):
        return np.zeros(0, np.int64)
    same = np.zeros((len(places), MAX_MATCH + 1), bool)
    np.equal(ids[places[:, None] + _BACKWARDS], context[::-1], out=same[:, :MAX_MATCH])
    lengths: Array = same.argmin(1)
    return lengths


def sorted_parts(ids: Array) -> Iterator[SortedPlaces]:
    """The places in ``ids`` (padded) by the ids before them, in parts, so that little memory is needed at a time.

    A part is what comes after some ids; of places with the same ids before them the first comes first.
    """
    near = ids[MAX_MATCH - 1 : -1].astype(np.uint16)  # the id before each place, as far as it is sorted by
    ends = np.cumsum(_counts(near, 2**16))
    first, done = 0, 0
    while done < len(near):
        most = done + max(SORTED_AT_ONCE, len(near) // 16)
        last = max(int(np.searchsorted(ends, most, side="right")) - 1, int(np.searchsorted(ends, done, side="right")))
        places = np.flatnonzero((near >= first) & (near <= last)).astype(np.int32)
        keys = np.zeros(len(places), np.uint64)
        for back in range(1, SORTED + 1):
            keys <<= np.uint64(16)
            keys |= ids[places + (MAX_MATCH - back)].astype(np.uint16)
        order = np.argsort(keys, kind="stable")
        yield SortedPlaces(places[order], keys[order])
        first, done = last + 1, int(ends[last])


def words_of(corpus: TokenCorpus, raw: Sequence[bytes]) -> frozenset[str]:
    """The identifiers of all texts, where ``raw`` are the bytes of each id."""
    words: set[str] = set()
    for ids in corpus.texts().values():
        text = b"".join([raw[i] for i in ids.tolist() if i != NO_ID])
        words.update(_WORD.findall(text.decode("utf-8", "replace")))
    return frozenset(words)


def _sorted_places(ids: Array) -> SortedPlaces:
    n, done = len(ids) - MAX_MATCH, 0
    places = SortedPlaces(np.empty(n, np.int32), np.empty(n, np.uint64))
    for part in sorted_parts(ids):
        here = slice(done, done + len(part.order))
        places.order[here], places.keys[here] = part.order, part.keys
        done += len(part.order)
    return places


def _counts(ids: Array, end: int) -> Array:
    """How often each id below ``end`` is in ``ids``, (end,). Few are counted at a time, which takes little memory."""
    counts = np.zeros(end, np.int64)
    for start in range(0, len(ids), 2**16):
        some = ids[start : start + 2**16]
        counts += np.bincount(some[some >= 0], minlength=end)[:end]
    return counts


def _bounds(context: Array) -> Array:
    """Lowest key with the last 1, 2, … SORTED ids of a context, and the first beyond, in turn."""
    bounds = []
    key = 0
    for back in range(1, SORTED + 1):
        key = (key << 16) | (int(context[-back]) & 0xFFFF)
        shift = 16 * (SORTED - back)
        bounds += [key << shift, min((key + 1) << shift, 2**64 - 1)]
    return np.array(bounds, np.uint64)
