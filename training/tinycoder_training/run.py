"""From a corpus to a run and from a run to a model folder, and back when it resumes.

Chooses tokenizer, shapes and prompts. Knows no command line; the loop itself is in ``trainer``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import platform
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import tinycoder
from tinycoder.checkpoint import Model, State, load_model, load_state, save_model
from tinycoder.config import PRESETS, TrainConfig, from_mapping, n_cpus
from tinycoder.errors import CheckpointError, CorpusError, TrainingError
from tinycoder.layers import Array
from tinycoder.model import init_params, n_params
from tinycoder.store import drop_run, exists, run_folder
from tinycoder.tokenizer import Tokenizer, train_character_tokenizer, train_code_tokenizer
from tinycoder_training.card import model_card
from tinycoder_training.corpora.corpus import Corpus, Text
from tinycoder_training.dataset import Rewrite
from tinycoder_training.infill import infilled
from tinycoder_training.optim import init_moments
from tinycoder_training.parallel import threads
from tinycoder_training.trainer import Data, Evaluation, Progress, Report, Run, budget_used, evaluate, train

TOKENIZER_CHARACTERS = 30_000_000
FILES_AT_A_TIME = 64
N_PROMPTS = 3
TEXT_PROMPT = 40
CODE_PROMPT = 600


@dataclass(kw_only=True)
class Job:
    """A run together with its tokenizer, the facts that training.json keeps, and where it is saved."""

    folder: Path
    run: Run
    progress: Progress
    tokenizer: Tokenizer
    facts: dict[str, Any]

    @property
    def place(self) -> Path:
        """Where it is saved: in its folder, or beside a finished model of that name until this one is finished."""
        return self.folder if self.progress.finished else run_folder(self.folder)

    def train(self, *, stop: Callable[[], bool], clock: Callable[[], float]) -> Generator[Report, None, None]:
        """Train, save into the folder, and yield reports."""
        yield from train(self.run, self.progress, save=self.save, stop=stop, clock=clock)

    def save(self, progress: Progress) -> None:
        """Write the best weights, and what the run needs to go on unless it is finished."""
        training = {
            **self.facts,
            "steps": progress.step,
            "seconds": round(progress.seconds, 3),
            "tokens_seen": progress.step * self.run.train.batch_size * self.run.model.context,
            "finished": progress.finished,
            "val_bpb": _finite(progress.best_bits_per_byte),
            "curve": progress.curve,
        }
        save_model(
            self.place,
            config=self.run.model,
            params=progress.best_params,
            tokenizer=self.tokenizer,
            training=training,
            card=model_card(self.folder.name, self.run.model, training),
            state=None if progress.finished else _state(self.run, progress),
        )
        if progress.finished:
            drop_run(self.folder)


def new_job(
    corpus: Corpus,
    *,
    folder: Path,
    preset: str,
    settings: TrainConfig,
    start: Model | None = None,
    created: str = "",
    context: int | None = None,
) -> Job:
    """A run from nothing, or from the weights and the tokenizer of ``start``; ``context`` is another window.

    Only the code recipe has something to fill in: for the others ``settings.infill`` becomes 0.
    Raises ``CorpusError`` if there is too little text to learn from and be judged by.
    """
    if corpus.recipe != "code":
        settings = dataclasses.replace(settings, infill=0.0)
    if start is None:
        tokenizer = _train_tokenizer(corpus, PRESETS[preset].vocab_size)
        config = PRESETS[preset].model(tokenizer.vocab_size)
        config = dataclasses.replace(config, context=context or config.context)
        params = init_params(config, np.random.default_rng(settings.seed))
    else:
        tokenizer = start.tokenizer
        config = dataclasses.replace(start.config, context=context or start.config.context)
        params = {name: param.copy() for name, param in start.params.items()}
    data = _data(corpus, tokenizer, settings, config.context)
    facts = {
        "recipe": corpus.recipe,
        "preset": preset if start is None else start.training.get("preset"),
        "from": start.name if start else None,
        "created": created,
        "parameters": n_params(config),
        "versions": {
            "tinycoder": tinycoder.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
        "seed": settings.seed,
        "settings": dataclasses.asdict(settings),
        "data": _summary(corpus, data),
    }
    best = {name: param.copy() for name, param in params.items()}
    progress = Progress(params=params, moments=init_moments(params, settings), best_params=best)
    if start is not None:  # what comes out is never worse than what went in
        found = evaluate(params, config, data, n_tokens=settings.evaluation_tokens)
        progress.best_bits_per_byte = found.bits_per_byte
    return Job(
        folder=folder,
        run=Run(model=config, train=settings, data=data),
        progress=progress,
        tokenizer=tokenizer,
        facts=facts,
    )


def resumed_job(folder: Path, *, steps: int | None = None, minutes: float | None = None) -> Job:
    """The run that ``folder`` holds, exactly as it was saved; a new budget replaces the old one.

    The budget counts from the beginning of the run. Raises ``CheckpointError`` if the folder holds no unfinished
    run, and ``TrainingError`` if the budget is used up already.
    """
    place = run_folder(folder) if exists(run_folder(folder)) else folder
    state = load_state(place)
    model = load_model(place)
    try:
        facts = state.facts
        settings = from_mapping(TrainConfig, facts["settings"], where=f"{folder}: settings")
        if steps is not None or minutes is not None:
            settings = dataclasses.replace(settings, steps=steps, minutes=minutes)
        arrays = _grouped(state.arrays)
        data = Data(
            train=arrays["data"]["train"],
            validation=arrays["data"]["validation"],
            bytes_of_id=model.tokenizer.n_bytes,
            prompts=tuple(tuple(prompt) for prompt in facts["prompts"]),
            end_of_text=model.tokenizer.end_of_text,
            rewrite=_rewrite(model.tokenizer, settings),
        )
        best = facts["best_bits_per_byte"]
        progress = Progress(
            params=arrays["params"],
            moments=arrays["moments"],
            best_params=model.params,
            best_bits_per_byte=float("inf") if best is None else best,
            smooth_loss=facts["smooth_loss"],
            step=facts["step"],
            seconds=facts["seconds"],
            curve=list(model.training["curve"]),
        )
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder}: the saved run lacks {error}; start again without --resume") from None
    if budget_used(settings, progress) >= 1:
        raise TrainingError(
            f"the run {folder.name!r} is at step {progress.step:,} after {progress.seconds / 60:.1f} minutes already; "
            "--steps and --minutes count from its beginning: give more"
        )
    kept = {key: value for key, value in model.training.items() if key in _FACTS}
    return Job(
        folder=folder,
        run=Run(model=model.config, train=settings, data=data),
        progress=progress,
        tokenizer=model.tokenizer,
        facts={**kept, "settings": dataclasses.asdict(settings)},
    )


def measure(model: Model, texts: Sequence[Text], *, n_tokens: int) -> Evaluation:
    """How well ``model`` predicts ``texts``, or ``n_tokens`` of them spread evenly."""
    ids = _stream(texts, model.tokenizer, model.training["recipe"])
    nothing = np.zeros(0, np.uint16)
    end = model.tokenizer.end_of_text
    data = Data(train=nothing, validation=ids, bytes_of_id=model.tokenizer.n_bytes, prompts=(), end_of_text=end)
    with threads(n_cpus()) as pool:
        return evaluate(model.params, model.config, data, n_tokens=n_tokens, pool=pool)


_FACTS = ("recipe", "preset", "from", "created", "parameters", "versions", "seed", "settings", "data")


def _state(run: Run, progress: Progress) -> State:
    arrays = {f"params/{name}": param for name, param in progress.params.items()}
    arrays |= {f"moments/{name}": moment for name, moment in progress.moments.items()}
    arrays |= {"data/train": run.data.train, "data/validation": run.data.validation}
    facts = {
        "settings": dataclasses.asdict(run.train),
        "prompts": run.data.prompts,
        "step": progress.step,
        "seconds": progress.seconds,
        "smooth_loss": progress.smooth_loss,
        "best_bits_per_byte": _finite(progress.best_bits_per_byte),
    }
    return State(arrays=arrays, facts=facts)


def _finite(value: float) -> float | None:
    """Infinity, the best of no evaluation, has no place in JSON."""
    return value if math.isfinite(value) else None


def _grouped(arrays: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    groups: dict[str, dict[str, Array]] = {}
    for name, array in arrays.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = array
    return groups


def _train_tokenizer(corpus: Corpus, vocab_size: int) -> Tokenizer:
    if corpus.recipe != "code":
        return train_character_tokenizer(text.text for text in corpus.train)
    return train_code_tokenizer(_first_characters(corpus.train, TOKENIZER_CHARACTERS), vocab_size)


def _first_characters(texts: Sequence[Text], n: int) -> Iterator[str]:
    for text in texts:
        if n <= 0:
            return
        yield text.text[:n]
        n -= len(text.text)


def _data(corpus: Corpus, tokenizer: Tokenizer, settings: TrainConfig, context: int) -> Data:
    dtype = np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32
    order = np.random.default_rng(settings.seed).permutation(len(corpus.train))
    train_ids = _stream([corpus.train[i] for i in order], tokenizer, corpus.recipe).astype(dtype)
    validation_ids = _stream(corpus.validation, tokenizer, corpus.recipe).astype(dtype)
    if len(train_ids) < 2 or len(validation_ids) < 2:
        raise CorpusError("there is too little text to learn from: one token cannot be predicted from nothing")
    # a corpus shorter than two windows is repeated until it fills them
    repeats = -(-(2 * context + 1) // len(train_ids))
    return Data(
        train=np.tile(train_ids, repeats),
        validation=validation_ids,
        bytes_of_id=tokenizer.n_bytes,
        prompts=_prompts(corpus, tokenizer),
        end_of_text=tokenizer.end_of_text,
        rewrite=_rewrite(tokenizer, settings),
    )


def _rewrite(tokenizer: Tokenizer, settings: TrainConfig) -> Rewrite | None:
    return partial(infilled, tokenizer=tokenizer, rate=settings.infill) if settings.infill else None


def _stream(texts: Sequence[Text], tokenizer: Tokenizer, recipe: str) -> Array:
    """All texts as one stream of ids, a few files at a time: lists of ids take thirty times the room of an array."""
    pieces: list[Array] = [np.zeros(0, np.uint32)]
    for start in range(0, len(texts), FILES_AT_A_TIME):
        group = texts[start : start + FILES_AT_A_TIME]
        for text, ids in zip(group, tokenizer.encode_all([text.text for text in group]), strict=True):
            whole = [*tokenizer.encode_header(text.path), *ids, tokenizer.end_of_text] if recipe == "code" else ids
            pieces.append(np.array(whole, np.uint32))
    return np.concatenate(pieces)


def _prompts(corpus: Corpus, tokenizer: Tokenizer) -> tuple[tuple[int, ...], ...]:
    """Pieces of the largest held-out texts: of a file up to the end of a line near its middle, else its first words."""
    prompts = []
    for text in sorted(corpus.validation, key=lambda text: -text.n_bytes)[:N_PROMPTS]:
        if corpus.recipe != "code":
            prompts.append(tokenizer.encode(text.text[:TEXT_PROMPT]))
            continue
        end = text.text.find("\n", len(text.text) // 2) + 1 or len(text.text)
        start = text.text.find("\n", max(0, end - CODE_PROMPT)) + 1
        prompts.append(tokenizer.encode_header(text.path) + tokenizer.encode(text.text[start:end]))
    return tuple(tuple(prompt) for prompt in prompts if prompt)


def _summary(corpus: Corpus, data: Data) -> dict[str, Any]:
    digest = hashlib.sha256()
    for text in (*corpus.train, *corpus.validation):
        digest.update(hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).digest())
    return {
        "files": len(corpus.train),
        "bytes": sum(text.n_bytes for text in corpus.train),
        "tokens": len(data.train),
        "validation_files": len(corpus.validation),
        "validation_bytes": sum(text.n_bytes for text in corpus.validation),
        "validation_tokens": len(data.validation),
        "sha256": digest.hexdigest(),
        "secrets_replaced": corpus.n_secrets,
    }
