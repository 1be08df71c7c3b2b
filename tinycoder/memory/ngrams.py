"""Repository memory: what followed a context of tokens wherever it was seen.

Three tiers: the workspace as it lies on disk, the other open files, and the file under the cursor. A tier is asked for
the ends of a context and answers with counts of what came next: n-grams of all orders, as in infini-gram (Liu et al.
2024), nested as in Hellendoorn and Devanbu (2017). The workspace is sorted once; open files are searched as they are,
so that an edit needs no bookkeeping and an undone edit leaves nothing behind.
"""

from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.memory.change import Change
from tinycoder.memory.seen import Seen
from tinycoder.memory.suffix_index import MAX_MATCH, NO_ID, SORTED, SuffixIndex, TokenCorpus, search, token_corpus
from tinycoder.memory.token_lines import TokenLines
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import FILE_SEPARATOR, Tokenizer

ORDERS = (*range(1, 9), 10, 12, 16, 24, MAX_MATCH)  # lengths of a context that count apart
FEW = 24  # places that are counted one by one
MAX_OTHERS = 400_000  # ids of other open files that are searched

NO_CONTEXT = NO_ID - 1  # the padding of a short context: nothing in a text equals it

WORKSPACE, OTHERS, HERE = 0, 1, 2  # tiers


@dataclass(frozen=True)
class NgramMatch:
    """What followed the last ``order`` ids of a context in one tier: ``counts`` (n,) of ``ids`` (n,), and their sum."""

    source: int
    order: int
    ids: Array
    counts: Array
    total: float


class Memory:
    """The tiers of one workspace for one tokenizer. One thread at a time.

    ``workspace`` is the workspace tier, None before anything was indexed.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._separator = tokenizer.special[FILE_SEPARATOR]
        self.workspace: SuffixIndex | None = None
        self._open: OrderedDict[str, TokenLines] = OrderedDict()
        self._others: tuple[str, TokenCorpus] | None = None
        self._counts: Array | None = None
        self._n_changes: Counter[str | None] = Counter()  # of the text of a file, and of which files there are
        self._forgotten: Callable[[str], bool] = lambda path: False
        self._breaks = np.array([b"\n" in raw for raw in tokenizer.raw])

    @property
    def n_tokens(self) -> int:
        """Ids in the workspace tier."""
        return len(self.workspace.order) if self.workspace else 0

    def use(self, workspace: SuffixIndex) -> None:
        """Take ``workspace`` as the workspace tier; open files stay out of it."""
        for path in self._open:
            workspace.hide(path)
        self.workspace = workspace
        self.leave_out(self._forgotten)

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Know nothing of these paths from now on, but in an open file of them what it says itself."""
        self._forgotten = forgotten
        if self.workspace:
            for path in filter(forgotten, self.workspace.corpus.paths):
                self.workspace.erase(path)
        self._others = self._counts = None
        self._n_changes[None] += 1

    def update(self, path: str, text: str, change: Change | None = None) -> TokenLines:
        """The file ``path`` is open and says ``text`` now."""
        lines = self._open.get(path)
        if lines is None:
            lines = self._open[path] = TokenLines(self.tokenizer)
            self._n_changes[None] += 1
            if self.workspace:
                self.workspace.hide(path)
        self._open.move_to_end(path)
        if self._others and self._others[0] != path:
            self._others = None
        self._n_changes[path] += text != lines.text
        lines.update(text, change)
        return lines

    def close(self, path: str) -> None:
        """The file is no longer open; what counts is what the workspace has of it."""
        if self._open.pop(path, None) is not None:
            self._others = None
            self._n_changes[None] += self._n_changes.pop(path, 0) + 1  # nothing is kept of a file that is closed
            if self.workspace:
                self.workspace.show(path)

    def lines(self, path: str) -> TokenLines | None:
        """The tokens of an open file."""
        return self._open.get(path)

    def age(self, path: str) -> int:
        """A number that grows when anything but the text of ``path`` changes."""
        return self._n_changes.total() - self._n_changes[path]

    def evidence(self, context: Sequence[int] | Array, path: str, here: Array) -> list[NgramMatch]:
        """Counts of what followed the ends of ``context``, by tier and within it from short to long.

        ``here`` are the ids of the file ``path`` without the place that is asked about. Of orders that say the same
        only the longest is given.
        """
        recent = _recent(context)
        matches: list[NgramMatch] = []
        if self.workspace:
            short, places, lengths = self.workspace.matches(recent)
            for order, following in short:
                _add_match(matches, WORKSPACE, order, following)
            _add_matches(matches, WORKSPACE, SORTED, self.workspace.corpus.next_ids[places + MAX_MATCH], lengths)
        others = self._other_files(path)
        if others is not None:
            places, lengths = search(others.ids, recent)
            _add_matches(matches, OTHERS, 1, others.ids[places + MAX_MATCH], lengths)
        if len(here) > MAX_MATCH:
            places, lengths = search(here, recent)
            _add_matches(matches, HERE, 1, here[places + MAX_MATCH], lengths)
        return matches

    def here(self, before: Array, after: Array) -> Array:
        """The file tier: its ids before and behind the place that is asked about, as ``evidence`` wants them.

        No id lies between the two, so that the cursor itself says nothing of what comes next.
        """
        padding = np.full(MAX_MATCH - 1, NO_ID, np.int32)
        separator = np.array([self._separator], np.int32)
        return np.concatenate([padding, separator, before, padding[:1], after])

    def continuation(self, context: Sequence[int] | Array, path: str, here: Array, n: int) -> tuple[list[int], int]:
        """The ``n`` ids at most that followed the longest end of ``context``, and how many ids that end has.

        Of equals the file is preferred, then other open files, then the workspace; in each the latest.
        """
        recent = _recent(context)
        best: tuple[int, Array, int] = (0, here, 0)
        others = self._other_files(path)
        for ids in [here, *([others.ids] if others else [])]:
            if len(ids) > MAX_MATCH:
                best = _longer(best, ids, *search(ids, recent))
        if self.workspace:
            corpus = self.workspace.corpus
            best = _longer(best, corpus.next_ids, *self.workspace.matches(recent)[1:])
        length, ids, place = best
        following = ids[place + MAX_MATCH : place + MAX_MATCH + n] if length else ids[:0]
        ends = np.flatnonzero((following == NO_ID) | (following == self._separator))
        return following[: ends[0] if len(ends) else n].tolist(), length

    def seen(
        self, context: Array, generated: Sequence[int], path: str, here: Array, *, then: Array | None = None
    ) -> Seen | None:
        """Where ``generated`` was seen after the end of ``context``: the file above the cursor first, then
        other files, then the workspace.

        At least one id of the context, and SORTED ids in all, must agree. Of very many ids the first ones count.
        With ``then``, a mask (V,), only where one of its ids comes next, or nothing.
        """
        generated = generated[: MAX_MATCH - 1]
        recent = _recent(np.concatenate([context[-MAX_MATCH:], np.array(generated, np.int32)]))
        wanted = min(MAX_MATCH, max(len(generated) + 1, SORTED))
        seen_at: list[Seen] = []
        if len(here) > MAX_MATCH:
            places, lengths = search(here, recent)
            places = _followed(here, places[lengths >= wanted], then)
            above = places[places + MAX_MATCH < MAX_MATCH + len(context)]
            if len(above):
                line = self._line(here[: int(above[-1]) + MAX_MATCH - len(generated)])
                seen_at.append(Seen(path=path, line=line, times=len(places)))
        others = self._other_files(path)
        if others is not None:
            places, lengths = search(others.ids, recent)
            seen_at += self._places(others, _followed(others.ids, places[lengths >= wanted], then), len(generated))
        if self.workspace:
            _, places, lengths = self.workspace.matches(recent)
            shown = self.workspace.corpus.next_ids[places + MAX_MATCH] != NO_ID
            corpus = self.workspace.corpus
            seen_at += self._places(
                corpus, _followed(corpus.ids, places[(lengths >= wanted) & shown], then), len(generated)
            )
        if not seen_at:
            return None
        best = seen_at[0]
        return Seen(path=best.path, line=best.line, times=sum(place.times for place in seen_at))

    def _places(self, corpus: TokenCorpus, places: Array, n_generated: int) -> list[Seen]:
        """The last of ``places``, with the number of all; none if there are none."""
        if not len(places):
            return []
        first = int(places[-1]) + MAX_MATCH - n_generated
        text = bisect_right(corpus.starts, first) - 1
        line = self._line(corpus.ids[corpus.starts[text] + 1 : first])
        return [Seen(path=corpus.paths[text], line=line, times=len(places))]

    def _line(self, before: Array) -> int:
        """The line, counted from 1, that comes after some ids."""
        return 1 + int(self._breaks[before[before >= 0]].sum())

    def knows(self, word: str, *, without: str | None = None) -> bool:
        """Whether the workspace or an open file, but the path ``without``, has the identifier ``word``."""
        return self.in_workspace(word) or any(
            word in lines.words and path != without and not self._forgotten(path) for path, lines in self._open.items()
        )

    def in_workspace(self, word: str) -> bool:
        """Whether a file on disk has the identifier ``word``."""
        return self.workspace is not None and word in self.workspace.words(self.tokenizer.raw)

    def unigram(self) -> Array:
        """How often each id is in the workspace, (V,)."""
        if self._counts is None:
            size = self.tokenizer.vocab_size
            self._counts = self.workspace.counts(size) if self.workspace else np.zeros(size, np.float32)
        return self._counts

    def _other_files(self, path: str) -> TokenCorpus | None:
        """The open files but ``path``, the latest first, as far as they are searched."""
        if len(self._open) < 2 and path in self._open:
            return None
        if self._others is None or self._others[0] != path:
            chosen, n = [], 0
            for other, lines in reversed(self._open.items()):
                if other != path and not self._forgotten(other) and n + len(lines.ids) <= MAX_OTHERS:
                    chosen.append((other, lines.ids))
                    n += len(lines.ids)
            if not chosen:
                return None
            self._others = path, token_corpus(chosen, self._separator)
        return self._others[1]


def _followed(ids: Array, places: Array, then: Array | None) -> Array:
    """The ``places`` at which one of the ids of ``then`` comes next, or nothing."""
    if then is None or not len(places):
        return places
    following = ids[places + MAX_MATCH]
    chosen: Array = places[(following < 0) | (then[following] > 0)]
    return chosen


def _recent(context: Sequence[int] | Array) -> Array:
    """The last MAX_MATCH ids of a context; fewer are padded in front."""
    recent = np.full(MAX_MATCH, NO_CONTEXT, np.int32)
    tail = np.asarray(context[-MAX_MATCH:], np.int32)
    recent[MAX_MATCH - len(tail) :] = tail
    return recent


def _longer(best: tuple[int, Array, int], ids: Array, places: Array, lengths: Array) -> tuple[int, Array, int]:
    """``best`` (a length, ids and a place in them), or the last of the ``places`` that have more in common."""
    if len(lengths):
        last = len(lengths) - 1 - int(lengths[::-1].argmax())
        if lengths[last] > best[0]:
            return int(lengths[last]), ids, int(places[last])
    return best


def _add_matches(matches: list[NgramMatch], source: int, least: int, following: Array, lengths: Array) -> None:
    """A level for each order from ``least`` on that says something new, short to long."""
    if not len(lengths):
        return
    n_at = np.cumsum(np.bincount(lengths, minlength=MAX_MATCH + 1)[::-1])[::-1].tolist()  # places with as many or more
    by_order: list[tuple[int, Array]] = []
    longer = 0
    for order in reversed(ORDERS):
        if order < least:
            break
        if n_at[order] > longer:
            longer = n_at[order]
            by_order.append((order, following if longer == len(following) else following[lengths >= order]))
    for order, after in reversed(by_order):
        _add_match(matches, source, order, after)


def _add_match(matches: list[NgramMatch], source: int, order: int, following: Array) -> None:
    if len(following) <= FEW:
        counter: dict[int, int] = {}
        for i in following.tolist():
            if i != NO_ID:
                counter[i] = counter.get(i, 0) + 1
        if not counter:
            return
        ids, counts = np.array(list(counter)), np.array(list(counter.values()), np.float32)
        total = sum(counter.values())
    else:
        dense = np.bincount(following + 1)
        dense[0] = 0
        ids = np.flatnonzero(dense)
        if not len(ids):
            return
        counts = dense[ids].astype(np.float32)
        ids, total = ids - 1, int(dense.sum())
    matches.append(NgramMatch(source, order, ids, counts, float(total)))
