"""The sorted texts next to what they must be: a sort of all places, and a count of what follows each context."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.memory import suffix_index
from tinycoder.memory.suffix_index import MAX_MATCH, NO_ID, SORTED, SuffixIndex, id_type, sorted_parts, token_corpus

SEPARATOR = 1
IDS = st.lists(st.sampled_from([2, 3, 4, 300, 4095]), max_size=60)


@pytest.fixture(autouse=True)
def _small_parts() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suffix_index, "SORTED_AT_ONCE", 7)
        yield


@given(st.lists(IDS, max_size=4), st.sampled_from([4096, 80_000]))
def test_places_are_sorted_by_what_is_before_them_whatever_the_parts(texts: list[list[int]], vocab_size: int) -> None:
    named = [(f"{i}.py", np.array(ids, np.int32)) for i, ids in enumerate(texts)]
    ids = token_corpus(named, SEPARATOR, id_type(vocab_size)).ids.tolist()

    def before(place: int) -> list[int]:
        return [i & 0xFFFF for i in ids[place + MAX_MATCH - SORTED : place + MAX_MATCH][::-1]]

    index = SuffixIndex(token_corpus(named, SEPARATOR, id_type(vocab_size)))
    assert index.order.tolist() == sorted(range(len(ids) - MAX_MATCH), key=before)


@given(st.lists(IDS, min_size=1, max_size=4), st.data())
def test_what_follows_a_context_is_what_a_count_finds(texts: list[list[int]], data: st.DataObject) -> None:
    named = [(f"{i}.py", np.array(ids, np.int32)) for i, ids in enumerate(texts)]
    index = SuffixIndex(token_corpus(named, SEPARATOR, np.int16))
    hidden = data.draw(st.sampled_from(["none.py", *(path for path, _ in named)]))
    index.hide(hidden)
    ids = index.corpus.ids.tolist()
    end = data.draw(st.integers(MAX_MATCH + 1, len(ids)))
    context = np.array(ids[end - MAX_MATCH : end], np.int32)

    short, places, lengths = index.matches(context)
    found = {order: Counter(following.tolist()) for order, following in short}
    found[SORTED] = Counter(index.corpus.next_ids[places[lengths >= SORTED] + MAX_MATCH].tolist())
    for order, counts in found.items():
        same = [i for i in range(MAX_MATCH, len(ids)) if ids[i - order : i] == context[-order:].tolist()]
        assert counts == Counter(int(index.corpus.next_ids[i]) for i in same)
    for place, length in zip(places.tolist(), lengths.tolist(), strict=True):
        before = ids[place : place + MAX_MATCH]
        assert before[MAX_MATCH - length :] == context[MAX_MATCH - length :].tolist()
        assert length == MAX_MATCH or before[MAX_MATCH - length - 1] != context[MAX_MATCH - length - 1]


def test_many_texts_are_sorted_in_many_parts() -> None:
    ids = token_corpus([("a.py", np.arange(2, 2000, dtype=np.int32) % 50)], SEPARATOR).ids
    assert len(list(sorted_parts(ids))) > 10


def test_what_is_erased_counts_no_more() -> None:
    index = SuffixIndex(token_corpus([("a.py", np.array([5, 6])), ("b.py", np.array([6, 7]))], SEPARATOR, np.int16))
    assert index.counts(9).tolist() == [0, 3, 0, 0, 0, 1, 2, 1, 0]
    index.erase("b.py")
    assert index.counts(9).tolist() == [0, 3, 0, 0, 0, 1, 1, 0, 0]
    assert index.corpus.ids.tolist().count(NO_ID) == MAX_MATCH + 2
