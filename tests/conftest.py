"""Small models that really learnt something, made once a session."""

import inspect
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import settings as hypothesis_settings

from tinycoder.config import ModelConfig, TrainConfig
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.workspace.text import Text
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.job import Job, new_job

hypothesis_settings.register_profile("tinycoder", deadline=None)  # a slow machine is no fault
hypothesis_settings.load_profile("tinycoder")

# No test halts a training run of this machine, or minds what else the machine does.
os.environ |= {"TINYCODER_BASE_RUN": "", "TINYCODER_BUSY": "1"}

LESSON = """import os


class Counter:
    def __init__(self, start):
        self.total = start

    def add(self, amount):
        self.total = self.total + amount
        return self.total


def make_counter(start):
    counter = Counter(start)
    return counter
"""


def command_runner() -> CliRunner:
    """One that keeps standard output and standard error apart, which click does only when asked before 8.2."""
    apart: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**apart)


def text(path: str, contents: str) -> Text:
    return Text(path=path, text=contents, n_bytes=len(contents.encode()))


def small_job(folder: Path, *, steps: int = 50, **settings: object) -> Job:
    """A run that learns LESSON by heart with a very small model."""
    corpus = Corpus(recipe="code", train=(text("counter.py", LESSON),), validation=(text("held.py", LESSON[:200]),))
    config = TrainConfig(steps=steps, batch_size=4, n_evals=2, **settings)  # type: ignore[arg-type]
    return new_job(corpus, folder=folder, preset="nano", settings=config)


def run_to_end(job: Job) -> None:
    for _ in job.train(stop=lambda: False, clock=lambda: 0.0):
        pass


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the model ``counter``, which knows LESSON by heart."""
    folder = tmp_path_factory.mktemp("home")
    run_to_end(small_job(folder / "models" / "counter"))
    return folder


@pytest.fixture(scope="session")
def model(home: Path) -> Model:
    return load_model(home / "models" / "counter")


@pytest.fixture
def tiny_config() -> ModelConfig:
    return ModelConfig(vocab_size=300, width=16, n_layers=1, n_heads=2, n_kv_heads=1, hidden=24, context=16)


def serve_command(home: Path, *options: str, model: str | None = "counter") -> list[str]:
    """Start the language server with this home, and with the model of the fixture unless another one is named."""
    chosen = ["--model", model] if model else []
    return [sys.executable, "-m", "tinycoder", "--home", str(home), "serve", *chosen, *options]
