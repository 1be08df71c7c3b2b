"""Two windows on one workspace and home, and a home that nothing can be written to."""

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import serve_command
from tinycoder.memory.index_file import load_index, tokenizer_digest
from tinycoder.memory.indexing import index_file_of
from tinycoder.storage.checkpoint import Model
from tinycoder_lsp.stats.counts import since
from tinycoder_lsp.stats.statistics import load, statistics_file

ADDER = "def add_{n}(first, second):\n    total = first + second + {n}\n    return total\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    for n in range(8):
        (folder / f"add_{n}.py").write_text(ADDER.format(n=n) * (n + 1))
    return folder


def until_logged(client: Any, uri: str, words: str) -> None:
    """Ask until the log says so."""
    client.until(lambda: client.popup(uri, 0, 0) is not None and words in client.log())


def test_two_windows_share_a_workspace_and_a_home(
    start: Any, home: Path, model: Model, project: Path, tmp_path: Path
) -> None:
    shared = shutil.copytree(home, tmp_path / "home")
    serve = serve_command(shared, "--log-level", "info")
    windows = [start(command=serve) for _ in range(2)]
    for window in windows:
        window.initialize(rootUri=project.as_uri())
    uri = (project / "new.py").as_uri()
    for n, window in enumerate(windows):
        window.open("", uri=uri)
        window.send(window.change(uri, {"text": f"window = {n}\n"}))
        until_logged(window, uri, "indexed the workspace")
        window.command("reindex")
    for window in windows:
        for _ in range(3):
            word = window.popup(uri, 1, 0)[0]
            window.accept(word)
    assert [window.leave() for window in windows] == [0, 0]

    days = load(shared)
    total = since(days, datetime.date.min)
    assert total.popup.accepted == 6
    file = index_file_of(shared, [project], model.tokenizer)
    index = load_index(file, tokenizer_digest=tokenizer_digest(model.tokenizer), vocab_size=model.tokenizer.vocab_size)
    assert index is not None
    assert [known.path for known in index.files] == [f"add_{n}.py" for n in range(8)]
    for window in windows:
        assert "Traceback" not in window.log()
        assert "damaged" not in window.log()


def test_a_window_trains_and_the_other_says_so_and_finds_the_model(
    start: Any, home: Path, project: Path, tmp_path: Path
) -> None:
    shared = shutil.copytree(home, tmp_path / "home")
    one, two = (start(model="", home=shared) for _ in range(2))
    for window in (one, two):
        window.initialize(rootUri=project.as_uri())
    options = {"minutes": 100, "preset": "nano"}
    name = one.command("train", options)["result"]["name"]
    until_training(one)
    answer = two.command("train", options)
    assert answer["error"]["code"] == -32803
    assert "another process" in answer["error"]["message"]
    assert one.command("stopTraining")["result"] == {"stopped": True}
    one.notice("window/showMessage")

    shutil.copytree(home / "models" / "counter", shared / "models" / name, dirs_exist_ok=True)
    (shared / "models" / name / "state.safetensors").unlink(missing_ok=True)
    for window in (one, two):
        window.notify("textDocument/didFocus", {"textDocument": {"uri": "file:///x.py"}})
        assert window.notice("didChangeStatus", model=name)["state"] == "ready"


def until_training(client: Any) -> None:
    """Ask until its process has said how far it is, so that it holds the model."""
    uri = client.open("ab")
    for _ in range(100_000):
        client.popup(uri, 0, 2)
        if any("step " in (each["params"] or {}).get("message", "") for each in list(client.notices)):
            return
    raise AssertionError(client.log())


# A home that nothing can be written to: there is a file in its place.


def test_everything_answers_without_a_home(start: Any, stub_home: Path, project: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("in the way")
    client = start(model=str(stub_home / "models" / "stub"), home=blocked)
    client.initialize(rootUri=project.as_uri())
    uri = client.open("ab")
    word = client.popup(uri, 0, 2)[0]
    assert client.ghost(uri, 0, 2) != []
    assert "a.py" in json.loads(word["detail"])["path"]
    client.accept(word)
    assert client.command("showStats")["result"]["popup"]["all"]["accepted"] == 1
    assert [each["name"] for each in client.command("listModels")["result"]] == ["base"]
    assert client.command("reindex")["result"] is None
    for name, *arguments in (("train",), ("trainingReport",), ("selectModel", "stub")):
        error = client.command(name, *arguments)["error"]
        assert error["code"] == -32803
        assert "\n" not in error["message"]
    assert client.leave() == 0
    assert "Traceback" not in client.log()
    assert client.log().count("statistics are not kept") == 1
    assert client.shown_messages() == []


def test_the_real_index_and_mixture_are_done_without(start: Any, model: Model, project: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "home"
    (blocked / "models").mkdir(parents=True)
    (blocked / "memory").write_text("in the way")
    statistics_file(blocked).mkdir()
    client = start(command=serve_command(blocked, "--log-level", "info", model=str(model.folder)))
    client.initialize(rootUri=project.as_uri())
    uri = client.open("total = first + sec", uri=(project / "new.py").as_uri())
    until_logged(client, uri, "indexed the workspace")
    assert client.popup(uri, 0, 19) != []
    assert client.leave() == 0
    assert "Traceback" not in client.log()
