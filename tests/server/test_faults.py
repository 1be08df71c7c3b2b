"""What ends the thread that answers, or the one that indexes: empty answers, one message, and all begins anew."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.raw_client import RawClient

SHOWS_PROGRESS = {"window": {"workDoneProgress": True}}
MANY = 1000  # round trips; far fewer are needed


def said(client: RawClient) -> list[str]:
    return [shown["message"] for shown in client.shown_messages()]


def status(client: RawClient) -> list[str]:
    return [each["params"]["state"] for each in client.notices if each["method"] == "didChangeStatus"]


def fail(client: RawClient, first_line: str) -> None:
    """Ask what ends the thread, at the latest when it is asked something else."""
    before = len(status(client))
    uri = client.open(f"{first_line}\n", uri="file:///somewhere/bad.py")
    assert client.popup(uri, 1, 0) == [] or first_line.startswith("# kill")
    other = client.open("ab", uri="file:///somewhere/good.py")
    for _ in range(MANY):
        if len(status(client)) > before:
            return
        client.popup(other, 0, 2)
    raise AssertionError("nothing failed")


def recover(client: RawClient) -> None:
    """Ask until there are words again."""
    uri = client.open("ab", uri="file:///somewhere/good.py")
    labels: list[str] = []
    for _ in range(MANY):
        if labels := [item["label"] for item in client.popup(uri, 0, 2)]:
            break
    assert labels == ["ab_tail"]


@pytest.mark.parametrize("first_line", ["# panic", "# kill 0", "# kill 300", "# kill 3000"])
def test_what_ends_the_thread_is_an_empty_answer_and_said_once(start: Any, first_line: str) -> None:
    client = start()
    client.initialize()
    for _ in range(2):
        fail(client, first_line)
        recover(client)
    assert status(client)[-1] == "ready"
    assert said(client) == ["TinyCoder: completion failed (Panic) and begins anew; the log says where."]
    assert client.leave() == 0
    assert "Traceback" not in client.log()
    logged = [each["params"]["message"] for each in client.notices if each["method"] == "window/logMessage"]
    assert 1 <= sum(line.startswith("TinyCoder: completion ended: Panic at ") for line in logged) <= 2


def facts(client: RawClient, uri: str, what: str) -> Any:
    """What the engine was told, as soon as it was told ``what``."""
    found: dict[str, Any] = {}
    for _ in range(MANY):
        for item in client.popup(uri, 1, 0):
            found = json.loads(item["detail"])
        if found.get(what):
            return found
    raise AssertionError(found)


def test_the_new_engine_knows_the_open_documents_and_the_index(start: Any, tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\n")
    client = start()
    client.initialize(rootUri=tmp_path.as_uri())
    told = client.open("# told\n", uri=(tmp_path / "told.py").as_uri())
    assert facts(client, told, "index")["index"] == ["module.py"]
    fail(client, "# panic")
    recover(client)
    found = facts(client, told, "index")
    assert (found["index"], found["open"]["told.py"]) == (["module.py"], len("# told\n"))


def test_what_fails_again_and_again_is_left_alone_until_a_file_is_opened(start: Any) -> None:
    client = start()
    client.initialize()
    uri = client.open("# panic\n")
    for _ in range(MANY):
        assert client.popup(uri, 1, 0) == []
        if status(client)[-1] == "error":
            break
    assert status(client).count("loading") == 1 + 2
    assert client.popup(uri, 1, 0) == []
    assert status(client)[-1] == "error"
    recover(client)
    assert status(client)[-1] == "ready"


def test_an_index_that_ends_its_thread_is_made_again(start: Any, tmp_path: Path) -> None:
    folder = tmp_path / "panic"
    folder.mkdir()
    (folder / "module.py").write_text("x = 1\n")
    client = start()
    client.initialize(rootUri=folder.as_uri())
    told = client.open("# told\n")
    assert facts(client, told, "index")["index"] == ["module.py"]
    assert said(client) == ["TinyCoder: indexing failed (Panic) and begins anew; the log says where."]
