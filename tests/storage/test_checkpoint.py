import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError
from tinycoder.storage import checkpoint
from tinycoder.storage.checkpoint import Model, State, check_without_values, load_model, load_state, save_model
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.model import EMBEDDING, init_params
from tinycoder.transformer.tokenizer import train_character_tokenizer

TOKENIZER = train_character_tokenizer(["hello world! "])
CONFIG = ModelConfig(
    vocab_size=TOKENIZER.vocab_size, width=16, n_layers=1, n_heads=2, n_kv_heads=1, hidden=24, context=16
)
PARAMS = init_params(CONFIG, np.random.default_rng(0))


def save(folder: Path, **changes: Any) -> None:
    arguments = {
        "config": CONFIG,
        "params": PARAMS,
        "tokenizer": TOKENIZER,
        "training": TrainingRecord(recipe="validation"),
    }
    save_model(folder, **{**arguments, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "model")
    return tmp_path / "model"


def test_round_trip(folder: Path) -> None:
    model = load_model(folder)
    assert model.config == CONFIG
    assert model.training == TrainingRecord(recipe="validation")
    assert model.name == "model"
    assert model.tokenizer.encode("hello") == TOKENIZER.encode("hello")
    assert model.params.keys() == PARAMS.keys()
    for name, param in PARAMS.items():
        np.testing.assert_array_equal(model.params[name], param)


def test_weights_take_four_bytes_a_parameter(folder: Path) -> None:
    n = sum(param.size for param in PARAMS.values())
    assert 4 * n <= (folder / "model.safetensors").stat().st_size <= 4 * n + 2000


def test_saving_again_replaces_all_and_leaves_nothing_behind(folder: Path) -> None:
    save(folder, state=State(arrays={"a": np.ones(3)}, metadata={"step": 3}))
    state = load_state(folder)
    np.testing.assert_array_equal(state.arrays["a"], np.ones(3))
    assert state.metadata == {"step": 3}
    save(folder, training=TrainingRecord(recipe="other"))
    assert load_model(folder).training.recipe == "other"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]
    with pytest.raises(CheckpointError, match="nothing is left to resume"):
        load_state(folder)


@pytest.mark.parametrize("n_calls", range(8))
def test_a_full_disk_keeps_the_old_model(folder: Path, monkeypatch: pytest.MonkeyPatch, n_calls: int) -> None:
    calls = 0  # eight files and the folder are synced before the new folder takes its place
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > n_calls:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(CheckpointError, match=r"No space left on device.*what was there before is kept"):
        save(folder, training=TrainingRecord(recipe="new"))
    monkeypatch.undo()
    assert load_model(folder).training.recipe == "validation"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_disk_that_fails_after_the_swap_keeps_the_new_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), folder.parent.stat()):
            raise OSError(errno.EIO, "Input/output error")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    save(folder, training=TrainingRecord(recipe="new"))
    assert load_model(folder).training.recipe == "new"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_rename_that_fails_is_taken_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if "~new-" in path.name:
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(CheckpointError, match=r"Permission denied.*what was there before is kept"):
        save(folder, training=TrainingRecord(recipe="new"))
    assert load_model(folder).training.recipe == "validation"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_full_disk_while_writing_weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", refuse)
    with pytest.raises(CheckpointError, match="No space left"):
        save(folder)
    assert load_model(folder).config == CONFIG


def test_a_crash_between_the_two_renames_loses_nothing(folder: Path) -> None:
    folder.rename(folder.with_name(".model~previous"))
    assert load_model(folder).config == CONFIG
    save(folder, training=TrainingRecord(recipe="new"))
    assert load_model(folder).training.recipe == "new"
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def edit_json(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        data = json.loads(path.read_text())
        path.write_text(json.dumps(change(data)))

    return damage


def edit_config(**fields: object) -> Callable[[Path], None]:
    return edit_json("config.json", lambda data: data | fields)


def edit_tensors(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "model.safetensors"
        save_file(change(load_file(path)), path)

    return damage


def truncate(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:-100])

    return damage


def other_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text(train_character_tokenizer(["abc"]).to_json())


def equal_tokenizer(folder: Path) -> None:
    text = (folder / "tokenizer.json").read_text()
    data = json.loads(text)
    vocab = data["model"]["vocab"]
    vocab["h"], vocab["w"] = vocab["w"], vocab["h"]
    (folder / "tokenizer.json").write_text(json.dumps(data))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda f: (f / "model.safetensors").unlink(), r"model\.safetensors is missing"),
    "no config": (lambda f: (f / "config.json").unlink(), r"config\.json is missing"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), r"tokenizer\.json is missing"),
    "config cut": (truncate("config.json"), r"config\.json is not JSON"),
    "config binary": (lambda f: (f / "config.json").write_bytes(b"\xff\xfe\x00"), r"config\.json cannot be read"),
    "weights cut": (truncate("model.safetensors"), r"model\.safetensors is damaged"),
    "weights empty": (lambda f: (f / "model.safetensors").write_bytes(b""), r"model\.safetensors is damaged"),
    "tokenizer cut": (truncate("tokenizer.json"), r"tokenizer\.json.*cannot be read"),
    "other tokenizer": (other_tokenizer, r"tokenizer\.json \(\d+ ids\).*belongs to another model"),
    "tokenizer as large": (equal_tokenizer, r"tokenizer\.json \(\d+ ids\).*belongs to another model"),
    "not a number": (edit_config(hidden_size=float("nan")), "field 'hidden_size' is nan"),
    "without end": (edit_config(hidden_size=1e999), "field 'hidden_size' is inf"),
    "no angle": (edit_config(rope_theta=0), "rope_theta is 0"),
    "other maths": (edit_config(attention_bias=True), "field 'attention_bias' is True"),
    "a long value": (edit_config(hidden_act="x" * 100_000), "field 'hidden_act' is 'xxx"),
    "foreign": (edit_json("config.json", lambda d: {"model_type": "gpt2"}), "does not describe a TinyCoder model"),
    "a list": (edit_json("config.json", lambda d: [1]), "does not describe a TinyCoder model"),
    "future": (edit_config(tinycoder={"format": 9, "weights": "float32"}), "update tinycoder"),
    "field gone": (edit_config(hidden_size=None), "field 'hidden_size' is None"),
    "field odd": (edit_config(num_attention_heads=3), "cannot be split"),
    "wrong shape": (edit_config(intermediate_size=48), "gate_proj.*asks for"),
    "tensor gone": (edit_tensors(lambda t: {k: v for k, v in t.items() if k != EMBEDDING}), "lacks tensor"),
    "tensor more": (edit_tensors(lambda t: {**t, "x": np.ones(1)}), "unknown tensor 'x'"),
    "other dtype": (edit_tensors(lambda t: {**t, EMBEDDING: t[EMBEDDING].astype(np.float64)}), "is float64"),
    "NaN": (edit_tensors(lambda t: {**t, EMBEDDING: t[EMBEDDING] * np.nan}), "not numbers"),
    "training odd": (edit_json("training.json", lambda d: 3), r"training\.json is 3, an object is needed"),
}


@pytest.mark.parametrize(("damage", "sentence"), DAMAGES.values(), ids=DAMAGES)
def test_damage_is_one_clear_sentence(folder: Path, damage: Callable[[Path], None], sentence: str) -> None:
    damage(folder)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        load_model(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "name", ["no weights", "no tokenizer", "weights cut", "weights empty", "tokenizer cut", "wrong shape"]
)
def test_damage_shows_without_the_values_of_the_weights(folder: Path, name: str) -> None:
    check_without_values(folder)
    DAMAGES[name][0](folder)
    with pytest.raises(CheckpointError, match=str(folder)):
        check_without_values(folder)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_a_folder_says_llama_where_other_programs_can_read_it(folder: Path, kind: str) -> None:
    save(folder, weights=kind)
    config = json.loads((folder / "config.json").read_text())
    assert (config["model_type"] == "llama") == (kind != "int8")
    assert ("LlamaForCausalLM" in config["architectures"]) == (kind != "int8")


def test_int8_folders_from_before_they_had_names_of_their_own_are_read(folder: Path) -> None:
    save(folder, weights="int8")
    edit_config(model_type="llama", architectures=["LlamaForCausalLM"])(folder)
    assert load_model(folder).weights == "int8"
    edit_config(model_type="tinycoder-int9")(folder)
    with pytest.raises(CheckpointError, match="field 'architectures'"):
        load_model(folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no model folder"):
        load_model(tmp_path / "none")


def test_a_trained_model_is_a_hugging_face_folder(model: Model) -> None:
    names = {path.name for path in model.folder.iterdir()}
    assert names == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "generation_config.json",
        "training.json",
        "README.md",
    }
    card = (model.folder / "README.md").read_text()
    assert "counter" in card
    assert "bits per byte" in card


def test_a_moved_folder_still_loads(model: Model, tmp_path: Path) -> None:
    shutil.copytree(model.folder, tmp_path / "elsewhere")
    assert load_model(tmp_path / "elsewhere").config == model.config
