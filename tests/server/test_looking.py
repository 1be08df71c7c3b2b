"""What changes on the disk behind the editor's back, against the server with stubs for the engine and the readers."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tinycoder.storage.models import workspace_model_name
from tinycoder_lsp.jobs.looking import Times

FILES = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "docs").mkdir(parents=True)
    (folder / "old.py").write_text("x = 1\n")
    return folder


def knows(client: Any, *files: str) -> None:
    """Wait until index and symbols are those of these files."""
    client.until(lambda: client.told()["index"] == sorted(files))
    client.until(lambda: client.told()["symbols"]["files"] == sorted(files))


def other_branch(workspace: Path) -> None:
    """As ``git checkout`` does it."""
    (workspace / "old.py").unlink()
    (workspace / "docs" / "new.py").write_text("y = 1\n")


FOCUS = ("textDocument/didFocus", {"textDocument": {"uri": "file:///x.py"}})
OPEN = (
    "textDocument/didOpen",
    {"textDocument": {"uri": "file:///x.py", "languageId": "python", "version": 1, "text": ""}},
)


@pytest.mark.parametrize("event", [FOCUS, OPEN])
def test_another_branch_is_read_when_a_document_opens_or_comes_to_the_front(
    start: Any, workspace: Path, event: tuple[str, Any]
) -> None:
    client = start()
    client.initialize(rootUri=workspace.as_uri())
    knows(client, "old.py")
    other_branch(workspace)
    client.notify(*event)
    knows(client, "new.py")


def test_once_in_a_while_it_is_read_while_somebody_types(start: Any, workspace: Path) -> None:
    client = start(env={**os.environ, "STUB_LOOK_S": "0"})
    client.initialize(rootUri=workspace.as_uri())
    knows(client, "old.py")
    uri = client.open("ab")
    other_branch(workspace)

    def typed() -> bool:
        client.send(client.change(uri, client.edit(0, 0, 0, "x")))
        told = client.told()
        return bool(told["index"] == told["symbols"]["files"] == ["new.py"])

    client.until(typed)


def test_an_editor_that_watches_files_says_it_itself(start: Any, workspace: Path) -> None:
    client = start()
    client.initialize(FILES, rootUri=workspace.as_uri())
    knows(client, "old.py")
    client.until(lambda: client.asked)
    other_branch(workspace)
    before = client.told()["symbols"]["read"]
    client.notify(*FOCUS)
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": (workspace / "old.py").as_uri(), "type": 3}]})
    client.until(lambda: client.told()["symbols"]["read"] > before)
    assert client.told()["symbols"]["changed"] == ["old.py"]


def test_a_model_that_is_trained_meanwhile_is_taken_up_while_somebody_types(
    start: Any, stub_home: Path, workspace: Path, tmp_path: Path
) -> None:
    home, name = tmp_path / "home", workspace_model_name(workspace)
    client = start(model="", home=home, env={**os.environ, "STUB_LOOK_S": "0"})
    client.initialize(rootUri=workspace.as_uri())
    uri = client.open("ab")
    shutil.copytree(stub_home / "models" / "stub", home / "models" / name)
    client.send(client.change(uri, client.edit(0, 0, 0, "x")))
    assert client.notice("didChangeStatus", model=name)["state"] == "ready"


def test_a_look_finds_what_was_changed_made_and_removed(workspace: Path) -> None:
    for name in ("same.py", "changed.py", "notes.txt", ".venv/pyvenv.cfg", ".venv/lib.py", "docs/conf.pyi"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text("x = 1\n")
    times = Times((str(workspace),))
    assert times.changed() == times.changed() == []
    other_branch(workspace)
    os.utime(workspace / "changed.py", ns=(0, 0))
    (workspace / "notes.txt").write_text("y")
    (workspace / ".venv" / "more.py").touch()
    shutil.rmtree(workspace / "docs")
    (workspace / "deep" / "er").mkdir(parents=True)
    (workspace / "deep" / "er" / "b.py").touch()
    found = {path.relative_to(workspace).as_posix() for path in times.changed()}
    assert found == {"changed.py", "deep/er/b.py", "docs/conf.pyi", "old.py"}
    assert times.changed() == []


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    times = Times((str(tmp_path / "nowhere"),))
    assert times.changed() == times.changed() == []
