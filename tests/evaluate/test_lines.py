import pytest

from tests.conftest import LESSON
from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.evaluate import completed_lines, could_begin_a_module, statement_starts
from tinycoder.storage.checkpoint import Model

BEGUN = ["", "x = 1\n", "if x:\n", "f(1,\n", "def f(self,\n", "try:\n    x\n", "x = '''a\n", "class A:\n    x = [\n"]
WRONG = ["x = = 1\n", "return)\n", "f(]\n", "if x\n", "x = 'a\n", "def f(:\n", "x\0\n"]


@pytest.mark.parametrize("source", [*BEGUN, *WRONG])
def test_what_could_begin_a_module(source: str) -> None:
    assert could_begin_a_module(source) == (source in BEGUN)


def test_statements_start_after_their_indentation() -> None:
    text = 'def f():\r\n    """Doc."""\r\n    é = 1; b = 2\n\x0c\nif x:\n\ty\n'
    assert [text[offset:].split()[0] for offset in statement_starts(text)] == ["def", "é", "if", "y"]
    assert statement_starts("not python at all") == []
    assert statement_starts("") == []


@pytest.mark.parametrize("inside", [False, True])
def test_lines_that_were_learnt_are_completed(model: Model, inside: bool) -> None:
    document = Document(path="counter.py", text=LESSON)
    lines = list(completed_lines(Engine(model), [document], n=100, seed=0, inside=inside))
    assert len(lines) >= 8
    assert sum(line.exact for line in lines) > len(lines) / 2
    for line in lines:
        assert LESSON[line.offset :].startswith(line.truth)
        assert line.valid == could_begin_a_module(LESSON[: line.offset] + line.text + "\n")
    again = list(completed_lines(Engine(model), [document], n=3, seed=0, inside=inside))
    assert again == lines[:3]
