"""Which model answers, when it is loaded anew, and what its engine is told."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tinycoder.complete.candidate import FROM_MODEL, Candidate, Document, GhostRequest
from tinycoder.memory.mixer import Mixer
from tinycoder.stop import Stop
from tinycoder.storage import bundled
from tinycoder.storage import models as storage_models
from tinycoder.storage.bundled import BUNDLED, bundled_folder
from tinycoder.storage.checkpoint import Model
from tinycoder.storage.models import copy_model, workspace_model_name
from tinycoder_lsp.engine.models import Models

GHOST = GhostRequest()


class Named:
    """An engine that offers its folder's name."""

    def __init__(self, folder: Path, model: Model) -> None:
        self.folder = folder
        self.tokenizer = model.tokenizer
        self.mixer = Mixer()
        self.told: list[str] = []

    def use(self, workspace: Any) -> None:
        self.told.append(f"index {workspace}")

    def inline(self, document: Document, offset: int, request: GhostRequest = GHOST, *, stop: Stop) -> list[Candidate]:
        return [Candidate(text=self.folder.name, start=offset, end=offset, probability=1.0, provenance=FROM_MODEL)]

    def look_ahead(self, document: Document, offset: int, candidate: Candidate, *, stop: Stop) -> None:
        self.told.append(f"ahead {candidate.text}")

    def know(self, world: Any, offered: Any) -> None:
        self.told.append(f"symbols {world} {offered}")

    def observe(self, document: Document) -> None:
        self.told.append(f"{document.path}: {document.text}")

    def forget(self, path: str) -> None:
        self.told.append(f"{path} closed")

    def learn(self, *, stop: Stop) -> bool:
        self.mixer.weights[0] += 1
        return False


class Home:
    """A home without models, the engines opened for it, and a clock that stands still until it is moved."""

    def __init__(self, folder: Path, model: Model) -> None:
        self.folder = folder
        self.model = model
        self.engines: list[Named] = []
        self.now = 0.0

    def models(self) -> Models:
        def open_engine(folder: Path, memory: bool) -> Named:
            self.engines.append(Named(folder, self.model))
            return self.engines[-1]

        return Models(self.folder, open_engine, clock=lambda: self.now)  # type: ignore[arg-type]


def never() -> bool:
    return False


def offered(models: Models) -> list[str]:
    document = Document(path="a.py", text="")
    answer = models.ask(document, lambda engine: engine.inline(document, 0, stop=never), never)
    return [candidate.text for candidate in answer or []]


def test_a_model_is_loaded_again_when_written_again_or_overtaken(tmp_path: Path, model: Model) -> None:
    opened: list[str] = []

    def open_engine(folder: Path, memory: bool) -> Named:
        opened.append(folder.name)
        return Named(folder, model)

    workspace = tmp_path / "project"
    own = workspace_model_name(workspace)
    models = Models(tmp_path, open_engine)  # type: ignore[arg-type]
    models.load(None, [workspace])
    models.load(None, [workspace])
    assert offered(models) == opened == [BUNDLED]

    copy_model(model.folder, tmp_path / "models" / "other")
    models.load(None, [workspace])
    assert opened == [BUNDLED]  # another workspace's model is no better

    copy_model(model.folder, tmp_path / "models" / own)
    assert models.load(None, [workspace]).message == f"TinyCoder completes with the model {own}."
    assert offered(models) == [own]

    written = tmp_path / "models" / own / "training.json"
    os.utime(written, ns=(written.stat().st_atime_ns, written.stat().st_mtime_ns + 1_000_000))
    models.load(None, [workspace])
    models.load(None, [workspace])
    assert opened == [BUNDLED, own, own]


def test_with_the_shipped_model_it_is_said_how_to_make_it_yours(tmp_path: Path, model: Model) -> None:
    models = Home(tmp_path, model).models()
    general = f"TinyCoder completes with the model {BUNDLED}, which knows Python in general."
    workspace = tmp_path / "my project"
    status = models.load(None, [workspace, tmp_path / "two"])
    assert (status.state, status.model) == ("ready", BUNDLED)
    assert status.message == f'{general} Ten minutes of training make it yours: tinycoder train "{workspace}"'
    assert models.load(None, [workspace], trusted=False).message == general
    assert models.load(None, []).message == general
    assert models.load(BUNDLED, [workspace]).message == general  # that is what was asked for


def test_the_shipped_model_may_lie_in_a_workspace_that_is_not_trusted(tmp_path: Path, model: Model) -> None:
    models = Home(tmp_path, model).models()
    around = bundled_folder().parent.parent  # as where somebody looks at this program's own code
    assert models.load(None, [around], trusted=False).model == BUNDLED


def test_without_the_shipped_model_the_installation_is_at_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (bundled, storage_models):
        monkeypatch.setattr(module, "bundled_folder", lambda: tmp_path / "gone" / BUNDLED)
    status = Models(tmp_path).load(None, [tmp_path])
    assert (status.state, status.model) == ("error", None)
    assert "install TinyCoder again" in status.message


def test_an_engine_is_opened_for_each_workspace_and_told_of_everything_open(tmp_path: Path, model: Model) -> None:
    home = Home(tmp_path, model)
    models = home.models()
    models.load(None, [tmp_path / "one"])
    models.buffers.put("file:///a.py", Document(path="a.py", text="x"))
    offered(models)
    models.load(None, [tmp_path / "one"])
    models.load(None, [tmp_path / "two"])
    offered(models)
    models.load(None, [tmp_path / "two"], memory=False)
    offered(models)
    assert [engine.told for engine in home.engines] == [["a.py: x"]] * 3


def test_the_engine_is_told_before_it_is_asked(tmp_path: Path, model: Model) -> None:
    home = Home(tmp_path, model)
    models = home.models()
    models.load(None, [])
    tokenizer = models.tokenizer
    assert tokenizer is not None
    models.remember(tokenizer, "one")  # type: ignore[arg-type]
    models.buffers.put("file:///a.py", Document(path="a.py", text=""))
    for text in ("x", "xy"):
        models.buffers.put("file:///b.py", Document(path="b.py", text=text))
    offered(models)
    models.buffers.remove("file:///b.py")
    offered(models)
    assert home.engines[0].told == ["index one", "a.py: ", "b.py: xy", "b.py closed"]


def test_an_index_for_another_model_is_not_used(tmp_path: Path, model: Model) -> None:
    home = Home(tmp_path, model)
    models = home.models()
    models.load(None, [])
    models.remember(object(), "of another model")  # type: ignore[arg-type]
    offered(models)
    assert home.engines[0].told == []


def test_each_engine_is_told_of_the_symbols_once(tmp_path: Path, model: Model) -> None:
    home = Home(tmp_path, model)
    models = home.models()
    models.load(None, [tmp_path / "one"])
    for world, offered_names in (("one", "few"), ("one", "many"), ("one", "many")):
        models.know(world, offered_names)  # type: ignore[arg-type]
        offered(models)
        offered(models)
    models.load(None, [tmp_path / "two"])
    offered(models)
    models.know("two", "none")  # type: ignore[arg-type]
    offered(models)
    told = [[line for line in engine.told if line.startswith("symbols")] for engine in home.engines]
    assert told == [["symbols one few", "symbols one many"], ["symbols one many", "symbols two none"]]


def test_after_an_answer_for_an_old_text_the_engine_is_told_the_new_one(tmp_path: Path, model: Model) -> None:
    home = Home(tmp_path, model)
    models = home.models()
    models.load(None, [])
    models.buffers.put("file:///a.py", Document(path="a.py", text="new"))
    offered(models)  # for an empty text under this path
    offered(models)
    assert home.engines[0].told == ["a.py: new"] * 2


def test_what_was_learnt_in_a_workspace_is_kept_for_it(tmp_path: Path, model: Model) -> None:
    home = Home(tmp_path, model)
    one, two = tmp_path / "one", tmp_path / "two"
    models = home.models()
    start = Mixer().weights[0]
    models.load(None, [one])
    models.learn(never)
    models.load(None, [two])
    assert home.engines[-1].mixer.weights[0] == start
    models.load(None, [one])
    assert round(home.engines[-1].mixer.weights[0] - start, 2) == 1
    models.learn(never)
    models.save()
    again = home.models()
    again.load(None, [one])
    assert round(home.engines[-1].mixer.weights[0] - start, 2) == 2


def test_what_was_learnt_is_written_once_in_a_while(tmp_path: Path, model: Model) -> None:
    home = Home(tmp_path, model)
    models = home.models()
    models.load(None, [tmp_path / "project"])
    models.learn(never)
    assert list((tmp_path / "memory").glob("*.mixer.json")) == []
    home.now += 1000
    models.learn(never)
    assert [path.name.split("-")[0] for path in (tmp_path / "memory").glob("*.mixer.json")] == ["project"]


def test_a_servers_model_is_that_of_its_name_here_as_it_is_now(tmp_path: Path, model: Model) -> None:
    models = Models(tmp_path)
    assert models.served("team") is None

    folder = tmp_path / "models" / "team"
    copy_model(model.folder, folder)
    found = models.served("team")
    assert found is not None
    assert (found.config, found.tokenizer.raw, found.params) == (model.config, model.tokenizer.raw, {})
    assert models.served("team") is found

    written = folder / "training.json"
    os.utime(written, ns=(written.stat().st_atime_ns, written.stat().st_mtime_ns + 1_000_000))
    assert models.served("team") not in (None, found)

    shutil.rmtree(folder)
    assert models.served("team") is None


def test_to_find_a_servers_model_no_weights_are_read(tmp_path: Path, model: Model) -> None:
    folder = tmp_path / "models" / "team"
    copy_model(model.folder, folder)
    (folder / "model.safetensors").unlink()
    assert Models(tmp_path).served("team") is not None


@pytest.mark.parametrize("name", [None, "", "other", "../models/team", "a\\b", "a\0b", "qwen2.5-coder:7b"])
def test_any_other_server_has_no_model_of_ours(tmp_path: Path, model: Model, name: str | None) -> None:
    copy_model(model.folder, tmp_path / "models" / "team")
    assert Models(tmp_path).served(name) is None
