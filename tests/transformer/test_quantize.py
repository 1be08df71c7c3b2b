import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError
from tinycoder.storage.checkpoint import load_model, save_model
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.model import EMBEDDING, init_params
from tinycoder.transformer.quantize import GROUP, SCALES, dequantize, dequantize_rows, quantize, quantize_rows
from tinycoder.transformer.tokenizer import train_character_tokenizer

TOKENIZER = train_character_tokenizer(["hello world! "])
CONFIG = ModelConfig(
    vocab_size=TOKENIZER.vocab_size, width=128, n_layers=2, n_heads=2, n_kv_heads=1, hidden=100, context=16
)
PARAMS = init_params(CONFIG, np.random.default_rng(0))

matrices = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=150),
    elements=st.floats(-1e4, 1e4, width=32, allow_subnormal=False),
)


@given(matrices)
@settings(max_examples=60, deadline=None)
def test_a_value_moves_by_half_a_step_at_most(w: np.ndarray) -> None:
    values, scales = quantize_rows(w)
    assert values.dtype == np.int8
    back = dequantize_rows(values, scales)
    assert back.dtype == np.float32
    steps = np.repeat(scales.astype(np.float32), GROUP, axis=1)[:, : w.shape[1]]
    assert (np.abs(back - w) <= 0.5001 * steps + 1e-30).all()
    largest = np.abs(w).max()
    assert (steps <= largest / 127 * 1.002 + 1e-7).all()


def test_gains_stay_and_float16_is_rounded() -> None:
    stored = quantize(PARAMS, "float16")
    assert {array.dtype.name for name, array in stored.items() if PARAMS[name].ndim == 1} == {"float32"}
    for name, param in dequantize(stored, "float16").items():
        np.testing.assert_allclose(param, PARAMS[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("kind", "part"), [("int8", 0.27), ("float16", 0.51)])
def test_a_folder_is_smaller_and_loads_as_float32(tmp_path: Path, kind: str, part: float) -> None:
    sizes = {}
    for weights in ("float32", kind):
        folder = tmp_path / weights
        save_model(
            folder, config=CONFIG, params=PARAMS, tokenizer=TOKENIZER, training=TrainingRecord(), weights=weights
        )
        sizes[weights] = (folder / "model.safetensors").stat().st_size - 2500  # the header
    assert sizes[kind] < part * sizes["float32"]
    model = load_model(tmp_path / kind)
    assert model.weights == kind
    for name, param in model.params.items():
        assert param.dtype == np.float32
        np.testing.assert_allclose(param, PARAMS[name], atol=np.abs(PARAMS[name]).max() / 200)


def damaged(tmp_path: Path, change: object) -> Path:
    folder = tmp_path / "model"
    save_model(folder, config=CONFIG, params=PARAMS, tokenizer=TOKENIZER, training=TrainingRecord(), weights="int8")
    tensors = load_file(folder / "model.safetensors")
    change(tensors)  # type: ignore[operator]
    save_file(tensors, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop(EMBEDDING + SCALES), "lacks tensor .*scales"),
        (lambda t: t.update({EMBEDDING + SCALES: t[EMBEDDING + SCALES][:1]}), "scales. is .*asks for"),
        (lambda t: t.pop(EMBEDDING), "lacks tensor"),
        (
            lambda t: t.update({EMBEDDING + SCALES: t[EMBEDDING + SCALES].astype(np.float32)}),
            "has no scales",
        ),
        (lambda t: t.update({EMBEDDING: t[EMBEDDING].astype(np.float32)}), "is float32, int8 was expected"),
        (lambda t: t.update({EMBEDDING + SCALES: t[EMBEDDING + SCALES] * np.float16(np.nan)}), "not numbers"),
    ],
)
def test_damage_is_named(tmp_path: Path, change: object, sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence):
        load_model(damaged(tmp_path, change))


def test_a_kind_of_weights_from_the_future_is_refused(tmp_path: Path) -> None:
    folder = damaged(tmp_path, lambda tensors: None)
    config = json.loads((folder / "config.json").read_text())
    config["tinycoder"]["weights"] = "int2"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="'int2' weights"):
        load_model(folder)
