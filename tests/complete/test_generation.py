import re

import pytest

from tinycoder.complete import generation
from tinycoder.complete.generation import Prompt, encode_prompt, generate, stream
from tinycoder.config import GenerationConfig
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import Model, load_model

GREEDY = GenerationConfig(max_tokens=60)
PROMPT = "def make_counter(start):\n    counter ="


@pytest.fixture(scope="module")
def base() -> Model:
    return load_model(bundled_folder())


def test_greedy_decoding_continues_as_in_training(model: Model) -> None:
    prompt = encode_prompt(model, PROMPT)
    assert generate(model, prompt, GREEDY)[0].startswith(" Counter(start)\n    return counter\n")


def test_pieces_add_up_to_the_whole(model: Model) -> None:
    prompt = encode_prompt(model, PROMPT)
    assert "".join(stream(model, prompt, GREEDY)) == generate(model, prompt, GREEDY)[0]


@pytest.mark.parametrize("stop", ["\n", "(start)", "art)\n    ret", "return", "never there"])
def test_the_text_ends_before_a_stop_string(model: Model, stop: str) -> None:
    prompt = encode_prompt(model, PROMPT)
    whole = generate(model, prompt, GREEDY)[0]
    stopped = "".join(stream(model, prompt, GenerationConfig(max_tokens=60, stop=(stop,))))
    assert stopped == whole.partition(stop)[0]
    beams = generate(model, prompt, GenerationConfig(max_tokens=20, stop=(stop,), beam=2), n_samples=2)
    assert len(beams) == 2
    assert not any(stop in text for text in beams)


def test_streamed_characters_are_whole(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *emoji = (model.tokenizer.raw.index(bytes([byte])) for byte in "é🦎".encode())
    letter = model.tokenizer.raw.index(b"a")
    chosen = [first, second, letter, *emoji, first, letter, first]
    monkeypatch.setattr(generation, "sample_ids", lambda *arguments, **more: iter(chosen))
    prompt = Prompt(ids=(letter,), prefix_bytes=b"", n_dropped=0)
    assert [piece for piece in stream(model, prompt, GREEDY) if piece] == ["é", "a", "🦎", "\ufffda", "\ufffd"]


def test_a_seed_determines_the_text(model: Model) -> None:
    prompt = encode_prompt(model, "def ")
    config = GenerationConfig(max_tokens=20, temperature=2.0, seed=7)
    several = generate(model, prompt, config, n_samples=3)
    assert several == generate(model, prompt, config, n_samples=3)
    assert len(set(several)) > 1
    assert several[1] == generate(model, prompt, GenerationConfig(max_tokens=20, temperature=2.0, seed=8))[0]


def test_a_long_prompt_keeps_its_end(model: Model) -> None:
    short = encode_prompt(model, PROMPT)
    assert short.n_dropped == 0
    long = encode_prompt(model, "x = 1\n" * 500 + PROMPT)
    assert long.n_dropped > 0
    assert len(long.ids) < model.config.context
    assert long.ids[-3:] == short.ids[-3:]
    assert long.prefix_bytes == short.prefix_bytes == b" ="
    assert generate(model, long, GREEDY)[0]


def test_an_empty_prompt_starts_a_text(model: Model) -> None:
    assert "self.total" in generate(model, encode_prompt(model, ""), GREEDY)[0]


@pytest.mark.parametrize(
    ("text", "line"), [("def make", "_counter(start):"), ("class ", "Counter:"), ("imp", "ort os")]
)
def test_a_half_typed_word_is_healed(model: Model, text: str, line: str) -> None:
    prompt = encode_prompt(model, text)
    assert generate(model, prompt, GREEDY)[0].startswith(line + "\n")
    assert generate(model, prompt, GenerationConfig(max_tokens=30, beam=2))[0].startswith(line + "\n")


def said(model: Model, monkeypatch: pytest.MonkeyPatch, prompt: str, text: str) -> str:
    """What is made of a model that would say ``text``."""
    encode = model.tokenizer.encode
    monkeypatch.setattr(generation, "sample_ids", lambda *arguments, **more: iter(encode(text)))
    ids = Prompt(ids=tuple(encode(prompt)), prefix_bytes=b"", n_dropped=0)
    return "".join(stream(model, ids, GenerationConfig(repeat=False, temperature=1.0)))


@pytest.mark.parametrize(
    ("prompt", "text", "left"),
    [
        ("def test_", "doc(\n" + "    *,\n" * 30, "doc(\n    *,"),
        ("import os\n", "import sys\n" * 30, "import sys"),
        ("", "x = first + (" + "total + " * 30, "x = first + (total +"),
        (
            "",
            "a = 1\n\n\n" + "def read(path):\n    return path\n\n\n" * 9,
            "a = 1\n\n\ndef read(path):\n    return path",
        ),
        ("", "def add(first):\n    return first + 1\n", "def add(first):\n    return first + 1"),
        ("def add(first):\n    return first\n\n\n", "def add(first):\n    return first\n\n\n" * 5, ""),
    ],
)
def test_a_text_ends_where_it_only_repeats_itself(
    model: Model, monkeypatch: pytest.MonkeyPatch, prompt: str, text: str, left: str
) -> None:
    assert said(model, monkeypatch, prompt, text) == left


def test_a_prompt_that_would_only_be_repeated_is_continued_otherwise(base: Model) -> None:
    prompt = encode_prompt(base, "import os\nimport sys")
    assert "".join(stream(base, prompt, GenerationConfig(repeat=False))).strip()


@pytest.mark.parametrize(
    "text",
    [
        *("def test_", "def fibonacci(n):\n", "x = ", "print(", "# quicksort\n", "for i in range(", ""),
        *(
            "class Node",
            "numbers = [1, 2, 3, 4, ",
            "from collections import",
            "hello",
            "What is the capital of France?",
        ),
        *("def main():", "import os\nimport sys\n", "@dataclass\nclass Point:\n", 'COLOURS = {"red": "#ff0000", '),
    ],
)
def test_what_the_shipped_model_says_does_not_go_round_in_a_circle(base: Model, text: str) -> None:
    made = "".join(stream(base, encode_prompt(base, text), GenerationConfig(repeat=False)))
    assert made.strip()
    assert made == made.rstrip()
    assert not re.search(r"(.{1,80}?)\1{8}", made, re.DOTALL)
    lines = [line for line in made.split("\n") if line.strip()]
    assert not any(lines[i : i + 4].count(lines[i]) == 4 for i in range(len(lines)))
