"""An untrusted workspace over stdio: nothing of it is trained on, remembered or loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asking import Client
from counts import Count

from tinycoder.storage.bundled import BUNDLED, bundled_folder
from tinycoder.storage.models import copy_model, workspace_model_name

MARK = "a_name_that_occurs_in_no_model"
CODE = f"def {MARK}(first, second):\n    return first + second\n\n\n"


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Yield a row of requests in an untrusted workspace, and one in a trusted one, where they succeed."""
    count = Count(what="requests in an untrusted workspace", wanted=9)
    project, home = scratch / "project", scratch / "home"
    project.mkdir(parents=True)
    for n in range(3):
        (project / f"module_{n}.py").write_text(CODE + f"x_{n} = {MARK}({n}, 2)\n")
    own = home / "models" / workspace_model_name(project)
    copy_model(bundled_folder(), own)
    copy_model(bundled_folder(), project / "model")

    def hold(what: str, held: bool) -> None:
        count.done += 1
        if not held:
            count.faults.append(f"in a workspace that is not trusted: {what}")

    client = Client(home, scratch)
    try:
        client.start(project, trusted=False)
        for arguments in ([], [{"folder": project.as_uri()}]):
            answer = _execute(client, "train", *arguments)
            hold("training begins", "not trusted" in str(answer.get("error")))
        _execute(client, "reindex")
        uri = (project / "module_0.py").as_uri()
        text = (project / "module_0.py").read_text()
        client.open(uri, text)
        for n in range(6):
            text += f"y_{n} = {MARK}({n}, 3)\n"
            client.change(uri, text)
            client.offers(uri, text.count("\n"), 0)
        hold("its own model is used", _current_models(client) == [BUNDLED])
        item = {"label": "x", "detail": "seen in module_1.py:1"}
        said = client.ask("completionItem/resolve", item)
        hold("its files are shown", MARK not in str(said.get("documentation")))
        _execute(client, "selectModel", str(project / "model"))
        hold("a model in its folder is used", _current_models(client) == [])
        _execute(client, "selectModel")
    finally:
        client.end()
    written = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(own)]
    hold("an index or a mixer is kept", not (home / "memory").exists())
    hold("a run or a report is kept", not (home / "reports").exists())
    told = [str(path) for path in written if MARK.encode() in path.read_bytes()]
    hold(f"its code is in {told}", not told)
    log = client.log.read_bytes() + client.stderr.read_bytes()
    hold("its code is in the log", MARK.encode() not in log)
    yield count

    trusted = Count(what="requests in a trusted workspace", wanted=2)
    client = Client(home, scratch)
    try:
        client.start(project, trusted=True)
        client.until_indexed()
        trusted.done += _current_models(client) == [own.name]
    finally:
        client.end()
    trusted.done += any((home / "memory").glob("*.safetensors"))
    yield trusted


def _execute(client: Client, command: str, *arguments: object) -> Any:
    return client.ask("workspace/executeCommand", {"command": f"tinycoder.{command}", "arguments": list(arguments)})


def _current_models(client: Client) -> list[object]:
    return [model["name"] for model in _execute(client, "listModels") if model["current"]]
