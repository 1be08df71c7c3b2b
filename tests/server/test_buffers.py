"""What the engine is told of the open documents."""

from tinycoder.complete.candidate import Document
from tinycoder_lsp.documents.buffers import Buffers

A, B = "file:///project/a.py", "file:///project/b.py"


def document(path: str, text: str = "") -> Document:
    return Document(path=path, text=text)


def queued(buffers: Buffers) -> dict[str, Document | None]:
    found: dict[str, Document | None] = {}
    while (piece := buffers.next()) is not None:
        path, said = piece
        found[path] = said
    return found


def test_of_many_edits_the_last_is_told_once() -> None:
    buffers = Buffers()
    for n in range(100):
        buffers.put(A, document("a.py", "x" * n))
    buffers.put(B, document("b.py"))
    assert queued(buffers) == {"a.py": document("a.py", "x" * 99), "b.py": document("b.py")}
    assert queued(buffers) == {}


def test_a_closed_document_is_told() -> None:
    buffers = Buffers()
    buffers.put(A, document("a.py"))
    buffers.remove(A)
    buffers.remove(B)  # was never open
    assert queued(buffers) == {"a.py": None}


def test_two_documents_of_one_path_do_not_close_each_other() -> None:
    buffers = Buffers()
    buffers.put(A, document("io.py", "one"))
    buffers.put(B, document("io.py", "two"))
    buffers.remove(B)
    assert queued(buffers) == {"io.py": document("io.py", "one")}
    buffers.remove(A)
    assert queued(buffers) == {"io.py": None}


def test_a_new_engine_is_told_everything() -> None:
    buffers = Buffers()
    buffers.put(A, document("a.py", "a"))
    queued(buffers)
    buffers.mark_dirty()
    assert queued(buffers) == {"a.py": document("a.py", "a")}


def test_an_engine_that_was_shown_another_text_is_told_again() -> None:
    buffers = Buffers()
    buffers.put(A, document("a.py", "new"))
    queued(buffers)
    buffers.shown(document("a.py", "new"))
    assert queued(buffers) == {}
    buffers.shown(document("c.py", "closed meanwhile"))
    assert queued(buffers) == {"c.py": None}
    buffers.shown(document("a.py", "old"))
    assert queued(buffers) == {"a.py": document("a.py", "new")}
