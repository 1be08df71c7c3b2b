"""What the kinds of servers are asked, and what they answer.

``llama.cpp``: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md (``/completion``, ``/infill``).
``openai``: https://platform.openai.com/docs/api-reference/completions, which vLLM and others follow.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from tinycoder.complete.question import Question
from tinycoder.complete.written import Token, Written
from tinycoder.validate import DataError, from_json
from tinycoder_lsp.remote.address import Address

N_OTHERS = 10  # tokens whose probabilities are asked for at each step
MAX_STARTS = 64  # tokens in a grammar; with more, few others begin with the same characters, and it would be slow
STOP_LINE = ["\n"]
STOP_BLOCK = ["\ndef ", "\nclass ", "\n@", "\n\n\n"]  # a server takes four at most

# Fill-in-the-middle as the models' cards have it, by their names: the marks before the text, after it, and at the end.
_MARKS = (
    (r"qwen.*coder|codeqwen|codegemma", ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")),
    (r"starcoder|granite.*code|stable-code", ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")),
    (r"deepseek.*coder", ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")),
    (r"codellama|code-llama", ("<PRE> ", " <SUF>", " <MID>")),
)


Form = Literal["whole", "marks", "plain"]  # with ``suffix``; with the marks in its place; without either


def forms(address: Address, question: Question) -> tuple[Form, ...]:
    """What to ask in turn, where a server refuses the one before."""
    if address.kind == "llama.cpp":
        return ("whole",)
    has_marks = question.ids is None and _marks(address.model or "") is not None
    return ("whole", "marks", "plain") if has_marks else ("whole", "plain")


def asked(address: Address, question: Question, form: Form) -> tuple[str, dict[str, Any]]:
    """Where to send a question, and its body; the plain form is also without probabilities."""
    if address.kind == "llama.cpp":
        return _llama(question)
    body: dict[str, Any] = {
        "max_tokens": question.max_tokens,
        "temperature": 0,
        "stop": STOP_BLOCK if question.block else STOP_LINE,
        "stream": False,
    }
    body |= {} if address.model is None else {"model": address.model}
    body |= {} if form == "plain" else {"logprobs": N_OTHERS}
    if question.ids is not None:
        body["prompt"] = list(question.ids)
    elif form == "marks" and (marks := _marks(address.model or "")):
        before, middle, end = marks
        body["prompt"] = f"{before}{question.text}{middle}{question.after}{end}"
    else:
        body["prompt"] = question.text
        body |= {"suffix": question.after} if question.after.strip() and form == "whole" else {}
    return "/v1/completions", body


def _llama(question: Question) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {
        "n_predict": question.max_tokens,
        "temperature": 0,
        "stop": STOP_BLOCK if question.block else STOP_LINE,
        "stream": False,
        "cache_prompt": True,
        "n_probs": N_OTHERS,
    }
    if question.ids is None:
        lines, line_break, line = question.text.rpartition("\n")
        return "/infill", {**body, "input_prefix": lines + line_break, "prompt": line, "input_suffix": question.after}
    body["prompt"] = list(question.ids)
    if question.typed:
        body["grammar"] = f"root ::= ({_beginning(question)}) .*"
    return "/completion", body


def _beginning(question: Question) -> str:
    """What the text must begin with, in llama.cpp's language of grammars: one of few tokens, or the characters."""
    if len(question.starts) <= MAX_STARTS:
        return "|".join(f"<[{i}]>" for i in question.starts)
    characters = (each if each.isalnum() or each in " _" else f"\\U{ord(each):08X}" for each in question.typed)
    return f'"{"".join(characters)}"'


def _marks(model: str) -> tuple[str, str, str] | None:
    return next((marks for pattern, marks in _MARKS if re.search(pattern, model, re.IGNORECASE)), None)


def read_answer(raw: bytes) -> Written:
    """What a server of either kind has written. Raises ``DataError`` where that is not to be found."""
    answer = from_json(raw)
    choices = _field(answer, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else answer
    text, reason = _field(choice, "text"), _field(choice, "finish_reason") or _field(answer, "stop_type")
    text = _field(answer, "content") if text is None else text
    if not isinstance(text, str):
        raise DataError("holds no text")
    said = _field(answer, "completion_probabilities") or _field(choice, "logprobs")
    steps = _field(said, "content") if isinstance(said, Mapping) else said
    tokens = tuple(_tokens(_zipped(said) if steps is None else steps))
    spelled = "".join(token.text for token in tokens)
    agree = bool(spelled) and (spelled.startswith(text) or text.startswith(spelled))
    return Written(text=text, ended=reason in ("stop", "eos", "word"), tokens=tokens if agree else ())


def _zipped(said: object) -> Iterator[dict[str, Any]]:
    """OpenAI's parallel lists as one entry a token."""
    names = ("tokens", "token_logprobs", "top_logprobs")
    tokens, probabilities, others = (_list(_field(said, name)) for name in names)
    others = others or [{}] * len(tokens)
    for token, logprob, rivals in zip(tokens, probabilities, others, strict=False):
        entries = rivals.items() if isinstance(rivals, Mapping) else ()
        yield {
            "token": token,
            "logprob": logprob,
            "top_logprobs": [{"token": text, "logprob": value} for text, value in entries],
        }


def _tokens(steps: object) -> Iterator[Token]:
    """One token for each entry; a character that is cut goes with the token that ends it."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for step in steps if isinstance(steps, Iterator) else _list(steps):
        raw = _field(step, "bytes")
        text = _field(step, "token")
        probability = _probability(_field(step, "logprob"))
        if not isinstance(text, str) or probability is None:
            return
        others = tuple(_others(_field(step, "top_logprobs")))
        yield Token(text=decoder.decode(_bytes(raw, text)), probability=probability, others=others)


def _others(entries: object) -> Iterator[tuple[str, float]]:
    for entry in _list(entries):
        text, probability = _field(entry, "token"), _probability(_field(entry, "logprob"))
        if isinstance(text, str) and probability is not None:
            yield text, probability


def _probability(logprob: object) -> float | None:
    if isinstance(logprob, bool) or not isinstance(logprob, (int, float)) or logprob != logprob:
        return None  # also where it is NaN
    return math.exp(min(0.0, max(-700.0, logprob)))


def _bytes(raw: object, text: str) -> bytes:
    try:
        return bytes(_list(raw)) or text.encode("utf-8", "replace")
    except (TypeError, ValueError):
        return text.encode("utf-8", "replace")


def _field(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else []
