import dataclasses
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError
from tinycoder.storage.checkpoint import Model
from tinycoder.storage.gguf import export_gguf
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.model import EMBEDDING, init_params, layer_name
from tinycoder.transformer.tokenizer import train_character_tokenizer, train_code_tokenizer

TOKENIZER = train_code_tokenizer(["def f(x):\n    return x\n" * 9], 300)
CONFIG = ModelConfig(
    vocab_size=TOKENIZER.vocab_size, width=32, n_layers=2, n_heads=4, n_kv_heads=2, hidden=48, context=64
)
MODEL = Model(
    config=CONFIG,
    params=init_params(CONFIG, np.random.default_rng(0)),
    tokenizer=TOKENIZER,
    training=TrainingRecord(),
    folder=Path("tests"),
)


class Reader:
    """A second reading of the format, from its description alone."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.place = raw, 0
        magic, version, n_tensors, n_facts = self.take("4sIQQ")
        assert (magic, version) == (b"GGUF", 3)
        self.metadata = {self.string(): self.value(self.take("I")[0]) for _ in range(n_facts)}
        infos = []
        for _ in range(n_tensors):
            name = self.string()
            shape = self.take(f"{self.take('I')[0]}Q")[::-1]
            infos.append((name, shape, *self.take("IQ")))
        start = -(-self.place // 32) * 32
        self.tensors = {}
        for name, shape, kind, offset in infos:
            assert kind == 0
            assert offset % 32 == 0
            values = np.frombuffer(raw, "<f4", int(np.prod(shape)), start + offset)
            self.tensors[name] = values.reshape(shape)

    def take(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from("<" + layout, self.raw, self.place)
        self.place += struct.calcsize("<" + layout)
        return found

    def string(self) -> str:
        (n,) = self.take("Q")
        return self.take(f"{n}s")[0].decode()

    def value(self, kind: int) -> Any:
        if kind == 9:
            inner, n = self.take("IQ")
            return [self.value(inner) for _ in range(n)]
        return self.string() if kind == 8 else self.take({4: "I", 5: "i", 6: "f", 7: "?"}[kind])[0]


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    export_gguf(MODEL, tmp_path / "model.gguf")
    found = Reader((tmp_path / "model.gguf").read_bytes())
    assert found.metadata["general.architecture"] == "llama"
    assert found.metadata["llama.block_count"] == 2
    assert found.metadata["llama.attention.head_count_kv"] == 2
    assert found.metadata["llama.attention.layer_norm_rms_epsilon"] == pytest.approx(1e-5)
    tokens = found.metadata["tokenizer.ggml.tokens"]
    assert len(tokens) == len(found.metadata["tokenizer.ggml.token_type"]) == CONFIG.vocab_size
    assert tokens[found.metadata["tokenizer.ggml.eos_token_id"]] == "<|endoftext|>"
    merged = {pair.replace(" ", "", 1) for pair in found.metadata["tokenizer.ggml.merges"]}
    assert merged <= set(tokens)
    np.testing.assert_array_equal(found.tensors["token_embd.weight"], MODEL.params[EMBEDDING])
    ours = MODEL.params[layer_name(1, "self_attn.k_proj")]
    theirs = found.tensors["blk.1.attn_k.weight"]
    assert theirs.shape == ours.shape
    np.testing.assert_array_equal(theirs[:8:2], ours[:4])  # the first half of a head became every other row
    np.testing.assert_array_equal(found.tensors["blk.0.ffn_down.weight"], MODEL.params[layer_name(0, "mlp.down_proj")])
    assert [path.name for path in tmp_path.iterdir()] == ["model.gguf"]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot write"):
        export_gguf(MODEL, tmp_path / "nowhere" / "model.gguf")
    characters = train_character_tokenizer(["hello"])
    odd = dataclasses.replace(MODEL, tokenizer=characters)
    with pytest.raises(CheckpointError, match="no tokenizer that GGUF knows"):
        export_gguf(odd, tmp_path / "model.gguf")
    assert list(tmp_path.iterdir()) == []
