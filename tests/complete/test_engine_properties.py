"""What holds for every answer, whatever the document and wherever the cursor."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.complete.faults import n_faults
from tests.complete.memories import workspace_of
from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.names.name import matches
from tinycoder.complete.syntax import SyntaxGate
from tinycoder.complete.text import rest_of_word
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.suffix_index import SuffixIndex
from tinycoder.stop import never
from tinycoder.storage.checkpoint import Model

FILES = {
    "shop/cart.py": "class Cart:\n    def add(self, item, n=1):\n        self.items[item] = n\n        return self\n",
    "shop/tabs.py": "def total(rows):\n\tfor row in rows:\n\t\tprint(row)\n\treturn sum(rows)\n",
    "shop/éclair.py": "prix = {'éclair': 3}\r\nprint(f\"{prix['éclair']} €\")\r\n",
}
PIECES = [
    "import os\n", "\n\n", "class Counter:\n", "    def __init__(self, start):\n", "        self.total = start\n",
    "def make_counter(start):\n", "    counter = Counter(start)\n", "    return counter\n", "        return self.total",
    "\tfor row in rows:\n", "\t\tprint(row)\n", "self.", "tot", "import", "(", ")", "[", "]:", "{'a': 1}", "'", '"',
    '"""', "# note", "\\\n", "\r\n", "\r", " ", "    ", "\t", "x = ", "éclair", "🦎", "\u2028", "\x0c", "1_000", "f'{",
    "}'", "@", ":", "try:\n    pass\n", "else:", "lambda x: ", "def add(self, item, n=1):\n        self.items[item]",
]  # fmt: skip
DOCUMENTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=8).map("".join),
    st.text(max_size=40),
)
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def workspace(model: Model) -> SuffixIndex:
    return workspace_of(model.tokenizer, FILES)


def fresh(model: Model, workspace: SuffixIndex) -> Engine:
    memory = Memory(model.tokenizer)
    memory.use(workspace)
    return Engine(model, memory)


def inline(engine: Engine, text: str, offset: int, *, n: int = 1, block: bool = False) -> list[Candidate]:
    document = Document(path="open.py", text=text)
    return engine.inline(document, offset, GhostRequest(max_tokens=10, n=n, block=block, eagerness="any"), stop=never)


def popup(engine: Engine, text: str, offset: int) -> list[Candidate]:
    return engine.popup(Document(path="open.py", text=text), offset, ListRequest(limit=5), stop=never)


def everything(engine: Engine, text: str, offset: int) -> list[list[Candidate]]:
    return [
        inline(engine, text, offset),
        inline(engine, text, offset, n=3),
        inline(engine, text, offset, block=True),
        inline(engine, text, offset, n=3, block=True),
        popup(engine, text, offset),
    ]


def applied(text: str, candidate: Candidate) -> str:
    return text[: candidate.start] + candidate.text + text[candidate.end :]


def plain(answers: Iterable[list[Candidate]]) -> list[list[tuple[str, int, str]]]:
    return [[(found.text, found.start, str(found.provenance)) for found in answer] for answer in answers]


@given(text=DOCUMENTS, data=st.data())
@QUICK
def test_an_answer_replaces_the_typed_word_and_nothing_else(
    model: Model, workspace: SuffixIndex, text: str, data: st.DataObject
) -> None:
    offset = data.draw(st.integers(0, len(text)))
    answers = everything(fresh(model, workspace), text, offset)
    line, lines, _, _, words = answers
    assert not any(set("\r\n") & set(found.text) for found in [*line, *lines, *words])
    for answer in answers:
        assert len({found.text for found in answer}) == len(answer)
        for found in answer:
            rest = rest_of_word(text, offset)
            assert 0 <= found.start <= offset <= found.end <= offset + len(rest)
            assert matches(text[found.start : offset], found.text)
            brings_import = str(found.provenance).startswith(("import ", "from "))  # such a word is not this file's yet
            assert found.text[offset - found.start :].strip() or brings_import
            assert not found.text[-1].isspace()
            assert 0 <= found.probability <= 1
            assert str(found.provenance)
            if answer is not words:
                new = applied(text, found)
                assert new[:offset] == text[:offset]
                assert new[len(new) - len(text[offset:]) :] == text[offset:]


@given(text=DOCUMENTS, data=st.data())
@QUICK
def test_ghost_text_adds_no_syntax_error(model: Model, workspace: SuffixIndex, text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    engine = fresh(model, workspace)
    before = n_faults(text)
    for answer in everything(engine, text, offset)[:-1]:
        for found in answer:
            made = found.text[offset - found.start : len(found.text) - (found.end - offset)]
            assert SyntaxGate().accepts(text, offset, offset, made)
            if text[offset:].strip() and not before:  # at the end of a text a line may be unfinished
                assert n_faults(applied(text, found)) == 0


@given(asked=st.lists(st.tuples(DOCUMENTS, st.floats(0, 1)), min_size=1, max_size=2))
@settings(QUICK, max_examples=5)
def test_earlier_requests_change_no_answer(
    model: Model, workspace: SuffixIndex, asked: list[tuple[str, float]]
) -> None:
    warm = fresh(model, workspace)
    for text, share in [*asked, *asked]:
        offset = round(share * len(text))
        assert plain(everything(warm, text, offset)) == plain(everything(fresh(model, workspace), text, offset))


@given(
    begin=st.sampled_from([
        "import os\n\n\ncla", "import os\n\n\nclass Counter:\n    def __init__(self, st",
        "class Counter:\n    def __init__(self, start):\n        self.tot", "class Cart:\n    de",
        "def total(rows):\n\tfor",
        "class Counter:\n    def add(self, amount):\n        ret", "class Counter:", "prix = {'éc", "imp",
    ]),
    after=st.sampled_from(["", "\n", ")\n", "\n\n\nx = 1\n", "):\n        pass\n"]),
    block=st.booleans(),
    steps=st.lists(st.integers(1, 4), min_size=1, max_size=40),
)  # fmt: skip
@settings(QUICK, max_examples=40)
def test_a_suggestion_stays_while_the_user_types_through_it(
    model: Model, workspace: SuffixIndex, begin: str, after: str, block: bool, steps: list[int]
) -> None:
    text, offset = begin + after, len(begin)
    engine = fresh(model, workspace)
    answer = inline(engine, text, offset, block=block)
    assume(answer)
    for step in steps:
        shown = applied(text, answer[0])[: answer[0].start + len(answer[0].text)]
        if offset + step >= len(shown):
            break
        text = text[:offset] + shown[offset : offset + step] + text[offset:]
        offset += step
        answer = inline(engine, text, offset, block=block)
        assert answer, (text[:offset], shown)
        assert applied(text, answer[0]).startswith(shown)


@given(text=DOCUMENTS, cut=st.integers(0, 40))
@example(text="", cut=0)
@settings(QUICK, max_examples=15)
def test_learning_and_looking_ahead_accept_any_text(model: Model, workspace: SuffixIndex, text: str, cut: int) -> None:
    engine = fresh(model, workspace)
    for end in (cut, cut + 1, len(text)):
        engine.observe(Document(path="open.py", text=text[:end]))
    while engine.learn(stop=never):
        pass
    for found in inline(engine, text, len(text)):
        engine.look_ahead(Document(path="open.py", text=text), len(text), found, stop=never, max_tokens=4)
    tokens = list(engine.costs(Document(path="open.py", text=text), stop=never))
    assert sum(token.n_bytes for token in tokens) == len(text.encode("utf-8"))
    assert all(0 < token.probability <= 1 for token in tokens)
    engine.forget("open.py")
