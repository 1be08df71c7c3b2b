"""Commands: results, refusals, and training from its beginning to its end."""

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import serve_command
from tinycoder.storage.models import list_models, workspace_model_name

NAMES = {
    "tinycoder.train",
    "tinycoder.stopTraining",
    "tinycoder.snooze",
    "tinycoder.reindex",
    "tinycoder.listModels",
    "tinycoder.selectModel",
    "tinycoder.trainingReport",
    "tinycoder.showStats",
    "tinycoder.didAcceptCompletionItem",
}
SHOWS_PROGRESS = {"window": {"workDoneProgress": True}}
ADDER = "def add_{n}(first, second):\n    total = first + second + {n}\n    return total\n"


def command(client: Any, name: str, *arguments: Any) -> Any:
    """What a command answers, which may be nothing."""
    answer = client.command(name, *arguments)
    assert "error" not in answer, answer["error"]
    return answer["result"]


def refusal(client: Any, name: str, *arguments: Any) -> str:
    """The sentence with which a command is refused."""
    error = client.command(name, *arguments)["error"]
    message: str = error["message"]
    assert error["code"] == -32803, error
    assert "\n" not in message
    assert "Traceback" not in client.log()
    return message


@pytest.fixture
def models_home(home: Path, tmp_path: Path) -> Path:
    """A home with two valid models and a damaged one."""
    there = tmp_path / "home"
    for name in ("counter", "second"):
        shutil.copytree(home / "models" / "counter", there / "models" / name)
    (there / "models" / "damaged").mkdir()
    (there / "models" / "damaged" / "training.json").write_text("{")
    return there


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "my project"
    folder.mkdir()
    for n in range(6):
        (folder / f"add_{n}.py").write_text(ADDER.format(n=n) * (n + 1))
    return folder


@pytest.fixture
def chooser(start: Callable[..., Any], models_home: Path) -> Any:
    """A server that may choose among several models."""
    client = start(model="counter", home=models_home)
    client.initialize()
    return client


def test_the_commands_are_advertised(start: Any) -> None:
    provider = start().initialize()["capabilities"]["executeCommandProvider"]
    assert set(provider["commands"]) == NAMES


def test_without_arguments_or_with_odd_ones(client: Any) -> None:
    for arguments in ({}, {"arguments": None}, {"arguments": []}):
        answer = client.ask("workspace/executeCommand", {"command": "tinycoder.stopTraining", **arguments})
        assert answer == {"stopped": False}
    odd: list[Any] = [3, {"a": [1]}, None, [], "x" * 1000]
    assert command(client, "stopTraining", *odd) == {"stopped": False}
    assert command(client, "reindex", *odd) is None
    assert {model["name"] for model in command(client, "listModels", *odd)} >= {"stub", "other"}
    assert command(client, "showStats", *odd)["text"]
    for each in odd:
        assert command(client, "didAcceptCompletionItem", each, *odd) is None
    assert "Traceback" not in client.log()


def test_what_is_no_list_of_arguments_or_no_command_is_refused(start: Any) -> None:
    client = start()
    client.initialize()
    for odd in ({"command": "tinycoder.train", "arguments": 3}, {"command": "tinycoder.no"}, {"command": 3}, {}):
        assert client.error("workspace/executeCommand", odd)["code"] == -32602
    assert command(client, "stopTraining") == {"stopped": False}


# Models.


def test_the_models_are_listed(chooser: Any, models_home: Path) -> None:
    found = {model.pop("name"): model for model in command(chooser, "listModels")}
    assert list(found) == ["base", "counter", "damaged", "second"]
    assert [name for name, model in found.items() if model["shipped"]] == ["base"]
    counter = found["counter"]
    training = json.loads((models_home / "models" / "counter" / "training.json").read_text())
    assert counter["current"] is True
    assert counter["problem"] is None
    assert counter["recipe"] == "code"
    assert counter["parameters"] == training["parameters"]
    assert counter["bitsPerByte"] == training["val_bpb"]
    written = datetime.datetime.fromisoformat(counter["written"])
    modified = (models_home / "models" / "counter" / "training.json").stat().st_mtime
    assert written.timestamp() == int(modified)
    assert found["second"]["current"] is False
    assert "training.json" in found["damaged"]["problem"]
    assert set(found["damaged"]) == set(counter)


def test_a_model_is_selected_until_it_is_chosen_again(chooser: Any) -> None:
    uri = chooser.open("ab")
    assert command(chooser, "selectModel", "second") == {"model": "second"}
    assert [each["name"] for each in command(chooser, "listModels") if each["current"]] == ["second"]
    assert chooser.notice("didChangeStatus", model="second")["state"] == "ready"
    assert chooser.popup(uri, 0, 2) != []
    chooser.configure(model="counter")
    assert [each["name"] for each in command(chooser, "listModels") if each["current"]] == ["second"]
    assert command(chooser, "selectModel", None) == {"model": "counter"}
    assert command(chooser, "selectModel") == {"model": "counter"}


def test_a_model_that_cannot_be_used_is_refused_and_the_other_one_stays(chooser: Any) -> None:
    refused: list[tuple[Any, str]] = [
        ("nobody", "there is no model 'nobody'"),
        ("", "cannot be a model's name"),
        ("damaged", "training.json"),
        ("../no-such-models", "no model folder"),
        ("/no/such/folder", "no model folder"),
        ("~no-such-person/model", "home"),
        ("a\0/b", ""),
        (3, "text"),
        ([], "text"),
        ({"name": "second"}, "text"),
    ]
    for name, words in refused:
        assert words in refusal(chooser, "selectModel", name)
    assert [each["name"] for each in command(chooser, "listModels") if each["current"]] == ["counter"]
    assert chooser.popup(chooser.open("ab"), 0, 2) != []


# Index and statistics.


def test_the_workspace_is_indexed_again_in_sight(start: Any, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.mkdir()
    client = start()
    client.initialize(SHOWS_PROGRESS, rootUri=slow.as_uri())
    client.notice("$/progress")
    (slow / "let_go").touch()
    client.notice("$/progress", value={"kind": "end"})
    (slow / "let_go").unlink()
    client.notices.clear()
    assert command(client, "reindex") is None
    begin = client.notice("$/progress")["value"]
    assert (begin["kind"], begin["title"]) == ("begin", "TinyCoder: indexing")
    assert command(client, "reindex") is None  # this one takes the place of the other
    client.notice("$/progress", value={"kind": "end"})


def test_what_was_accepted_is_counted(start: Any, tmp_path: Path) -> None:
    client = start(model=str(tmp_path / "models" / "stub"), home=tmp_path / "home")
    client.initialize()
    uri = client.open("abc = 1\nab")
    word = client.popup(uri, 1, 2)[0]
    assert word["command"]["title"] == "Accepted"
    client.send(client.change(uri, client.edit(1, 2, 2, "_tail")))
    client.accept(word)
    ghost = client.ghost(uri, 1, 7)[0]
    client.send(client.change(uri, client.edit(1, 7, 7, "_tail"), version=3))
    client.accept(ghost)
    client.accept(ghost)  # twice is once
    shown = command(client, "showStats")
    assert shown["popup"]["all"]["accepted"] == shown["popup"]["today"]["accepted"] == 1
    assert shown["inline"]["all"]["accepted"] == 1
    assert "Words accepted from the popup" in shown["text"]
    assert shown["html"].lstrip().startswith("<!doctype html>")
    assert client.leave() == 0
    assert (tmp_path / "home" / "statistics.json").exists()


# Training.


ODD_FOLDERS = ["", "untitled:Untitled-1", "vscode-vfs://github/x/y", "file:relative", "file:///no", "file:///a%00b"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(({"minutes": odd}, "minutes") for odd in (0, -1, 10**400, float("nan"), float("inf"), True, "10")),
        *(({"preset": odd}, "nano") for odd in ("enormous", "--resume", 3, [])),
        *(({"folder": odd}, "no folder") for odd in (3, "file://[x", *ODD_FOLDERS)),
        *((odd, "object") for odd in (["nano"], "nano", 3)),
    ],
)
def test_odd_options_are_refused(shared: Any, options: Any, words: str) -> None:
    assert words in refusal(shared, "train", options)
    assert command(shared, "stopTraining") == {"stopped": False}


@pytest.fixture(scope="module")
def shared(start: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server with a folder, that never trains."""
    client = start()
    client.initialize(rootUri=tmp_path_factory.mktemp("folder").as_uri())
    return client


def test_without_a_folder_it_says_what_to_do(client: Any) -> None:
    for options in ([], [None], [{}], [{"minutes": 1}]):
        assert "open one in the editor" in refusal(client, "train", *options)
    assert "train on this workspace first" in refusal(client, "trainingReport")


def test_a_run_is_stopped_goes_on_and_gives_the_workspace_its_model(
    start: Any, models_home: Path, folder: Path
) -> None:
    name = workspace_model_name(folder)
    client = start(command=serve_command(models_home, model=None))
    client.initialize(SHOWS_PROGRESS, rootUri=folder.as_uri())
    assert client.notice("didChangeStatus", busy=False)["model"] == "base"
    uri = client.open("def add", uri=(folder / "new.py").as_uri())

    options = {"minutes": 0.03, "preset": "nano"}
    assert command(client, "train", options) == {"started": True, "name": name, "folder": str(folder)}
    assert "under way already" in refusal(client, "train", options)
    begin = client.notice("didChangeStatus", state="training")
    assert begin["busy"]
    assert begin["training"] == 0
    client.popup(uri, 0, 7)  # answers go on
    assert command(client, "stopTraining") == {"stopped": True}
    client.notice("didChangeStatus", state="ready", training=None, busy=False)
    message = client.notice("window/showMessage")
    assert message["type"] == 3
    assert "topped" in message["message"]
    assert command(client, "stopTraining") == {"stopped": False}
    assert [each["name"] for each in command(client, "listModels") if each["current"]] != [name]

    client.notices.clear()
    assert command(client, "train", options | {"folder": folder.as_uri()})["name"] == name
    assert client.notice("didChangeStatus", state="ready", model=name)["training"] is None
    message = client.notice("window/showMessage")
    assert message["type"] == 3
    assert message["message"].startswith("TinyCoder learnt this workspace: ")
    told = [each["params"] for each in client.notices if each["method"] == "didChangeStatus"]
    percents = [each["training"] for each in told if each["state"] == "training"]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    titles = [
        each["params"]["value"]["title"]
        for each in client.notices
        if each["method"] == "$/progress" and each["params"]["value"]["kind"] == "begin"
    ]
    assert "TinyCoder: training" in titles

    current = [each for each in command(client, "listModels") if each["current"]]
    assert [each["name"] for each in current] == [name]
    assert (
        current[0]["bitsPerByte"]
        == next(each for each in list_models(models_home) if each.name == name).training.val_bpb
    )
    report = command(client, "trainingReport")
    assert report["name"] == name
    assert "<html" in Path(report["path"]).read_text(encoding="utf-8")
    client.popup(uri, 0, 7)
    assert client.leave() == 0
    assert "Traceback" not in client.log()


def test_leaving_stops_a_run_without_a_word(start: Any, models_home: Path, folder: Path) -> None:
    client = start(model="counter", home=models_home)
    client.initialize(rootUri=folder.as_uri())
    command(client, "train", {"preset": "nano"})
    assert client.leave() == 0
    assert "Traceback" not in client.log()
    assert client.shown_messages() == []


def test_leaving_while_commands_run(start: Any, models_home: Path, folder: Path) -> None:
    client = start(model="counter", home=models_home)
    client.initialize(rootUri=folder.as_uri())
    (models_home / "models" / "stuck").mkdir()
    for path in (models_home / "models" / "counter").iterdir():
        shutil.copy2(path, models_home / "models" / "stuck")
    number = client.request("workspace/executeCommand", {"command": "tinycoder.selectModel", "arguments": ["stuck"]})
    client.notice("didChangeStatus", busy=True)
    assert client.leave() == 0
    assert client.answer(number)["error"]["code"] == -32800
    assert "Traceback" not in client.log()
