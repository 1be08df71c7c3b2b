"""The whole way: a person's file, the real engine, and a server for ghost text."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import serve_command
from tests.server.completions import Completions, completions
from tests.server.raw_client import PATIENT, RawClient
from tinycoder.storage.checkpoint import Model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folder of a user's configuration is redirected")

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
CODE = "import os\n\n\ndef first(amount):\n    return "


@pytest.fixture
def server() -> Iterator[Completions]:
    with completions() as server:
        yield server


@pytest.fixture
def ask(start: Callable[..., RawClient], home: Path, tmp_path: Path) -> Callable[..., RawClient]:
    def ask(**remote: str) -> RawClient:
        file = tmp_path / "tinycoder" / "settings.toml"
        file.parent.mkdir()
        lines = [f"{key} = {json.dumps(value)}" for key, value in remote.items()]
        file.write_text("\n".join(["[remote]", *lines]), encoding="utf-8")
        client = start(command=serve_command(home), env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)})
        client.initialize(initializationOptions=PATIENT)
        return client

    return ask


def ghosts(client: RawClient, text: str) -> list[dict[str, Any]]:
    lines = text.split("\n")
    return client.ghost(client.open(text), len(lines) - 1, len(lines[-1]))


def test_what_the_server_writes_is_shown_as_far_as_it_is_valid(
    ask: Callable[..., RawClient], server: Completions
) -> None:
    server.text = "amount + 1)"
    (item,) = ghosts(ask(url=server.url), CODE)
    assert item["insertText"] == "amount + 1"
    assert server.asked[0]["prompt"] == CODE


def test_a_model_of_ours_is_asked_in_its_own_ids(
    ask: Callable[..., RawClient], server: Completions, model: Model
) -> None:
    server.text = "amount"
    (item,) = ghosts(ask(url=server.url, kind="llama.cpp", model="counter"), CODE + "am")
    assert item["insertText"] == "amount"
    assert server.paths == ["/completion"]
    ids = server.asked[0]["prompt"]
    path = model.tokenizer.encode_header("a.py")
    assert ids[: len(path)] == path
    assert model.tokenizer.decode(ids[len(path) :]) in CODE
    assert server.asked[0]["grammar"].startswith("root ::= (")


def test_no_secret_is_sent(ask: Callable[..., RawClient], server: Completions) -> None:
    client = ask(url=server.url)
    ghosts(client, f'TOKEN = "{TOKEN}"\nuse("{TOKEN}")\npassword = "kV7pq92xZw4T"\n{CODE}')
    sent = json.dumps(server.asked)
    assert "REDACTED" in sent
    assert not any(secret in sent for secret in (TOKEN, TOKEN[4:], "kV7pq92xZw4T"))


def test_without_an_answer_the_model_here_writes(ask: Callable[..., RawClient], server: Completions) -> None:
    server.mode = "500"
    client = ask(url=server.url)
    (item,) = ghosts(client, "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.total")
    assert item["insertText"] == "total = start"
    assert len(client.shown_messages()) == 1
