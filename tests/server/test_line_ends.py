"""A document finds what stands in the workspace, whatever line ends the two have."""

from pathlib import Path

import pytest

from tinycoder.complete.candidate import Document, GhostRequest
from tinycoder.complete.engine import Engine
from tinycoder.memory.indexing import index_workspace
from tinycoder.memory.ngrams import Memory
from tinycoder.stop import never
from tinycoder.storage.checkpoint import Model
from tinycoder_lsp.documents.workspace import CodeDocument

ENDS = ["\n", "\r\n", "\r"]
CODE = """import os


def odd(amount):
    total = amount + Counter(os)
    total = Counter(amount)
    return total
"""


def lines_found(model: Model, root: Path, document_end: str, workspace_end: str, mark: str) -> list[str]:
    """The lines of ``CODE`` that are offered word for word, each asked for at its first letter."""
    (root / "odd.py").write_bytes((mark + CODE).replace("\n", workspace_end).encode())
    memory = Memory(model.tokenizer)
    memory.use(index_workspace([root], model.tokenizer, file=None))
    engine = Engine(model, memory)
    for _ in range(12):  # a memory that is right gets its weight
        list(engine.costs(Document(path="again.py", text=CODE), stop=never))
    lines, found = CODE.split("\n"), []
    for number, line in enumerate(lines):
        at = len(line) - len(line.lstrip()) + 1
        text = mark + document_end.join([*lines[:number], line[:at]])
        code = CodeDocument("file:///new.py", text).index
        for each in engine.inline(
            Document(path="new.py", text=code.text), len(code.text), GhostRequest(eagerness="eager"), stop=never
        ):
            if line and (code.text[: each.start] + each.text).split("\n")[-1] == line:
                found.append(line)
    return found


@pytest.fixture(scope="module")
def expected(model: Model, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return lines_found(model, tmp_path_factory.mktemp("plain"), "\n", "\n", "")


@pytest.mark.parametrize("workspace_end", ENDS)
@pytest.mark.parametrize("document_end", ENDS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_document_finds_as_many_lines_as_with_line_feeds(
    model: Model, tmp_path: Path, expected: list[str], document_end: str, workspace_end: str, mark: str
) -> None:
    assert len(expected) >= 3
    assert lines_found(model, tmp_path, document_end, workspace_end, mark) == expected
