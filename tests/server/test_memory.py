"""The real engine behind the server: what the workspace and the open files say reaches the editor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import serve_command

PATIENT = {"inline": {"deadlineMs": 60_000}, "popup": {"deadlineMs": 60_000}}
BEGUN = "def write(okapi):\n    quagga_offset = okapi."


def functions(line: str, argument: str) -> str:
    """Code that says an unusual line again and again."""
    return "".join(f"def read_{name}({argument}):\n    {line}\n    return quagga_offset\n\n\n" for name in "abcdefgh")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "io.py").write_text(functions("quagga_offset = okapi.stride", "okapi"))
    return folder


@pytest.fixture
def serve(start: Callable[..., Any], home: Path, workspace: Path) -> Callable[..., Any]:
    """Start the real server in the workspace."""

    def serve(**settings: Any) -> Any:
        client = start(command=serve_command(home))
        client.initialize(rootUri=workspace.as_uri(), initializationOptions=PATIENT | settings)
        return client

    return serve


def details(client: Any, uri: str, line: int, column: int) -> dict[str, str]:
    return {item["label"]: item["detail"] for item in client.popup(uri, line, column)}


def ghosts(client: Any, uri: str, line: int, column: int, **context: Any) -> list[str]:
    return [item["insertText"] for item in client.ghost(uri, line, column, **context)]


def until_indexed(client: Any, uri: str, line: int, column: int) -> dict[str, str]:
    """The popup once the workspace is indexed; until then it comes without."""

    def find() -> dict[str, str] | None:
        found = details(client, uri, line, column)
        return found if any(detail.startswith("seen in pkg/") for detail in found.values()) else None

    return dict(client.until(find))


def test_an_unusual_line_of_the_workspace_is_offered_with_its_place(serve: Callable[..., Any], workspace: Path) -> None:
    client = serve()
    uri = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    assert until_indexed(client, uri, 1, 26)["stride"] == "seen in pkg/io.py:37, 8 times"
    client.send(client.change(uri, client.edit(1, 21, 26, "k")))
    assert ghosts(client, uri, 1, 22) == ["okapi.stride"]


def test_ghost_text_that_is_typed_through_stays_the_same(serve: Callable[..., Any], workspace: Path) -> None:
    client = serve()
    uri = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    until_indexed(client, uri, 1, 26)
    client.send(client.change(uri, client.edit(1, 21, 26, "")))
    typed = "o"
    for n, letter in enumerate("kapi.str"):
        client.send(client.change(uri, client.edit(1, 21 + n, 21 + n, letter), version=3 + n))
        typed += letter
        word = typed.rpartition(".")[2]  # what ghost text replaces
        assert ghosts(client, uri, 1, 22 + n) == [word + "okapi.stride"[len(typed) :]]


def test_an_edit_in_another_open_file_is_known_at_once_until_it_is_closed(
    serve: Callable[..., Any], workspace: Path
) -> None:
    client = serve(inline={"deadlineMs": 60_000, "eagerness": "eager"})
    here = client.open("def write(markhor):\n    ibex_level = markhor.", uri=(workspace / "here.py").as_uri())
    there = client.open("x = 1\n", uri=(workspace / "there.py").as_uri())
    assert not any(detail.startswith("seen in there.py") for detail in details(client, here, 1, 25).values())
    text = functions("ibex_level = markhor.height", "markhor")
    client.send(client.change(there, client.edit(1, 0, 0, text)))
    assert ghosts(client, here, 1, 25) == ["height"]
    client.notify("textDocument/didClose", {"textDocument": {"uri": there}})
    assert not any(detail.startswith("seen in there.py") for detail in details(client, here, 1, 25).values())


def test_a_word_after_a_dot_is_known_from_another_open_file(serve: Callable[..., Any], workspace: Path) -> None:
    client = serve()
    here = client.open("def write(markhor):\n    ibex_level = markhor.", uri=(workspace / "here.py").as_uri())
    client.open(functions("ibex_level = markhor.hue", "markhor"), uri=(workspace / "there.py").as_uri())
    assert "hue" in details(client, here, 1, 25)


def test_an_open_file_counts_as_it_is_in_the_editor(serve: Callable[..., Any], workspace: Path) -> None:
    client = serve()
    new = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    until_indexed(client, new, 1, 26)
    client.open("", uri=(workspace / "pkg" / "io.py").as_uri())
    assert not any(detail.startswith("seen in pkg/") for detail in details(client, new, 1, 26).values())


def test_without_memory_the_model_answers_alone(serve: Callable[..., Any], workspace: Path) -> None:
    client = serve(memory={"enable": False})
    client.open(functions("quagga_offset = okapi.stride", "okapi"), uri=(workspace / "pkg" / "io.py").as_uri())
    uri = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    assert not any(detail.startswith("seen") for detail in details(client, uri, 1, 26).values())


def test_several_lines_when_asked_for_by_hand(serve: Callable[..., Any], workspace: Path) -> None:
    client = serve()
    uri = client.open(
        "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.total = start\n\n"
        "    def add(self, amount):\n        ",
        uri=(workspace / "counter.py").as_uri(),
    )
    assert all("\n" not in text for text in ghosts(client, uri, 8, 8))
    assert any("\n" in text for text in ghosts(client, uri, 8, 8, triggerKind=1))


def test_a_session_with_typing_ends_well(serve: Callable[..., Any], workspace: Path) -> None:
    client = serve()
    uri = client.open("", uri=(workspace / "new.py").as_uri())
    for n, letter in enumerate("import os\nimport os\n"):
        line, column = divmod(n, 10)
        client.send(client.change(uri, client.edit(line, column, column, letter), version=2 + n))
    assert client.leave() == 0
    assert "Traceback" not in client.log()


def test_a_damaged_file_of_weights_is_a_line_in_the_log(serve: Callable[..., Any], home: Path, workspace: Path) -> None:
    from tinycoder.memory.indexing import index_file_of
    from tinycoder.storage.checkpoint import load_model

    tokenizer = load_model(home / "models" / "counter").tokenizer
    file = index_file_of(home, [workspace], tokenizer).with_suffix(".mixer.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text("{")
    client = serve()
    uri = client.open("cla", uri=(workspace / "new.py").as_uri())
    assert ghosts(client, uri, 0, 3) is not None
    assert client.log().count(file.name) == 1
    assert "Traceback" not in client.log()
