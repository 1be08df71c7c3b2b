"""Live against PyTorch and transformers: same logits, loss and gradients for the same weights, same ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.command import invoke
from tinycoder.config import PRESETS, ModelConfig
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import load_model, save_model
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.model import Params, forward, param_shapes
from tinycoder.transformer.tokenizer import Tokenizer, train_character_tokenizer, train_code_tokenizer

torch = pytest.importorskip("torch")

from tests.transformer.golden.make_golden import random_params  # noqa: E402 (needs torch)
from tests.transformer.gradients import loss_and_gradients  # noqa: E402
from tests.transformer.torch_llama import llama_logits, llama_loss  # noqa: E402

TOLERANCE = {np.float32: 1e-4, np.float64: 1e-11}

# The longest is more than one block of queries and, as a batch, more than one chunk of logits.
BATCHES: dict[str, tuple[ModelConfig, tuple[int, int]]] = {
    "nano": (PRESETS["nano"].model(vocab_size=300), (4, 100)),
    "heads of base": (
        ModelConfig(vocab_size=50, width=80, n_layers=3, n_heads=10, n_kv_heads=5, hidden=64, context=33),
        (2, 33),
    ),
    "one key/value head": (
        ModelConfig(vocab_size=17, width=32, n_layers=1, n_heads=4, n_kv_heads=1, hidden=8, rope_theta=500.0),
        (3, 21),
    ),
    "one head of width 2": (
        ModelConfig(vocab_size=5, width=2, n_layers=2, n_heads=1, n_kv_heads=1, hidden=3),
        (2, 7),
    ),
    "one token": (ModelConfig(vocab_size=9, width=8, n_layers=2, n_heads=2, n_kv_heads=2, hidden=9), (1, 1)),
}

# Indentation, digits, quotes, runs of punctuation, tabs, trailing blanks, both line ends, other alphabets.
CODE = '''from __future__ import annotations

import math


class Ring(list):
    """A circle of radius r: naïve, 円, Ω ≈ 3.14159, 🙂."""

\tTABBED = {"a": [1, 22, 333], 'b': (None, True), '<|': 0x1F}

    def area(self, r: float = 2.50e-3) -> float:
        if r < 0 and not self:  # blanks\x20\x20\x20
            raise ValueError(f"r={r!r}, 100% wrong")
        return math.pi * r**2 if r != 1 else -(-r // 1)\r
\r

'''


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    """Models this small gain nothing from threads, and lose a lot where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BATCHES)
def test_logits_loss_and_every_gradient(name: str, dtype: type) -> None:
    config, shape = BATCHES[name]
    rng = np.random.default_rng(7)
    params: Params = {key: weight.astype(dtype) for key, weight in random_params(config, rng).items()}
    ids, targets = rng.integers(0, config.vocab_size, (2, *shape))
    targets[rng.random(shape) < 0.2] = -1
    targets[0, -1] = 1  # at least one counts

    leaves = {key: torch.tensor(weight, requires_grad=True) for key, weight in params.items()}
    scores = llama_logits(leaves, config, torch.tensor(ids))
    expected_loss = llama_loss(leaves, config, torch.tensor(ids), torch.tensor(targets))
    expected_loss.backward()

    assert_near(forward(params, config, ids), scores.detach().numpy(), TOLERANCE[dtype], "logits")
    loss, grads = loss_and_gradients(params, config, ids, targets)
    assert loss == pytest.approx(expected_loss.item(), rel=TOLERANCE[dtype])
    assert grads.keys() == param_shapes(config).keys()
    for key, leaf in leaves.items():
        assert_near(grads[key], leaf.grad.numpy(), TOLERANCE[dtype], key)


@pytest.fixture(scope="module", params=["code", "characters"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """Trained on this project's own code."""
    sources = sorted((Path(__file__).parents[2] / "tinycoder").glob("*.py"))
    texts = [path.read_text(encoding="utf-8") for path in sources]
    return train_code_tokenizer(texts, 600) if request.param == "code" else train_character_tokenizer(texts)


@pytest.fixture(scope="module")
def folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that this project wrote."""
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        width=32,
        n_layers=2,
        n_heads=4,
        n_kv_heads=2,
        hidden=40,
        rope_theta=500.0,  # neither this nor the next is transformers' default
        norm_eps=1e-3,
    )
    folder = tmp_path_factory.mktemp("models") / "ring"
    params = random_params(config, np.random.default_rng(3))
    save_model(folder, config=config, params=params, tokenizer=tokenizer, training=TrainingRecord())
    return folder


def test_transformers_gives_the_same_logits(folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs, report = transformers.LlamaForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values()), report  # no weight missing, left over or of another shape
    ours = load_model(folder)
    ids = np.random.default_rng(4).integers(0, ours.config.vocab_size, (2, 90))
    with torch.no_grad():
        expected = theirs(torch.tensor(ids)).logits.numpy()
    assert_near(forward(ours.params, ours.config, ids), expected, 1e-4, "logits")


@pytest.mark.parametrize("loader", ["AutoModelForCausalLM", "LlamaForCausalLM"])
@pytest.mark.parametrize("which", ["shipped", "another"])
def test_transformers_refuses_int8_weights(folder: Path, tmp_path: Path, which: str, loader: str) -> None:
    """Whose values without their scales are garbage, and so is what a model says with them."""
    transformers = pytest.importorskip("transformers")
    ours = load_model(folder)
    place = bundled_folder() if which == "shipped" else tmp_path / "int8"
    if which == "another":
        save_model(
            place,
            config=ours.config,
            params=ours.params,
            tokenizer=ours.tokenizer,
            training=ours.training,
            weights="int8",
        )
    with pytest.raises(ValueError, match=r"tinycoder-int8|quantization config"):
        getattr(transformers, loader).from_pretrained(place)


@pytest.mark.parametrize("loader", ["AutoModelForCausalLM", "LlamaForCausalLM"])
def test_transformers_loads_what_is_exported(tmp_path: Path, loader: str) -> None:
    transformers = pytest.importorskip("transformers")
    done = invoke(tmp_path, "checkpoint", "export", "base", tmp_path / "exported", "--to", "hf")
    assert done.exit_code == 0, done.output
    theirs, report = getattr(transformers, loader).from_pretrained(tmp_path / "exported", output_loading_info=True)
    assert not any(report.values()), report
    ours = load_model(bundled_folder())
    ids = np.array([ours.tokenizer.encode(CODE)[:90]])
    with torch.no_grad():
        expected = theirs(torch.tensor(ids)).logits.numpy()
    assert_near(forward(ours.params, ours.config, ids), expected, 1e-4, "logits")


@pytest.mark.parametrize("loader", ["AutoTokenizer", "PreTrainedTokenizerFast"])
def test_transformers_encodes_the_same_ids(folder: Path, tokenizer: Tokenizer, loader: str) -> None:
    """Text that spells a special token is text for us; for transformers only if it is told so."""
    transformers = pytest.importorskip("transformers")
    theirs = getattr(transformers, loader).from_pretrained(folder)
    assert theirs.eos_token_id == tokenizer.end_of_text
    assert theirs.pad_token_id == tokenizer.special["<|pad|>"]
    assert len(theirs) == tokenizer.vocab_size
    assert theirs.encode(CODE) == tokenizer.encode(CODE)
    as_text = getattr(transformers, loader).from_pretrained(folder, split_special_tokens=True)
    files = sorted(Path(__file__).parent.glob("*.py"))
    for text in (f"{CODE}<|endoftext|> = 1", *(path.read_text(encoding="utf-8") for path in files)):
        ids = tokenizer.encode(text)
        assert as_text.encode(text) == ids
        assert as_text.decode(ids) == text


def assert_near(actual: np.ndarray, expected: np.ndarray, tolerance: float, what: str) -> None:
    """Equal up to ``tolerance`` times the largest expected value, or times 1e-3 where that should be zero."""
    largest = max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * largest, err_msg=what)
