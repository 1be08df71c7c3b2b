import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tinycoder.errors import CheckpointError, TrainingError
from tinycoder.storage.bundled import BUNDLED, bundled_folder
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.storage.home import default_home
from tinycoder.storage.models import (
    Summary,
    copy_model,
    drop_run,
    exists,
    find_model,
    list_models,
    model_folder,
    newest_model,
    only_writer,
    remove_model,
    resolve_model,
    run_folder,
    summarise,
    workspace_model_name,
)


def own(home: Path) -> list[Summary]:
    """What is listed beside the model that ships."""
    return [summary for summary in list_models(home) if not summary.bundled]


def note(folder: Path, *, age: float = 0, **metadata: Any) -> None:
    """Let a copied model's training.json say something else, and be of some age in seconds."""
    training = folder / "training.json"
    training.write_text(json.dumps({**json.loads(training.read_text()), **metadata}))
    os.utime(training, (1e9 - age, 1e9 - age))


def test_home_from_the_environment(tmp_path: Path) -> None:
    assert default_home({"TINYCODER_HOME": str(tmp_path)}) == tmp_path
    assert default_home({}).name == "tinycoder"


def test_a_workspace_name_is_stable_and_its_own(tmp_path: Path) -> None:
    (tmp_path / "a b!").mkdir()
    name = workspace_model_name(tmp_path / "a b!")
    assert re.fullmatch(r"a-b-[0-9a-f]{8}", name)
    assert name == workspace_model_name(tmp_path / "x" / ".." / "a b!")
    assert name != workspace_model_name(tmp_path / "other" / "a b!")


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "..", "a b", "x" * 101])
def test_odd_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="cannot be a model's name"):
        model_folder(tmp_path, name)


def test_resolve_by_name_and_by_path(home: Path, model: Model) -> None:
    assert resolve_model(home, "counter") == model.folder
    assert resolve_model(home, str(model.folder)) == model.folder
    with pytest.raises(CheckpointError, match=r"no model 'other'.*there are: base, counter"):
        resolve_model(home, "other")


def test_a_workspace_has_its_own_model_then_what_learnt_from_it_then_the_shipped_one(
    tmp_path: Path, model: Model
) -> None:
    workspace = tmp_path / "project"
    name = workspace_model_name(workspace)
    assert find_model(tmp_path, []) == find_model(tmp_path, [workspace]) == bundled_folder()
    for other in ("other", "older", "newer", "stopped", "words"):
        copy_model(model.folder, tmp_path / "models" / other)
    assert find_model(tmp_path, [workspace]) == bundled_folder()  # other people's code is no help
    known: dict[str, Any] = {"workspaces": ["elsewhere-0123abcd", name]}
    note(tmp_path / "models" / "older", age=100, **known)
    assert find_model(tmp_path, [workspace]) == tmp_path / "models" / "older"
    note(tmp_path / "models" / "newer", age=50, **known)
    note(tmp_path / "models" / "stopped", **known, finished=False)
    note(tmp_path / "models" / "words", **known, recipe="shakespeare")
    assert find_model(tmp_path, [tmp_path / "two", workspace]) == tmp_path / "models" / "newer"
    assert find_model(tmp_path, [tmp_path / "two"]) == bundled_folder()
    copy_model(model.folder, tmp_path / "models" / name)
    note(tmp_path / "models" / name, age=200)
    assert find_model(tmp_path, [tmp_path / "two", workspace]) == tmp_path / "models" / name
    note(tmp_path / "models" / name, val_bpb=None)
    assert find_model(tmp_path, [workspace]) == tmp_path / "models" / "newer"


@pytest.mark.parametrize("workspaces", [None, 3, "project", {"a": 1}, [None, [], {}]])
def test_odd_names_of_workspaces_are_passed_over(tmp_path: Path, model: Model, workspaces: object) -> None:
    copy_model(model.folder, tmp_path / "models" / "odd")
    note(tmp_path / "models" / "odd", workspaces=workspaces)
    assert find_model(tmp_path, [tmp_path / "project"]) == bundled_folder()


def test_the_newest_model_is_of_any_recipe_but_sound(tmp_path: Path, model: Model) -> None:
    assert newest_model(tmp_path) is None
    for age, (name, metadata) in enumerate(
        {"begun": {"val_bpb": None}, "broken": {}, "words": {"recipe": "shakespeare"}, "code": {}}.items()
    ):
        copy_model(model.folder, tmp_path / "models" / name)
        note(tmp_path / "models" / name, age=age, **metadata)
    (tmp_path / "models" / "broken" / "model.safetensors").unlink()
    assert newest_model(tmp_path) == tmp_path / "models" / "words"


def test_the_shipped_model_is_listed_first_and_its_name_is_taken(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "models" / "a")
    copy_model(model.folder, tmp_path / "models" / BUNDLED)  # from before that name was taken
    assert [(summary.name, summary.bundled) for summary in list_models(tmp_path)] == [(BUNDLED, True), ("a", False)]
    assert resolve_model(tmp_path, BUNDLED) == bundled_folder()
    with pytest.raises(CheckpointError, match="comes with TinyCoder; choose another name"):
        model_folder(tmp_path, BUNDLED)


@pytest.mark.parametrize("spelled", [bundled_folder(), bundled_folder() / ".." / BUNDLED])
def test_the_shipped_model_stays(spelled: Path) -> None:
    with pytest.raises(CheckpointError, match="comes with TinyCoder and stays; nothing was removed"):
        remove_model(spelled)
    assert bundled_folder().is_dir()


def test_a_copy_can_be_written_whatever_the_rights_of_the_original(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "installed")
    for path in (tmp_path / "installed").iterdir():
        path.chmod(0o444)
    copy_model(tmp_path / "installed", tmp_path / "copy")
    note(tmp_path / "copy", recipe="other")
    assert all(path.stat().st_mode & 0o200 for path in (tmp_path / "copy").iterdir())


def test_listing_names_what_is_damaged(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "models" / "sound")
    copy_model(model.folder, tmp_path / "models" / "broken")
    (tmp_path / "models" / "broken" / "model.safetensors").unlink()
    copy_model(model.folder, tmp_path / "models" / "cut")
    weights = tmp_path / "models" / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    (tmp_path / "models" / "foreign").mkdir()
    found = {summary.name: summary for summary in own(tmp_path)}
    assert found["sound"].problem is None
    assert found["sound"].n_bytes > 4 * found["sound"].training.parameters
    assert found["broken"].problem == "model.safetensors is missing"
    assert str(found["cut"].problem).startswith("model.safetensors is damaged")
    assert "training.json" in str(found["foreign"].problem)


def test_copy_and_remove(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "copy")
    assert load_model(tmp_path / "copy").config == model.config
    with pytest.raises(CheckpointError, match="exists already"):
        copy_model(model.folder, tmp_path / "copy")
    remove_model(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "files",
    [["work.txt"], ["config.json", "src/main.py"], ["config.json"], ["config.json", "training.json", "notes.md"]],
)
def test_only_model_folders_are_removed(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        path = tmp_path / "precious" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"port": 3}')
    with pytest.raises(CheckpointError, match="nothing was removed"):
        remove_model(tmp_path / "precious")
    assert all((tmp_path / "precious" / name).exists() for name in files)
    with pytest.raises(CheckpointError, match="there is no model folder"):
        remove_model(tmp_path / "none")


def test_an_empty_folder_can_be_removed(tmp_path: Path) -> None:
    (tmp_path / "models" / "m").mkdir(parents=True)
    remove_model(tmp_path / "models" / "m")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_damaged_model_can_be_removed(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "m")
    (tmp_path / "m" / "config.json").write_text("{")
    remove_model(tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with only_writer(tmp_path / "a"):
        with (
            pytest.raises(TrainingError, match="another process is writing the model 'a'"),
            only_writer(tmp_path / "a"),
        ):
            pass
        with only_writer(tmp_path / "b"):
            pass
    with only_writer(tmp_path / "a"):
        pass


def test_a_crash_between_two_renames_hides_no_model(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "models" / "m")
    (tmp_path / "models" / "m").rename(tmp_path / "models" / ".m~previous")
    (tmp_path / "models" / ".m~new-abc").mkdir()
    assert [summary.name for summary in own(tmp_path)] == ["m"]
    assert load_model(resolve_model(tmp_path, "m")).name == "m"
    assert newest_model(tmp_path) == tmp_path / "models" / "m"
    with only_writer(tmp_path / "models" / "m"):
        names = {path.name for path in (tmp_path / "models").iterdir()}
        assert names == {"m", ".m~lock"}
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["m"]


@pytest.mark.parametrize("fault", [None, KeyError])
def test_a_lock_is_gone_with_its_holder(tmp_path: Path, fault: type[Exception] | None) -> None:
    with suppress(KeyError), only_writer(tmp_path / "m"):
        assert [path.name for path in tmp_path.iterdir()] == [".m~lock"]
        with pytest.raises(TrainingError), only_writer(tmp_path / "m"):
            pass
        assert [path.name for path in tmp_path.iterdir()] == [".m~lock"]  # it is not the other's to remove
        if fault:
            raise fault
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_saved_beside_a_finished_model(tmp_path: Path, model: Model) -> None:
    assert run_folder(tmp_path / "m") == tmp_path / "m"
    copy_model(model.folder, tmp_path / "m")
    assert run_folder(tmp_path / "m") == tmp_path / ".m~run"
    (tmp_path / "m" / "optimizer.safetensors").write_bytes(b"")
    assert run_folder(tmp_path / "m") == tmp_path / "m"


def test_a_crash_while_a_run_is_dropped_leaves_no_half_of_it(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = tmp_path / "m", tmp_path / ".m~run"
    copy_model(model.folder, folder)
    shutil.copytree(folder, run)
    (run / "optimizer.safetensors").write_bytes(b"")
    assert summarise(folder).resumable
    with monkeypatch.context() as crash:
        crash.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        drop_run(folder)
    assert not summarise(folder).resumable
    with only_writer(folder):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".m~lock", "m"]


def test_a_crash_in_the_save_of_a_run_beside_a_model_is_put_right(tmp_path: Path, model: Model) -> None:
    folder, run = tmp_path / "m", tmp_path / ".m~run"
    copy_model(model.folder, folder)
    shutil.copytree(folder, run)
    run.rename(tmp_path / "..m~run~previous")
    with only_writer(folder):
        assert run.is_dir()


def test_a_model_that_is_half_removed_is_gone(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_model(model.folder, tmp_path / "m")
    with monkeypatch.context() as crash:
        crash.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        remove_model(tmp_path / "m")
    assert not exists(tmp_path / "m")


def test_an_unreadable_folder_is_a_problem_not_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models" / "m").mkdir(parents=True)
    (tmp_path / "models" / "m" / "training.json").write_text("{}")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", lambda path: refuse(path) if path.name == "m" else iter(path.glob("*")))
    assert own(tmp_path)[0].problem == "it cannot be read (Permission denied)"


def test_of_a_workspace_that_is_not_trusted_no_model_is_used(tmp_path: Path, model: Model) -> None:
    workspace = tmp_path / "project"
    name = workspace_model_name(workspace)
    for each in ("taught", name):
        copy_model(model.folder, tmp_path / "models" / each)
        note(tmp_path / "models" / each, workspaces=[name])
    assert find_model(tmp_path, [workspace]).name == name
    assert find_model(tmp_path, [workspace], trusted=False) == bundled_folder()
