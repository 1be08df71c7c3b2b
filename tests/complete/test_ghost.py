"""Where ghost text ends, for predictors with a fixed text."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinycoder.complete.ghost import LINE, Ghost, Layout, write
from tinycoder.complete.healing import Healer
from tinycoder.transformer.tokenizer import train_character_tokenizer

TOKENIZER = train_character_tokenizer(["abcdefghijklmnopqrstuvwxyz =():1\r\n"])


class Scripted:
    """A predictor that gives all its confidence to ``text`` and its end."""

    def __init__(self, text: str) -> None:
        self.tokenizer = TOKENIZER
        self.ids = [*TOKENIZER.encode(text), TOKENIZER.end_of_text]

    def after(self, context: Any, generated: Any, poll: Any, **how: Any) -> Any:
        p = np.zeros(TOKENIZER.vocab_size, np.float32)
        p[self.ids[len(generated)]] = 0.9
        return p

    def predictions(self, context: Any) -> Any:
        return SimpleNamespace(after=lambda rows, poll: [self.after(context, row, poll) for row in rows])


class Torn(Scripted):
    """A predictor whose likeliest first letter is a bad one: after ``a`` much is possible, ``b(x)`` ends the line."""

    def __init__(self, a: float) -> None:
        super().__init__("")
        self.a = a

    def after(self, context: Any, generated: Any, poll: Any, **how: Any) -> Any:
        p = np.zeros(TOKENIZER.vocab_size, np.float32)
        written = "".join(chr(TOKENIZER.raw[i][0]) for i in generated)
        if not written:
            p[TOKENIZER.encode("a")[0]], p[TOKENIZER.encode("b")[0]] = self.a, 1 - self.a
        elif written[0] == "a":
            p[TOKENIZER.encode("cdefghijkl")] = 0.1
        elif len(written) < 4:
            p[TOKENIZER.encode("b(x)")[len(written)]] = 1.0
        else:
            p[TOKENIZER.encode("\n")[0]] = 1.0
        return p


def written(text: str, layout: Layout) -> str:
    (ghost,) = ghosts(Scripted(text), layout)
    assert ghost.ended > 0
    return ghost.text


def ghosts(predictor: Any, layout: Layout = LINE, prefix_bytes: bytes = b"") -> list[Ghost]:
    context: Any = SimpleNamespace(prefix_bytes=prefix_bytes)
    return list(write(predictor, Healer(TOKENIZER), context, n=1, max_tokens=200, layout=layout, poll=lambda: None))


def test_the_line_that_is_likeliest_as_a_whole_comes_before_the_greedy_one() -> None:
    best, greedy = ghosts(Torn(0.6))
    assert best.text == "b(x)"
    assert best.ended == pytest.approx(0.4)
    assert best.ends == (1, 2, 3, 4)
    assert best.confidences == pytest.approx((0.4, 0.4, 0.4, 0.4))
    assert greedy.text.startswith("a")
    assert greedy.confidences[0] == pytest.approx(0.6)


def test_the_likeliest_line_spells_the_half_typed_word() -> None:
    (ghost,) = ghosts(Torn(0.6), prefix_bytes=b"b")
    assert ghost.text == "(x)"
    assert ghost.ended == pytest.approx(1.0)


def test_blocks_and_lines_without_a_likely_rival_are_greedy() -> None:
    assert [ghost.text[0] for ghost in ghosts(Torn(0.6), Layout(block=True))] == ["a"]
    assert [ghost.text[0] for ghost in ghosts(Torn(0.97))] == ["a"]


def test_a_line_ends_at_the_line_break() -> None:
    assert written("x = f(a)\ny = 1\n", LINE) == "x = f(a)"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_block_ends_before_a_line_at_the_margin(line_end: str) -> None:
    body = f"x = 1{line_end}{line_end}    return x"
    # characters have no token for a line break with its indentation, so every later line begins at the margin here
    assert written(f"x = 1{line_end}print(y)", Layout(block=True, indent=4)) == "x = 1"
    assert written(body, Layout(block=True, indent=0)).startswith("x = 1")


def test_a_block_has_no_more_lines_than_requested() -> None:
    assert written("a\nb\nc\nd\n", Layout(block=True, indent=0, max_lines=3)) == "a\nb\nc"
