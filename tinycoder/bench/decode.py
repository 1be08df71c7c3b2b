"""``bench decode``: the next token, the prefill and whole continuations, next to llama.cpp's and transformers'."""

import dataclasses
import json
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinycoder.bench.competitor import Competitor, competitors
from tinycoder.bench.flops import decoding_flops, layer_flops, refuse_impossible, sgemm_rate
from tinycoder.bench.interleave import Turn, interleave
from tinycoder.bench.report import Record, Row
from tinycoder.bench.training_step import SIZES
from tinycoder.errors import ConfigError
from tinycoder.storage.checkpoint import Model, save_model
from tinycoder.storage.gguf import export_gguf
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.blas import use_one_blas_thread
from tinycoder.transformer.decode import Session
from tinycoder.transformer.draft import DraftedSession
from tinycoder.transformer.model import init_params, n_params
from tinycoder.transformer.tokenizer import train_code_tokenizer
from tinycoder_training.corpora import library, python_repos

CONTEXT, WARM = 512, 400
N_GENERATED = 64  # ids of a continuation
N_PROMPTS = 24
REPEATS = 8  # of what takes a millisecond, in one turn
FLASH_ATTENTION = {"llama.cpp": 0, "llama.cpp-flash": 1}


def run(*, model: Model | None, seconds: float, threads: int, competitor_python: str | None) -> Record:
    """Rows of speed: without a model, of random weights (6 M parameters, context 512) that never repeat themselves."""
    if model and model.config.context < 2 * N_GENERATED:
        raise ConfigError(
            f"{model.name} has a window of {model.config.context} tokens; at least {2 * N_GENERATED} are needed"
        )
    use_one_blas_thread(prefill=threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        texts = [text.text for text in python_repos.read(library.paths()).validation]
        chosen = model or _random_model(texts)
        save_model(  # in float32, which the competitors read
            folder / "model",
            config=chosen.config,
            params=chosen.params,
            tokenizer=chosen.tokenizer,
            training=chosen.training,
        )
        ours = _Ours(chosen, texts)
        export_gguf(ours.model, folder / "model.gguf")
        with competitors(_wanted(folder, ours.model, threads), competitor_python) as (present, absent):
            contestants = _contestants(ours, present)
            measured = interleave(contestants, seconds)
    config = ours.model.config
    flops = {name: decoding_flops(config) for name in contestants if name.partition(": ")[2].startswith("ours")}
    flops["prefill: ours"] += (ours.context - 1) * layer_flops(config)
    refuse_impossible(measured, flops, sgemm_rate(config, threads))
    metadata = {
        "model": ours.model.name,
        "n_params": n_params(config),
        "context": ours.context,
        "threads": threads,
        "seconds": seconds,
        "drafts_equal": all(ours.equal),
        "sentence": f"{sum(ours.equal)} of {len(ours.equal)} texts generated with drafts are the plain ones.",
    }
    return Record(bench="decode", rows=_rows(measured), absent=absent, metadata=metadata)


def _wanted(folder: Path, model: Model, threads: int) -> dict[str, tuple[str, dict[str, Any]]]:
    llama = {
        "file": str(folder / "model.gguf"),
        "context": model.config.context,
        "vocab_size": model.config.vocab_size,
        "threads": threads,
        "n_made": N_GENERATED,
    }
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        name: ("llama_decode.py", {**llama, "flash_attention": flash}) for name, flash in FLASH_ATTENTION.items()
    }
    transformers = {"folder": str(folder / "model"), "threads": threads, "n_made": N_GENERATED}
    return wanted | {"transformers": ("transformers_decode.py", transformers)}


def greedy(source: Session | DraftedSession, ids: Sequence[int], n: int) -> list[int]:
    """``ids`` and the ``n`` best that follow."""
    past = list(ids)
    for _ in range(n):
        past.append(int(np.argmax(source.next_logits(past))))
    return past


class _Ours:
    """Our engine's turns, each in seconds. Competitors are asked for the same ``ids`` and the same ``prompt``.

    ``equal`` says of each text that was generated with drafts whether it is the plain one.
    """

    def __init__(self, model: Model, texts: Sequence[str]) -> None:
        self.model = model
        self.context = min(CONTEXT, model.config.context)
        self.equal: list[bool] = []
        self._rng = random.Random(0)
        self.ids = [self._rng.randrange(model.config.vocab_size) for _ in range(self.context)]
        self._prompts = _prompts(model, texts, self.context - N_GENERATED, self._rng)
        self.prompt = self._prompts[-1]
        self._n_plain = 0
        self._plain: list[int] = []
        self._session = Session(model.params, model.config)

    def prefill(self) -> float:
        """The scores after all ids."""
        self._session.next_logits([self._other(self.ids[0])])
        start = time.perf_counter()
        self._session.next_logits(self.ids)
        return time.perf_counter() - start

    def last(self, n: int) -> float:
        """The scores after one id more, at ``n`` ids: that id is another one each time."""

        def step() -> float:
            past = [*self.ids[: n - 1], self._other(self.ids[n - 1])]
            start = time.perf_counter()
            self._session.next_logits(past)
            return time.perf_counter() - start

        self._session.next_logits(self.ids[: n - 1])
        return float(np.median([step() for _ in range(REPEATS)]))

    def plain(self) -> float:
        """An id of the next prompt's continuation, after its first id."""
        self.prompt = self._prompts[self._n_plain % len(self._prompts)]
        self._n_plain += 1
        seconds, self._plain = self._continued(self._session)
        return seconds

    def drafted(self) -> float:
        """The same of the prompt that was continued last, with drafts."""
        seconds, text = self._continued(DraftedSession(self._session))
        self.equal.append(text == self._plain)
        return seconds

    def _continued(self, source: Session | DraftedSession) -> tuple[float, list[int]]:
        self._session.next_logits([self._other(self.prompt[0])])
        past = greedy(self._session, self.prompt, 1)
        start = time.perf_counter()
        text = greedy(source, past, N_GENERATED - 1)
        return (time.perf_counter() - start) / (N_GENERATED - 1), text

    def _other(self, token: int) -> int:
        """Another id than ``token``, by chance: a session remembers the scores of the ids that it has read."""
        return (token + 1 + self._rng.randrange(self.model.config.vocab_size - 1)) % self.model.config.vocab_size


def _contestants(ours: _Ours, present: Mapping[str, Competitor]) -> dict[str, Turn]:
    """A turn for each row."""
    contestants: dict[str, Turn] = {
        "one: ours": lambda: ours.last(ours.context),
        "typed: ours": lambda: ours.last(min(WARM, ours.context - 1)),
        "prefill: ours": ours.prefill,
        "code: ours": ours.plain,
        "code: ours with drafts": ours.drafted,
    }
    for name, competitor in present.items():
        if name in FLASH_ATTENTION:
            contestants[f"one: {name}"] = _turn(competitor, lambda: ["one", ours.ids], REPEATS)
            contestants[f"prefill: {name}"] = _turn(competitor, lambda: ["prefill", ours.ids])
            contestants[f"code: {name}"] = _turn(competitor, lambda: ["generate", ours.prompt], n_ids=N_GENERATED - 1)
        else:
            contestants[f"code: {name}"] = _turn(competitor, lambda: ours.prompt, n_ids=N_GENERATED - 1)
    return contestants


def _turn(competitor: Competitor, question: Callable[[], Any], repeats: int = 1, *, n_ids: int = 1) -> Turn:
    """A turn of the competitor: the median of the seconds that it answers, for each id."""
    return lambda: float(np.median([competitor.ask(json.dumps(question())) for _ in range(repeats)])) / n_ids


def _prompts(model: Model, texts: Sequence[str], n: int, rng: random.Random) -> list[list[int]]:
    """Real code up to the end of a line, ``n`` ids at most."""
    prompts = []
    for _ in range(N_PROMPTS):
        text = rng.choice(texts)
        cut = text.find("\n", rng.randrange(len(text) // 2, len(text))) + 1 or len(text)
        prompts.append(model.tokenizer.encode(text[:cut])[-n:])
    return [prompt for prompt in prompts if prompt]


def _rows(measured: dict[str, float]) -> list[Row]:
    """Milliseconds of steps, and tokens a second of continuations."""
    rows = []
    for name, seconds in measured.items():
        what, who = name.split(": ")
        if what == "code":
            best = f"{what}: ours with drafts"
            ratio = None if name == best else seconds / measured[best]
            rows.append(Row(name=name, value=1 / seconds, unit="tokens/s", higher_is_better=True, ratio=ratio))
        else:
            ratio = None if who == "ours" else measured[f"{what}: ours"] / seconds
            rows.append(Row(name=name, value=1000 * seconds, unit="ms", higher_is_better=False, ratio=ratio))
    return sorted(rows, key=lambda row: (row.unit, row.name.partition(":")[0]))


def _random_model(texts: Sequence[str]) -> Model:
    tokenizer = train_code_tokenizer(texts, 4096)
    config = dataclasses.replace(SIZES["6m"], vocab_size=tokenizer.vocab_size, context=CONTEXT)
    params, training = init_params(config, np.random.default_rng(0)), TrainingRecord(recipe="code")
    return Model(config=config, params=params, tokenizer=tokenizer, training=training, folder=Path("random"))
