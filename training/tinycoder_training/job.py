"""From a corpus to a run, from a run to a model folder, and back when it resumes. The loop itself is in ``trainer``."""

import dataclasses
import hashlib
import platform
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import tinycoder
from tinycoder.config import PRESETS, ModelConfig, TrainConfig
from tinycoder.errors import CheckpointError, ConfigError, TrainingError
from tinycoder.storage.checkpoint import Model, load_model, load_state, save_model
from tinycoder.storage.models import drop_run, exists, is_resumable, run_folder
from tinycoder.storage.record import Before, DataSummary, Size, TrainingRecord, Versions
from tinycoder.transformer.model import Params, init_params, n_params
from tinycoder.transformer.tokenizer import Tokenizer, train_character_tokenizer, train_code_tokenizer
from tinycoder.workspace.text import Text
from tinycoder_training.card import model_card
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.dataset import Data
from tinycoder_training.engines.engine import OpenEngine
from tinycoder_training.engines.numpy_engine import numpy_engine
from tinycoder_training.optim import init_moments
from tinycoder_training.quality import standing_evaluation
from tinycoder_training.replay import replay_of
from tinycoder_training.resume import finite, run_of, state_of
from tinycoder_training.streams import data_of
from tinycoder_training.trainer import Progress, Report, Run, budget_used, train

TOKENIZER_CHARACTERS = 30_000_000
PASSES, MIN_STEPS = 3, 40  # a run of minutes from another model ends after so many, whichever are more
EMPTY_RECORD = TrainingRecord()


@dataclass(kw_only=True)
class Job:
    """A run with its tokenizer, its record, and the folder where it is saved.

    ``record`` holds what is known before the run: ``training`` adds what it has done. With ``only_better`` nothing is
    saved but, at the end, weights that are better than the starting ones.
    """

    folder: Path
    run: Run
    progress: Progress
    tokenizer: Tokenizer
    record: TrainingRecord
    only_better: bool = False

    @property
    def saved_at(self) -> Path:
        """The folder of the next save: next to a finished model of that name until this run is finished."""
        return self.folder if self.progress.finished else run_folder(self.folder)

    @property
    def standing(self) -> float | None:
        """Bits per byte, alone, of the finished model that only a better one may replace."""
        return None if self.run.standing is None else self.run.standing.bits_per_byte

    @property
    def is_better(self) -> bool:
        """Whether it is better than what it began with and than the finished model of that name, as far as it knows."""
        standing = self.run.standing
        return self.progress.kept and (standing is None or self.progress.best_judged < standing.judged)

    @property
    def replaces(self) -> bool:
        """Whether what is saved is the model of that name from now on, not a run next to it that goes on."""
        if not self.progress.finished:
            return not self.only_better and self.saved_at == self.folder
        return self.is_better or not (self.only_better or self.run.standing is not None)

    @property
    def done(self) -> float:
        """Part of the budget that is used, 0 to 1."""
        return min(1.0, budget_used(self.run.train, self.progress))

    @property
    def training(self) -> TrainingRecord:
        """The record of the run as far as it has come."""
        progress, before = self.progress, self.progress.before
        return dataclasses.replace(
            self.record,
            steps=progress.step,
            seconds=round(progress.seconds, 3),
            tokens_seen=progress.step * self.run.train.batch_size * self.run.model.context,
            finished=progress.finished,
            before=Before(bits_per_byte=before.bits_per_byte, beside_memory=before.beside) if before else None,
            interpolation=progress.interpolation if before and progress.kept else None,
            val_bpb=finite(progress.best_bits_per_byte),
            beside_memory=finite(progress.best_judged) if self.run.data.beside is not None else None,
            curve=tuple(progress.curve),
        )

    def train(
        self, *, stop: Callable[[], bool], clock: Callable[[], float], open_engine: OpenEngine = numpy_engine
    ) -> Generator[Report, None, None]:
        """Train, save into the folder, and yield reports."""
        yield from train(self.run, self.progress, save=self.save, stop=stop, clock=clock, open_engine=open_engine)

    def save(self, progress: Progress) -> bool:
        """Write the best weights, and the state of an unfinished run. Return whether anything was written.

        The final weights of a run from another model are float16: there are many of those, and it costs nothing.
        """
        if not self.replaces and (progress.finished or self.only_better):
            if not self.only_better:
                drop_run(self.folder)
            return False
        weights = "float16" if progress.finished and self.run.start is not None else "float32"
        training = self.training
        save_model(
            self.saved_at,
            config=self.run.model,
            params=progress.best_params,
            tokenizer=self.tokenizer,
            training=training,
            card=model_card(self.folder.name, self.run.model, training, weights=weights),
            state=None if progress.finished else state_of(self.run, progress),
            weights=weights,
        )
        if progress.finished:
            drop_run(self.folder)
        return True


def start_weights(
    corpus: Corpus, start: Model | None, preset: str, context: int | None, seed: int
) -> tuple[Tokenizer, ModelConfig, Params]:
    """Tokenizer, shape and weights of ``start``, or new ones in the size of ``preset``; ``context`` is another window.

    Raises ``CorpusError`` if there is too little text to make a tokenizer from.
    """
    if start is not None:
        config = dataclasses.replace(start.config, context=context or start.config.context)
        return start.tokenizer, config, {name: param.copy() for name, param in start.params.items()}
    tokenizer = _train_tokenizer(corpus, PRESETS[preset].vocab_size)
    config = PRESETS[preset].model(tokenizer.vocab_size)
    config = dataclasses.replace(config, context=context or config.context)
    return tokenizer, config, init_params(config, np.random.default_rng(seed))


def new_job(
    corpus: Corpus,
    *,
    folder: Path,
    settings: TrainConfig,
    preset: str = "tiny",
    start: Model | None = None,
    context: int | None = None,
    general: Sequence[Text] = (),
    only: Collection[str] | None = None,
    record: TrainingRecord = EMPTY_RECORD,
    overwrite: bool = False,
) -> Job:
    """A run from new weights, or from those of ``start`` (``start_weights``).

    A finished model in ``folder`` is replaced by a better one only, unless ``overwrite`` or the run goes on from it.
    It learns ``corpus``, or with ``only`` its training texts of these paths, and replays ``general`` and the others.
    ``record`` says when it was made, of which workspaces the corpus is, and what was before. Only code has a middle to
    fill in, and a memory beside it in use: other recipes do without both. Raises ``CorpusError`` if there is too little
    text, and ``TrainingError`` if that model cannot be compared.
    """
    learnt, rest = corpus, tuple[Text, ...]()
    if only is not None:
        learnt = dataclasses.replace(corpus, train=tuple(text for text in corpus.train if text.path in only))
        rest = tuple(text for text in corpus.train if text.path not in only)
        general = (*rest, *general)
    replay = replay_of(general, learnt, seed=settings.seed) if settings.replay_rows else ()
    if corpus.recipe != "code":
        settings = dataclasses.replace(settings, beside_memory=False)
    if not replay:
        settings = dataclasses.replace(settings, replay=0.0)
    tokenizer, config, params = start_weights(corpus, start, preset, context, settings.seed)
    data = data_of(learnt, tokenizer, settings, config.context, replay, rest)
    if start is not None and settings.minutes is not None:
        settings = dataclasses.replace(settings, max_steps=_enough_steps(data, settings, config.context))
    best = {name: param.copy() for name, param in params.items()}
    record = dataclasses.replace(
        begun(record, config, settings, preset, start),
        recipe=corpus.recipe,
        data=_summary(corpus, data),
        replay=_size(replay),
        recent=None if only is None else _size(learnt.train),
    )
    goes_on = start is not None and start.folder.resolve() == folder.resolve()
    standing = None if overwrite or goes_on else standing_evaluation(folder, corpus, record)
    return Job(
        folder=folder,
        run=Run(model=config, train=settings, data=data, start=best if start else None, standing=standing),
        progress=Progress(params=params, moments=init_moments(params, settings), best_params=best),
        tokenizer=tokenizer,
        record=record,
        only_better=only is not None,
    )


def begun(
    record: TrainingRecord, config: ModelConfig, settings: TrainConfig, preset: str, start: Model | None
) -> TrainingRecord:
    """``record`` with what every new run of this shape and these settings says of itself."""
    return dataclasses.replace(
        record,
        preset=preset if start is None else start.training.preset,
        origin=start.name if start else None,
        parameters=n_params(config),
        versions=Versions(tinycoder=tinycoder.__version__, python=platform.python_version(), numpy=np.__version__),
        seed=settings.seed,
        settings=settings,
    )


def resumed_job(folder: Path, *, steps: int | None = None, minutes: float | None = None) -> Job:
    """The run that ``folder`` holds, exactly as it was saved; a new budget replaces the old one.

    The budget counts from the beginning of the run. Raises ``CheckpointError`` if the folder holds no unfinished
    run, and ``TrainingError`` if the budget is used up already.
    """
    saved_at = run_folder(folder) if exists(run_folder(folder)) else folder
    state = load_state(saved_at)
    model = load_model(saved_at)
    try:
        run, progress = run_of(state, model, steps=steps, minutes=minutes)
    except (KeyError, ValueError, ConfigError) as error:
        raise CheckpointError(f"{folder}: the saved run is damaged ({error}); start again without --resume") from None
    if budget_used(run.train, progress) >= 1:
        raise TrainingError(
            f"the run {folder.name!r} is at step {progress.step:,} after {progress.seconds / 60:.1f} minutes already; "
            "--steps and --minutes count from its beginning: give more"
        )
    record = dataclasses.replace(model.training, settings=run.train)
    return Job(folder=folder, run=run, progress=progress, tokenizer=model.tokenizer, record=record)


def refuse_to_lose(folder: Path) -> None:
    """Raise ``TrainingError`` if a run of this model was stopped and could continue."""
    if is_resumable(folder):
        raise TrainingError(
            f"{folder.name!r} holds a run that was stopped: continue with --resume, "
            "start anew with --overwrite, or choose another --name"
        )


def _enough_steps(data: Data, settings: TrainConfig, context: int) -> int:
    """Steps after which a small text has nothing more to teach a model that knows much already."""
    tokens_of_a_step = (settings.batch_size - settings.replay_rows) * context
    return max(MIN_STEPS, -(-PASSES * len(data.train) // tokens_of_a_step))


def _train_tokenizer(corpus: Corpus, vocab_size: int) -> Tokenizer:
    if corpus.recipe != "code":
        return train_character_tokenizer(text.text for text in corpus.train)
    return train_code_tokenizer(_first_characters(corpus.train, TOKENIZER_CHARACTERS), vocab_size)


def _first_characters(texts: Sequence[Text], n: int) -> Iterator[str]:
    for text in texts:
        yield text.text[:n]
        n = max(0, n - len(text.text))


def _summary(corpus: Corpus, data: Data) -> DataSummary:
    digest = hashlib.sha256()
    for text in (*corpus.train, *corpus.validation):
        digest.update(hashlib.sha256(text.text.encode("utf-8", "surrogatepass")).digest())
    train, held_out = _size(corpus.train), _size(corpus.validation)
    return DataSummary(
        files=train.files,
        bytes=train.bytes,
        tokens=len(data.train),
        validation_files=held_out.files,
        one_file=[text.path for text in corpus.train] == [text.path for text in corpus.validation],
        validation_bytes=held_out.bytes,
        validation_tokens=len(data.validation),
        sha256=digest.hexdigest(),
        secrets_replaced=corpus.n_secrets,
    )


def _size(texts: Sequence[Text]) -> Size:
    return Size(files=len(texts), bytes=sum(text.n_bytes for text in texts))
