import pytest

from tinycoder.complete import generation
from tinycoder.complete.generation import Prompt, encode_prompt, generate, stream
from tinycoder.config import GenerationConfig
from tinycoder.storage.checkpoint import Model

GREEDY = GenerationConfig(max_tokens=60)
PROMPT = "def make_counter(start):\n    counter ="


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
