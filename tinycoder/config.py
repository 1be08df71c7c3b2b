"""Settings of model, training and generation: frozen dataclasses with every default."""

import dataclasses
import math
import os
from dataclasses import dataclass

from tinycoder.errors import ConfigError

FROM_SCRATCH = "none"  # in place of a model to continue from: new weights
_MAX = {  # of each number of a shape: far above any model for a CPU, and small enough to compute with
    "vocab_size": 2**20,
    "width": 2**15,
    "n_layers": 2**10,
    "n_heads": 2**10,
    "n_kv_heads": 2**10,
    "hidden": 2**17,
    "context": 2**17,
}
_MAX_WINDOWS = 2**30  # of a batch
_MAX_SHARDS = 2**10
_MAX_KEPT = 2**28  # floats of the keys and values of a whole window: 1 GB


def _check(what: str, value: float | None, needed: str, fits: bool) -> None:
    if value is not None and not fits:
        raise ConfigError(f"{what} is {value}; it must {needed}")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of a Llama model. Widths are counted in floats, ``context`` in tokens."""

    vocab_size: int
    width: int = 128
    n_layers: int = 4
    n_heads: int = 4
    n_kv_heads: int = 4
    hidden: int = 352
    context: int = 256
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        for name, most in _MAX.items():
            value = getattr(self, name)
            _check(f"model setting {name}", value, "be at least 1", value >= 1)
            _check(f"model setting {name}", value, f"be at most {most}", value <= most)
        for name in ("rope_theta", "norm_eps"):
            value = getattr(self, name)
            _check(f"model setting {name}", value, "be above 0", 0 < value < math.inf)
        if self.width % (2 * self.n_heads):
            raise ConfigError(
                f"model width {self.width} cannot be split into {self.n_heads} heads of even size; "
                "choose a width that is a multiple of twice the number of heads"
            )
        if self.n_heads % self.n_kv_heads:
            raise ConfigError(
                f"{self.n_heads} heads cannot share {self.n_kv_heads} key/value heads; choose a divisor of n_heads"
            )
        kept = 2 * self.n_layers * self.n_kv_heads * self.head_width * self.context
        if kept > _MAX_KEPT:
            raise ConfigError(
                f"a window of {self.context} tokens would keep {kept:,} keys and values, more than {_MAX_KEPT:,}; "
                "choose a smaller context"
            )

    @property
    def head_width(self) -> int:
        """Floats per attention head."""
        return self.width // self.n_heads


@dataclass(frozen=True)
class Preset:
    """One position of the size dial: a model shape, the vocabulary and the batch that suit it."""

    width: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    hidden: int
    context: int
    vocab_size: int
    batch_size: int

    def model(self, vocab_size: int) -> ModelConfig:
        """The model of this size over a tokenizer of ``vocab_size`` ids."""
        shape = dataclasses.asdict(self) | {"vocab_size": vocab_size}
        del shape["batch_size"]
        return ModelConfig(**shape)


PRESETS = {
    "nano": Preset(64, 2, 2, 2, 176, 128, 1024, 16),
    "tiny": Preset(128, 4, 4, 4, 352, 256, 2048, 8),
    "mini": Preset(192, 6, 6, 3, 512, 256, 4096, 16),
    "small": Preset(256, 6, 8, 4, 704, 256, 4096, 16),
    "medium": Preset(256, 5, 4, 2, 704, 512, 4096, 16),
    "large": Preset(512, 10, 16, 8, 1376, 512, 8192, 16),
}
FORMER_PRESETS = {"base": "medium"}  # names that sizes had: now only a model is called that


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How to train. Exactly one of ``steps`` and ``minutes`` is the budget; ``max_steps`` may end the minutes early.

    ``shards`` is the number of parts that a batch is cut into and summed in order; it is fixed for the life of
    a run, so that resuming on another number of cores still gives the same sums. ``replay`` is the part of
    a batch's windows that come from other text than the run is about, rounded to whole windows. With ``beside_memory``
    models are judged as they are used, mixed with the memory of the workspace.
    """

    steps: int | None = None
    minutes: float | None = None
    max_steps: int | None = None
    batch_size: int = 16
    shards: int = 2
    optimizer: str = "muon"
    learning_rate: float = 3e-3
    matrix_learning_rate: float = 0.02
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    momentum: float = 0.95
    clip: float = 1.0
    warmup: float = 0.02
    decay: float = 0.3
    n_evals: int = 10
    evaluation_tokens: int = 32_768
    save_seconds: float = 120.0
    replay: float = 0.0
    beside_memory: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ConfigError("give either a number of steps or a number of minutes as the training budget")
        _check("--steps", self.steps, "be at least 1", (self.steps or 0) >= 1)
        _check("--minutes", self.minutes, "be above 0", 0 < (self.minutes or 0) < math.inf)
        if self.optimizer not in ("adamw", "muon"):
            raise ConfigError(f"unknown optimizer {self.optimizer!r}; choose adamw or muon")
        _check("the share of replay", self.replay, "be at least 0 and below 1", 0 <= self.replay < 1)
        _check("the batch size", self.batch_size, f"be at most {_MAX_WINDOWS}", self.batch_size <= _MAX_WINDOWS)
        most = min(self.batch_size, _MAX_SHARDS)
        _check("shards", self.shards, f"lie between 1 and {most}", 1 <= self.shards <= most)

    @property
    def replay_rows(self) -> int:
        """Windows of a batch that come from other text; at least one is the run's own."""
        return min(self.batch_size - 1, round(self.replay * self.batch_size))


TUNING_BATCH = 8
TUNING_MINUTES = 0.75  # between two evaluations, about


def tuning(settings: TrainConfig) -> TrainConfig:
    """``settings`` for a run that continues from a model: gentler, with other text, and judged beside the memory
    of the workspace (docs/decisions.md).

    The learning rates become a part of what they are, and evaluations as many as suit a run of a few minutes.
    """
    between = settings.n_evals if settings.minutes is None else round(settings.minutes / TUNING_MINUTES)
    return dataclasses.replace(
        settings,
        learning_rate=0.3 * settings.learning_rate,
        matrix_learning_rate=0.3 * settings.matrix_learning_rate,
        warmup=0.05,
        n_evals=max(4, min(10, between)),
        replay=0.25,
        beside_memory=True,
    )


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """How to choose tokens. Temperature 0 is greedy; the cuts that are ``None`` are off.

    Without ``repeat``, a text ends where it only repeats what it has just said.
    """

    max_tokens: int = 128
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0
    beam: int = 1
    stop: tuple[str, ...] = ()
    seed: int = 0
    repeat: bool = True

    def __post_init__(self) -> None:
        for name in ("max_tokens", "top_k", "beam"):
            value = getattr(self, name)
            _check(name, value, "be at least 1", (value or 0) >= 1)
        for name in ("top_p", "min_p"):
            value = getattr(self, name)
            _check(name, value, "be above 0 and at most 1", 0 < (value or 0) <= 1)
        _check("temperature", self.temperature, "be 0 or more", 0 <= self.temperature < math.inf)
        penalty = self.repetition_penalty
        _check("repetition_penalty", penalty, "be above 0 (1 is off)", 0 < penalty < math.inf)
        if self.beam > 1 and self.temperature > 0:
            raise ConfigError("beam search does not sample; use either a beam above 1 or a temperature above 0")
        if self.beam > 1 and (self.top_k, self.top_p, self.min_p) != (None, None, None):
            raise ConfigError("beam search cuts nothing off; use top_k, top_p or min_p without it")
        if self.beam > 1 and self.repetition_penalty != 1:
            raise ConfigError("beam search knows no repetition penalty; use one or the other")


def n_cpus() -> int:
    """Cores that this process may use; ``OMP_NUM_THREADS`` may ask for fewer."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return min(found, int(asked)) if asked.isdecimal() and int(asked) > 0 else found
