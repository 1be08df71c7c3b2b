"""From a corpus to a run and from a run to a model folder, and back when it resumes.

Chooses tokenizer, shapes and prompts. Knows no command line; the loop itself is in ``trainer``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tinycoder
from tinycoder.config import PRESETS, TrainConfig, from_mapping, n_cpus
from tinycoder.errors import CheckpointError, TrainingError
from tinycoder.storage.checkpoint import STATE, Model, load_model, load_state, save_model
from tinycoder.storage.models import drop_run, exists, run_folder
from tinycoder.transformer.model import init_params, n_params
from tinycoder.transformer.tokenizer import Tokenizer, train_character_tokenizer, train_code_tokenizer
from tinycoder.workspace.text import Text
from tinycoder_training.card import model_card
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.optim import init_moments
from tinycoder_training.parallel import threads
from tinycoder_training.replay import replay_of
from tinycoder_training.resume import finite, run_of, state_of
from tinycoder_training.streams import data_of, stream
from tinycoder_training.trainer import (
    Data,
    Evaluation,
    Progress,
    Report,
    Run,
    budget_used,
    evaluate,
    train,
)

TOKENIZER_CHARACTERS = 30_000_000
PASSES, FEWEST_STEPS = 3, 40  # a run of minutes from another model ends after so many, whichever are more


@dataclass(kw_only=True)
class Job:
    """A run together with its tokenizer, the facts that training.json keeps, and where it is saved.

    With ``only_better`` nothing is saved but, at the end, weights that are better than those it began with.
    """

    folder: Path
    run: Run
    progress: Progress
    tokenizer: Tokenizer
    metadata: dict[str, Any]
    only_better: bool = False

    @property
    def place(self) -> Path:
        """Where it is saved: in its folder, or beside a finished model of that name until this one is finished."""
        return self.folder if self.progress.finished else run_folder(self.folder)

    @property
    def training(self) -> dict[str, Any]:
        """The plain data of training.json, as far as the run has come."""
        progress, before = self.progress, self.progress.before
        return {
            **self.metadata,
            "steps": progress.step,
            "seconds": round(progress.seconds, 3),
            "tokens_seen": progress.step * self.run.train.batch_size * self.run.model.context,
            "finished": progress.finished,
            "before": {"bits_per_byte": before.bits_per_byte} if before else None,
            "blend": progress.blend if before and progress.kept else None,
            "val_bpb": finite(progress.best_bits_per_byte),
            "curve": progress.curve,
        }

    def train(self, *, stop: Callable[[], bool], clock: Callable[[], float]) -> Generator[Report, None, None]:
        """Train, save into the folder, and yield reports."""
        yield from train(self.run, self.progress, save=self.save, stop=stop, clock=clock)

    def save(self, progress: Progress) -> bool:
        """Write the best weights, and what the run needs to go on unless it is finished; whether that was done.

        Those that a run from another model ends with are halved: they are one of many, and float16 costs nothing.
        """
        if self.only_better and not (progress.finished and progress.kept):
            return False
        halved = progress.finished and self.run.start is not None
        training = self.training
        save_model(
            self.place,
            config=self.run.model,
            params=progress.best_params,
            tokenizer=self.tokenizer,
            training=training,
            card=model_card(self.folder.name, self.run.model, training, weights="float16" if halved else "float32"),
            state=None if progress.finished else state_of(self.run, progress),
            weights="float16" if halved else "float32",
        )
        if progress.finished:
            drop_run(self.folder)
        return True


def new_job(
    corpus: Corpus,
    *,
    folder: Path,
    preset: str,
    settings: TrainConfig,
    start: Model | None = None,
    created: str = "",
    context: int | None = None,
    workspaces: Sequence[str] = (),
    general: Sequence[Text] = (),
    only: Collection[str] | None = None,
    earlier: Sequence[Mapping[str, Any]] = (),
    forgotten: Sequence[str] = (),
) -> Job:
    """A run from nothing, or from the weights and the tokenizer of ``start``; ``context`` is another window.

    ``workspaces`` are the names of the workspaces that the corpus is of. ``general`` is text to learn beside it, as
    much of a batch as ``settings.replay`` says. With ``only`` the training texts of these paths are learnt, and the
    others join the general text. ``earlier`` is what training.json keeps of the sittings before this one, and
    ``forgotten`` what it notes of paths that were left out (``remembered.left_out``).

    Only the code recipe has something to fill in: for the others ``settings.infill`` becomes 0. Raises
    ``CorpusError`` if there is too little text to learn from and be judged by.
    """
    learnt = corpus
    if only is not None:
        learnt = dataclasses.replace(corpus, train=tuple(text for text in corpus.train if text.path in only))
        general = (*(text for text in corpus.train if text.path not in only), *general)
    replay = replay_of(general, learnt, seed=settings.seed) if settings.replay_rows else ()
    if corpus.recipe != "code":
        settings = dataclasses.replace(settings, infill=0.0)
    if not replay:
        settings = dataclasses.replace(settings, replay=0.0)
    if start is None:
        tokenizer = _train_tokenizer(corpus, PRESETS[preset].vocab_size)
        config = PRESETS[preset].model(tokenizer.vocab_size)
        config = dataclasses.replace(config, context=context or config.context)
        params = init_params(config, np.random.default_rng(settings.seed))
    else:
        tokenizer = start.tokenizer
        config = dataclasses.replace(start.config, context=context or start.config.context)
        params = {name: param.copy() for name, param in start.params.items()}
    data = data_of(learnt, tokenizer, settings, config.context, replay)
    if start is not None and settings.minutes is not None:
        settings = dataclasses.replace(settings, most_steps=_enough_steps(data, settings, config.context))
    best = {name: param.copy() for name, param in params.items()}
    progress = Progress(params=params, moments=init_moments(params, settings), best_params=best)
    metadata = {
        "recipe": corpus.recipe,
        "preset": preset if start is None else start.training.get("preset"),
        "from": start.name if start else None,
        "earlier": list(earlier),
        "workspaces": list(workspaces),
        "forgotten": list(forgotten),
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
        "replay": {"files": len(replay), "bytes": _n_bytes(replay)},
        "recent": None if only is None else {"files": len(learnt.train), "bytes": _n_bytes(learnt.train)},
    }
    return Job(
        folder=folder,
        run=Run(model=config, train=settings, data=data, start=best if start else None),
        progress=progress,
        tokenizer=tokenizer,
        metadata=metadata,
        only_better=only is not None,
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
        settings = from_mapping(TrainConfig, state.metadata["settings"], where=f"{folder}: settings")
        if steps is not None or minutes is not None:
            settings = dataclasses.replace(settings, steps=steps, minutes=minutes)
        run, progress = run_of(state, model, settings)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder}: the saved run lacks {error}; start again without --resume") from None
    if budget_used(settings, progress) >= 1:
        raise TrainingError(
            f"the run {folder.name!r} is at step {progress.step:,} after {progress.seconds / 60:.1f} minutes already; "
            "--steps and --minutes count from its beginning: give more"
        )
    kept = {key: value for key, value in model.training.items() if key in _FIELDS}
    return Job(
        folder=folder,
        run=run,
        progress=progress,
        tokenizer=model.tokenizer,
        metadata={**kept, "settings": dataclasses.asdict(settings)},
    )


def refuse_to_lose(folder: Path) -> None:
    """Raise ``TrainingError`` if a run of this model was stopped and could go on."""
    if (run_folder(folder) / STATE).exists():
        raise TrainingError(
            f"{folder.name!r} holds a run that was stopped: go on with --resume, "
            "start anew with --overwrite, or choose another --name"
        )


def measure(model: Model, texts: Sequence[Text], *, n_tokens: int) -> Evaluation:
    """How well ``model`` predicts ``texts``, or ``n_tokens`` of them spread evenly."""
    ids = stream(texts, model.tokenizer, model.training["recipe"])
    nothing = np.zeros(0, np.uint16)
    end = model.tokenizer.end_of_text
    data = Data(train=nothing, validation=ids, bytes_of_id=model.tokenizer.n_bytes, prompts=(), end_of_text=end)
    with threads(n_cpus()) as pool:
        return evaluate(model.params, model.config, data, n_tokens=n_tokens, pool=pool)


_FIELDS = (
    "recipe",
    "preset",
    "from",
    "earlier",
    "workspaces",
    "forgotten",
    "created",
    "parameters",
    "versions",
    "seed",
    "settings",
    "data",
    "replay",
    "recent",
)


def _enough_steps(data: Data, settings: TrainConfig, context: int) -> int:
    """Steps after which a small text has nothing more to teach a model that knows much already."""
    tokens_of_a_step = (settings.batch_size - settings.replay_rows) * context
    return max(FEWEST_STEPS, -(-PASSES * len(data.train) // tokens_of_a_step))


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


def _summary(corpus: Corpus, data: Data) -> dict[str, Any]:
    digest = hashlib.sha256()
    for text in (*corpus.train, *corpus.validation):
        digest.update(hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).digest())
    return {
        "files": len(corpus.train),
        "bytes": _n_bytes(corpus.train),
        "tokens": len(data.train),
        "validation_files": len(corpus.validation),
        "one_file": [text.path for text in corpus.train] == [text.path for text in corpus.validation],
        "validation_bytes": _n_bytes(corpus.validation),
        "validation_tokens": len(data.validation),
        "sha256": digest.hexdigest(),
        "secrets_replaced": corpus.n_secrets,
    }


def _n_bytes(texts: Sequence[Text]) -> int:
    return sum(text.n_bytes for text in texts)
