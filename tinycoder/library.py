"""TinyCoder as a library: a folder with its model, its memory and its symbols. One thread at a time.

Whatever completes opens its model here: the command line, the language server, the evaluation, the benchmarks.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tinycoder.complete.candidate import Candidate, Document, GhostRequest, ListRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.parts import Parts, without
from tinycoder.complete.typed_text import TypedText
from tinycoder.config import TUNING_BATCH, TrainConfig, n_cpus, tuning
from tinycoder.errors import ConfigError
from tinycoder.memory.indexing import index_at_home, index_file_of
from tinycoder.memory.mixer_file import MixerFile
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.suffix_index import SuffixIndex, token_corpus
from tinycoder.memory.token_lines import TokenLines
from tinycoder.stop import Progress, Stop, never, no_progress
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.storage.forget_list import load_forgotten, true_path
from tinycoder.storage.home import default_home, expanded
from tinycoder.storage.models import find_model, model_folder, only_writer, resolve_model, workspace_model_name
from tinycoder.symbols.imports.offers import read_offered
from tinycoder.symbols.indexing import WorkspaceSymbols
from tinycoder.symbols.project import Project
from tinycoder.symbols.world import World
from tinycoder.transformer.blas import use_one_blas_thread
from tinycoder.transformer.tokenizer import FILE_SEPARATOR
from tinycoder.workspace import tree

if TYPE_CHECKING:
    from tinycoder_training.corpora.corpus import Corpus
    from tinycoder_training.job import Job


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What an editor offers at a cursor, each best first: ``names`` of the list, and texts to show as ``ghost``."""

    names: tuple[Candidate, ...]
    ghost: tuple[Candidate, ...]


@dataclass(frozen=True, kw_only=True)
class TrainingSummary:
    """The outcome of a training run.

    ``before`` and ``after`` are bits per byte of held-out text; they are NaN if the run was stopped before it was
    measured. ``kept`` says whether the trained weights are better than those before, and than those of a model that was
    there already; if not, the model keeps the latter. ``finished`` is false for a run that was stopped.
    """

    name: str
    folder: Path
    steps: int
    seconds: float
    before: float
    after: float
    kept: bool
    finished: bool


class Workspace:
    """A folder of Python code, completed by the model that serves it.

    ``model`` is a model's name or path; without one the folder's own model answers, else the bundled one. ``home`` is
    where models and indexes are kept, ``exclude`` holds patterns of files to leave out, written as in ``.gitignore``,
    and ``python`` is the interpreter whose packages are offered. Without ``memory`` the folder's files are not
    counted. Of a folder that is not ``trusted`` nothing is read but the texts to complete. ``leave_out`` names parts
    of the engine (fields of ``tinycoder.complete.parts.Parts``). ``progress`` is told how many files are indexed.

    Raises ``ConfigError``, ``CheckpointError`` or ``CorpusError`` for a folder, a model or an ignore file that cannot
    be used. BLAS keeps to one thread in the whole process from here on.
    """

    def __init__(
        self,
        folder: str | Path = ".",
        *,
        model: str | None = None,
        home: str | Path | None = None,
        memory: bool = True,
        exclude: Sequence[str] = (),
        python: str = "",
        trusted: bool = True,
        leave_out: Sequence[str] = (),
        progress: Progress = no_progress,
    ) -> None:
        self.folder = true_path(Path(folder))
        self.home = expanded(Path(home)) if home is not None else default_home(os.environ)
        if not self.folder.is_dir():
            raise ConfigError(f"{folder} is no folder; give the folder that holds the code")
        self._parts = without([*leave_out, *([] if memory else ["memory"])])
        self._exclude, self._trusted, self._progress = tuple(exclude), trusted, progress
        self._symbols = WorkspaceSymbols(
            self.home, [self.folder], python=python, environ=os.environ, exclude=exclude, trusted=trusted
        )
        self._open(choose_model(self.home, [self.folder], model, trusted=trusted))

    def complete(
        self, path: str | Path, text: str, offset: int, *, n: int = 1, max_tokens: int = 64, limit: int = 10
    ) -> Completion:
        """What is offered in ``text``, the file ``path`` of the folder as it is being edited.

        ``path`` may be relative to the folder, and its file need not exist; ``offset`` is the cursor's, in characters.
        At most ``n`` ghost texts of ``max_tokens`` tokens, and ``limit`` names. Candidates have the text's own line
        ends. Raises ``ConfigError`` for a path outside the folder and an offset outside the text.
        """
        if not 0 <= offset <= len(text):
            raise ConfigError(f"offset {offset:,} is outside the text, which has {len(text):,} characters")
        typed = TypedText(text)
        document, at = Document(path=self._relative(path), text=typed.code), typed.offset(offset)
        ghost = self._engine.inline(document, at, GhostRequest(n=n, max_tokens=max_tokens), stop=never)
        names = self._engine.popup(document, at, ListRequest(limit=limit), stop=never)
        return Completion(names=tuple(map(typed.back, names)), ghost=tuple(map(typed.back, ghost)))

    def refresh(self) -> None:
        """Read the files that changed since they were last read, and follow the list of what is to be forgotten."""
        if self._parts.memory and self._trusted:
            index = index_at_home(
                self.home, [self.folder], self.model.tokenizer, exclude=self._exclude, progress=self._progress
            )
            self._engine.use(index)
        if self._parts.names:
            self._symbols.refresh()
            self._engine.know(self._symbols.world, self._symbols.offered)
        self._engine.leave_out(load_forgotten(self.home).names(tree.labels_of([self.folder])))

    def train(
        self,
        *,
        minutes: float | None = None,
        steps: int | None = None,
        name: str | None = None,
        seed: int = 0,
        overwrite: bool = False,
        stop: Stop = never,
        progress: Callable[[float], object] = lambda done: None,
    ) -> TrainingSummary:
        """Train the folder's own model, or the one called ``name``, from the bundled one; then complete with it.

        The run takes ``minutes`` (10 unless ``steps`` are given). Some files are held out to measure it. ``progress``
        is told the share of the run that is done. A run that ``stop`` ends is saved, and ``tinycoder train --resume``
        continues it. A model that is there already is replaced by a better one only, and a run that was stopped not at
        all, unless ``overwrite``. Raises ``CorpusError`` if there is too little code, ``ConfigError`` for values out of
        range and for an untrusted folder, and ``TrainingError`` if the run does not fit into memory, would replace one
        that can be resumed, or would replace a model that cannot be compared with it.
        """
        from tinycoder.memory.learners import left_out
        from tinycoder_training.clock import awake_clock
        from tinycoder_training.corpora import python_repos
        from tinycoder_training.job import refuse_to_lose

        if not self._trusted:
            raise ConfigError(f"{self.folder} is not trusted, so no model learns from it")
        own = workspace_model_name(self.folder)
        target, forgotten = model_folder(self.home, name or own), load_forgotten(self.home)
        with only_writer(target):
            if not overwrite:
                refuse_to_lose(target)
            job = tuning_job(
                python_repos.read([self.folder], exclude=self._exclude, forgotten=forgotten, seed=seed),
                load_model(bundled_folder()),
                target,
                minutes=10.0 if minutes is None and steps is None else minutes,
                steps=steps,
                seed=seed,
                workspaces=[own],
                forgotten=left_out(forgotten, [self.folder]),
                overwrite=overwrite,
            )
            with closing(job.train(stop=stop, clock=awake_clock())) as reports:
                for report in reports:
                    progress(report.done)
        if job.progress.finished:
            self._open(target)
        done = job.progress
        return TrainingSummary(
            name=job.folder.name,
            folder=job.folder,
            steps=done.step,
            seconds=done.seconds,
            before=done.before.bits_per_byte if done.before else math.nan,
            after=done.best_bits_per_byte,
            kept=job.is_better,
            finished=done.finished,
        )

    def close(self) -> None:
        """Learn from what was typed, and keep that for the next session."""
        while self._engine.learn(stop=never):
            pass
        if self._mixer_file is not None:
            self._mixer_file.save()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self, folder: Path) -> None:
        self.model = load_model(folder)
        self._engine = open_engine(self.model, parts=self._parts)
        file = index_file_of(self.home, [self.folder], self.model.tokenizer).with_suffix(".mixer.json")
        self._mixer_file = MixerFile(self._engine.mixer, file) if self._trusted else None
        self.refresh()

    def _relative(self, path: str | Path) -> str:
        file = true_path(self.folder / path)
        if not file.is_relative_to(self.folder):
            raise ConfigError(f"{path} lies outside {self.folder}; open the folder that holds it")
        return file.relative_to(self.folder).as_posix()


def choose_model(home: Path, folders: Sequence[Path], name: str | None = None, *, trusted: bool = True) -> Path:
    """The folder of the model ``name``, else of the model that serves ``folders``. Raises ``CheckpointError``."""
    return resolve_model(home, name) if name else find_model(home, folders, trusted=trusted)


def open_engine(model: Model, *, parts: Parts = Parts()) -> Engine:
    """An engine with an empty memory. BLAS keeps to one thread from here on."""
    use_one_blas_thread(prefill=2, when_idle=True)
    return Engine(model, Memory(model.tokenizer), parts=parts)


def engine_maker(model: Model, known: Sequence[Document]) -> Callable[[Parts], Engine]:
    """A function that makes an engine with the given parts whose memory and symbols are of the ``known`` files."""
    tokenizer = model.tokenizer
    texts = ((document.path, TokenLines(tokenizer, document.text).ids) for document in known)
    index = SuffixIndex(token_corpus(texts, tokenizer.special[FILE_SEPARATOR]))  # sorted once, for all engines

    def make(parts: Parts) -> Engine:
        project = Project()
        project.take({document.path: document.text for document in known})
        world, engine = World(project), open_engine(model, parts=parts)
        engine.use(index)
        engine.know(world, read_offered(world.view()))
        return engine

    return make


def tuning_job(
    corpus: Corpus,
    start: Model,
    folder: Path,
    *,
    minutes: float | None,
    steps: int | None = None,
    seed: int,
    workspaces: Sequence[str] = (),
    forgotten: Sequence[str] = (),
    overwrite: bool = False,
) -> Job:
    """A run that trains ``start`` on ``corpus``, next to code of the standard library, and is saved in ``folder``.

    ``workspaces`` and ``forgotten`` are what ``new_job`` notes of the corpus, and ``overwrite`` is its own. Raises
    ``ConfigError``, ``CorpusError`` or ``TrainingError`` if the run cannot start.
    """
    from tinycoder.storage.record import TrainingRecord
    from tinycoder_training.forecast import refuse_what_cannot_fit
    from tinycoder_training.job import new_job
    from tinycoder_training.replay import general_texts

    shards = min(TUNING_BATCH, n_cpus())
    settings = tuning(TrainConfig(minutes=minutes, steps=steps, batch_size=TUNING_BATCH, shards=shards, seed=seed))
    refuse_what_cannot_fit(start.config, settings)
    return new_job(
        corpus,
        folder=folder,
        preset="medium",  # only a run from nothing takes its size from it
        settings=settings,
        start=start,
        general=general_texts(),
        record=TrainingRecord(
            created=time.strftime("%Y-%m-%dT%H:%M:%S%z"), workspaces=tuple(workspaces), forgotten=tuple(forgotten)
        ),
        overwrite=overwrite,
    )
