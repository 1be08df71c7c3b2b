"""``bench scaling``: time and memory of training against context, width, depth, batch and threads, with fits."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tinycoder.bench.report import Record, Row
from tinycoder.bench.training_step import measure_steps
from tinycoder.config import ModelConfig

BASE = ModelConfig(vocab_size=2048, width=128, n_layers=4, n_heads=4, n_kv_heads=4, hidden=352, context=256)
TOKENS = 4096  # of a step
# What is swept, over which values, and the powers of it that are fitted to the time of a token.
SWEEPS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "context": ((128, 256, 512, 1024, 2048, 4096), (0, 1)),
    "width": ((64, 128, 192, 256, 384), (0, 1, 2)),
    "layers": ((1, 2, 4, 8, 12), (0, 1)),
    "batch": ((2, 4, 8, 16, 32), (0, -1)),
    "threads": ((), (0, -1)),
}


def run(*, seconds: float, threads: int, say: Callable[[str], None]) -> Record:
    """Sweep one thing at a time around a small model; the longer ``seconds``, the more steps each point takes."""
    end = time.perf_counter() + seconds
    plans = {name: (values or tuple(range(1, threads + 1)), powers) for name, (values, powers) in SWEEPS.items()}
    n_left = sum(len(values) for values, _ in plans.values())
    sweeps: dict[str, Any] = {}
    for name, (values, powers) in plans.items():
        points = []
        for value in values:
            n_steps = 1 if (end - time.perf_counter()) / n_left < 3 else 4
            model, batch, n_threads = _point(name, value, threads)
            measured = measure_steps(model, batch=batch, threads=n_threads, n_steps=n_steps)
            n_left -= 1
            points.append((1e6 * measured["seconds"] / (batch * model.context), measured["mib"]))
            say(f"{name} {value}: {points[-1][0]:.1f} µs a token, {points[-1][1]:.0f} MiB")
        times, sizes = ([point[i] for point in points] for i in (0, 1))
        # memory grows with the square of the width, by the matrices, and of the context, by attention
        memory_powers = (0, 1, 2) if name in ("width", "context") else (0, 1)
        coefficients, fitted = _fit(values, times, powers)
        _, fitted_sizes = _fit(values, sizes, memory_powers)
        sweeps[name] = {
            "values": list(values),
            "us_per_token": times,
            "us_per_token_fit": fitted,
            "powers": list(powers),
            "coefficients": coefficients,
            "mib": sizes,
            "mib_fit": fitted_sizes,
        }
    rows = [
        Row(name=f"{name} {value}", value=us, unit="µs/token", higher_is_better=False)
        for name, sweep in sweeps.items()
        for value, us in zip(sweep["values"], sweep["us_per_token"], strict=True)
    ]
    constant, slope = sweeps["context"]["coefficients"]
    sentence = (
        f"A token takes {constant:.0f} µs and {1000 * slope:.1f} µs more for every 1,000 tokens of context: "
        f"attention, quadratic in a whole window, takes half of the time from a context of {constant / slope:,.0f} on."
        if slope > 0
        else "The quadratic part of attention is lost in the noise of this run; give it more seconds."
    )
    metadata = {"sweeps": sweeps, "sentence": sentence, "threads": threads, "seconds": seconds}
    return Record(bench="scaling", rows=rows, metadata=metadata)


def _point(name: str, value: int, threads: int) -> tuple[ModelConfig, int, int]:
    """Model, batch and threads where ``name`` is ``value``; a step has as many tokens everywhere, but for the batch."""
    heads, hidden = value // 32, 16 * round(value * 2.75 / 16)
    changes = {
        "context": {"context": value},
        "width": {"width": value, "n_heads": heads, "n_kv_heads": heads, "hidden": hidden},
        "layers": {"n_layers": value},
    }
    batch = {"context": max(threads, TOKENS // value), "batch": value}.get(name, 16)
    n_threads = {"batch": min(threads, value), "threads": value}.get(name, threads)
    return dataclasses.replace(BASE, **changes.get(name, {})), batch, n_threads


def _fit(values: tuple[int, ...], measured: list[float], powers: tuple[int, ...]) -> tuple[list[float], list[float]]:
    """Least squares over the powers of the values, relative to what was measured; coefficients and fitted points."""
    x = np.array(values, float)
    terms = np.stack([x**power for power in powers], 1)[:, : len(values)]
    y = np.array(measured)
    coefficients = np.linalg.lstsq(terms / y[:, None], np.ones(len(y)), rcond=None)[0]
    return [float(c) for c in coefficients], [float(v) for v in terms @ coefficients]
