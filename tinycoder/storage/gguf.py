"""Export to GGUF, the file format of llama.cpp (version 3): one file with shape, tokenizer and float32 weights.

Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only what a model of ours needs is written.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinycoder.errors import CheckpointError
from tinycoder.storage.atomic import replaced_file
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import EMBEDDING, FINAL_NORM, layer_name, neighbours

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9  # types of values
_F32 = 0  # type of a tensor
_NORMAL, _CONTROL = 1, 3  # types of tokens
_PARTS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def export_gguf(model: Model, path: Path) -> None:
    """Write ``model`` to ``path``, whole or not at all. Raises ``CheckpointError`` where that cannot be done.

    llama.cpp cuts text into pieces by rules of its own, which it knows by name; the nearest of them cuts white
    space differently. Ids from TinyCoder's tokenizer give the same scores.
    """
    merges = json.loads(model.tokenizer.to_json())["model"].get("merges")
    if not merges:
        raise CheckpointError(
            f"{model.name}: a model of characters has no tokenizer that GGUF knows; export a model of code"
        )
    metadata = _metadata(model, [" ".join(pair) for pair in merges])
    tensors = dict(_tensors(model))
    infos, offset = b"", 0
    for name, array in tensors.items():
        shape = array.shape[::-1]
        infos += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, _F32, offset)
        offset += _padded(array.nbytes)
    pairs = b"".join(_string(key) + _value(value) for key, value in metadata.items())
    head = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata)) + pairs + infos
    try:
        with replaced_file(path, mode=0o644) as file:
            file.write(head.ljust(_padded(len(head)), b"\0"))
            for array in tensors.values():
                file.write(array.astype("<f4", copy=False).tobytes().ljust(_padded(array.nbytes), b"\0"))
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path} ({error.strerror or error}); choose another place or free some space"
        ) from None


def _metadata(model: Model, merges: list[str]) -> dict[str, Any]:
    config, tokenizer = model.config, model.tokenizer
    special = {i: name for name, i in tokenizer.special.items()}
    tokens = [special.get(i, "") for i in range(config.vocab_size)]
    for token, i in json.loads(tokenizer.to_json())["model"]["vocab"].items():
        tokens[i] = token
    return {
        "general.architecture": "llama",
        "general.name": model.name,
        "general.file_type": 0,
        "llama.vocab_size": config.vocab_size,
        "llama.context_length": config.context,
        "llama.embedding_length": config.width,
        "llama.block_count": config.n_layers,
        "llama.feed_forward_length": config.hidden,
        "llama.rope.dimension_count": config.head_width,
        "llama.attention.head_count": config.n_heads,
        "llama.attention.head_count_kv": config.n_kv_heads,
        "llama.attention.layer_norm_rms_epsilon": float(config.norm_eps),
        "llama.rope.freq_base": float(config.rope_theta),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [_CONTROL if i in special else _NORMAL for i in range(config.vocab_size)],
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.eos_token_id": tokenizer.end_of_text,
        "tokenizer.ggml.bos_token_id": tokenizer.end_of_text,
        "tokenizer.ggml.padding_token_id": tokenizer.special["<|pad|>"],
        "tokenizer.ggml.add_bos_token": False,
    }


def _tensors(model: Model) -> Iterator[tuple[str, Array]]:
    """Names of llama.cpp with their arrays; it shares the embedding with the output, as we do."""
    params = model.params
    yield "token_embd.weight", params[EMBEDDING]
    for layer in range(model.config.n_layers):
        for theirs, ours in _PARTS.items():
            array = params[layer_name(layer, ours)]
            if theirs in ("attn_q", "attn_k"):
                array = neighbours(array, model.config.head_width)  # llama.cpp turns those together
            yield f"blk.{layer}.{theirs}.weight", array
    yield "output_norm.weight", params[FINAL_NORM]


def _string(text: str) -> bytes:
    raw = text.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Any) -> bytes:
    """A value with its type: a text, a truth value, a number, or a list of texts or whole numbers."""
    if isinstance(value, list):
        kind = _STRING if isinstance(value[0], str) else _INT32
        parts = map(_string, value) if kind == _STRING else (struct.pack("<i", each) for each in value)
        return struct.pack("<IIQ", _ARRAY, kind, len(value)) + b"".join(parts)
    if isinstance(value, str):
        return struct.pack("<I", _STRING) + _string(value)
    kind, code = {bool: (_BOOL, "?"), int: (_UINT32, "I"), float: (_FLOAT32, "f")}[type(value)]
    return struct.pack(f"<I{code}", kind, value)


def _padded(n_bytes: int) -> int:
    return -(-n_bytes // ALIGNMENT) * ALIGNMENT
