"""The model card: README.md of a model folder, from its training.json."""

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError
from tinycoder.storage.record import TrainingRecord
from tinycoder.words import counted

_FOR_OTHERS = "`tinycoder checkpoint export NAME FOLDER --to hf` writes a folder for transformers"
_SOURCES = {
    "code": "Python files of its owner's folders",
    "shakespeare": "Tiny Shakespeare (public domain)",
    "validation": "one phrase over and over, to check the trainer",
}


def model_card(name: str, config: ModelConfig, training: TrainingRecord, *, weights: str = "float32") -> str:
    """Markdown: what the model is, what it learnt from, and how well it predicts held-out text.

    Raises ``CheckpointError`` if ``training`` lacks what has to be said.
    """
    data, versions, bpb, before = training.data, training.versions, training.val_bpb, training.before
    if data is None or versions is None:
        lacking = "versions" if data else "data"
        raise CheckpointError(f"training.json lacks {lacking!r}, so {name} can have no card; train it again")
    trained = f"{counted(training.steps, 'step')} in {training.seconds / 60:.1f} minutes"
    if not training.finished:
        trained += ", not finished"
    sources = _SOURCES.get(training.recipe, training.recipe)
    quality = (
        "not measured yet" if bpb is None else f"{bpb:.4f} bits per byte on {data.validation_bytes:,} held-out bytes"
    )
    if before and bpb is not None:
        quality += f"; {before.bits_per_byte:.4f} before"
    if training.beside_memory is not None:
        quality += f"; {training.beside_memory:.4f} beside the memory of the workspace"
        quality += f", {before.beside_memory:.4f} before" if before and before.beside_memory is not None else ""
    weights = training.quantized.weights if training.quantized else weights
    started = f"| started from | {training.origin} |\n" if training.origin else ""
    library = "" if weights == "int8" else "library_name: transformers\n"
    note = f"; only TinyCoder reads them: {_FOR_OTHERS}" if weights == "int8" else ""
    return f"""---
{library}pipeline_tag: text-generation
tags: [tinycoder]
---
# {name}

A TinyCoder model in Llama format: {training.parameters:,} parameters, {config.n_layers} layers of width
{config.width}, a window of {config.context} tokens, {config.vocab_size:,} token ids.

| | |
|---|---|
| trained on | {sources}: {counted(data.files, "file")}, {counted(data.bytes, "byte")} |
{started}| steps, time | {trained} |
| quality | {quality} |
| weights | {weights}{note} |
| made with | tinycoder {versions.tinycoder} |

The model repeats what it has read: give it away only where you would give away the texts it learnt from.
"""
