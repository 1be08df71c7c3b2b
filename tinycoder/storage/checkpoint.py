"""A model folder: one directory that holds one model in Hugging Face's Llama format, plus training.json.

With int8 weights it is ours alone: it says so where other programs look for what they know.
Writing is all or nothing (``atomic``). Reading refuses, in one sentence, whatever this version does not know.
``models`` says where folders are.
"""

import json
import reprlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError, TokenizerError
from tinycoder.storage.atomic import own_file, readable_folder, replaced_folder
from tinycoder.storage.bundled import is_bundled
from tinycoder.storage.record import TrainingRecord, parse_record
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params
from tinycoder.transformer.quantize import GROUP, KINDS, dequantize, quantize, stored_shapes
from tinycoder.transformer.tokenizer import END_OF_TEXT, Tokenizer, digest_of
from tinycoder.validate import DataError, from_json, read

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
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "rope_scaling": None,
    "tie_word_embeddings": True,
}
_LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
# Of int8 folders, which other programs would read as garbage. transformers refuses the type where it looks for a class,
# and a quantization without a method where it is given one.
_INT8 = {
    "architectures": ["TinyCoderInt8"],
    "model_type": "tinycoder-int8",
    "quantization_config": {"bits": 8, "group_size": GROUP},
}


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model in memory; ``training`` is what training.json says.

    Parameters are float32 and may not be written to; ``weights`` is the kind that the file holds (``quantize.KINDS``).
    """

    config: ModelConfig
    params: Params
    tokenizer: Tokenizer
    training: TrainingRecord
    folder: Path
    weights: str = "float32"

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name


@dataclass(frozen=True, kw_only=True)
class State:
    """What a run needs to continue, bit for bit: arrays (current weights, moments) and plain data (counters)."""

    arrays: Mapping[str, Array]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save_model(
    folder: Path,
    *,
    config: ModelConfig,
    params: Params,
    tokenizer: Tokenizer,
    training: TrainingRecord,
    card: str = "",
    state: State | None = None,
    weights: str = "float32",
) -> None:
    """Write the whole folder, or leave what was there. Raises ``CheckpointError`` if the disk refuses."""
    with replaced_folder(folder) as new:
        text = tokenizer.to_json()
        _write_json(new / CONFIG, _config_json(config, tokenizer, digest_of(text), weights))
        save_file(quantize(dict(params), weights), new / WEIGHTS, metadata={"format": "pt"})
        (new / TOKENIZER).write_bytes(text.encode("utf-8"))
        _write_json(new / "tokenizer_config.json", _tokenizer_config_json(config))
        _write_json(new / "generation_config.json", {"eos_token_id": tokenizer.end_of_text})
        _write_json(new / TRAINING, training.to_json())
        (new / CARD).write_text(card, encoding="utf-8")
        if state is not None:
            save_file(dict(state.arrays), new / STATE, metadata={"facts": json.dumps(state.metadata)})


def load_model(folder: Path) -> Model:
    """Read and check a folder. Raises ``CheckpointError`` that names file, fault and remedy."""
    try:
        return _load(folder)
    except CheckpointError as error:
        if not is_bundled(folder):
            return _load(folder)  # a save may have fallen between two reads; a real fault is still there
        fault = str(error).removesuffix(f"; {AGAIN}")
        raise CheckpointError(
            f"the model that comes with TinyCoder is damaged, install TinyCoder again ({fault})"
        ) from None


def _load(folder: Path) -> Model:
    place = readable_folder(folder)
    config, metadata = _read_config(place)
    tokenizer = _read_tokenizer(place, config, metadata)
    weights = metadata["weights"]
    path = place / WEIGHTS
    stored, _ = _read_tensors(path)
    _check_shapes({name: array.shape for name, array in stored.items()}, stored_shapes(config, weights), path)
    try:
        params = dequantize(stored, weights)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}; {AGAIN}") from None
    for name, param in params.items():
        if not np.isfinite(param).all():
            raise CheckpointError(f"{path}: tensor {name!r} holds values that are not numbers; {AGAIN}")
    return Model(
        config=config,
        params=params,
        tokenizer=tokenizer,
        training=read_training(folder),
        folder=folder,
        weights=weights,
    )


def load_without_values(folder: Path) -> Model:
    """The model without its parameters, which are not read. Raises ``CheckpointError``."""
    place = readable_folder(folder)
    config, metadata = _read_config(place)
    return Model(
        config=config,
        params={},
        tokenizer=_read_tokenizer(place, config, metadata),
        training=read_training(folder),
        folder=folder,
        weights=metadata["weights"],
    )


def _read_tokenizer(place: Path, config: ModelConfig, metadata: Mapping[str, Any]) -> Tokenizer:
    text = _read_text(place / TOKENIZER)
    try:
        tokenizer = Tokenizer.from_json(text)
    except TokenizerError as error:
        raise CheckpointError(f"{place / TOKENIZER}: {error}") from None
    if tokenizer.vocab_size != config.vocab_size or digest_of(text) != metadata.get("tokenizer"):
        raise CheckpointError(
            f"{place / TOKENIZER} ({tokenizer.vocab_size} ids) is not the tokenizer that {CONFIG} "
            f"(vocab_size {config.vocab_size}) was saved with: it belongs to another model; {AGAIN}"
        )
    return tokenizer


def check_without_values(folder: Path) -> None:
    """Raise ``CheckpointError`` for a fault that shows without the values of the weights, which takes milliseconds."""
    place = readable_folder(folder)
    config, metadata = _read_config(place)
    if digest_of(_read_text(place / TOKENIZER)) != metadata.get("tokenizer"):
        raise CheckpointError(f"{place / TOKENIZER} is damaged, or belongs to another model; {AGAIN}")
    with _tensors(place / WEIGHTS) as file:  # which compares the file's size with what its head says
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    _check_shapes(shapes, stored_shapes(config, metadata["weights"]), place / WEIGHTS)


def read_training(folder: Path) -> TrainingRecord:
    """What training.json says. Raises ``CheckpointError`` where a field is not of its type."""
    path = readable_folder(folder) / TRAINING
    try:
        return parse_record(_read_text(path))
    except DataError as error:
        raise CheckpointError(f"{error.of(path)}; {AGAIN}") from None


def read_card(folder: Path) -> str | None:
    """The text of the model card, if there is one."""
    path = readable_folder(folder) / CARD
    return _read_text(path) if own_file(path, MAX_BYTES[CARD]) else None


def load_state(folder: Path) -> State:
    """The ``state`` that ``save_model`` was given. Raises ``CheckpointError`` where the run is finished or damaged."""
    path = readable_folder(folder) / STATE
    if own_file(path, MAX_BYTES[STATE]) is None:
        raise CheckpointError(
            f"{folder} holds a finished run, nothing is left to resume; "
            f"start a new run from its weights with --from {folder.name}"
        )
    arrays, metadata = _read_tensors(path)
    try:
        return State(arrays=arrays, metadata=read(dict[str, Any], from_json(metadata["facts"])))
    except (KeyError, DataError):
        raise CheckpointError(f"{path} was not written by a training run; start again without --resume") from None


def _config_json(config: ModelConfig, tokenizer: Tokenizer, digest: str, weights: str) -> dict[str, Any]:
    ours = {theirs: getattr(config, name) for name, theirs in _HUGGING_FACE_NAMES.items()}
    return {
        **(_INT8 if weights == "int8" else _LLAMA),
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
    is_llama = ours["weights"] != "int8" or data.get("model_type") == "llama"  # so were int8 folders named before
    for name, expected in ((_LLAMA if is_llama else _INT8) | _FIXED).items():
        if data.get(name) != expected:
            raise CheckpointError(
                f"{path}: field {name!r} is {_show(data.get(name))}, it must be {expected!r}; {AGAIN}"
            )
    try:
        shape = {name: data.get(name) for name in _HUGGING_FACE_NAMES.values()}
        return read(ModelConfig, shape, keys=_HUGGING_FACE_NAMES), ours
    except DataError as error:
        raise CheckpointError(f"{error.of(path)}; {AGAIN}") from None


_show = reprlib.repr  # a value of a stranger's file, which may be long and deep


def _check_shapes(stored: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], path: Path) -> None:
    odd = sorted(expected.keys() ^ stored.keys())
    if odd:
        verb = "lacks" if odd[0] in expected else "has the unknown"
        raise CheckpointError(f"{path} {verb} tensor {_show(odd[0])}; {AGAIN}")
    for name, shape in expected.items():
        if stored[name] != shape:
            raise CheckpointError(f"{path}: tensor {name!r} is {stored[name]}, {CONFIG} asks for {shape}; {AGAIN}")


def _read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors of a file, and its metadata."""
    with _tensors(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


@contextmanager
def _tensors(path: Path) -> Iterator[Any]:
    """The open file. Raises ``CheckpointError`` where it is missing or damaged."""
    if own_file(path, MAX_BYTES[path.name]) is None:
        raise CheckpointError(f"{path} is missing; {AGAIN}")
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (OSError, SafetensorError, TypeError, ValueError, AttributeError) as error:  # the last of a type unknown
        raise CheckpointError(f"{path} is damaged ({' '.join(str(error)[:300].split())}); {AGAIN}") from None


def _read_text(path: Path) -> str:
    if own_file(path, MAX_BYTES[path.name]) is None:
        raise CheckpointError(f"{path} is missing; {AGAIN}")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}); {AGAIN}") from None


def read_json(path: Path) -> Any:
    """The plain data in a JSON file of a model folder. Raises ``CheckpointError`` where it is missing or damaged."""
    try:
        return from_json(_read_text(path))
    except DataError as error:
        raise CheckpointError(f"{error.of(path)}; {AGAIN}") from None


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
