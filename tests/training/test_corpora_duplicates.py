"""Exact and near duplicates, against the plain definition."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from tinycoder.workspace.text import Text
from tinycoder_training.corpora import duplicates


def make(path: str, text: str) -> Text:
    return Text(path=path, text=text, n_bytes=len(text.encode()))


def program(n_lines: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [f"name_{draw.randrange(10**6)} = call_{draw.randrange(10**6)}({i})" for i in range(n_lines)]


def outcome(texts: Sequence[Text]) -> tuple[list[str], dict[str, str]]:
    kept, skipped = duplicates.remove(texts)
    return [text.path for text in kept], {entry.path: entry.reason for entry in skipped}


def test_the_first_path_stays_whatever_the_order() -> None:
    text = "\n".join(program(20, 0))
    texts = [make("c.py", text), make("a.py", text), make("b.py", text)]
    expected = (["a.py"], {"b.py": "duplicate of a.py", "c.py": "duplicate of a.py"})
    assert outcome(texts) == outcome(texts[::-1]) == expected


def test_line_ends_make_no_difference() -> None:
    texts = [
        make("a.py", "x = 1\ny = 2\n"),
        make("b.py", "x = 1  \r\ny = 2\t\r\n"),
        make("c.py", "x = 1\ny = 2\n\n"),
    ]
    assert outcome(texts)[0] == ["a.py"]


def test_indentation_is_no_exact_duplicate() -> None:
    assert outcome([make("a.py", "if x:\n    y = 2\n"), make("b.py", "if x:\n  y = 2\n")])[0] == [
        "a.py",
        "b.py",
    ]


def test_tiny_files_only_exactly() -> None:
    texts = [make("a.py", "a = 1\nb = 2\nc = 3\nd = 4\n"), make("b.py", "d = 4\na = 1\nb = 2\nc = 3\n")]
    assert outcome(texts)[0] == ["a.py", "b.py"]


@pytest.mark.parametrize("n_changed", [1, 5, 7, 9, 12, 30])
@pytest.mark.parametrize("seed", range(5))
def test_near_duplicates_by_their_jaccard_similarity(n_changed: int, seed: int) -> None:
    lines = program(100, seed)
    other = [*program(n_changed, seed + 100), *lines[n_changed:]]
    similar = (100 - n_changed) / (100 + n_changed) >= duplicates.THRESHOLD
    kept, reasons = outcome([make("a.py", "\n".join(lines)), make("b.py", "\n".join(other))])
    assert kept == (["a.py"] if similar else ["a.py", "b.py"])
    assert reasons == ({"b.py": "near-duplicate of a.py"} if similar else {})


def test_many_files_as_by_all_pairs() -> None:
    draw = random.Random(1)
    texts = []
    for family in range(20):
        lines = program(draw.randrange(8, 120), family)
        for member in range(6):
            changed = {i for i in range(len(lines)) if draw.random() < 0.02 * member}
            body = [f"other_{family}_{member}_{i} = 1" if i in changed else line for i, line in enumerate(lines)]
            texts.append(make(f"{family}/{member}.py", "\n".join(body)))
    kept: list[Text] = []
    for text in sorted(texts, key=lambda text: text.path):
        mine = set(text.text.split("\n"))
        sets = [set(other.text.split("\n")) for other in kept]
        if all(len(mine & other) / len(mine | other) < duplicates.THRESHOLD for other in sets):
            kept.append(text)
    assert 20 <= len(kept) < len(texts)
    assert duplicates.remove(texts)[0] == tuple(kept)


def test_a_reason_names_a_text_that_stays() -> None:
    lines = program(100, 0)
    near = [*lines[:-1], "last = 1"]
    texts = [make("a.py", "\n".join(lines)), make("b.py", "\n".join(near)), make("c.py", "\n".join(near))]
    assert outcome(texts)[1] == {"b.py": "near-duplicate of a.py", "c.py": "near-duplicate of a.py"}


def test_sizes_and_nothing() -> None:
    assert duplicates.remove([]) == ((), ())
    _, (skipped,) = duplicates.remove([make("a.py", "ü = 1\n"), make("b.py", "ü = 1\n")])
    assert skipped.n_bytes == 7
