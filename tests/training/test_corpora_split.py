"""The split by file: stable, of about the wanted size, never empty, never more than half."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.errors import ConfigError, CorpusError
from tinycoder.workspace.text import Text
from tinycoder_training.corpora import split


def make(path: str, n_bytes: int) -> Text:
    return Text(path=path, text="x" * n_bytes, n_bytes=n_bytes)


def size(texts: tuple[Text, ...]) -> int:
    return sum(text.n_bytes for text in texts)


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=60), st.integers(0, 5), st.floats(0.01, 0.5))
def test_bounds(sizes: list[int], seed: int, fraction: float) -> None:
    texts = [make(f"m{i}.py", n) for i, n in enumerate(sizes)]
    train, validation = split.by_file(texts, seed=seed, fraction=fraction)
    assert sorted(train + validation, key=lambda text: text.path) == sorted(texts, key=lambda text: text.path)
    assert 1 <= len(validation) <= len(texts) / 2
    assert size(validation) <= sum(sizes) / 2
    assert split.by_file(texts[::-1], seed=seed, fraction=fraction) == (train, validation)


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.3, 0.5])
def test_about_the_wanted_part(fraction: float) -> None:
    texts = [make(f"pkg{i % 7}/m{i}.py", 500 + 37 * i % 1_000) for i in range(1_000)]
    train, validation = split.by_file(texts, fraction=fraction)
    assert 0.8 * fraction < size(validation) / (size(train) + size(validation)) < 1.2 * fraction


def test_a_file_keeps_its_side_when_others_come() -> None:
    texts = [make(f"m{i}.py", 1_000) for i in range(400)]
    _, before = split.by_file(texts[:200])
    _, after = split.by_file(texts)
    assert {text.path for text in before} == {text.path for text in after} & {text.path for text in texts[:200]}


def test_another_seed_is_another_split() -> None:
    texts = [make(f"m{i}.py", 1_000) for i in range(100)]
    assert split.by_file(texts, seed=0)[1] != split.by_file(texts, seed=1)[1]


def test_one_huge_file_stays_in_training() -> None:
    for seed in range(20):
        train, validation = split.by_file([make("huge.py", 10_000), make("a.py", 100), make("b.py", 100)], seed=seed)
        assert "huge.py" in [text.path for text in train]
        assert validation


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("n_lines", [2, 9, 10, 35])
def test_a_single_file_is_cut_at_a_line(end: str, n_lines: int) -> None:
    text = "".join(f"x{i} = '\x0c\u2028'{end}" for i in range(n_lines))
    (train,), (validation,) = split.by_file([Text(path="a.py", text=text, n_bytes=len(text.encode()))])
    assert train.text + validation.text == text
    assert train.n_bytes + validation.n_bytes == len(text.encode())
    assert validation.text.count(end) == max(1, round(n_lines / 10))
    assert train.text.endswith(end)
    assert train.path == validation.path == "a.py"


def test_what_cannot_be_split() -> None:
    with pytest.raises(CorpusError, match=r"a\.py, the only file to learn from, has a single line"):
        split.by_file([make("a.py", 10)])
    for fraction in (0.0, -1.0, 0.6, float("nan")):
        with pytest.raises(ConfigError, match="validation fraction"):
            split.by_file([make("a.py", 10), make("b.py", 10)], fraction=fraction)
