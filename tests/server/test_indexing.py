"""The workspace's index, against the server with stubs for the engine and the index."""

from pathlib import Path
from typing import Any

import pytest

SHOWS_PROGRESS = {"window": {"workDoneProgress": True}}


def until(client: Any, what: str, value: Any) -> dict[str, Any]:
    """Wait until the engine was told so."""
    answer: dict[str, Any] = client.until(lambda: told if (told := client.told())[what] == value else None)
    return answer


def values(client: Any) -> list[dict[str, Any]]:
    """What the editor was told of progress."""
    return [message["params"]["value"] for message in client.notices if message["method"] == "$/progress"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text("x = 1\n")
    return folder


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A workspace whose index takes until its file `let_go` is there."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "b.py").write_text("x = 1\n")
    return folder


def test_the_workspace_is_indexed_and_the_editor_shows_it(start: Any, slow: Path) -> None:
    client = start()
    client.initialize(SHOWS_PROGRESS, rootUri=slow.as_uri())
    begin = client.notice("$/progress")["value"]
    assert (begin["kind"], begin["title"]) == ("begin", "TinyCoder: indexing")
    (slow / "let_go").touch()
    client.notice("$/progress", value={"kind": "end"})
    until(client, "index", ["b.py"])
    between = values(client)[1:-1]
    assert all(value["kind"] == "report" and 0 <= value["percentage"] <= 100 for value in between)
    assert [message["method"] for message in client.asked] == ["window/workDoneProgress/create"]


def test_an_editor_that_shows_no_progress_is_not_asked(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri())
    until(client, "index", ["a.py"])
    assert client.asked == values(client) == []


def test_without_a_folder_nothing_is_indexed(start: Any) -> None:
    client = start()
    client.initialize(SHOWS_PROGRESS)
    assert client.told()["index"] is None
    assert client.asked == []


def test_answers_do_not_wait_for_the_index(start: Any, slow: Path) -> None:
    client = start()
    client.initialize(SHOWS_PROGRESS, rootUri=slow.as_uri())
    client.notice("$/progress")
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) != []
    assert client.ghost(uri, 0, 2) != []
    assert client.told()["index"] is None
    (slow / "let_go").touch()
    until(client, "index", ["b.py"])


def test_an_index_does_not_keep_the_server(start: Any, slow: Path) -> None:
    client = start()
    client.initialize(SHOWS_PROGRESS, rootUri=slow.as_uri())
    client.notice("$/progress")
    assert client.leave() == 0
    assert "Traceback" not in client.log()


def test_a_fault_in_the_index_is_a_line_in_the_log(start: Any, tmp_path: Path) -> None:
    (tmp_path / "fault").mkdir()
    client = start()
    client.initialize(SHOWS_PROGRESS, rootUri=(tmp_path / "fault").as_uri())
    client.until(lambda: client.told()["index"] is None and "ValueError at stub_server.py" in client.log())
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) != []
    assert client.log().count("ValueError at stub_server.py") == 1
    assert "Traceback" not in client.log()
    assert client.shown_messages() == []


def test_other_folders_are_indexed_anew(start: Any, workspace: Path, slow: Path) -> None:
    folders = {folder.name: {"uri": folder.as_uri(), "name": folder.name} for folder in (workspace, slow)}
    client = start()
    client.initialize(SHOWS_PROGRESS, workspaceFolders=[folders["slow"]])
    client.notice("$/progress")
    client.change_folders(added=[folders["project"]], removed=[folders["slow"]])
    until(client, "index", ["a.py"])


def test_another_model_gets_an_index_of_its_own(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri())
    until(client, "index", ["a.py"])
    client.configure(model="other")
    client.notice("didChangeStatus", message="TinyCoder completes with the model other.")
    until(client, "index", ["a.py"])


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("textDocument/didSave", {"textDocument": {"uri": "file:///somewhere/told.py"}}),
        ("workspace/didChangeWatchedFiles", {"changes": [{"uri": "file:///project/b.py", "type": 1}]}),
    ],
)
def test_files_that_change_are_indexed_again_in_silence(
    start: Any, workspace: Path, method: str, params: dict[str, Any]
) -> None:
    client = start()
    client.initialize(SHOWS_PROGRESS, rootUri=workspace.as_uri())
    until(client, "index", ["a.py"])
    (workspace / "b.py").touch()
    for _ in range(5):
        client.notify(method, params)
    until(client, "index", ["a.py", "b.py"])
    assert len(client.asked) == 1  # for the first time only


def test_memory_is_a_setting(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(SHOWS_PROGRESS, rootUri=workspace.as_uri(), initializationOptions={"memory": {"enable": False}})
    answer = client.told()
    assert not answer["memory"]
    assert answer["index"] is None
    assert client.asked == []
    client.configure(memory={"enable": True})
    assert until(client, "index", ["a.py"])["memory"]


def test_the_engine_knows_all_open_documents_as_they_are(start: Any) -> None:
    client = start()
    client.initialize()
    one, other = client.open("ab", uri="file:///x/one.py"), client.open("abc", uri="file:///x/other.py")
    client.open("no Python", uri="file:///x/notes.txt", language="plaintext")
    assert client.told()["open"] == {"one.py": 2, "other.py": 3, "told.py": len("# told\n")}
    client.send(client.change(one, client.edit(0, 0, 0, "xxx")))
    assert client.told()["open"]["one.py"] == 5
    client.notify("textDocument/didClose", {"textDocument": {"uri": other}})
    assert client.told()["open"].keys() == {"one.py", "told.py"}


def test_documents_opened_before_the_model_is_loaded_are_known(start: Any, stub_home: Path) -> None:
    client = start()
    client.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    client.open("abcd", uri="file:///x/early.py")
    client.notify("initialized", {})
    client.notice("didChangeStatus", busy=False)
    assert client.told()["open"]["early.py"] == 4


def test_documents_get_other_paths_with_other_folders(start: Any) -> None:
    client = start()
    one, two = ({"uri": f"file:///project/{name}", "name": name} for name in ("one", "two"))
    client.initialize(workspaceFolders=[one])
    client.open("ab", uri="file:///project/one/pkg/a.py")
    assert "pkg/a.py" in client.told()["open"]
    client.change_folders(added=[two])
    known = client.told()["open"]
    assert "one/pkg/a.py" in known
    assert "pkg/a.py" not in known


def test_the_engine_learns_when_nothing_is_typed(start: Any) -> None:
    client = start()
    client.initialize()
    assert any(client.told()["learnt"] >= 3 for _ in range(30_000))  # all there is
