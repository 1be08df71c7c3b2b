import pytest

from tinycoder import generation
from tinycoder.checkpoint import Model
from tinycoder.config import GenerationConfig
from tinycoder.generation import encode_prompt, generate, stream

GREEDY = GenerationConfig(max_tokens=60)
PROMPT = "def make_counter(start):\n    counter ="


def test_greedy_says_what_was_learnt(model: Model) -> None:
    ids = encode_prompt(model, PROMPT).ids
    assert generate(model, ids, GREEDY)[0].startswith(" Counter(start)\n    return counter\n")


def test_pieces_add_up_to_the_whole(model: Model) -> None:
    ids = encode_prompt(model, PROMPT).ids
    assert "".join(stream(model, ids, GREEDY)) == generate(model, ids, GREEDY)[0]


@pytest.mark.parametrize("stop", ["\n", "(start)", "art)\n    ret", "return", "never there"])
def test_nothing_from_a_stop_string_on_is_shown(model: Model, stop: str) -> None:
    ids = encode_prompt(model, PROMPT).ids
    whole = generate(model, ids, GREEDY)[0]
    stopped = "".join(stream(model, ids, GenerationConfig(max_tokens=60, stop=(stop,))))
    assert stopped == whole.partition(stop)[0]
    beams = generate(model, ids, GenerationConfig(max_tokens=20, stop=(stop,), beam=2), n_samples=2)
    assert len(beams) == 2
    assert not any(stop in text for text in beams)


def test_streamed_characters_are_whole(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *emoji = (model.tokenizer.raw.index(bytes([byte])) for byte in "é🦎".encode())
    letter = model.tokenizer.raw.index(b"a")
    chosen = [first, second, letter, *emoji, first, letter, first]
    monkeypatch.setattr(generation, "sample_ids", lambda *arguments, **more: iter(chosen))
    assert [piece for piece in stream(model, [letter], GREEDY) if piece] == [
        "é",
        "a",
        "🦎",
        "\ufffda",
        "\ufffd",
    ]


def test_seeds(model: Model) -> None:
    ids = encode_prompt(model, "def ").ids
    config = GenerationConfig(max_tokens=20, temperature=2.0, seed=7)
    several = generate(model, ids, config, n_samples=3)
    assert several == generate(model, ids, config, n_samples=3)
    assert len(set(several)) > 1
    assert several[1] == generate(model, ids, GenerationConfig(max_tokens=20, temperature=2.0, seed=8))[0]


def test_a_long_prompt_keeps_its_end(model: Model) -> None:
    short = encode_prompt(model, PROMPT)
    assert short.n_dropped == 0
    long = encode_prompt(model, "x = 1\n" * 500 + PROMPT)
    assert long.n_dropped > 0
    assert len(long.ids) < model.config.context
    assert long.ids[-3:] == short.ids[-3:]
    assert generate(model, long.ids, GREEDY)[0]


def test_an_empty_prompt_starts_a_text(model: Model) -> None:
    assert encode_prompt(model, "").ids == (model.tokenizer.end_of_text,)
