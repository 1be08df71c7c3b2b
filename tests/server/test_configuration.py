"""Settings, workspace folders, and which model answers."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

ASKED = {"workspace": {"configuration": True}}


def asked_for(client: Any, uri: str = "file:///somewhere/a.py") -> Any:
    """What the engine is asked for a popup."""
    return json.loads(client.popup(client.open("ab", uri=uri), 0, 2)[0]["detail"])


def limit(client: Any) -> Any:
    return asked_for(client)["limit"]


def path_of(client: Any, uri: str) -> Any:
    return asked_for(client, uri)["path"]


def warnings(client: Any) -> list[str]:
    return [
        message["params"]["message"]
        for message in client.notices
        if message["method"] == "window/logMessage" and message["params"]["type"] == 2
    ]


@pytest.mark.parametrize(
    "options", [{"popup": {"limit": 4}}, {"tinycoder": {"popup": {"limit": 4}}}, {"tinycoder.popup.limit": 4}]
)
def test_initialization_options(start: Any, options: dict[str, Any]) -> None:
    client = start()
    client.initialize(initializationOptions=options)
    assert limit(client) == 4


def test_the_editor_is_asked_and_its_answer_lies_over_the_initialization_options(start: Any) -> None:
    client = start(configuration={"popup": {"limit": 5}})
    client.initialize(ASKED, initializationOptions={"popup": {"limit": 4}, "inline": {"alternatives": 2}})
    assert limit(client) == 5
    assert len(client.ghost(client.open("ab"), 0, 2, triggerKind=1)) == 2
    items = [message["params"]["items"] for message in client.asked]
    assert items == [[{"section": "tinycoder"}]]


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_an_editor_that_has_nothing_configured(start: Any, nothing: Any) -> None:
    client = start(configuration=nothing)
    client.initialize(ASKED, initializationOptions=nothing)
    assert limit(client) == 20
    assert warnings(client) == []


def test_an_editor_that_never_says_what_is_configured_is_served_all_the_same(start: Any) -> None:
    client = start(configuration=...)
    client.initialize(ASKED)
    assert limit(client) == 20


def test_a_changed_configuration(start: Any) -> None:
    client = start(configuration={"popup": {"limit": 5}})
    client.initialize(ASKED)
    client.configure(popup={"limit": 6})
    assert limit(client) == 6
    client.configuration = {"popup": {"limit": 7}, "model": "other"}
    client.notify("workspace/didChangeConfiguration", {"settings": None})
    client.notice("didChangeStatus", message="TinyCoder completes with the model other.")
    assert limit(client) == 7


def test_flat_keys_and_unknown_ones_in_a_changed_configuration(start: Any) -> None:
    client = start()
    client.initialize()
    for _ in range(2):
        settings = {"tinycoder.popup.limit": 6, "tinycoder.popup.limt": 7, "popup": {"limit": 8}, "editor.tabSize": 4}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
    assert limit(client) == 6
    unknown, stray = sorted(warnings(client), key=lambda text: "outside" in text)
    assert "tinycoder.popup.limt is unknown; did you mean tinycoder.popup.limit?" in unknown
    assert "popup stands outside of the section; write tinycoder.popup" in stray


def test_newer_settings_win_over_an_older_question(start: Any) -> None:
    client = start(configuration={"popup": {"limit": 5}})
    client.initialize(ASKED)
    client.configuration = {"popup": {"limit": 7}}
    ask = {"method": "workspace/didChangeConfiguration", "params": {"settings": {"python": {}}}}
    tell = {**ask, "params": {"settings": {"tinycoder": {"model": "other"}}}}
    client.send(ask, tell)
    client.notice("didChangeStatus", message="TinyCoder completes with the model other.")
    assert limit(client) == 20


def test_vs_code_is_asked_to_say_when_the_section_changes(start: Any) -> None:
    client = start()
    client.initialize({"workspace": {"didChangeConfiguration": {"dynamicRegistration": True}}})
    limit(client)
    registrations = [message["params"]["registrations"][0] for message in client.asked]
    assert [(each["method"], each["registerOptions"]) for each in registrations] == [
        ("workspace/didChangeConfiguration", {"section": "tinycoder"})
    ]


def test_an_editor_that_watches_files_is_asked_to_watch_python(start: Any) -> None:
    client = start()
    dynamic = {"dynamicRegistration": True}
    client.initialize({"workspace": {"didChangeConfiguration": dynamic, "didChangeWatchedFiles": dynamic}})
    limit(client)
    _, files = (each for message in client.asked for each in message["params"]["registrations"])
    assert files["method"] == "workspace/didChangeWatchedFiles"
    assert files["registerOptions"] == {"watchers": [{"globPattern": "**/{*.py,*.pyi,pyproject.toml}"}]}


def test_a_wrong_setting_is_warned_of_once_and_the_rest_counts(start: Any) -> None:
    wrong = {"popup": {"limit": "many"}, "inlin": {}, "inline": {"alternatives": 2}}
    client = start(configuration=wrong)
    client.initialize(ASKED)
    for _ in range(3):
        client.configure(**wrong)
    assert limit(client) == 20
    assert len(client.ghost(client.open("ab"), 0, 2, triggerKind=1)) == 2
    assert len(warnings(client)) == 2
    assert any(
        "tinycoder.popup.limit is 'many', a whole number of at least 1 is needed; 20 is used" in text
        for text in warnings(client)
    )
    assert any("did you mean tinycoder.inline?" in text for text in warnings(client))
    assert "tinycoder.popup.limit" not in client.log()  # editors show both logs as one
    assert client.shown_messages() == []


def test_switched_off_and_on_again(start: Any) -> None:
    client = start()
    client.initialize(initializationOptions={"enable": False})
    assert client.notice("didChangeStatus", busy=False)["kind"] == "Inactive"
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) == client.ghost(uri, 0, 2) == []
    client.configure(enable=True)
    client.notice("didChangeStatus", busy=False, kind="Normal")
    assert client.popup(uri, 0, 2) != []


def test_popup_and_ghost_text_are_switched_off_one_by_one(start: Any) -> None:
    client = start()
    client.initialize(initializationOptions={"popup": {"enable": False}})
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) == []
    assert client.ghost(uri, 0, 2) != []
    client.configure(inline={"enable": False})
    assert client.ghost(uri, 0, 2) == []


def asked(client: Any, text: str, **context: Any) -> list[dict[str, Any]]:
    """What the engine is asked for at the end of ``text``."""
    lines = ("# asked\n" + text).split("\n")
    uri = client.open("\n".join(lines))
    items = client.ghost(uri, len(lines) - 1, len(lines[-1]), **context)
    return [json.loads(item["insertText"]) for item in items]


def test_ghost_text_is_one_line_as_the_setting_says_unless_asked_for(start: Any) -> None:
    client = start()
    client.initialize()
    by_itself, by_hand = asked(client, "def f():\n    "), asked(client, "x = ", triggerKind=1)
    both = {"max_tokens": 64, "max_lines": 12}
    assert by_itself == [both | {"n": 1, "block": False, "eagerness": "balanced", "prose": "sure"}]
    assert by_hand == [both | {"n": 3, "block": True, "eagerness": "any", "prose": "on"}] * 3


def test_the_eagerness_is_a_setting(start: Any) -> None:
    client = start()
    client.initialize(initializationOptions={"inline": {"eagerness": "quiet"}})
    assert asked(client, "x = ")[0]["eagerness"] == "quiet"


@pytest.mark.parametrize(
    ("setting", "in_line", "in_block", "by_hand"),
    [("off", False, False, False), ("explicit", False, False, True), ("automatic", False, True, True)],
)
def test_blocks_are_a_setting(start: Any, setting: str, in_line: bool, in_block: bool, by_hand: bool) -> None:
    client = start()
    client.initialize(initializationOptions={"inline": {"block": setting}})
    assert asked(client, "x = ")[0]["block"] is in_line
    assert asked(client, "def f():\n    ")[0]["block"] is in_block
    assert asked(client, "def f():\n    ", triggerKind=1)[0]["block"] is by_hand


@pytest.mark.parametrize("setting", ["off", "sure", "on"])
def test_prose_is_a_setting_of_what_comes_unasked(start: Any, setting: str) -> None:
    client = start()
    client.initialize(initializationOptions={"inline": {"prose": setting}})
    assert asked(client, "# A")[0]["prose"] == setting
    assert asked(client, "# A", triggerKind=1)[0]["prose"] == "on"


@pytest.mark.parametrize("setting", [True, False])
def test_names_that_need_an_import_are_a_setting(start: Any, setting: bool) -> None:
    client = start()
    client.initialize(initializationOptions={"popup": {"imports": setting}})
    assert asked_for(client)["imports"] is setting


def test_the_log_level_is_a_setting(start: Any) -> None:
    client = start()
    client.initialize(initializationOptions={"logLevel": "error"})
    assert client.notice("didChangeStatus", busy=False)["kind"] == "Normal"
    assert "INFO" not in client.log()


def test_the_deadline_is_a_setting(start: Any) -> None:
    client = start()
    options = {"popup": {"deadlineMs": 1}, "inline": {"deadlineMs": 1}}
    client.initialize(initializationOptions=options)
    uri = client.open("# slow\n")
    assert client.popup(uri, 1, 0) == client.ghost(uri, 1, 0) == []


def test_without_an_own_model_a_status_names_the_command_and_a_model_trained_later_is_found(
    start: Any, stub_home: Path, tmp_path: Path
) -> None:
    empty, workspace = tmp_path / "home", tmp_path / "my project"
    workspace.mkdir()
    client = start(model="", home=empty)
    client.initialize(rootUri=workspace.as_uri())
    status = client.notice("didChangeStatus", busy=False)
    assert (status["kind"], status["state"], status["model"]) == ("Normal", "ready", "base")
    assert status["message"].endswith(f'tinycoder train "{workspace}"')
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) != []
    assert client.shown_messages() == []
    shutil.copytree(stub_home / "models" / "stub", empty / "models" / own_name(workspace))
    client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    client.notice("didChangeStatus", busy=False, model=own_name(workspace))
    assert client.popup(uri, 0, 2) != []


def own_name(workspace: Path) -> str:
    from tinycoder.storage.models import workspace_model_name

    return workspace_model_name(workspace)


@pytest.mark.parametrize(
    ("model", "words"), [("broken", "config.json is damaged"), ("nobody", "nobody"), ("bug", "log says why")]
)
def test_a_model_that_cannot_be_used_is_a_status_and_no_answers(start: Any, model: str, words: str) -> None:
    client = start(model=model)
    client.initialize()
    status = client.notice("didChangeStatus", busy=False)
    assert status["kind"] == "Error"
    assert words in status["message"]
    uri = client.open("ab")
    assert client.popup(uri, 0, 2) == client.ghost(uri, 0, 2) == []
    assert ("nobody foresaw this" in client.log()) is (model == "bug")
    client.configure(model="stub")
    client.notice("didChangeStatus", busy=False, kind="Normal")
    assert client.popup(uri, 0, 2) != []


def test_paths_are_relative_to_the_workspace_as_it_changes(start: Any) -> None:
    client = start()
    one = {"uri": "file:///project/one", "name": "one"}
    client.initialize(rootUri=one["uri"], workspaceFolders=[one])
    assert path_of(client, "file:///project/one/pkg/io.py") == "pkg/io.py"
    assert path_of(client, "file:///project/two/pkg/io.py") == "io.py"
    two = {"uri": "file:///project/two", "name": "two"}
    client.change_folders(added=[two])
    assert path_of(client, "file:///project/one/pkg/io.py") == "one/pkg/io.py"
    assert path_of(client, "file:///project/two/pkg/io.py") == "two/pkg/io.py"
    client.change_folders(removed=[two])
    assert path_of(client, "file:///project/two/pkg/io.py") == "io.py"


def test_several_folders_are_told_apart_by_their_names(start: Any) -> None:
    client = start()
    folders = [{"uri": f"file:///project/{name}", "name": name} for name in ("one", "two")]
    client.initialize(rootUri="file:///project", workspaceFolders=folders)
    assert path_of(client, "file:///project/two/pkg/io.py") == "two/pkg/io.py"


@pytest.mark.parametrize("root", [{}, {"workspaceFolders": None}, {"rootUri": "vscode-vfs://github/x/y"}])
def test_without_a_folder_a_path_is_the_file_name(start: Any, root: dict[str, Any]) -> None:
    client = start()
    client.initialize(**root)
    assert path_of(client, "file:///project/two/pkg/io.py") == "io.py"
    assert path_of(client, "untitled:Untitled-1") == "Untitled-1"
