import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinycoder.errors import TokenizerError
from tinycoder.transformer.tokenizer import SPECIAL_TOKENS, Tokenizer, train_character_tokenizer, train_code_tokenizer

CODE = 'def add(a, b):\n    """Sum."""\n    return a + b\n\n\nclass Adder:\n    total = 0\n' * 20
BPE = train_code_tokenizer([CODE], 400)
CHARACTERS = train_character_tokenizer(["hello world! "])
BOTH = pytest.mark.parametrize("tokenizer", [BPE, CHARACTERS], ids=["bpe", "characters"])


@BOTH
@given(text=st.text())
@settings(max_examples=300, deadline=None)
def test_any_text_survives(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\r\n\tb\r\n",
        "\r\r\n\n",
        "nul \0 byte",
        "\ufeffdef f(): pass",
        "🦎 é e\u0301 漢字 \u2028 \x0c",
        "".join(SPECIAL_TOKENS),
        "<0x0A> <0xFF>",
        " " * 1000,
    ],
)
def test_awkward_text_survives(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert not set(ids) & set(tokenizer.special.values())
    assert tokenizer.n_bytes[ids].sum() == len(text.encode())


@BOTH
def test_lone_surrogates_become_replacement_characters(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("a\ud800b\udfff")) == "a\ufffdb\ufffd"
    assert tokenizer.decode(tokenizer.encode("\ud83e\udd8e")) == "🦎"


@BOTH
@given(raw=st.binary())
@settings(max_examples=100, deadline=None)
def test_every_byte_string_has_ids(tokenizer: Tokenizer, raw: bytes) -> None:
    id_of = {token: i for i, token in enumerate(tokenizer.raw) if len(token) == 1}
    assert tokenizer.decode_bytes(id_of[byte] for byte in (raw[i : i + 1] for i in range(len(raw)))) == raw


def pieces(text: str) -> list[str]:
    """The text cut where no merge may cross, shown by a tokenizer that merged all it could."""
    large = train_code_tokenizer([text] * 50, 5000)
    return [large.decode([i]) for i in large.encode(text)]


def test_pieces_of_code() -> None:
    assert pieces("x = foo_bar(12)\n    y") == ["x", " =", " foo_bar", "(", "1", "2", ")", "\n    ", "y"]
    assert pieces("a\r\n\tb\n\n  c") == ["a", "\r\n\t", "b", "\n", "\n  ", "c"]


def test_a_line_break_only_starts_a_token() -> None:
    assert not [raw for raw in BPE.raw if b"\n" in raw[1:] and raw[:2] != b"\r\n"]


def test_header() -> None:
    ids = BPE.encode_header("pkg/io.py")
    assert ids[0] == BPE.special["<|file_sep|>"]
    assert BPE.decode(ids) == "pkg/io.py\n"


def test_encode_all_is_encode_of_each() -> None:
    texts = ["def f():", "", "x\ud800"]
    assert BPE.encode_all(texts) == [BPE.encode(text) for text in texts]


def test_one_id_a_known_character() -> None:
    assert len(CHARACTERS.encode("hello")) == 5
    assert len(CHARACTERS.encode("é")) == 2


@BOTH
def test_json_round_trip(tokenizer: Tokenizer) -> None:
    again = Tokenizer.from_json(tokenizer.to_json())
    assert again.raw == tokenizer.raw
    assert again.encode(CODE) == tokenizer.encode(CODE)


def test_training_twice_gives_the_same_tokenizer() -> None:
    assert train_code_tokenizer([CODE], 400).to_json() == BPE.to_json()


def test_compression() -> None:
    assert len(BPE.encode(CODE)) < len(CODE) / 2


@pytest.mark.parametrize("damage", ["", "{}", '{"model": 3}', "nonsense"])
def test_damaged_json(damage: str) -> None:
    with pytest.raises(TokenizerError, match="train the model again"):
        Tokenizer.from_json(damage)


def test_json_without_special_tokens() -> None:
    data = json.loads(BPE.to_json())
    data["added_tokens"] = []
    data["model"]["vocab"] = {k: v for k, v in data["model"]["vocab"].items() if k not in SPECIAL_TOKENS}
    with pytest.raises(TokenizerError, match="special token"):
        Tokenizer.from_json(json.dumps(data))
