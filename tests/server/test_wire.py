"""What servers are asked, and what is read from their answers."""

import json
import re
from typing import Any

import pytest

from tinycoder.complete.question import Question
from tinycoder.complete.written import Token
from tinycoder.validate import DataError
from tinycoder_lsp.remote.address import Address, address_of
from tinycoder_lsp.remote.wire import asked, forms, read_answer
from tinycoder_lsp.settings import RemoteSettings

QUESTION = Question(text="import os\nx = ", after="\ny = 2\n", max_tokens=9, block=False)
OURS = Question(text="", after="", max_tokens=9, block=False, ids=(4, 5), typed="se", starts=(7, 8))
LLAMA = {"token": "a", "bytes": [97], "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}


def address(kind: Any = "openai", model: str | None = None) -> Address:
    found = address_of(RemoteSettings(url="http://127.0.0.1:1", kind=kind, model=model), {})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        ("Qwen/Qwen2.5-Coder-7B", "<|fim_prefix|>import os\nx = <|fim_suffix|>\ny = 2\n<|fim_middle|>"),
        ("bigcode/starcoder2-3b", "<fim_prefix>import os\nx = <fim_suffix>\ny = 2\n<fim_middle>"),
        ("deepseek-coder-6.7b-base", "<｜fim▁begin｜>import os\nx = <｜fim▁hole｜>\ny = 2\n<｜fim▁end｜>"),
        ("CodeLlama-7b-hf", "<PRE> import os\nx =  <SUF>\ny = 2\n <MID>"),
    ],
)
def test_a_known_model_gets_its_own_marks(model: str, prompt: str) -> None:
    assert forms(address(model=model), QUESTION) == ("whole", "marks", "plain")
    path, body = asked(address(model=model), QUESTION, "marks")
    assert (path, body["prompt"], body["model"]) == ("/v1/completions", prompt, model)
    assert "suffix" not in body
    assert "logprobs" in body


@pytest.mark.parametrize("model", [None, "Qwen2.5-7B-Instruct", "deepseek-r1", "granite3.3", "smollm2", "mistral"])
def test_a_model_that_may_know_no_marks_gets_none(model: str | None) -> None:
    assert forms(address(model=model), QUESTION) == ("whole", "plain")


@pytest.mark.parametrize("model", [None, "Qwen/Qwen2.5-Coder-7B"])
def test_prompt_and_suffix_come_first_and_the_prompt_alone_last(model: str | None) -> None:
    _, body = asked(address(model=model), QUESTION, "whole")
    assert (body["prompt"], body["suffix"], body["stop"]) == (QUESTION.text, QUESTION.after, ["\n"])
    _, plain = asked(address(model=model), QUESTION, "plain")
    assert plain["prompt"] == QUESTION.text
    assert body.keys() - plain.keys() == {"suffix", "logprobs"}


def test_llama_cpp_puts_its_models_marks_itself() -> None:
    path, body = asked(address("llama.cpp"), QUESTION, "whole")
    assert path == "/infill"
    assert (body["input_prefix"], body["prompt"], body["input_suffix"]) == ("import os\n", "x = ", QUESTION.after)


def test_a_model_of_ours_gets_ids() -> None:
    path, body = asked(address("llama.cpp", "base"), OURS, "whole")
    assert (path, body["prompt"], body["grammar"]) == ("/completion", [4, 5], "root ::= (<[7]>|<[8]>) .*")
    path, body = asked(address("openai", "base"), OURS, "whole")
    assert (path, body["prompt"]) == ("/v1/completions", [4, 5])


def test_where_many_tokens_begin_so_the_grammar_has_the_characters() -> None:
    typed = 'é"\\\x0c_ ]'
    many = Question(text="", after="", max_tokens=9, block=False, ids=(4,), typed=typed, starts=tuple(range(99)))
    _, body = asked(address("llama.cpp", "base"), many, "whole")
    (spelled,) = re.findall(r'^root ::= \("(.*)"\) \.\*$', body["grammar"])
    assert re.sub(r"\\U([0-9A-F]{8})", lambda match: chr(int(match[1], 16)), spelled) == typed


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        ({"content": "a", "stop_type": "word", "completion_probabilities": [LLAMA]}, True),
        ({"content": "a", "stop_type": "limit", "completion_probabilities": [LLAMA]}, False),
        ({"choices": [{"text": "a", "finish_reason": "stop", "logprobs": {"content": [LLAMA]}}]}, True),
        (
            {
                "choices": [
                    {
                        "text": "a",
                        "finish_reason": "length",
                        "logprobs": {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"b": -1}]},
                    }
                ]
            },
            False,
        ),
    ],
)
def test_each_form_of_an_answer_says_the_same(answer: object, ended: bool) -> None:
    written = read_answer(json.dumps(answer).encode())
    assert (written.text, written.ended) == ("a", ended)
    (token,) = written.tokens
    assert (token.text, token.probability) == ("a", pytest.approx(0.60653, abs=1e-4))
    assert token.others == (("b", pytest.approx(0.36788, abs=1e-4)),)


@pytest.mark.parametrize(
    "said",
    [
        *(None, [], 3, "x", {}, [3], [{}], [{"token": 3, "logprob": -1}], [{"token": "other", "logprob": -1}]),
        *([{"token": "a", "logprob": "x"}], [{"token": "a", "logprob": None}], {"tokens": ["a"]}, {"content": 5}),
    ],
)
def test_probabilities_that_are_none_are_left_out(said: object) -> None:
    answer = {"choices": [{"text": "a", "logprobs": said}]}
    assert read_answer(json.dumps(answer).encode()).tokens == ()


def test_odd_numbers_are_probabilities_all_the_same() -> None:
    steps = [
        {"token": "a", "logprob": 5, "top_logprobs": [{"token": "b", "logprob": -3.4e38}, {"token": 5}, 7]},
        {"token": "b", "logprob": -(10**400), "bytes": [300], "top_logprobs": 5},
    ]
    written = read_answer(json.dumps({"content": "ab", "completion_probabilities": steps}).encode())
    assert [token.text for token in written.tokens] == ["a", "b"]
    assert written.tokens[0].probability == 1.0
    assert all(0 <= token.probability <= 1 for token in written.tokens)


def test_a_character_of_two_tokens_goes_with_the_second() -> None:
    first, second = "é".encode()
    steps = [{"token": "", "bytes": [first], "logprob": 0}, {"token": "", "bytes": [second], "logprob": 0}]
    written = read_answer(json.dumps({"content": "é", "completion_probabilities": steps}).encode())
    assert written.tokens == (Token(text="", probability=1.0), Token(text="é", probability=1.0))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"null", b"[]", b"3", b'"text"', b"{}", b'{"choices": []}', b'{"choices": [3]}', b"\xff\xfe"),
        *(b'{"choices": [{"text": null}]}', b'{"content": 5}', b'{"error": {"message": "x"}}', b"[" * 100_000),
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(DataError):
        read_answer(raw)
