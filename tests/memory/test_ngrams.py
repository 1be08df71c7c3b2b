"""The memory against a plain count of what followed each end of a context, tier by tier."""

from __future__ import annotations

import gc
import tracemalloc
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinycoder.memory.ngrams import HERE, ORDERS, OTHERS, WORKSPACE, Memory, NgramMatch
from tinycoder.memory.suffix_index import SuffixIndex, token_corpus
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import FILE_SEPARATOR, train_character_tokenizer, train_code_tokenizer

CHARACTERS = train_character_tokenizer(["abc\n"])
CODE = "def load(path):\n    with open(path) as file:\n        return file.read()\n\n\nvalue = load('a')\n"
BPE = train_code_tokenizer([CODE * 20], 400)
SEPARATOR = CHARACTERS.special[FILE_SEPARATOR]

TEXTS = st.text("abc\n", max_size=60)
OFTEN_REPEATING = TEXTS | st.builds(lambda text, n: text * n, st.text("ab\n", max_size=8), st.integers(1, 12))
FILES = st.dictionaries(st.sampled_from(["a.py", "b.py", "c/d.py"]), OFTEN_REPEATING, max_size=3)


def ids_of(text: str) -> Array:
    return np.array(CHARACTERS.encode(text), np.int32)


def make_memory(files: dict[str, str]) -> Memory:
    memory = Memory(CHARACTERS)
    memory.use(SuffixIndex(token_corpus([(path, ids_of(text)) for path, text in sorted(files.items())], SEPARATOR)))
    return memory


def followers(pieces: Sequence[Sequence[int]], context: Sequence[int], order: int) -> Counter[int]:
    """What came in ``pieces`` after the last ``order`` ids of ``context``, counted place by place."""
    wanted = list(context[-order:])
    found: Counter[int] = Counter()
    if len(wanted) == order:
        for piece in pieces:
            for i in range(order, len(piece)):
                if list(piece[i - order : i]) == wanted:
                    found[piece[i]] += 1
    return found


def said(matches: Sequence[NgramMatch], source: int, order: int) -> Counter[int]:
    """What ``matches`` say of an order: of orders that say the same only the longest is given."""
    match = next((match for match in matches if match.source == source and match.order >= order), None)
    if match is None:
        return Counter()
    assert match.total == match.counts.sum()
    return Counter({int(i): int(n) for i, n in zip(match.ids, match.counts, strict=True)})


def plain(matches: Sequence[NgramMatch]) -> list[tuple[int, int, dict[int, float]]]:
    """Levels as plain data, to compare."""
    return [
        (match.source, match.order, dict(zip(match.ids.tolist(), match.counts.tolist(), strict=True)))
        for match in matches
    ]


@given(files=FILES, opened=FILES, before=OFTEN_REPEATING, after=OFTEN_REPEATING, tail=st.text("abc\n", max_size=4))
@settings(max_examples=400)
def test_evidence_is_a_count_of_what_followed(
    files: dict[str, str], opened: dict[str, str], before: str, after: str, tail: str
) -> None:
    path = "a.py"
    memory = make_memory(files)
    for other, text in opened.items():
        memory.update(other, text)
    memory.update(path, before + after)
    opened.pop(path, None)
    context = ids_of(before + tail)  # the tail is a guess that the file does not have yet
    matches = memory.evidence(context, path, memory.here(ids_of(before), ids_of(after)))

    def whole(text: str) -> list[int]:
        return [SEPARATOR, *CHARACTERS.encode(text), SEPARATOR]

    on_disk = [whole(text) for other, text in files.items() if other != path and other not in opened]
    others = [whole(text) for text in opened.values()]
    here = [[SEPARATOR, *CHARACTERS.encode(before)], CHARACTERS.encode(after)]
    for order in ORDERS:
        assert said(matches, WORKSPACE, order) == followers(on_disk, context.tolist(), order)
        assert said(matches, OTHERS, order) == followers(others, context.tolist(), order)
        assert said(matches, HERE, order) == followers(here, context.tolist(), order)


@given(files=FILES, context=TEXTS, path=st.sampled_from(["a.py", "b.py", "nowhere.py"]))
def test_closing_a_file_restores_the_workspace_exactly(files: dict[str, str], context: str, path: str) -> None:
    memory = make_memory(files)
    workspace = memory.workspace
    assert workspace is not None
    ids = ids_of(context)
    before = plain(memory.evidence(ids, "x.py", ids[:0]))
    stored = workspace.corpus.next_ids.copy()
    memory.update(path, "abcabc")
    memory.update(path, "cab")
    memory.close(path)
    memory.close(path)
    assert np.array_equal(workspace.corpus.next_ids, stored)
    assert plain(memory.evidence(ids, "x.py", ids[:0])) == before


@given(files=FILES)
def test_a_hidden_text_still_says_what_it_is_on_disk(files: dict[str, str]) -> None:
    workspace = make_memory(files).workspace
    assert workspace is not None
    for path, text in files.items():
        workspace.hide(path)
        workspace.hide(path)
        assert workspace.corpus.texts()[path].tolist() == CHARACTERS.encode(text)
    for path in files:
        workspace.show(path)
    assert np.array_equal(workspace.corpus.next_ids, workspace.corpus.ids)


@given(text=OFTEN_REPEATING, edit=st.text("abc\n", min_size=1, max_size=5), at=st.floats(0, 1), context=TEXTS)
def test_an_undone_edit_leaves_nothing_behind(text: str, edit: str, at: float, context: str) -> None:
    memory = make_memory({"a.py": "abcab\n", "b.py": "cab\n"})
    memory.update("b.py", text)
    memory.update("mine.py", "abab")
    ids, here = ids_of(context), memory.here(ids_of("abab"), ids_of(""))
    before = plain(memory.evidence(ids, "mine.py", here))
    offset = round(at * len(text))
    memory.update("b.py", text[:offset] + edit + text[offset:])
    memory.evidence(ids, "mine.py", here)
    memory.update("b.py", text)
    assert plain(memory.evidence(ids, "mine.py", here)) == before


def test_an_edit_of_another_file_is_in_at_once() -> None:
    memory = make_memory({})
    memory.update("other.py", "x")
    memory.update("mine.py", "")
    nothing = memory.here(ids_of(""), ids_of(""))
    context = ids_of("abc")
    assert said(memory.evidence(context, "mine.py", nothing), OTHERS, 3) == Counter()
    memory.update("other.py", "abcb")
    assert said(memory.evidence(context, "mine.py", nothing), OTHERS, 3) == Counter({CHARACTERS.encode("b")[0]: 1})
    memory.close("other.py")
    assert said(memory.evidence(context, "mine.py", nothing), OTHERS, 3) == Counter()


def test_its_age_for_a_file_is_that_of_all_the_others() -> None:
    memory = make_memory({"a.py": "ab"})
    memory.update("mine.py", "x")
    ages = [memory.age("mine.py")]
    memory.update("mine.py", "xy")
    assert memory.age("mine.py") == ages[0]
    for change in (
        lambda: memory.update("other.py", ""),
        lambda: memory.update("other.py", "a"),
        lambda: memory.close("other.py"),
        lambda: memory.use(SuffixIndex(token_corpus([], SEPARATOR))),
    ):
        change()
        ages.append(memory.age("mine.py"))
    assert ages == sorted(set(ages))


def test_a_file_that_is_open_before_the_workspace_is_there_stays_out_of_it() -> None:
    memory = Memory(CHARACTERS)
    memory.update("a.py", "cc")
    assert memory.n_tokens == 0
    memory.use(SuffixIndex(token_corpus([("a.py", ids_of("abab"))], SEPARATOR)))
    assert memory.n_tokens == len("abab") + 2
    assert memory.evidence(ids_of("a"), "a.py", ids_of("")) == []
    memory.close("a.py")
    assert said(memory.evidence(ids_of("a"), "x.py", ids_of("")), WORKSPACE, 1) == Counter(
        {CHARACTERS.encode("b")[0]: 2}
    )


def test_without_a_context_nothing_followed() -> None:
    memory = make_memory({"a.py": "abc"})
    memory.update("b.py", "abc")
    assert memory.evidence(ids_of(""), "x.py", memory.here(ids_of(""), ids_of("abc"))) == []


def test_frequent_contexts_are_sampled_in_proportion() -> None:
    memory = make_memory({"a.py": "aaab" * 20_000})
    counts = said(memory.evidence(ids_of("a"), "x.py", ids_of("")), WORKSPACE, 1)
    a, b = (CHARACTERS.encode(letter)[0] for letter in "ab")
    assert counts[a] / counts[b] == pytest.approx(2, rel=0.05)


def test_how_often_each_id_is_there() -> None:
    counts = make_memory({"a.py": "aab", "b.py": "b"}).unigram()
    assert counts.shape == (CHARACTERS.vocab_size,)
    assert [counts[CHARACTERS.encode(letter)[0]] for letter in "abc"] == [2, 2, 0]


class TestSeen:
    """Where the continuation of ``value = load`` was seen."""

    CONTEXT = np.array(BPE.encode("\n\nvalue = load"), np.int32)
    MADE = BPE.encode("('a')")

    def memory(self, *paths: str) -> Memory:
        memory = Memory(BPE)
        texts = [("early.py", "import os\n" * 7), *((path, CODE) for path in paths), ("late.py", "import sys\n")]
        corpus = [(path, np.array(BPE.encode(text), np.int32)) for path, text in texts]
        memory.use(SuffixIndex(token_corpus(corpus, BPE.special[FILE_SEPARATOR])))
        return memory

    def here(self, memory: Memory, before: str = "", after: str = "") -> Array:
        ids = [np.array(BPE.encode(text), np.int32) for text in (before, after)]
        return memory.here(*ids)

    def test_in_the_workspace(self) -> None:
        memory = self.memory("lib/io.py")
        place = memory.seen(self.CONTEXT, self.MADE, "mine.py", self.here(memory))
        assert place is not None
        assert (place.path, place.line, place.times) == ("lib/io.py", 6, 1)

    def test_as_often_as_it_is_there(self) -> None:
        memory = self.memory("lib/a.py", "lib/b.py")
        place = memory.seen(self.CONTEXT, self.MADE, "mine.py", self.here(memory))
        assert place is not None
        assert (place.path, place.line, place.times) == ("lib/b.py", 6, 2)

    def test_above_the_cursor_first(self) -> None:
        memory = self.memory("lib/io.py")
        memory.update("open.py", CODE)
        before = "# mine\n" + CODE + "\n\nvalue = load"
        context = np.array(BPE.encode(before), np.int32)
        place = memory.seen(context, self.MADE, "mine.py", self.here(memory, before))
        assert place is not None
        assert (place.path, place.line, place.times) == ("mine.py", 7, 3)

    def test_in_an_open_file_as_it_is_now(self) -> None:
        memory = self.memory("lib/io.py")
        memory.update("lib/io.py", "# new\n\n" + CODE)
        place = memory.seen(self.CONTEXT, self.MADE, "mine.py", self.here(memory))
        assert place is not None
        assert (place.path, place.line, place.times) == ("lib/io.py", 8, 1)

    def test_nowhere(self) -> None:
        memory = self.memory("lib/io.py")
        assert memory.seen(self.CONTEXT, BPE.encode("('b')"), "mine.py", self.here(memory)) is None
        memory.update("lib/io.py", "")
        assert memory.seen(self.CONTEXT, self.MADE, "mine.py", self.here(memory)) is None


@given(text=st.text("abc", min_size=40, max_size=60))
def test_the_file_under_the_cursor_is_not_evidence_from_elsewhere(text: str) -> None:
    memory = make_memory({"a.py": text})
    memory.update("a.py", text)
    context = ids_of(text[:20])
    assume(text[:20] not in text[20:])
    matches = memory.evidence(context, "a.py", memory.here(context, ids_of("")))
    assert {match.source for match in matches} <= {HERE}


@given(FILES, OFTEN_REPEATING, st.sampled_from(["a.py", "b.py", "c/d.py"]))
def test_a_forgotten_text_is_as_if_it_had_never_been_there(files: dict[str, str], typed: str, gone: str) -> None:
    memory = make_memory(files)
    memory.leave_out(gone.__eq__)
    expected = make_memory({path: text for path, text in files.items() if path != gone})
    nothing = np.zeros(0, np.int32)
    matches, wanted = (m.evidence(ids_of(typed), "new.py", m.here(nothing, nothing)) for m in (memory, expected))
    for order in ORDERS:
        assert said(matches, WORKSPACE, order) == said(wanted, WORKSPACE, order)
    for word in ("a", "b", "c", "ab", "abc"):
        assert memory.in_workspace(word) == expected.in_workspace(word)
    letters = ids_of("abc\n")
    assert np.array_equal(memory.unigram()[letters], expected.unigram()[letters])


def test_a_forgotten_file_that_is_open_helps_in_itself_alone() -> None:
    memory = make_memory({"a.py": "abcabc\n", "b.py": "bb\n"})
    memory.leave_out("a.py".__eq__)
    nothing = np.zeros(0, np.int32)
    for path in ("a.py", "b.py", "c.py"):
        memory.update(path, "cacao\n" if path == "a.py" else "b\n")
    assert not memory.knows("cacao")
    assert memory.evidence(ids_of("c"), "c.py", memory.here(nothing, nothing)) == []
    here = memory.here(ids_of("cac"), nothing)
    assert said(memory.evidence(ids_of("c"), "a.py", here), HERE, 1) == Counter(ids_of("a").tolist())
    memory.close("a.py")
    assert not memory.knows("abcabc")
    memory.use(SuffixIndex(token_corpus([("a.py", ids_of("abcabc\n"))], SEPARATOR)))  # made before it was forgotten
    assert not memory.knows("abcabc")


def test_nothing_is_kept_of_a_file_that_is_closed() -> None:
    memory = make_memory({})

    def visit(first: int) -> None:
        for n in range(first, first + 500):
            memory.update(f"file {n}.py", "abc")
            memory.close(f"file {n}.py")

    tracemalloc.start()
    try:
        visit(0)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        visit(500)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 500 * 20  # bytes
    finally:
        tracemalloc.stop()
