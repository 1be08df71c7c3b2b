"""Files of strangers: each finding of ``tests/torture/strangers.py`` and of the reading that came before it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

from tinycoder.cli import cli
from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError, ConfigError, TinyCoderError, TokenizerError
from tinycoder.memory.mixer import Mixer, from_tables, to_tables
from tinycoder.storage.checkpoint import State, load_model, load_state, read_training, save_model
from tinycoder.storage.models import copy_model, remove_model, summarise
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.model import init_params
from tinycoder.transformer.tokenizer import Tokenizer, train_character_tokenizer, train_code_tokenizer

CODE = train_code_tokenizer(["def f(x):\n    return x\n" * 3], 280)
CHARACTERS = train_character_tokenizer(["hello"])
CONFIG = ModelConfig(vocab_size=CODE.vocab_size, width=8, n_layers=1, n_heads=2, n_kv_heads=1, hidden=8, context=16)
DEEP = "[" * 100_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "models" / "m"
    save_model(
        folder,
        config=CONFIG,
        params=init_params(CONFIG, np.random.default_rng(0)),
        tokenizer=CODE,
        training=TrainingRecord(recipe="code", finished=True),
        card="the card",
        state=State(arrays={"a": np.ones(3, np.float32)}),
        weights="int8",
    )
    return folder


def edit(file: Path, change: Callable[[Any], object]) -> None:
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


@pytest.mark.parametrize("name", ["config.json", "training.json", "tokenizer.json"])
@pytest.mark.parametrize("text", [DEEP, '{"a":' * 100_000, f'{{"tinycoder": {DEEP}'])
def test_nesting_without_end_is_one_sentence(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(CheckpointError, match=name):
        load_model(folder)
    assert summarise(folder).name == "m"


def test_the_facts_of_a_run_may_be_nested_without_end(folder: Path) -> None:
    for metadata in (DEEP, "3"):
        save_file({"a": np.ones(1)}, folder / "optimizer.safetensors", metadata={"facts": metadata})
        with pytest.raises(CheckpointError, match="not written by a training run"):
            load_state(folder)


@pytest.mark.parametrize(
    "field", ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings"]
)
@pytest.mark.parametrize("value", [10**400, -(10**400), 2**21])
def test_a_number_beyond_all_models_is_refused_before_it_is_used(folder: Path, field: str, value: int) -> None:
    edit(folder / "config.json", lambda data: data.update({field: value}))
    with pytest.raises(CheckpointError, match=r"config\.json") as caught:
        load_model(folder)
    assert len(str(caught.value)) < 1000


def test_a_window_that_no_memory_holds_is_refused() -> None:
    with pytest.raises(ConfigError, match="smaller context"):
        ModelConfig(vocab_size=300, width=4096, n_layers=64, n_heads=1, n_kv_heads=1, context=2**17)


@pytest.mark.parametrize("tensor", ["model.norm.weight", "model.embed_tokens.weight"])
def test_scales_without_their_tensor_are_refused(folder: Path, tensor: str) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors[f"{tensor}.scales"] = np.ones((1, 1), np.float16)
    del tensors[tensor]
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="tensor"):
        load_model(folder)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1), (10**6, 1)])
def test_shapes_are_checked_before_weights_grow(folder: Path, shape: tuple[int, ...]) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["model.embed_tokens.weight"] = np.zeros(shape, np.int8)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="asks for"):
        load_model(folder)


def test_scales_that_are_no_numbers_are_refused_without_a_warning(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    scales = tensors["model.embed_tokens.weight.scales"]
    tensors["model.embed_tokens.weight.scales"] = np.full_like(scales, np.inf)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="not numbers"):
        load_model(folder)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "U64", "x" * 10_000])
def test_a_type_that_no_model_has_is_refused_in_short(folder: Path, dtype: str) -> None:
    header = json.dumps({"a": {"dtype": dtype, "shape": [0], "data_offsets": [0, 0]}}).encode()
    for name, read in (("model.safetensors", load_model), ("optimizer.safetensors", load_state)):
        (folder / name).write_bytes(len(header).to_bytes(8, "little") + header)
        with pytest.raises(CheckpointError, match=name) as caught:
            read(folder)
        assert len(str(caught.value)) < 1000


IGNORED: dict[str, Callable[[Any], object]] = {
    "a normalizer": lambda d: d.update(normalizer={"type": "Lowercase"}),
    "a slow expression": lambda d: d["pre_tokenizer"]["pretokenizers"][0]["pattern"].update(Regex="(a+)+$"),
    "other pieces": lambda d: d.update(pre_tokenizer={"type": "Whitespace"}),
    "no pieces": lambda d: d.update(pre_tokenizer=None),
    "a post-processor": lambda d: d.update(post_processor={"type": "ByteLevel"}),
    "another decoder": lambda d: d.update(decoder={"type": "Fuse"}),
    "truncation": lambda d: d.update(truncation={"max_length": 1}),
    "padding": lambda d: d.update(padding={"strategy": {"Fixed": 2**40}}),
    "more added tokens": lambda d: d["added_tokens"].append({**d["added_tokens"][0], "id": 9, "content": "a"}),
    "greedy added token": lambda d: d["added_tokens"][0].update(lstrip=True),
    "another model": lambda d: d["model"].update(type="WordLevel"),
    "dropout": lambda d: d["model"].update(dropout=0.5),
    "an unknown token": lambda d: d["model"].update(unk_token="<|pad|>"),
}
REFUSED: dict[str, Callable[[Any], object]] = {
    "a huge id": lambda d: d["model"]["vocab"].update(zz=2**31),
    "an id twice": lambda d: d["model"]["vocab"].update(zz=5),
    "an id of a text": lambda d: d["model"]["vocab"].update(zz="5"),
    "no special token": lambda d: d["model"]["vocab"].update(zz=d["model"]["vocab"].pop("<|pad|>")),
    "a missing byte": lambda d: d["model"]["vocab"].update(zz=d["model"]["vocab"].pop("~")),
    "merges of another": lambda d: d["model"].update(merges=[["a", "b"]] * 10_000),
    "merges of nothing": lambda d: d["model"].update(merges=[["\u0416", "b"]]),
    "no merges": lambda d: d["model"].update(merges=None),
    "no model": lambda d: d.update(model=[]),
    "a surrogate": lambda d: d["model"]["vocab"].update({"\ud800": len(d["model"]["vocab"])}),
}


@pytest.mark.parametrize("change", IGNORED.values(), ids=IGNORED)
def test_only_vocabulary_and_merges_of_a_tokenizer_are_used(change: Callable[[Any], object]) -> None:
    data = json.loads(CODE.to_json())
    change(data)
    assert Tokenizer.from_json(json.dumps(data)).to_json() == CODE.to_json()


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED)
def test_a_vocabulary_that_is_not_ours_is_refused(change: Callable[[Any], object]) -> None:
    data = json.loads(CODE.to_json())
    change(data)
    with pytest.raises(TokenizerError, match="train the model again") as caught:
        Tokenizer.from_json(json.dumps(data))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("tokenizer", [CODE, CHARACTERS], ids=["code", "characters"])
def test_what_other_versions_of_the_library_write_is_loaded(tokenizer: Tokenizer) -> None:
    data = json.loads(tokenizer.to_json())
    data["model"].pop("ignore_merges", None)
    data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]
    data["model"]["something_new"] = False
    found = Tokenizer.from_json(json.dumps(data))
    assert found.encode("def f(x): hello") == tokenizer.encode("def f(x): hello")


@pytest.mark.skipif(os.name == "nt", reason="links and pipes need rights or do not exist there")
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "training.json", "model.safetensors", "README.md"])
def test_a_link_out_of_the_folder_is_neither_read_nor_copied(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.move(folder / name, tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")
    with pytest.raises(CheckpointError, match="leads out of its folder"):
        copy_model(folder, tmp_path / "models" / "copied")
    assert not (tmp_path / "models" / "copied").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_within_the_folder_is_read(folder: Path) -> None:
    (folder / "training.json").rename(folder / "facts")
    (folder / "training.json").symlink_to("facts")
    assert read_training(folder).recipe == "code"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders")
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "training.json", "model.safetensors"])
def test_a_pipe_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(CheckpointError, match="is not a file"):
        load_model(folder)
    summarise(folder)
    remove_model(folder)


def test_a_file_far_too_large_is_not_read(folder: Path) -> None:
    with (folder / "config.json").open("r+b") as file:
        file.truncate(2**40)
    with pytest.raises(CheckpointError, match="more than"):
        load_model(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("val_bpb", float("nan")),
        ("seed", -1),
        ("recipe", [1]),
        ("workspaces", 3),
        ("data", []),
        ("parameters", 10**400),
    ],
)
def test_training_json_of_other_types_is_a_problem_of_its_model(folder: Path, key: str, value: object) -> None:
    edit(folder / "training.json", lambda data: data.update({key: value}))
    with pytest.raises(CheckpointError, match=key):
        read_training(folder)
    assert key in str(summarise(folder).problem)


def test_the_commands_say_what_is_wrong_with_a_strangers_folder(folder: Path) -> None:
    home = folder.parent.parent

    def said(*words: str) -> tuple[object, str]:
        result = CliRunner().invoke(cli, ["--home", str(home), "checkpoint", *words])
        return result.exception, result.output

    (folder / "README.md").write_bytes(b"\xff\xfe")
    error, _ = said("show", "m")
    assert isinstance(error, TinyCoderError)
    edit(folder / "training.json", lambda data: data.update(parameters=10**400))
    error, output = said("list")
    assert error is None
    assert "'parameters' is" in output


def test_the_mixture_refuses_numbers_that_cannot_be_computed_with() -> None:
    for value in (10**400, 1e300, float("nan")):
        tables = to_tables(Mixer())
        tables["steps"][0] = value  # type: ignore[index]
        with pytest.raises(CheckpointError, match="learnt again"):
            from_tables(tables)
