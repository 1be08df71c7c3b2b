"""A workspace that the editor does not trust: nothing of it is trained on, remembered or loaded. Over stdio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asking import Client
from counts import Count

from tinycoder.storage.bundled import BUNDLED, bundled_folder
from tinycoder.storage.models import copy_model, workspace_model_name

MARK = "a_name_that_stands_in_no_model"
CODE = f"def {MARK}(first, second):\n    return first + second\n\n\n"


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """One row: what is asked of an untrusted workspace, and a trusted one to show that asking can succeed."""
    count = Count(what="wishes in an untrusted workspace", wanted=9)
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
        refused = [
            client.ask("workspace/executeCommand", {"command": "tinycoder.train", "arguments": wish})
            for wish in ([], [{"folder": project.as_uri()}])
        ]
        for answer in refused:
            hold("training begins", "not trusted" in str(answer.get("error")))
        client.ask("workspace/executeCommand", {"command": "tinycoder.reindex"})
        uri = (project / "module_0.py").as_uri()
        text = (project / "module_0.py").read_text()
        client.open(uri, text)
        for n in range(6):
            text += f"y_{n} = {MARK}({n}, 3)\n"
            client.change(uri, text)
            client.offers(uri, text.count("\n"), 0)
        current = [model["name"] for model in _models(client) if model["current"]]
        hold("its own model is used", current == [BUNDLED])
        item = {"label": "x", "detail": "seen in module_1.py:1"}
        said = client.ask("completionItem/resolve", item)
        hold("its files are shown", MARK not in str(said.get("documentation")))
        wish = {"command": "tinycoder.selectModel", "arguments": [str(project / "model")]}
        client.ask("workspace/executeCommand", wish)
        current = [model["name"] for model in _models(client) if model["current"]]
        hold("a model that lies in it is used", current == [])
        client.ask("workspace/executeCommand", {"command": "tinycoder.selectModel", "arguments": []})
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

    trusted = Count(what="wishes in a trusted workspace", wanted=2)
    client = Client(home, scratch)
    try:
        client.start(project, trusted=True)
        client.until_indexed()
        trusted.done += [model["name"] for model in _models(client) if model["current"]] == [own.name]
    finally:
        client.end()
    trusted.done += any((home / "memory").glob("*.safetensors"))
    yield trusted


def _models(client: Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.ask("workspace/executeCommand", {"command": "tinycoder.listModels"})
    return found
