"""When the workspace's symbols are read, against the server with stubs for the engine and the reader."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def told(client: Any) -> dict[str, Any]:
    """What the engine knows of the workspace's symbols."""
    return client.told()["symbols"] or {}


def until(client: Any, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the engine knows so."""
    answer: dict[str, Any] = client.until(lambda: known if (known := told(client)) and wanted(known) else None)
    return answer


def read(client: Any, *files: str) -> dict[str, Any]:
    return until(client, lambda known: known["files"] == sorted(files))


def saved(path: Path) -> tuple[str, dict[str, Any]]:
    return "textDocument/didSave", {"textDocument": {"uri": path.as_uri()}}


def changed(*paths: Path) -> tuple[str, dict[str, Any]]:
    return "workspace/didChangeWatchedFiles", {"changes": [{"uri": path.as_uri(), "type": 2} for path in paths]}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    return folder


def test_the_workspace_is_read_and_read_again_when_a_file_changes(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri())
    first = read(client, "a.py")
    assert (first["python"], first["trusted"], first["changed"]) == (None, True, None)
    for name, tell in (("b.py", saved), ("c.pyi", saved), ("d.py", changed)):
        (workspace / name).touch()
        client.notify(*tell(workspace / name))
        known = until(client, lambda known: name in (known["changed"] or ()))  # noqa: B023
        assert "a.py" not in known["changed"]  # a file that was just saved may be found on the disk once more
    read(client, "a.py", "b.py", "d.py")


def test_other_files_change_nothing(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri())
    read(client, "a.py")
    client.notify(*saved(workspace / "notes.txt"))
    client.notify("textDocument/didSave", {"textDocument": {"uri": "untitled:a.py"}})
    client.notify(*changed())
    client.notify(*saved(workspace / "a.py"))
    assert until(client, lambda known: known["read"] > 1)["changed"] == ["a.py"]
    assert told(client)["read"] == 2


def test_answers_do_not_wait_for_it(start: Any, tmp_path: Path) -> None:
    (tmp_path / "lazy").mkdir()
    (tmp_path / "lazy" / "a.py").touch()
    client = start()
    client.initialize(rootUri=(tmp_path / "lazy").as_uri())
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) != []
    assert client.ghost(uri, 0, 2) != []
    client.notify(*saved(tmp_path / "lazy" / "a.py"))
    assert until(client, lambda known: True)["files"] == []  # what is open, the library and the environment are known
    (tmp_path / "lazy" / "let_go").touch()
    read(client, "a.py")


def test_it_does_not_keep_the_server(start: Any, tmp_path: Path) -> None:
    (tmp_path / "lazy").mkdir()
    client = start()
    client.initialize(rootUri=(tmp_path / "lazy").as_uri())
    until(client, lambda known: True)
    assert client.leave() == 0
    assert "Traceback" not in client.log()


def test_without_memory_there_are_symbols(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri(), initializationOptions={"memory": {"enable": False}})
    read(client, "a.py")


def test_the_python_is_a_setting_and_another_one_is_another_world(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri(), initializationOptions={"python": "/opt/one"})
    assert read(client, "a.py")["python"] == "/opt/one"
    client.configure(python="/opt/two")
    until(client, lambda known: known["python"] == "/opt/two" and known["files"] == ["a.py"])


def test_a_workspace_that_is_not_trusted_is_another_place(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri(), initializationOptions={"trusted": False})
    until(client, lambda known: known["trusted"] is False)
    client.configure(trusted=True)
    until(client, lambda known: known["trusted"] is True)


def test_other_folders_are_read(start: Any, workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "lazy").mkdir()
    folders = [{"uri": (tmp_path / name).as_uri(), "name": name} for name in ("lazy", "project")]
    client = start()
    client.initialize(workspaceFolders=[folders[0]])
    until(client, lambda known: True)
    client.change_folders(added=[folders[1]], removed=[folders[0]])
    read(client, "a.py")


def test_it_is_read_again_when_asked_for(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri())
    read(client, "a.py")
    (workspace / "b.py").touch()
    client.ask("workspace/executeCommand", {"command": "tinycoder.reindex"})
    # A server that is told of no files may have found it by itself, before or after.
    assert read(client, "a.py", "b.py")["changed"] in (None, ["b.py"])


def test_another_model_knows_them_too(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri())
    read(client, "a.py")
    client.configure(model="other")
    client.notice("didChangeStatus", message="TinyCoder completes with the model other.")
    assert read(client, "a.py")["read"] == 1


def test_a_fault_is_a_line_in_the_log(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri(), initializationOptions={"python": "fault"})
    fault = "reading the workspace's symbols failed: ValueError at stub_server.py"
    client.until(lambda: told(client) == {} and fault in client.log())
    assert "Traceback" not in client.log()
    client.configure(python=None)
    read(client, "a.py")
