"""An engine by its name. What it needs is imported when it is asked for."""

from tinycoder.errors import TrainingError
from tinycoder_training.engines.engine import OpenEngine
from tinycoder_training.engines.numpy_engine import numpy_engine


def engine_called(name: str) -> OpenEngine:
    """How to open the engine ``name``, on all processes of this run. Raises ``TrainingError`` without PyTorch."""
    if name == "numpy":
        return numpy_engine
    try:
        from tinycoder_training.engines.processes import are_joined, leading_engine
        from tinycoder_training.engines.torch_engine import torch_engine
    except ImportError as error:
        raise TrainingError(
            f"--engine torch needs PyTorch, which cannot be imported here ({error}): "
            "install it where TinyCoder is (pipx inject tinycoder torch transformers), or train with --engine numpy"
        ) from None
    return leading_engine if are_joined() else torch_engine
