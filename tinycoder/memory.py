"""Repository memory: what followed a context of tokens wherever it was seen. Knows ids and paths; no model, no weights.

Three tiers: the workspace as it lies on disk, the other open files, and the file under the cursor. A tier is asked for
the ends of a context, longest to shortest, and answers with counts of what came next (n-grams with unbounded orders in
the manner of infini-gram, Liu et al. 2024; tiers after Hellendoorn and Devanbu 2017). The workspace is sorted once; open
files are searched as they are, so that an edit needs no bookkeeping and an undone edit leaves nothing behind.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tinycoder.layers import Array
from tinycoder.lines import TokenLines
from tinycoder.tokenizer import FILE_SEPARATOR, Tokenizer

LONGEST = 32  # ids of a context that are compared
SORTED = 4  # ids before a place by which the workspace is sorted
ORDERS = (*range(1, 9), 10, 12, 16, 24, LONGEST)  # lengths of a context that count apart
MOST_SAMPLED = 2048  # places of a frequent context that are looked at
MOST_COMPARED = 384  # places whose context is compared id by id
FEW = 24  # places that are counted one by one
MOST_OTHERS = 400_000  # ids of other open files that are searched
NOTHING = -1  # an id that no text has

WORKSPACE, OTHERS, HERE = 0, 1, 2  # tiers


@dataclass(frozen=True)
class Level:
    """What followed the last ``order`` ids of a context in one tier: ``counts`` (n,) of ``ids`` (n,), and their sum."""

    tier: int
    order: int
    ids: Array
    counts: Array
    total: float


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something was seen: a path, a line counted from 1, and how often in all."""

    path: str
    line: int
    times: int


@dataclass(frozen=True)
class Shelf:
    """Texts one after the other as ids (n,) int32, padded in front so that every place has LONGEST ids before it.

    ``next_ids`` is the same without the texts that are hidden; text ``i`` has the path ``paths[i]`` and begins at
    ``starts[i]``.
    """

    ids: Array
    next_ids: Array
    paths: tuple[str, ...]
    starts: tuple[int, ...]


class Workspace:
    """The texts on disk, with all places sorted by the SORTED ids before them."""

    def __init__(self, shelf: Shelf, order: Array | None = None) -> None:
        self.shelf = shelf
        keys = _keys(shelf.ids)
        if order is None:
            order = np.argsort(keys, kind="stable").astype(np.int32)
        self.order = order  # places without the padding, by key
        self._keys = keys[order]
        self._hidden: dict[str, Array] = {}
        self._index = {path: i for i, path in enumerate(shelf.paths)}

    def text_ids(self, path: str) -> Array | None:
        """The ids of a text as it is on disk, or None."""
        i = self._index.get(path)
        if i is None:
            return None
        start, end = self._span(i)
        hidden = self._hidden.get(path)
        return self.shelf.next_ids[start:end] if hidden is None else hidden

    def hide(self, path: str) -> None:
        """Leave a text out from now on."""
        i = self._index.get(path)
        if i is not None and path not in self._hidden:
            start, end = self._span(i)
            self._hidden[path] = self.shelf.next_ids[start:end].copy()
            self.shelf.next_ids[start:end] = NOTHING

    def show(self, path: str) -> None:
        """Use a hidden text again."""
        ids = self._hidden.pop(path, None)
        if ids is not None:
            start = self._span(self._index[path])[0]
            self.shelf.next_ids[start : start + len(ids)] = ids

    def matches(self, context: Array) -> tuple[list[tuple[int, Array]], Array, Array]:
        """Of the last ids of a context: for each short order what came next (a sample of it), then places with what

        SORTED ids or more have in common, and how many they have.
        """
        bounds = _bounds(context)
        edges = np.searchsorted(self._keys, bounds)
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
            sample = self.order[low : high : -(-(high - low) // MOST_SAMPLED)]
            short.append((order, self.shelf.next_ids[sample + LONGEST]))
        if len(places) > MOST_COMPARED:
            places = places[:: -(-len(places) // MOST_COMPARED)]
        return short, places, _lengths(self.shelf.ids, places, context)

    def _span(self, i: int) -> tuple[int, int]:
        starts = self.shelf.starts
        return starts[i], starts[i + 1] if i + 1 < len(starts) else len(self.shelf.next_ids)


class Memory:
    """The tiers of one workspace for one tokenizer. One thread at a time."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._separator = tokenizer.special[FILE_SEPARATOR]
        self._workspace: Workspace | None = None
        self._open: OrderedDict[str, TokenLines] = OrderedDict()
        self._others: tuple[str, Shelf] | None = None
        self._counts: Array | None = None

    @property
    def n_tokens(self) -> int:
        """Ids in the workspace tier."""
        return len(self._workspace.order) if self._workspace else 0

    @property
    def workspace(self) -> Workspace | None:
        """The workspace tier; None before anything was indexed."""
        return self._workspace

    def use(self, workspace: Workspace) -> None:
        """Take ``workspace`` as the workspace tier; open files stay out of it."""
        for path in self._open:
            workspace.hide(path)
        self._workspace, self._counts = workspace, None

    def update(self, path: str, text: str) -> TokenLines:
        """The file ``path`` is open and says ``text`` now."""
        lines = self._open.get(path)
        if lines is None:
            lines = self._open[path] = TokenLines(self.tokenizer)
            if self._workspace:
                self._workspace.hide(path)
        self._open.move_to_end(path)
        if self._others and self._others[0] != path:
            self._others = None
        lines.update(text)
        return lines

    def close(self, path: str) -> None:
        """The file is no longer open; what counts is what the workspace has of it."""
        if self._open.pop(path, None) is not None:
            self._others = None
            if self._workspace:
                self._workspace.show(path)

    def remove(self, path: str) -> None:
        """Forget a file of the workspace."""
        if self._workspace:
            self._workspace.hide(path)

    def evidence(self, context: Sequence[int] | Array, path: str, here: Array) -> list[Level]:
        """Counts of what followed the ends of ``context``, by tier and within it from short to long.

        ``here`` are the ids of the file ``path`` without the place that is asked about. Of orders that say the same
        only the longest is given.
        """
        recent = np.full(LONGEST, NOTHING, np.int32)
        tail = np.asarray(context[-LONGEST:], np.int32)
        recent[LONGEST - len(tail) :] = tail
        levels: list[Level] = []
        if self._workspace:
            short, places, lengths = self._workspace.matches(recent)
            for order, following in short:
                _add_level(levels, WORKSPACE, order, following)
            _add_levels(levels, WORKSPACE, SORTED, self._workspace.shelf.next_ids[places + LONGEST], lengths)
        others = self._other_files(path)
        if others is not None:
            places, lengths = search(others.ids, recent)
            _add_levels(levels, OTHERS, 1, others.ids[places + LONGEST], lengths)
        if len(here) > LONGEST:
            places, lengths = search(here, recent)
            _add_levels(levels, HERE, 1, here[places + LONGEST], lengths)
        return levels

    def here(self, path: str, before: Array, after: Array) -> Array:
        """The file tier: its ids before and behind the place that is asked about, as ``evidence`` wants them."""
        padding = np.full(LONGEST - 1, NOTHING, np.int32)
        separator = np.array([self._separator], np.int32)
        return np.concatenate([padding, separator, before, separator, after])

    def unigram(self) -> Array:
        """How often each id is in the workspace, (V,)."""
        if self._counts is None:
            size = self.tokenizer.vocab_size
            ids = self._workspace.shelf.ids if self._workspace else np.zeros(0, np.int32)
            self._counts = np.bincount(ids[ids >= 0], minlength=size)[:size].astype(np.float32)
        return self._counts

    def _other_files(self, path: str) -> Shelf | None:
        """The open files but ``path``, the latest first, as far as they are searched."""
        if len(self._open) < 2 and path in self._open:
            return None
        if self._others is None or self._others[0] != path:
            chosen, n = [], 0
            for other, lines in reversed(self._open.items()):
                if other != path and n + len(lines.ids) <= MOST_OTHERS:
                    chosen.append((other, lines.ids))
                    n += len(lines.ids)
            if not chosen:
                return None
            self._others = path, make_shelf(chosen, self._separator)
        return self._others[1]


def make_shelf(texts: Iterable[tuple[str, Array]], separator: int) -> Shelf:
    """Put (path, ids) one after the other, each after a separator."""
    paths, starts, pieces, n = [], [], [np.full(LONGEST, NOTHING, np.int32)], LONGEST
    for path, ids in texts:
        paths.append(path)
        starts.append(n)
        pieces += [np.array([separator], np.int32), ids.astype(np.int32, copy=False)]
        n += 1 + len(ids)
    pieces.append(np.array([separator], np.int32))
    ids = np.concatenate(pieces)
    return Shelf(ids, ids.copy(), tuple(paths), tuple(starts))


def search(ids: Array, context: Array) -> tuple[Array, Array]:
    """Places in ``ids`` (padded) after which the last id of ``context`` stands before them, the latest ones, and how

    many ids they have in common with the context. A place ``p`` speaks of ``ids[p + LONGEST]``.
    """
    places = np.flatnonzero(ids[LONGEST - 1 : -1] == context[-1])
    if len(places) > MOST_COMPARED:
        places = places[-MOST_COMPARED:]
    return places, _lengths(ids, places, context)


def _lengths(ids: Array, places: Array, context: Array) -> Array:
    if not len(places):
        return np.zeros(0, np.int64)
    same = np.zeros((len(places), LONGEST + 1), bool)
    np.equal(sliding_window_view(ids, LONGEST)[places][:, ::-1], context[::-1], out=same[:, :LONGEST])
    lengths: Array = same.argmin(1)
    return lengths


def _keys(ids: Array) -> Array:
    """For each place the SORTED ids before it, the nearest in the highest bits."""
    n = len(ids) - LONGEST
    keys = np.zeros(n, np.uint64)
    for back in range(1, SORTED + 1):
        keys <<= np.uint64(16)
        keys |= (ids[LONGEST - back : LONGEST - back + n] & 0xFFFF).astype(np.uint64)
    return keys


def _bounds(context: Array) -> Array:
    """Lowest key with the last 1, 2, … SORTED ids of a context, and the first beyond, in turn."""
    bounds = []
    key = 0
    for back in range(1, SORTED + 1):
        key = (key << 16) | (int(context[-back]) & 0xFFFF)
        shift = 16 * (SORTED - back)
        bounds += [key << shift, min((key + 1) << shift, 2**64 - 1)]
    return np.array(bounds, np.uint64)


def _add_levels(levels: list[Level], tier: int, least: int, following: Array, lengths: Array) -> None:
    """A level for each order from ``least`` on that says something new, short to long."""
    if not len(lengths):
        return
    n_at = np.cumsum(np.bincount(lengths, minlength=LONGEST + 1)[::-1])[::-1].tolist()  # places with as many or more
    found: list[tuple[int, Array]] = []
    longer = 0
    for order in reversed(ORDERS):
        if order < least:
            break
        if n_at[order] > longer:
            longer = n_at[order]
            found.append((order, following if longer == len(following) else following[lengths >= order]))
    for order, after in reversed(found):
        _add_level(levels, tier, order, after)


def _add_level(levels: list[Level], tier: int, order: int, following: Array) -> None:
    if len(following) <= FEW:
        counter = Counter(following.tolist())
        counter.pop(NOTHING, None)
        if not counter:
            return
        ids, counts = np.array(list(counter)), np.array(list(counter.values()), np.float32)
    else:
        dense = np.bincount(following + 1)
        dense[0] = 0
        ids = np.flatnonzero(dense)
        if not len(ids):
            return
        counts = dense[ids].astype(np.float32)
        ids = ids - 1
    levels.append(Level(tier, order, ids, counts, float(counts.sum())))
