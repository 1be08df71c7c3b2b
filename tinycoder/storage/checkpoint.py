"""A model folder: one directory that holds one model in Hugging Face's Llama format, plus our own facts.

Writing is all or nothing (``folder``). Reading refuses, in one sentence, whatever this version does not know. This file
knows what is in a folder; ``store`` knows where folders lie.
"""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError, ConfigError, TokenizerError
from tinycoder.storage.bundled import is_bundled
from tinycoder.storage.folder import own_file, readable_folder, replaced_folder
from tinycoder.storage.record import MAX_NUMBER, problem
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params
from tinycoder.transformer.quantize import KINDS, dequantize, quantize, stored_shapes
from tinycoder.transformer.tokenizer import END_OF_TEXT, Tokenizer

FORMAT_VERSION = 1
CONFIG, WEIGHTS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"
TRAINING, STATE, CARD = "training.json", "optimizer.safetensors", "README.md"
FILES = {CONFIG, WEIGHTS, TOKENIZER, TRAINING, STATE, CARD, "tokenizer_config.json", "generation_config.json"}
MAX_BYTES = {  # of each file, which are checked before it is read
    **dict.fromkeys(FILES, 2**20),
    WEIGHTS: 2**31,
    TOKENIZER: 2**26,
    TRAINING: 2**24,
    STATE: 2**34,
}
AGAIN = "train the model again, or copy the folder again from where it came"

# Our name of a setting -> Hugging Face's name of it.
_HUGGING_FACE_NAMES = {
    "vocab_size": "vocab_size",
    "width": "hidden_size",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "n_kv_heads": "num_key_value_heads",
    "hidden": "intermediate_size",
    "context": "max_position_embeddings",
    "rope_theta": "rope_theta",
    "norm_eps": "rms_norm_eps",
}
# What is the same in every model of ours; another value would mean another computation.
_FIXED = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "rope_scaling": None,
    "tie_word_embeddings": True,
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model as it lies in memory; ``training`` is the plain data of training.json.

    Parameters are float32 and may not be written to; ``weights`` says what the file holds (``quantize.KINDS``).
    """

    config: ModelConfig
    params: Params
    tokenizer: Tokenizer
    training: Mapping[str, Any]
    folder: Path
    weights: str = "float32"

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name


@dataclass(frozen=True, kw_only=True)
class State:
    """What a run needs to go on, bit for bit: arrays (current weights, moments) and plain data (counters)."""

    arrays: Mapping[str, Array]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save_model(
    folder: Path,
    *,
    config: ModelConfig,
    params: Params,
    tokenizer: Tokenizer,
    training: Mapping[str, Any],
    card: str = "",
    state: State | None = None,
    weights: str = "float32",
) -> None:
    """Write the whole folder, or leave what was there. Raises ``CheckpointError`` if the disk refuses."""
    with replaced_folder(folder) as new:
        text = tokenizer.to_json()
        _write_json(new / CONFIG, _config_json(config, tokenizer, _digest(text), weights))
        save_file(quantize(dict(params), weights), new / WEIGHTS, metadata={"format": "pt"})
        (new / TOKENIZER).write_bytes(text.encode("utf-8"))
        _write_json(new / "tokenizer_config.json", _tokenizer_config_json(config))
        _write_json(new / "generation_config.json", {"eos_token_id": tokenizer.end_of_text})
        _write_json(new / TRAINING, training)
        (new / CARD).write_text(card, encoding="utf-8")
        if state is not None:
            save_file(dict(state.arrays), new / STATE, metadata={"facts": json.dumps(state.metadata)})


def load_model(folder: Path) -> Model:
    """Read and check a folder. Raises ``CheckpointError`` that names file, fault and remedy."""
    if is_bundled(folder):
        return _load_bundled(folder)
    try:
        return _load(folder)
    except CheckpointError:
        return _load(folder)  # a save may have fallen between the reading of two files; a real fault is still there


def _load_bundled(folder: Path) -> Model:
    """The same for the one model that nobody can train again."""
    try:
        return _load(folder)
    except CheckpointError as error:
        fault = str(error).removesuffix(f"; {AGAIN}")
        raise CheckpointError(
            f"the model that comes with TinyCoder is damaged, install TinyCoder again ({fault})"
        ) from None


def _load(folder: Path) -> Model:
    place = readable_folder(folder)
    config, metadata = _read_config(place)
    text = _read_text(place / TOKENIZER)
    try:
        tokenizer = Tokenizer.from_json(text)
    except TokenizerError as error:
        raise CheckpointError(f"{place / TOKENIZER}: {error}") from None
    if tokenizer.vocab_size != config.vocab_size or _digest(text) != metadata.get("tokenizer"):
        raise CheckpointError(
            f"{place / TOKENIZER} ({tokenizer.vocab_size} ids) is not the tokenizer that {CONFIG} "
            f"(vocab_size {config.vocab_size}) was saved with: it belongs to another model; {AGAIN}"
        )
    weights = metadata["weights"]
    path = place / WEIGHTS
    stored = _map_tensors(path)
    _check_shapes(stored, stored_shapes(config, weights), path)
    try:
        params = dequantize(stored, weights)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}; {AGAIN}") from None
    _check_numbers(params, path)
    return Model(
        config=config,
        params=params,
        tokenizer=tokenizer,
        training=read_training(folder),
        folder=folder,
        weights=weights,
    )


def read_training(folder: Path) -> dict[str, Any]:
    """The plain data of training.json. Raises ``CheckpointError`` where a fact is not of its type."""
    path = readable_folder(folder) / TRAINING
    data = read_json(path)
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} is not a JSON object; {AGAIN}")
    fault = problem(data)
    if fault is not None:
        raise CheckpointError(f"{path}: {fault}; {AGAIN}")
    return data


def read_card(folder: Path) -> str | None:
    """The text of the model card, if there is one."""
    path = readable_folder(folder) / CARD
    return _read_text(path) if own_file(path, MAX_BYTES[CARD]) else None


def load_state(folder: Path) -> State:
    """What ``save_model`` was given as ``state``. Raises ``CheckpointError`` where the run is finished or damaged."""
    path = readable_folder(folder) / STATE
    if own_file(path, MAX_BYTES[STATE]) is None:
        raise CheckpointError(
            f"{folder} holds a finished run, nothing is left to resume; "
            f"start a new run from its weights with --from {folder.name}"
        )
    arrays, metadata = _read_tensors(path)
    try:
        metadata = json.loads(metadata["facts"])
        if not isinstance(metadata, dict):
            raise ValueError("no object")
    except (KeyError, ValueError, RecursionError):
        raise CheckpointError(f"{path} was not written by a training run; start again without --resume") from None
    return State(arrays=arrays, metadata=metadata)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _config_json(config: ModelConfig, tokenizer: Tokenizer, digest: str, weights: str) -> dict[str, Any]:
    ours = {theirs: getattr(config, name) for name, theirs in _HUGGING_FACE_NAMES.items()}
    return {
        **_FIXED,
        **ours,
        "head_dim": config.head_width,
        "torch_dtype": "float16" if weights == "float16" else "float32",
        "bos_token_id": None,
        "eos_token_id": tokenizer.end_of_text,
        "pad_token_id": tokenizer.special["<|pad|>"],
        "tinycoder": {"format": FORMAT_VERSION, "weights": weights, "tokenizer": digest},
    }


def _tokenizer_config_json(config: ModelConfig) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END_OF_TEXT,
        "pad_token": "<|pad|>",
        "model_max_length": config.context,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,  # text that spells a special token is text, as it is here
    }


def _read_config(folder: Path) -> tuple[ModelConfig, dict[str, Any]]:
    """The model's shape and our own facts."""
    path = folder / CONFIG
    data = read_json(path)
    ours = data.get("tinycoder") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(ours, dict):
        raise CheckpointError(f"{path} does not describe a TinyCoder model (no key 'tinycoder'); choose another folder")
    if ours.get("format") != FORMAT_VERSION or ours.get("weights") not in KINDS:
        raise CheckpointError(
            f"{path} has format {_show(ours.get('format'))} with {_show(ours.get('weights'))} weights, this version "
            f"reads format {FORMAT_VERSION} with {', '.join(KINDS)}: update tinycoder, or train the model again"
        )
    for name, expected in _FIXED.items():
        if data.get(name) != expected:
            raise CheckpointError(
                f"{path}: field {name!r} is {_show(data.get(name))}, it must be {expected!r}; {AGAIN}"
            )
    values: dict[str, Any] = {}
    for name, theirs in _HUGGING_FACE_NAMES.items():
        kind = float if name in ("rope_theta", "norm_eps") else int
        value: Any = data.get(theirs)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not abs(value) < MAX_NUMBER or value != kind(value):
            raise CheckpointError(f"{path}: field {theirs!r} is {_show(value)}, a number is needed; {AGAIN}")
        values[name] = kind(value)
    try:
        return ModelConfig(**values), ours
    except ConfigError as error:
        raise CheckpointError(f"{path}: {error}") from None


_show = reprlib.repr  # a value of a stranger's file, which may be long and deep


def _check_shapes(stored: Mapping[str, Array], expected: Mapping[str, tuple[int, ...]], path: Path) -> None:
    odd = sorted(expected.keys() ^ stored.keys())
    if odd:
        verb = "lacks" if odd[0] in expected else "has the unknown"
        raise CheckpointError(f"{path} {verb} tensor {_show(odd[0])}; {AGAIN}")
    for name, shape in expected.items():
        if stored[name].shape != shape:
            raise CheckpointError(
                f"{path}: tensor {name!r} is {stored[name].shape}, {CONFIG} asks for {shape}; {AGAIN}"
            )


def _check_numbers(params: Params, path: Path) -> None:
    for name, param in params.items():
        if not np.isfinite(param).all():
            raise CheckpointError(f"{path}: tensor {name!r} holds values that are not numbers; {AGAIN}")


_DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I8": np.int8}


def _read_tensors(path: Path, *, names_only: bool = False) -> tuple[dict[str, Array], dict[str, str]]:
    """Copies of the tensors of a file (none where only the names matter), and its metadata."""
    nothing = np.zeros(0, np.float32)
    if own_file(path, MAX_BYTES[path.name]) is None:
        raise CheckpointError(f"{path} is missing; {AGAIN}")
    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            tensors = {name: nothing if names_only else file.get_tensor(name) for name in names}
            return tensors, file.metadata() or {}
    except (OSError, SafetensorError, TypeError, ValueError, AttributeError) as error:  # the last of a type unknown
        raise CheckpointError(f"{path} is damaged ({_one_line(error)}); {AGAIN}") from None


def _map_tensors(path: Path) -> dict[str, Array]:
    """The tensors of a file as read-only views of it: pages are read when they are used, and shared.

    A save puts another file in the place of this one and never writes into it. Windows does not replace a file that
    is mapped, so there it is read as a whole.
    """
    tensors, _ = _read_tensors(path, names_only=os.name != "nt")  # checks that the header fits the file
    if os.name == "nt":
        return tensors
    try:
        with path.open("rb") as file:
            n_header = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(n_header))
        data = np.asarray(np.memmap(path, np.uint8, "r", offset=8 + n_header))
        for name in tensors:
            info = header[name]
            start, end = info["data_offsets"]
            if info["dtype"] not in _DTYPES:
                raise CheckpointError(
                    f"{path}: tensor {name!r} is of type {info['dtype']}, which no model has; {AGAIN}"
                )
            tensors[name] = data[start:end].view(_DTYPES[info["dtype"]]).reshape(info["shape"])
    except (OSError, ValueError, RecursionError) as error:  # such as a file without any data
        raise CheckpointError(f"{path} is damaged ({_one_line(error)}); {AGAIN}") from None
    return tensors


def _read_text(path: Path) -> str:
    if own_file(path, MAX_BYTES[path.name]) is None:
        raise CheckpointError(f"{path} is missing; {AGAIN}")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); {AGAIN}") from None


def read_json(path: Path) -> Any:
    """What the JSON file of a model folder says. Raises ``CheckpointError`` where it is missing or none."""
    try:
        return json.loads(_read_text(path))
    except RecursionError:
        raise CheckpointError(f"{path} is not JSON of ours (it is nested too deep); {AGAIN}") from None
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON ({error}); {AGAIN}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error)[:300].split())


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
