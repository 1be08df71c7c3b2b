"""A workspace that is not trusted: what is left alone, until it is."""

from pathlib import Path
from typing import Any

import pytest

from tinycoder.memory.mixer import Mixer
from tinycoder.storage.bundled import BUNDLED
from tinycoder.storage.checkpoint import Model
from tinycoder.storage.models import copy_model, workspace_model_name
from tinycoder_lsp.engine.models import Models

UNTRUSTED = {"trusted": False, "popup": {"deadlineMs": 60_000}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "plan.py").write_text("secret_plan = 1\n")
    return folder


@pytest.fixture
def own_home(tmp_path: Path, project: Path) -> Path:
    """A home in which the project has a model of its own."""
    (tmp_path / "home" / "models" / workspace_model_name(project)).mkdir(parents=True)
    return tmp_path / "home"


def details(client: Any) -> str:
    item = {"label": "x", "detail": "seen in plan.py:1"}
    value: str = client.ask("completionItem/resolve", item)["documentation"]["value"]
    return value


def test_nothing_of_it_is_read_until_it_is_trusted(start: Any, project: Path) -> None:
    client = start()
    client.initialize(rootUri=project.as_uri(), initializationOptions=UNTRUSTED)
    assert client.popup(client.open("ab"), 0, 2)[0]["label"] == "ab_tail"  # open documents are completed
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": (project / "plan.py").as_uri(), "type": 1}]})
    assert client.command("reindex")["result"] is None
    assert client.told()["index"] is None
    assert details(client) == ""
    assert "indexed the workspace" not in client.log()

    client.configure(trusted=True)
    client.until(lambda: client.told()["index"] == ["plan.py"])
    assert "secret_plan" in details(client)

    client.configure(trusted=False)
    client.until(lambda: client.told()["index"] is None)
    assert details(client) == ""
    assert client.log().count("indexed the workspace") == 1


def test_an_index_under_way_is_given_up(start: Any, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    client = start()
    client.initialize({"window": {"workDoneProgress": True}}, rootUri=slow.as_uri())
    assert client.notice("$/progress")["value"]["kind"] == "begin"
    client.configure(trusted=False)
    client.notice("$/progress", value={"kind": "end"})
    assert client.told()["index"] is None


def test_its_own_model_is_used_once_it_is_trusted(start: Any, project: Path, own_home: Path) -> None:
    client = start(model="", home=own_home)
    client.initialize(rootUri=project.as_uri(), initializationOptions=UNTRUSTED)
    name = workspace_model_name(project)
    assert client.notice("didChangeStatus", busy=False)["model"] == BUNDLED
    client.configure(trusted=True)
    client.notice("didChangeStatus", state="ready", model=name)
    client.notices.clear()
    client.configure(trusted=False)
    client.notice("didChangeStatus", state="ready", model=BUNDLED)
    assert client.popup(client.open("ab"), 0, 2) != []


def test_it_is_not_trained_on(start: Any, project: Path, own_home: Path) -> None:
    client = start(home=own_home, model="")
    client.initialize(rootUri=project.as_uri(), initializationOptions=UNTRUSTED)
    for arguments in ([], [{"folder": project.as_uri()}], [{"folder": "nonsense"}], [3]):
        error = client.command("train", *arguments)["error"]
        assert error["code"] == -32803
        assert "not trusted" in error["message"]
    assert [path.name for path in own_home.iterdir()] == ["models"]


class Learner:
    """An engine that learns with each look."""

    def __init__(self, model: Model) -> None:
        self.mixer = Mixer()
        self.tokenizer = model.tokenizer

    def learn(self, *, stop: Any) -> bool:
        self.mixer.weights[0] += 1
        return False


def test_a_model_that_lies_in_it_is_not_loaded(tmp_path: Path, project: Path, model: Model) -> None:
    copy_model(model.folder, project / "model")
    models = Models(tmp_path / "home", lambda folder, memory: Learner(model))  # type: ignore[arg-type,return-value]
    for place in (project / "model", project / ".." / "project" / "model"):
        status = models.load(str(place), [project], trusted=False)
        assert status.state == "error"
        assert "not trusted" in status.message
        assert models.current is None
    assert models.load(str(model.folder), [project], trusted=False).state == "ready"  # a person's own choice
    assert models.load(str(project / "model"), [project]).state == "ready"


def test_nothing_that_was_learnt_in_it_is_kept_or_used(tmp_path: Path, project: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "models" / "any")
    made: list[Learner] = []

    def open_engine(folder: Path, memory: bool) -> Learner:
        made.append(Learner(model))
        return made[-1]

    models = Models(tmp_path, open_engine)  # type: ignore[arg-type]
    start = Mixer().weights[0]
    began = []
    for trusted in (False, True, False, True):
        models.load("any", [project], trusted=trusted)
        began.append(round(made[-1].mixer.weights[0] - start))
        models.learn(lambda: False)
        models.save()
        assert (tmp_path / "memory").exists() is (len(made) > 1)
    assert began == [0, 0, 0, 1]
