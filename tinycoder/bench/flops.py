"""Arithmetic of a token, and how fast this machine multiplies: together the least time that a step can take."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from tinycoder.config import ModelConfig
from tinycoder.errors import TinyCoderError
from tinycoder.transformer.model import n_params

SGEMM_SECONDS = 0.2
TURBO = 1.5  # a core may run so much faster than while the rate was measured


def training_flops(model: ModelConfig) -> float:
    """Floating point operations of a trained token: 6 a parameter, and attention over half a window on average."""
    return 6 * n_params(model) + 6 * model.n_layers * model.context * model.width


def decoding_flops(model: ModelConfig) -> float:
    """Floating point operations of the scores after one token, at least: 2 a parameter. Attention comes on top."""
    return 2 * n_params(model)


def layer_flops(model: ModelConfig) -> float:
    """The same without the scores: what a token costs of which only the keys and values are kept."""
    return decoding_flops(model) - 2 * model.vocab_size * model.width


def sgemm_rate(model: ModelConfig, threads: int) -> float:
    """Floating point operations a second of float32 products, one BLAS thread on each of ``threads``.

    The faster of 1,024 x 1,024 x 1,024 and of what an MLP of the model multiplies.
    """
    shapes = ((1024, 1024, 1024), (512, model.width, 2 * model.hidden))

    def rate(shape: tuple[int, int, int]) -> float:
        n, k, m = shape
        a, b, out = np.ones((n, k), np.float32), np.ones((k, m), np.float32), np.empty((n, m), np.float32)
        np.matmul(a, b, out=out)
        start, n_products = time.perf_counter(), 0
        while time.perf_counter() < start + SGEMM_SECONDS:
            np.matmul(a, b, out=out)
            n_products += 1
        return 2 * n * k * m * n_products / (time.perf_counter() - start)

    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        return max(sum(pool.map(rate, [shape] * threads)) for shape in shapes)


def refuse_impossible(seconds: Mapping[str, float], flops: Mapping[str, float], rate: float) -> None:
    """Raise ``TinyCoderError`` where something took less time than its ``flops`` need at ``rate`` a second.

    Such a figure is of a memory of answers, not of the work.
    """
    for name, least in flops.items():
        if seconds[name] < least / (TURBO * rate):
            raise TinyCoderError(
                f"bench: {name!r} took {1000 * seconds[name]:.3g} ms, less than its arithmetic does at "
                f"{rate / 1e9:.0f} GFLOP/s ({1000 * least / rate:.3g} ms); it was not computed: report this as a fault"
            )
