"""Notebooks: the cells of one are completed as one document, however they change."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tinycoder_lsp.documents.notebooks import Cell, around, plain, whole

OTHER = "# told\n"
NOTEBOOK = "file:///project/work.ipynb"


def cell_uri(name: str) -> str:
    return f"vscode-notebook-cell:/project/work.ipynb#{name}"


CELLS = [Cell(uri=cell_uri(name), text=text) for name, text in (("A", "x = 1"), ("B", "%time y\n"), ("C", "z"))]


def test_the_cells_around_one() -> None:
    assert around(CELLS, cell_uri("A")) == ("", "\n\n#time y\n\n\nz")
    assert around(CELLS, cell_uri("B")) == ("x = 1\n\n", "\n\nz")
    assert around(CELLS, cell_uri("C")) == ("x = 1\n\n#time y\n\n\n", "")
    assert around(CELLS, cell_uri("nowhere")) == around([], cell_uri("A")) == ("", "")
    assert around(CELLS, "vscode-notebook-cell%3A/project/work.ipynb%23B")[0] == "x = 1\n\n"  # a URI in two spellings
    for cell in CELLS:
        above, below = around(CELLS, cell.uri)
        assert above + plain(cell.text) + below == whole(CELLS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%matplotlib inline\nx = 1", "#matplotlib inline\nx = 1"),
        ("%%time\nx = 1", "#%time\nx = 1"),
        ("if x:\n    !ls\n    y", "if x:\n    #ls\n    y"),
        ("?print\n\n%x", "#print\n\n#x"),
        ("x = 7 % 3\ny != 2\n'%d' % x", "x = 7 % 3\ny != 2\n'%d' % x"),
        ("", ""),
    ],
)
def test_notebook_commands_become_comments_of_the_same_length(text: str, expected: str) -> None:
    assert plain(text) == expected
    assert len(plain(text)) == len(text)


# In a running server.


class Notebook:
    """A notebook in an editor; each method tells the server of a change."""

    def __init__(self, client: Any, *texts: str, uri: str = NOTEBOOK, kinds: str = "") -> None:
        self.client = client
        self.uri = uri
        self._names = itertools.count()
        self._version = 1
        documents = [self._document(text) for text in texts]
        for document, kind in zip(documents, kinds, strict=False):
            document["languageId"] = "markdown" if kind == "m" else "python"
        self.cells = [document["uri"] for document in documents]
        notebook = {
            "uri": uri,
            "notebookType": "jupyter-notebook",
            "version": 1,
            "cells": [self._cell(cell) for cell in self.cells],
        }
        params = {"notebookDocument": notebook, "cellTextDocuments": documents}
        client.notify("notebookDocument/didOpen", params)

    def change(self, **cells: Any) -> None:
        self._version += 1
        params = {"notebookDocument": {"uri": self.uri, "version": self._version}, "change": {"cells": cells}}
        self.client.notify("notebookDocument/didChange", params)

    def insert(self, at: int, text: str) -> str:
        document = self._document(text)
        name: str = document["uri"]
        self.cells.insert(at, name)
        array = {"start": at, "deleteCount": 0, "cells": [self._cell(name)]}
        self.change(structure={"array": array, "didOpen": [document]})
        return name

    def remove(self, at: int, *, say_closed: bool = True) -> None:
        name = self.cells.pop(at)
        closed = {"didClose": [{"uri": name}]} if say_closed else {}
        self.change(structure={"array": {"start": at, "deleteCount": 1}, **closed})

    def swap_first(self) -> None:
        """Move the second cell up; none is opened or closed."""
        self.cells[:2] = reversed(self.cells[:2])
        array = {"start": 0, "deleteCount": 2, "cells": [self._cell(cell) for cell in self.cells[:2]]}
        self.change(structure={"array": array})

    def write(self, at: int, text: str) -> None:
        self._version += 1
        document = {"uri": self.cells[at], "version": self._version}
        self.change(textContent=[{"document": document, "changes": [{"text": text}]}])

    def close(self, *, name_cells: bool = True) -> None:
        cells = [{"uri": cell} for cell in self.cells] if name_cells else []
        self.client.notify(
            "notebookDocument/didClose", {"notebookDocument": {"uri": self.uri}, "cellTextDocuments": cells}
        )

    def facts(self, at: int, line: int, character: int) -> dict[str, Any]:
        """What the engine is asked at a position in a cell."""
        answer: dict[str, Any] = json.loads(self.client.popup(self.cells[at], line, character)[0]["detail"])
        return answer

    def _document(self, text: str) -> dict[str, Any]:
        uri = f"vscode-notebook-cell:/project/work.ipynb#W{next(self._names)}"
        return {"uri": uri, "languageId": "python", "version": 1, "text": text}

    @staticmethod
    def _cell(uri: str) -> dict[str, Any]:
        return {"kind": 2, "document": uri}


def known(client: Any) -> dict[str, int]:
    """The documents that the engine knows, with their lengths, except the one that asks."""
    uri = client.open(OTHER, uri="file:///project/told.py")
    answer: dict[str, int] = json.loads(client.popup(uri, 1, 0)[0]["detail"])["open"]
    return {path: length for path, length in answer.items() if path != "told.py"}


def on_line(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


@pytest.fixture(autouse=True)
def nothing_in_the_log(client: Any) -> Iterator[None]:
    yield
    assert "Traceback" not in client.log()
    assert "ERROR" not in client.log()


@pytest.fixture
def opened(client: Any) -> Iterator[Any]:
    notebook = Notebook(client, "import os", "path = os.getcwd()\npa", "print")
    yield notebook
    notebook.close()


def test_the_server_says_that_it_supports_notebooks(start: Any) -> None:
    able = {"notebookDocument": {"synchronization": {}}}
    sync = start().initialize(able)["capabilities"]["notebookDocumentSync"]
    assert sync["notebookSelector"] == [{"notebook": "*", "cells": [{"language": "python"}]}]


def test_a_cell_is_completed_with_the_others_and_answered_in_its_own_positions(client: Any, opened: Notebook) -> None:
    text = "import os\n\npath = os.getcwd()\npa\n\nprint"
    offset = text.index("pa\n\n") + 2
    asked = {"path": "work.ipynb", "offset": offset, "length": len(text), "limit": 20, "imports": True}
    assert opened.facts(1, 1, 2) == asked
    item = client.popup(opened.cells[1], 1, 2)[0]
    assert item["textEdit"] == {"newText": "pa_tail", "range": on_line(1, 0, 2)}
    for kind in (1, 2):
        ghost = client.ghost(opened.cells[1], 1, 2, triggerKind=kind)[0]
        assert (ghost["insertText"], ghost["range"]) == ("pa_tail", on_line(1, 0, 2))
    assert known(client) == {"work.ipynb": len(text)}


def test_ghost_text_continues_the_word_selected_in_the_list(client: Any, opened: Notebook) -> None:
    selected = {"range": on_line(1, 0, 2), "text": "path"}
    item = client.ghost(opened.cells[1], 1, 2, selectedCompletionInfo=selected)[0]
    assert (item["insertText"], item["range"]) == ("path_tail", on_line(1, 0, 2))


def test_emoji_and_commands_in_the_cells_above_shift_no_position(client: Any) -> None:
    notebook = Notebook(client, "%time '😀'\n!ls", "'😀' ab")
    assert client.popup(notebook.cells[1], 0, 7)[0]["textEdit"]["range"] == on_line(0, 5, 7)
    assert notebook.facts(1, 0, 7)["offset"] == len("%time '😀'\n!ls") + 2 + 6
    notebook.close()


def test_inserted_and_removed_cells_change_the_document(client: Any, opened: Notebook) -> None:
    opened.insert(1, "import sys")
    assert opened.facts(2, 1, 2)["length"] == len("import os\n\nimport sys\n\npath = os.getcwd()\npa\n\nprint")
    opened.remove(0)
    text = "import sys\n\npath = os.getcwd()\npa\n\nprint"
    assert opened.facts(1, 1, 2)["length"] == len(text)
    assert known(client) == {"work.ipynb": len(text)}
    opened.remove(2)
    opened.remove(0)
    assert opened.facts(0, 1, 2) == {"path": "work.ipynb", "offset": 21, "length": 21, "limit": 20, "imports": True}
    assert known(client) == {"work.ipynb": 21}


def test_moved_and_edited_cells_change_the_document(client: Any, opened: Notebook) -> None:
    opened.swap_first()
    assert opened.facts(0, 1, 2)["offset"] == len("path = os.getcwd()\npa")
    assert opened.facts(1, 0, 9)["offset"] == len("path = os.getcwd()\npa\n\nimport os")
    opened.swap_first()
    opened.write(0, "")
    assert opened.facts(1, 1, 2)["offset"] == len("\n\npath = os.getcwd()\npa")
    assert client.popup(opened.cells[0], 0, 0)[0]["label"] == "_tail"
    client.send(client.change(opened.cells[0], {"text": "import sys, os"}))  # as if the cell were a document
    text = "import sys, os\n\npath = os.getcwd()\npa\n\nprint"
    assert opened.facts(1, 1, 2)["length"] == len(text)
    assert known(client) == {"work.ipynb": len(text)}
    opened.write(0, "import os, sys, json")
    opened.remove(0)
    assert known(client) == {"work.ipynb": len("path = os.getcwd()\npa\n\nprint")}


def test_an_edit_cancels_a_running_request(client: Any) -> None:
    notebook = Notebook(client, "# slow\n", "ab")
    number = client.request("textDocument/completion", client.position(notebook.cells[1], 0, 2))
    notebook.write(1, "abc")
    assert client.answer(number)["result"]["items"] == []
    notebook.write(0, "")
    assert client.popup(notebook.cells[1], 0, 3)[0]["label"] == "abc_tail"
    notebook.close()


def test_markdown_cells_are_left_out(client: Any) -> None:
    notebook = Notebook(client, "# Some words", "ab", kinds="mp")
    assert notebook.facts(1, 0, 2)["length"] == 2
    assert client.popup(notebook.cells[0], 0, 3) == []
    notebook.close()


@pytest.mark.parametrize("name_cells", [True, False])
def test_a_closed_notebook_is_dropped(client: Any, name_cells: bool) -> None:
    notebook = Notebook(client, "ab", "cd")
    assert known(client) == {"work.ipynb": 6}
    notebook.close(name_cells=name_cells)
    assert known(client) == {}
    assert client.popup(notebook.cells[0], 0, 2) == client.ghost(notebook.cells[1], 0, 2) == []


def test_an_excluded_notebook_is_dropped_and_known_again_once_it_is_included(start: Any) -> None:
    client = start()
    client.initialize(rootUri="file:///project")
    notebook = Notebook(client, "ab", "cd")
    for exclude in (["*.ipynb"], []):
        settings = {"tinycoder": {"exclude": exclude}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        assert bool(client.popup(notebook.cells[0], 0, 2)) is (not exclude)
        assert known(client) == ({} if exclude else {"work.ipynb": 6})
    assert "Traceback" not in client.log()


def test_the_path_of_a_notebook_changes_with_the_workspace_folders(start: Any) -> None:
    client = start()
    client.initialize(workspaceFolders=[{"uri": "file:///project", "name": "project"}])
    notebook = Notebook(client, "ab", "cd")
    assert known(client) == {"work.ipynb": 6}
    event = {"added": [{"uri": "file:///other", "name": "other"}], "removed": []}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    assert notebook.facts(0, 0, 2)["path"] == "project/work.ipynb"
    assert known(client) == {"project/work.ipynb": 6, "project/told.py": len(OTHER)}


# What no client should send.


def test_a_change_of_a_notebook_that_is_not_open_is_ignored(client: Any, opened: Notebook) -> None:
    other = Notebook(client, "ab", uri="file:///project/other.ipynb")
    other.close()
    other.write(0, "x")
    other.insert(0, "y")
    assert client.popup(other.cells[1], 0, 2) == []
    assert opened.facts(1, 1, 2)["path"] == "work.ipynb"


def test_changes_of_cells_that_are_not_in_the_notebook_do_no_harm(client: Any, opened: Notebook) -> None:
    ghost = {"uri": cell_uri("ghost"), "languageId": "python", "version": 1, "text": "ab"}
    opened.change(structure={"array": {"start": 99, "deleteCount": 99}, "didOpen": [ghost]})
    assert client.popup(ghost["uri"], 0, 2)[0]["label"] == "ab_tail"
    opened.change(textContent=[{"document": {"uri": cell_uri("no"), "version": 2}, "changes": [{"text": "x"}]}])
    opened.change(data=[{"kind": 2, "document": cell_uri("no")}])
    opened.change(structure={"array": {"start": 0, "deleteCount": 0}, "didClose": [{"uri": cell_uri("no")}]})
    assert opened.facts(1, 1, 2)["path"] == "work.ipynb"


def test_a_cell_that_is_removed_but_not_closed_is_a_document_of_its_own(client: Any, opened: Notebook) -> None:
    cell = opened.cells[1]
    opened.remove(1, say_closed=False)
    assert json.loads(client.popup(cell, 1, 2)[0]["detail"])["length"] == 21
    assert known(client) == {"work.ipynb": len("import os\n\nprint")}


def test_a_notebook_can_be_opened_twice_and_closed_twice(client: Any) -> None:
    one, two = Notebook(client, "ab", "cd"), Notebook(client, "efg")
    assert known(client) == {"work.ipynb": 3}
    two.close()
    one.close()
    assert known(client) == {}
