import numpy as np
import pytest

from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import load_model
from tinycoder.transformer.layers import Array
from tinycoder.workspace.text import Text
from tinycoder_training import beside
from tinycoder_training.beside import ORDERS, beside_memory, mixed_losses
from tinycoder_training.streams import known_stream

END = 0


def documents(rng: np.random.Generator, n: int, most: int = 30) -> Array:
    """``n`` documents of few different ids, so that much is repeated."""
    return np.concatenate([np.r_[rng.integers(1, 4, rng.integers(1, most)), END] for _ in range(n)]).astype(np.uint16)


def counted(ids: Array, known: Array, at: int, order: int) -> tuple[int, int]:
    """How often the ``order`` ids before ``ids[at]`` stand in ``known`` and above it in its own document, and how often
    the id that comes next there is the same.
    """
    stream, place = [END] * 99 + known.tolist() + ids.tolist(), 99 + len(known) + at
    context, own = stream[place - order : place], len(known) + 99 + _start(ids, at)
    places = [*range(99, 99 + len(known)), *range(own, place)]
    following = [stream[i] for i in places if stream[i - order : i] == context]
    return len(following), following.count(stream[place])


def _start(ids: Array, at: int) -> int:
    """Where the document of a place begins."""
    return max((i + 1 for i in range(at) if ids[i] == END), default=0)


def test_what_is_counted_is_what_the_other_files_have_and_what_is_above() -> None:
    rng = np.random.default_rng(0)
    for _ in range(8):
        known, ids = documents(rng, 5), documents(rng, 3)
        found = beside_memory(ids, known, END)
        for at in range(len(ids)):
            levels = [(order, *counted(ids, known, at, order)) for order in ORDERS]
            odds = 0.0
            for (order, n, hits), (_, longer, _) in zip(levels, [*levels[1:], (0, 0, 0)], strict=True):
                if longer < n:
                    each = beside.SURE * min(n, beside.OFTEN) ** beside.SURER if hits == n else beside.UNSURE
                    odds += order * each * hits / n
            assert np.exp(float(found[at])) == pytest.approx(odds, rel=1e-2), (at, levels)


def test_an_id_that_never_came_next_is_nothing_that_the_memory_has() -> None:
    found = beside_memory(np.array([1, 2, 9, END]), np.array([1, 2, 3, END, 1, 2, 3, END]), END)
    assert np.isneginf(found[2])
    assert np.isfinite(found[1])


def test_more_of_the_same_and_longer_is_surer() -> None:
    ids, once = np.array([5, 6, 7, 8, END]), np.array([4, 6, 7, 8, END])
    twice, whole = np.tile(once, 2), np.array([5, 6, 7, 8, END])
    at_8 = [float(beside_memory(ids, known, END)[3]) for known in (once, twice, whole)]
    assert at_8[0] < at_8[1]
    assert at_8[0] < at_8[2]


def test_no_memory_leaves_the_first_ids_to_the_model() -> None:
    found = beside_memory(np.array([5, 6, 5, 6, END]), np.zeros(0, np.uint16), END)
    assert np.isneginf(found[:2]).all()
    assert np.isfinite(found[3])


def test_a_large_memory_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, known = np.array([1, 2, END]), np.array([7, END, 1, 2, END])
    assert np.isfinite(beside_memory(ids, known, END)[1])
    monkeypatch.setattr(beside, "MAX_KNOWN", 2)
    assert np.isneginf(beside_memory(ids, known, END)[1])


def test_the_loss_is_that_of_a_mixture() -> None:
    p, a = np.array([0.5, 0.01, 0.2, 1e-30]), np.array([1.0, 3.0, 0.0, 2.0])
    with np.errstate(divide="ignore"):
        found = mixed_losses(-np.log(p), np.log(a))
    np.testing.assert_allclose(found, -np.log((p + a) / (1 + a)), atol=1e-12)
    assert found[2] == pytest.approx(-np.log(0.2))  # where the memory has nothing, the model is alone


def test_every_model_is_judged_beside_the_same_memory() -> None:
    tokenizer = load_model(bundled_folder()).tokenizer
    texts = [Text(path=f"{name}.py", text=f"{name} = 1\n", n_bytes=6) for name in ("a", "b", "c")]
    assert np.array_equal(
        known_stream(texts, tokenizer, "code"), known_stream([texts[2], texts[0], texts[1]], tokenizer, "code")
    )
