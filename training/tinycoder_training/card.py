"""The model card: README.md of a model folder, from the plain facts of training.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError

_SOURCES = {
    "code": "Python files of its owner's folders",
    "shakespeare": "Tiny Shakespeare (public domain)",
    "validation": "one phrase over and over, to check the trainer",
}


def model_card(name: str, config: ModelConfig, training: Mapping[str, Any], *, weights: str = "float32") -> str:
    """Markdown with what the model is, what it learnt from, and how well it does on held-out text.

    Raises ``CheckpointError`` if ``training`` lacks what has to be said.
    """
    try:
        return _card(name, config, training, weights)
    except KeyError as error:
        raise CheckpointError(f"training.json lacks {error}, so {name} can have no card; train it again") from None


def _card(name: str, config: ModelConfig, training: Mapping[str, Any], weights: str) -> str:
    data, bpb = training["data"], training["val_bpb"]
    trained = f"{training['steps']:,} steps in {training['seconds'] / 60:.1f} minutes"
    if not training["finished"]:
        trained += ", not finished"
    sources = _SOURCES.get(training["recipe"], training["recipe"])
    quality = (
        "not measured yet" if bpb is None else f"{bpb:.4f} bits per byte on {data['validation_bytes']:,} held-out bytes"
    )
    weights = training.get("quantized", {}).get("weights", weights)
    before = training.get("before")
    if before and bpb is not None:
        quality += f"; {before['bits_per_byte']:.4f} before"
    started = f"| started from | {training['from']} |\n" if training.get("from") else ""
    library = "" if weights == "int8" else "library_name: transformers\n"
    note = "; only TinyCoder reads them" if weights == "int8" else ""
    return f"""---
{library}pipeline_tag: text-generation
tags: [tinycoder]
---
# {name}

A TinyCoder model in Llama format: {training["parameters"]:,} parameters, {config.n_layers} layers of width
{config.width}, a window of {config.context} tokens, {config.vocab_size:,} token ids.

| | |
|---|---|
| trained on | {sources}: {data["files"]:,} files, {data["bytes"]:,} bytes |
{started}| steps, time | {trained} |
| quality | {quality} |
| weights | {weights}{note} |
| made with | tinycoder {training["versions"]["tinycoder"]} |

The model repeats what it has read: give it away only where you would give away the texts it learnt from.
"""
