"""Text from a prompt: ids in and out of a tokenizer, stop strings, and whole characters only."""

import codecs
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tinycoder.complete.context import document_ids
from tinycoder.complete.healing import Healer, is_word, rest
from tinycoder.config import GenerationConfig
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.decode import Session
from tinycoder.transformer.layers import Array
from tinycoder.transformer.repetition import Finishes, without_repetition
from tinycoder.transformer.sampling import Allowed, beam_search, sample_ids
from tinycoder.transformer.tokenizer import Tokenizer

TEMPERATURE, MIN_P = 0.7, 0.05  # of gentle sampling, where greedy text says nothing new
PROMPT_PATH = "main.py"  # a model of code was trained on texts with paths


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Ids to read, and the first bytes of the continuation; ``n_dropped`` tokens did not fit in the window."""

    ids: tuple[int, ...]
    prefix_bytes: bytes
    n_dropped: int


def encode_prompt(model: Model, text: str) -> Prompt:
    """The end of ``text`` that fits in the window with room for a continuation; its half-typed last word is healed."""
    before, prefix_bytes = Healer(model.tokenizer).split(text)
    ids, n_dropped = document_ids(model, PROMPT_PATH, before)
    return Prompt(ids=tuple(ids), prefix_bytes=prefix_bytes, n_dropped=n_dropped)


def generate(model: Model, prompt: Prompt, config: GenerationConfig, *, n_samples: int = 1) -> list[str]:
    """``n_samples`` continuations: with seeds counted up from ``config.seed``, or the best beams."""
    if config.beam > 1:
        return _beams(model, prompt, config)[:n_samples]
    seeds = range(config.seed, config.seed + n_samples)
    return ["".join(stream(model, prompt, dataclasses.replace(config, seed=seed))) for seed in seeds]


def stream(model: Model, prompt: Prompt, config: GenerationConfig) -> Iterator[str]:
    """Yield the continuation in pieces of whole characters; text from a stop string on is never yielded.

    Without ``config.repeat``, greedy text that would only repeat the prompt is sampled instead, and no text ends with
    white space.
    """
    empty = True
    for piece in _stream(model, prompt, config):
        empty = empty and not piece
        yield piece
    if empty and not config.repeat and config.temperature == 0:
        yield from _stream(model, prompt, dataclasses.replace(config, temperature=TEMPERATURE, min_p=MIN_P))


def _stream(model: Model, prompt: Prompt, config: GenerationConfig) -> Iterator[str]:
    session = Session(model.params, model.config)
    tokenizer = model.tokenizer
    ids = sample_ids(
        session,
        prompt.ids,
        config,
        end=tokenizer.end_of_text,
        banned=_banned(model),
        seed=config.seed,
        allowed=_continues(model, prompt.prefix_bytes),
    )
    if not config.repeat:
        ids = without_repetition(prompt.ids, ids, ends_of(tokenizer))
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    held, healing = "", prompt.prefix_bytes
    for token in ids:
        held += decoder.decode(tokenizer.raw[token][len(healing) :])
        healing = rest(healing, tokenizer.raw[token])
        cut = _first_stop(held, config.stop)
        if cut >= 0:
            yield held[:cut] if config.repeat else held[:cut].rstrip()
            return
        keep = _possible_stop(held, config.stop)
        if not config.repeat:
            keep = max(keep, len(held) - len(held.rstrip()))
        if len(held) > keep:
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    held += decoder.decode(b"", final=True)
    yield held if config.repeat else held.rstrip()


def ends_of(tokenizer: Tokenizer) -> Finishes:
    """How many ids of a repeated copy belong to the line before it, or, if it breaks no line, to the word.

    A line that opens a block has a second one.
    """

    def finishes(last: int, copy: Sequence[int]) -> int:
        before, raws = tokenizer.raw[last] if last >= 0 else b"\n", [tokenizer.raw[i] for i in copy]
        breaks = [i for i, raw in enumerate(raws) if raw[:1] in (b"\n", b"\r")]
        if breaks:
            ends_here = before[:1] in (b"\n", b"\r") and before.isspace()
            whole = (i for i in breaks if not (raws[i - 1] if i else before).endswith(b":"))
            return 0 if ends_here else next(whole, breaks[0])
        ends = [i for i, raw in enumerate(raws) if not is_word(raw[:1])]
        return ends[0] if ends and is_word(before[-1:]) else 0

    return finishes


def _beams(model: Model, prompt: Prompt, config: GenerationConfig) -> list[str]:
    tokenizer = model.tokenizer

    def text_of(generated: Sequence[int]) -> str:
        return tokenizer.decode_bytes(generated)[len(prompt.prefix_bytes) :].decode("utf-8", "replace")

    hypotheses = beam_search(
        Session(model.params, model.config),
        prompt.ids,
        config,
        end=tokenizer.end_of_text,
        banned=_banned(model),
        allowed=_continues(model, prompt.prefix_bytes),
        finished=lambda generated: _first_stop(text_of(generated), config.stop) >= 0,
    )
    texts = []
    for hypothesis in hypotheses:
        text = text_of(hypothesis.ids)
        cut = _first_stop(text, config.stop)
        texts.append(text if cut < 0 else text[:cut])
    return texts


def _continues(model: Model, prefix_bytes: bytes) -> Allowed:
    """A test for ids that agree with what is left of ``prefix_bytes`` after the ids generated so far."""
    healer = Healer(model.tokenizer)

    def allowed(generated: Sequence[int]) -> Array | None:
        left = rest(prefix_bytes, model.tokenizer.decode_bytes(generated))
        return healer.allowed(left) if left else None

    return allowed


def _banned(model: Model) -> list[int]:
    """All special ids except the end of text: they have no text."""
    return [i for i in model.tokenizer.special.values() if i != model.tokenizer.end_of_text]


def _first_stop(text: str, stops: Sequence[str]) -> int:
    """Where the first stop string begins, or -1."""
    return min((start for stop in stops if (start := text.find(stop)) >= 0), default=-1)


def _possible_stop(text: str, stops: Sequence[str]) -> int:
    """How many characters at the end of ``text`` could begin a stop string."""
    sizes = (size for stop in stops for size in range(1, min(len(stop), len(text) + 1)) if text.endswith(stop[:size]))
    return max(sizes, default=0)
