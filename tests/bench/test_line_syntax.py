"""The lines that `benchmarks/line_syntax.py` has completed."""

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.conftest import LESSON
from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.evaluate.measures import could_begin_a_module
from tinycoder.storage.checkpoint import Model


def test_statements_start_after_their_indentation(load: Callable[[str], ModuleType]) -> None:
    statement_starts = load("line_syntax").statement_starts
    text = 'def f():\r\n    """Doc."""\r\n    é = 1; b = 2\n\x0c\nif x:\n\ty\n'
    assert [text[offset:].split()[0] for offset in statement_starts(text)] == ["def", "é", "if", "y"]
    assert statement_starts("not python at all") == []
    assert statement_starts("") == []


@pytest.mark.parametrize("inside", [False, True])
def test_lines_that_were_learnt_are_completed(load: Callable[[str], ModuleType], model: Model, inside: bool) -> None:
    completed_lines = load("line_syntax").completed_lines
    document = Document(path="counter.py", text=LESSON)
    lines = list(completed_lines(Engine(model), [document], n=100, seed=0, inside=inside))
    assert len(lines) >= 8
    assert sum(line.exact for line in lines) > len(lines) / 2
    for line in lines:
        assert LESSON[line.offset :].startswith(line.truth)
        assert line.valid == could_begin_a_module(LESSON[: line.offset] + line.text + "\n")
    again = list(completed_lines(Engine(model), [document], n=3, seed=0, inside=inside))
    assert again == lines[:3]
