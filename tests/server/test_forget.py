"""`tinycoder forget` beside a running server: what came from the file comes no more, and comes again after --undo."""

import json
import shutil
import subprocess
import sys
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
def own_home(home: Path, tmp_path: Path) -> Path:
    shutil.copytree(home / "models" / "counter", tmp_path / "home" / "models" / "counter")
    return tmp_path / "home"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg" / "io.py").write_text(functions("quagga_offset = okapi.stride", "okapi"))
    (folder / "other.py").write_text("import os\n")
    return folder


@pytest.fixture
def client(start: Callable[..., Any], own_home: Path, workspace: Path) -> Any:
    client = start(command=serve_command(own_home))
    client.initialize(rootUri=workspace.as_uri(), initializationOptions=PATIENT)
    return client


def forget(home: Path, *arguments: str | Path) -> Any:
    command = [sys.executable, "-m", "tinycoder", "--home", str(home), "forget", "--json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def details(client: Any, uri: str, line: int, column: int) -> dict[str, str]:
    return {item["label"]: item["detail"] for item in client.popup(uri, line, column)}


def until_seen(client: Any, uri: str, line: int, column: int) -> dict[str, str]:
    """The popup once the workspace is indexed; until then it comes without."""

    def find() -> dict[str, str] | None:
        found = details(client, uri, line, column)
        return found if any(detail.startswith("seen in pkg/") for detail in found.values()) else None

    return dict(client.until(find))


def test_what_came_from_the_file_comes_no_more_and_comes_again(client: Any, own_home: Path, workspace: Path) -> None:
    uri = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    assert until_seen(client, uri, 1, 26)["stride"] == "seen in pkg/io.py:37, 8 times"
    assert [item["insertText"] for item in client.ghost(uri, 1, 26)] == ["stride"]

    said = forget(own_home, workspace / "pkg")
    assert [removed["paths"] for removed in said["removed"]] == [["pkg/io.py"]]
    assert not any("stride" in item["insertText"] for item in client.ghost(uri, 1, 26))
    found = details(client, uri, 1, 26)
    assert not any(detail.startswith("seen in pkg/") for detail in found.values())
    client.send(client.change(uri, client.edit(1, 4, 26, "read_")))
    assert "read_a" not in details(client, uri, 1, 9)

    client.send(client.change(uri, client.edit(1, 4, 9, "quagga_offset = okapi."), version=3))
    assert forget(own_home, "--undo", workspace / "pkg") == {"forgotten": []}
    assert until_seen(client, uri, 1, 26)["stride"] == "seen in pkg/io.py:37, 8 times"


def test_the_details_of_an_older_offer_show_nothing_of_it(client: Any, own_home: Path, workspace: Path) -> None:
    uri = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    until_seen(client, uri, 1, 26)
    (item,) = (item for item in client.popup(uri, 1, 26) if item["label"] == "stride")
    assert "quagga_offset" in client.ask("completionItem/resolve", item)["documentation"]["value"]
    forget(own_home, workspace / "pkg" / "io.py")
    assert "quagga_offset" not in client.ask("completionItem/resolve", item)["documentation"]["value"]


def test_a_forgotten_file_in_the_editor_is_no_source_for_others(client: Any, own_home: Path, workspace: Path) -> None:
    io = workspace / "pkg" / "io.py"
    forget(own_home, io)
    there = client.open(io.read_text() + BEGUN, uri=io.as_uri())
    here = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    assert not any(detail.startswith("seen in pkg/") for detail in details(client, here, 1, 26).values())
    line = io.read_text().count("\n") + 1
    assert details(client, there, line, 26)["stride"].startswith("seen in pkg/io.py:")


def test_names_of_a_forgotten_file_are_offered_nowhere_else(client: Any, own_home: Path, workspace: Path) -> None:
    io = workspace / "pkg" / "io.py"
    client.open(io.read_text(), uri=io.as_uri())
    here = client.open("value = read_", uri=(workspace / "new.py").as_uri())
    client.until(lambda: "read_a" in details(client, here, 0, 13))
    forget(own_home, io)
    assert "read_a" not in details(client, here, 0, 13)  # at once, and although it is open
    assert "read_a" not in details(client, here, 0, 13)


def test_so_is_one_that_lies_outside_the_workspace(
    client: Any, own_home: Path, tmp_path: Path, workspace: Path
) -> None:
    outside = tmp_path / "elsewhere" / "hush.py"
    outside.parent.mkdir()
    outside.write_text(functions("quagga_offset = okapi.stride", "okapi"))
    client.open(outside.read_text(), uri=outside.as_uri())
    here = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    assert "hush.py" in str(details(client, here, 1, 26))
    forget(own_home, outside)
    assert "hush.py" not in str(details(client, here, 1, 26))


def test_a_server_that_starts_later_keeps_to_the_list(
    start: Callable[..., Any], own_home: Path, workspace: Path
) -> None:
    forget(own_home, workspace / "pkg" / "io.py")
    client = start(command=serve_command(own_home))
    client.initialize({"window": {"workDoneProgress": True}}, rootUri=workspace.as_uri(), initializationOptions=PATIENT)
    client.notice("$/progress", value={"kind": "end"})
    uri = client.open(BEGUN, uri=(workspace / "new.py").as_uri())
    assert not any(detail.startswith("seen in pkg/") for detail in details(client, uri, 1, 26).values())


def test_a_damaged_list_is_a_line_in_the_log_and_nothing_is_indexed(
    start: Callable[..., Any], own_home: Path, workspace: Path
) -> None:
    (own_home / "forgotten.json").write_text("{")
    client = start(command=serve_command(own_home))
    client.initialize(rootUri=workspace.as_uri(), initializationOptions=PATIENT)
    uri = client.open(BEGUN, uri=(workspace / "new.py").as_uri())

    def damage_is_known() -> bool:
        assert not any(detail.startswith("seen in pkg/") for detail in details(client, uri, 1, 26).values())
        return "the list of what to forget, is damaged" in client.log()

    client.until(damage_is_known)
    assert "Traceback" not in client.log()
    assert not list((own_home / "memory").glob("*.safetensors"))
