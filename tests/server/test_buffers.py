"""Which changes of the open documents are queued for the engine."""

import pytest

from tinycoder.complete.candidate import Document
from tinycoder_lsp.documents.buffers import Buffers

A, B = "file:///project/a.py", "file:///project/b.py"


def document(path: str, text: str = "") -> Document:
    return Document(path=path, text=text)


def queued(buffers: Buffers) -> dict[str, Document | None]:
    return dict(iter(buffers.next, None))  # type: ignore[arg-type]


@pytest.fixture
def buffers() -> Buffers:
    return Buffers()


def test_of_many_edits_only_the_last_is_queued(buffers: Buffers) -> None:
    for n in range(100):
        buffers.put(A, document("a.py", "x" * n))
    buffers.put(B, document("b.py"))
    assert queued(buffers) == {"a.py": document("a.py", "x" * 99), "b.py": document("b.py")}
    assert queued(buffers) == {}


def test_a_closed_document_is_queued_as_none(buffers: Buffers) -> None:
    buffers.put(A, document("a.py"))
    buffers.remove(A)
    buffers.remove(B)  # was never open
    assert queued(buffers) == {"a.py": None}


def test_two_documents_of_one_path_do_not_close_each_other(buffers: Buffers) -> None:
    buffers.put(A, document("io.py", "one"))
    buffers.put(B, document("io.py", "two"))
    buffers.remove(B)
    assert queued(buffers) == {"io.py": document("io.py", "one")}
    buffers.remove(A)
    assert queued(buffers) == {"io.py": None}


def test_all_open_documents_are_queued_for_a_new_engine(buffers: Buffers) -> None:
    buffers.put(A, document("a.py", "a"))
    queued(buffers)
    buffers.mark_dirty()
    assert queued(buffers) == {"a.py": document("a.py", "a")}


def test_a_document_is_queued_again_after_the_engine_was_shown_another_text(buffers: Buffers) -> None:
    buffers.put(A, document("a.py", "new"))
    queued(buffers)
    buffers.shown(document("a.py", "new"))
    assert queued(buffers) == {}
    buffers.shown(document("c.py", "closed meanwhile"))
    assert queued(buffers) == {"c.py": None}
    buffers.shown(document("a.py", "old"))
    assert queued(buffers) == {"a.py": document("a.py", "new")}
