import os
import re
from pathlib import Path

import pytest

from tinycoder.checkpoint import Model, load_model
from tinycoder.errors import CheckpointError, TrainingError
from tinycoder.home import default_home
from tinycoder.store import (
    copy_model,
    find_model,
    list_models,
    model_folder,
    only_writer,
    remove_model,
    resolve_model,
    set_aside,
    workspace_model_name,
)


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
    with pytest.raises(CheckpointError, match=r"no model 'other'.*there are: counter"):
        resolve_model(home, "other")


def test_a_workspace_finds_its_own_model_then_the_newest_of_code(tmp_path: Path, model: Model) -> None:
    assert find_model(tmp_path, []) is None
    workspace = tmp_path / "project"
    for name, age in (("older", 100), ("newer", 50), (workspace_model_name(workspace), 200)):
        copy_model(model.folder, tmp_path / "models" / name)
        os.utime(tmp_path / "models" / name / "training.json", (1e9 - age, 1e9 - age))
    assert find_model(tmp_path, [workspace]) == tmp_path / "models" / workspace_model_name(workspace)
    assert find_model(tmp_path, [tmp_path / "elsewhere"]) == tmp_path / "models" / "newer"
    (tmp_path / "models" / "newer" / "training.json").write_text("{}")
    assert find_model(tmp_path, []) == tmp_path / "models" / "older"


def test_listing_names_what_is_damaged(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "models" / "sound")
    copy_model(model.folder, tmp_path / "models" / "broken")
    (tmp_path / "models" / "broken" / "model.safetensors").unlink()
    (tmp_path / "models" / "foreign").mkdir()
    found = {summary.name: summary for summary in list_models(tmp_path)}
    assert found["sound"].problem is None
    assert found["sound"].n_bytes > 4 * found["sound"].training["parameters"]
    assert found["broken"].problem == "model.safetensors is missing"
    assert "training.json" in str(found["foreign"].problem)


def test_copy_and_remove(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "copy")
    assert load_model(tmp_path / "copy").config == model.config
    with pytest.raises(CheckpointError, match="exists already"):
        copy_model(model.folder, tmp_path / "copy")
    remove_model(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_only_model_folders_are_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "work.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="nothing was removed"):
        remove_model(tmp_path / "precious")
    assert (tmp_path / "precious" / "work.txt").exists()


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


def test_set_aside_keeps_one_finished_model(tmp_path: Path, model: Model) -> None:
    copy_model(model.folder, tmp_path / "m")
    set_aside(tmp_path / "m")
    assert not (tmp_path / "m").exists()
    assert load_model(tmp_path / "m.old").config == model.config
    set_aside(tmp_path / "m")  # nothing there: the old one stays
    assert (tmp_path / "m.old").exists()
