"""What computes a run: the protocol behind the loop of ``trainer``.

``numpy_engine`` is the specification; another engine gives the same numbers but for rounding, and the same state, so
that a run which was stopped on one continues on another.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from tinycoder.config import ModelConfig, TrainConfig
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params
from tinycoder_training.optim import Moments

Losses = Callable[[Params, Array, Array], Array]  # weights, (N,T), (N,T) -> (N,T)


class EngineLost(Exception):  # noqa: N818 - what the loop makes a sentence of
    """A process of the engine has gone; the run cannot go on, but may be resumed."""


class Engine(Protocol):
    """An engine that holds the current weights and moments of a run.

    What computes raises ``MemoryError`` if memory does not suffice, after which the weights may be of no use, and
    ``EngineLost`` if a process has gone.
    """

    def gradients(self, inputs: Array, targets: Array) -> tuple[float, Any]:
        """Mean loss in nats of a batch (B,T), (B,T), and its gradients in a form that ``update`` takes."""

    def update(self, gradients: Any, step: int, scale: float) -> float:
        """Take optimizer step number ``step`` (from 1) at ``scale`` times the learning rates; the norm before clipping.

        Raises ``TrainingError`` before anything is changed if that is not a number.
        """

    def losses(self, params: Params, inputs: Array, targets: Array) -> Array:
        """Loss of each target in nats with these weights, without gradients: (N,T), (N,T) -> (N,T)."""

    def fetch(self) -> None:
        """Bring weights and moments up to date in the arrays that the engine was opened with."""

    def notice(self) -> str:
        """What a person should know of the steps since the last call, in a sentence; mostly ""."""

    def peak_memory(self) -> int:
        """The most bytes that were ever held where the engine keeps its weights."""


OpenEngine = Callable[[ModelConfig, TrainConfig, Params, Moments], AbstractContextManager[Engine]]
"""Open an engine for the length of a run; it may write to the arrays at any time."""
