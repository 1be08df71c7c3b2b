"""``bench decode``: the next token, the prefill and whole continuations, beside llama.cpp's and transformers'."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinycoder.bench.competitor import Competitor, competitors
from tinycoder.bench.flops import decoding_flops, layer_flops, refuse_impossible, sgemm_rate
from tinycoder.bench.interleave import interleave, medians
from tinycoder.bench.report import Record, Row
from tinycoder.config import ModelConfig
from tinycoder.errors import ConfigError
from tinycoder.storage.checkpoint import Model, load_model, save_model
from tinycoder.storage.gguf import export_gguf
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.decode import Session, use_one_blas_thread
from tinycoder.transformer.draft import DraftedSession
from tinycoder.transformer.model import init_params, n_params
from tinycoder.transformer.tokenizer import train_code_tokenizer
from tinycoder_training.corpora import library, python_repos

CONTEXT, WARM = 512, 400
N_GENERATED = 64  # ids of a continuation
N_PROMPTS = 24
REPEATS = 8  # of what takes a millisecond, in one turn
FLASH_ATTENTION = {"llama.cpp": 0, "llama.cpp-flash": 1}


def run(*, model: Model | None, seconds: float, threads: int, peer_python: str, with_peers: bool) -> Record:
    """Rows of speed: without a model, of random weights (6 M parameters, context 512) that never repeat themselves."""
    if model and model.config.context < 2 * N_GENERATED:
        raise ConfigError(
            f"{model.name} has a window of {model.config.context} tokens; at least {2 * N_GENERATED} are needed"
        )
    use_one_blas_thread(prefill=threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        texts = [text.text for text in python_repos.read(library.paths()).validation]
        if model is None:
            _save_random_model(folder / "model", texts)
        else:
            _save_float32(folder / "model", model)
        measured = load_model(folder / "model")
        export_gguf(measured, folder / "model.gguf")
        wanted = _wanted(folder, measured, threads) if with_peers else {}
        equal: list[bool] = []
        with competitors(wanted, peer_python) as started:
            present = {name: competitor for name, competitor in started.items() if competitor.absent is None}
            turns = _turns(measured, texts, present, equal)
            found = medians(interleave(turns, seconds))
            one = decoding_flops(measured.config)
            flops = {name: one for name in turns if name.partition(": ")[2].startswith("ours")}
            flops["prefill: ours"] = (min(CONTEXT, measured.config.context) - 1) * layer_flops(measured.config) + one
            refuse_impossible(found, flops, sgemm_rate(measured.config, threads))
            absent = {
                name: competitor.absent or "" for name, competitor in started.items() if competitor.absent is not None
            }
    if not with_peers:
        absent = dict.fromkeys((*FLASH_ATTENTION, "transformers"), "not asked for (--no-peers)")
    facts = {
        "model": model.name if model else "random",
        "n_params": n_params(measured.config),
        "context": min(CONTEXT, measured.config.context),
        "threads": threads,
        "seconds": seconds,
        "drafts_equal": all(equal),
        "sentence": f"{sum(equal)} of {len(equal)} texts made with drafts are the plain ones.",
    }
    return Record(bench="decode", rows=_rows(found), absent=absent, facts=facts)


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


def _turns(
    model: Model, texts: Sequence[str], present: dict[str, Competitor], equal: list[bool]
) -> dict[str, Callable[[], float]]:
    """One function for each row; peers answer the same questions.

    Whether text with drafts was the plain text is added to ``equal``.
    """
    context = min(CONTEXT, model.config.context)
    rng = random.Random(0)
    ids = [rng.randrange(model.config.vocab_size) for _ in range(context)]
    prompts = _prompts(model, texts, context - N_GENERATED, rng)
    session = Session(model.params, model.config)
    state = {"prompt": -1}
    made: dict[bool, list[int]] = {}

    def other(token: int) -> int:
        """Another id than ``token``, by chance: a session remembers the scores of the ids that it has read."""
        return (token + 1 + rng.randrange(model.config.vocab_size - 1)) % model.config.vocab_size

    def prefill() -> float:
        session.next_logits([other(ids[0])])
        start = time.perf_counter()
        session.next_logits(ids)
        return time.perf_counter() - start

    def last(n: int) -> float:
        """Seconds for the scores after one id more, at ``n`` ids: that id is another one each time."""

        def step() -> float:
            past = [*ids[: n - 1], other(ids[n - 1])]
            start = time.perf_counter()
            session.next_logits(past)
            return time.perf_counter() - start

        session.next_logits(ids[: n - 1])
        return float(np.median([step() for _ in range(REPEATS)]))

    def continued(drafts: bool) -> float:
        """Seconds an id of a prompt's continuation after its first id. Both take the same prompt in turn."""
        if not drafts:
            state["prompt"] = (state["prompt"] + 1) % len(prompts)
        prompt = prompts[state["prompt"]]
        session.next_logits([other(prompt[0])])
        past = greedy(session, prompt, 1)
        start = time.perf_counter()
        made[drafts] = greedy(DraftedSession(session) if drafts else session, past, N_GENERATED - 1)
        seconds = time.perf_counter() - start
        if drafts:
            equal.append(made[True] == made[False])
        return seconds / (N_GENERATED - 1)

    turns: dict[str, Callable[[], float]] = {
        "one: ours": lambda: last(context),
        "typed: ours": lambda: last(min(WARM, context - 1)),
        "prefill: ours": prefill,
        "code: ours": lambda: continued(False),
        "code: ours with drafts": lambda: continued(True),
    }
    for name, competitor in present.items():
        if name in FLASH_ATTENTION:
            turns[f"one: {name}"] = _asking(competitor, lambda: ["one", ids], REPEATS)
            turns[f"prefill: {name}"] = _asking(competitor, lambda: ["prefill", ids])
            turns[f"code: {name}"] = _asking(
                competitor, lambda: ["generate", prompts[state["prompt"]]], n_ids=N_GENERATED - 1
            )
        else:
            turns[f"code: {name}"] = _asking(competitor, lambda: prompts[state["prompt"]], n_ids=N_GENERATED - 1)
    return turns


def _asking(
    competitor: Competitor, question: Callable[[], Any], repeats: int = 1, *, n_ids: int = 1
) -> Callable[[], float]:
    """A turn of the peer: the median of the seconds that it answers, for each id."""
    return lambda: float(np.median([competitor.ask(json.dumps(question())) for _ in range(repeats)])) / n_ids


def _prompts(model: Model, texts: Sequence[str], n: int, rng: random.Random) -> list[list[int]]:
    """Real code up to the end of a line, ``n`` ids at most."""
    prompts = []
    for _ in range(N_PROMPTS):
        text = rng.choice(texts)
        cut = text.find("\n", rng.randrange(len(text) // 2, len(text))) + 1 or len(text)
        prompts.append(model.tokenizer.encode(text[:cut])[-n:])
    return [prompt for prompt in prompts if prompt]


def _rows(found: dict[str, float]) -> list[Row]:
    """Milliseconds of steps, and tokens a second of continuations."""
    rows = []
    for name, seconds in found.items():
        what, who = name.split(": ")
        if what == "code":
            best = f"{what}: ours with drafts"
            ratio = None if name == best else seconds / found[best]
            rows.append(Row(name=name, value=1 / seconds, unit="tokens/s", higher_is_better=True, ratio=ratio))
        else:
            ratio = None if who == "ours" else found[f"{what}: ours"] / seconds
            rows.append(Row(name=name, value=1000 * seconds, unit="ms", higher_is_better=False, ratio=ratio))
    return sorted(rows, key=lambda row: (row.unit, row.name.partition(":")[0]))


def _save_random_model(folder: Path, texts: Sequence[str]) -> None:
    tokenizer = train_code_tokenizer(texts, 4096)
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size,
        width=256,
        n_layers=6,
        n_heads=8,
        n_kv_heads=8,
        hidden=704,
        context=CONTEXT,
    )
    params = init_params(config, np.random.default_rng(0))
    save_model(folder, config=config, params=params, tokenizer=tokenizer, training=TrainingRecord(recipe="code"))


def _save_float32(folder: Path, model: Model) -> None:
    """What the peers read: quantised weights as the float32 ones that they stand for."""
    save_model(folder, config=model.config, params=model.params, tokenizer=model.tokenizer, training=model.training)
