"""Where ghost text ends, for a model that has a text in mind."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tinycoder.complete.ghost import LINE, Layout, write
from tinycoder.complete.heal import Healer
from tinycoder.tokenizer import train_character_tokenizer

TOKENIZER = train_character_tokenizer(["abcdefghijklmnopqrstuvwxyz =():1\r\n"])


class Scripted:
    """A predictor that is sure of ``text``, and of its end."""

    def __init__(self, text: str) -> None:
        self.tokenizer = TOKENIZER
        self.ids = [*TOKENIZER.encode(text), TOKENIZER.end_of_text]

    def after(self, scene: Any, made: Any, poll: Any, *, drafted: bool = False) -> Any:
        p = np.zeros(TOKENIZER.vocab_size, np.float32)
        p[self.ids[len(made)]] = 0.9
        return p


def written(text: str, layout: Layout) -> str:
    scene = SimpleNamespace(pending=b"")
    predictor: Any = Scripted(text)
    (ghost,) = write(
        predictor,
        Healer(TOKENIZER),
        scene,  # type: ignore[arg-type]
        n=1,
        max_tokens=200,
        layout=layout,
        poll=lambda: None,
    )
    assert ghost.ended > 0
    return ghost.text


def test_a_line_ends_with_the_line() -> None:
    assert written("x = f(a)\ny = 1\n", LINE) == "x = f(a)"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_block_ends_before_a_line_at_the_margin(line_end: str) -> None:
    body = f"x = 1{line_end}{line_end}    return x"
    # characters have no token for a line break with its indentation, so every later line begins at the margin here
    assert written(f"x = 1{line_end}print(y)", Layout(block=True, indent=4)) == "x = 1"
    assert written(body, Layout(block=True, indent=0)).startswith("x = 1")


def test_a_block_has_so_many_lines_at_most() -> None:
    assert written("a\nb\nc\nd\n", Layout(block=True, indent=0, max_lines=3)) == "a\nb\nc"
