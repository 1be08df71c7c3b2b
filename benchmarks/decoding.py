"""What the choices of tinycoder/transformer/decode.py and tinycoder/transformer/draft.py rest on, on this machine.

    python benchmarks/decoding.py

Prints, each in turns and as medians: a product of few rows with a weight of 256 x 768 that comes from memory, row by
row and as one matrix product; a step of a model of 6 M parameters with several rows, in steps of one; a prefill
on one and on all BLAS threads; and what it costs to ask for them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
from threadpoolctl import ThreadpoolController

from tinycoder.bench.quiet import Others, quiet
from tinycoder.bench.training_step import SIZES
from tinycoder.transformer.decode import Session, step
from tinycoder.transformer.model import init_params

N_WEIGHTS = 32  # 25 MB: more than a core's cache keeps
ROUNDS = 15


def in_turns(contestants: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            found[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def products(n_rows: int) -> dict[str, float]:
    """Seconds of one weight, row by row and as one product."""
    weights = [np.ones((256, 768), np.float32) for _ in range(N_WEIGHTS)]
    x, out = np.ones((n_rows, 256), np.float32), np.empty((n_rows, 768), np.float32)

    def row_by_row() -> None:
        for w in weights:
            for row, y in zip(x, out, strict=True):
                np.dot(row, w, out=y)

    def matrix() -> None:
        for w in weights:
            np.matmul(x, w, out=out)

    found = in_turns({"row by row": row_by_row, "matrix": matrix})
    return {name: seconds / N_WEIGHTS for name, seconds in found.items()}


def measure(others: Others) -> None:
    """Print all of it."""
    blas = ThreadpoolController().select(user_api="blas")
    n_threads = max((library["num_threads"] for library in blas.info()), default=1)
    blas.limit(limits=1)
    for n_rows in (1, 2, 4, 5, 6, 8, 16):
        times = ", ".join(f"{name} {1e6 * seconds:.0f} µs" for name, seconds in products(n_rows).items())
        print(f"product of {n_rows} rows: {others.figure(times)}", flush=True)

    model = SIZES["6m"]
    session = Session(init_params(model, np.random.default_rng(0)), model)
    ids = [int(i) for i in np.random.default_rng(1).integers(0, model.vocab_size, model.context)]
    past = 200
    session.next_logits(ids[:past])

    def rows(n: int) -> Callable[[], object]:
        def work() -> None:
            session._cache.length = past
            step(session.weights, model, session._cache, np.array([ids[past : past + n]]), n)

        return work

    found = in_turns({str(n): rows(n) for n in (1, 2, 4, 8, 16)}, 100)
    print("step of rows, in steps of one:", {n: round(seconds / found["1"], 2) for n, seconds in found.items()})

    def prefill(n: int, threads: int) -> Callable[[], object]:
        def work() -> None:
            session.next_logits([ids[-1]])
            with blas.limit(limits=threads):
                session.next_logits(ids[:n])

        return work

    for n in (16, 32, 64, 128, 256):
        found = in_turns({"one": prefill(n, 1), "all": prefill(n, n_threads)})
        print(f"prefill of {n}: {n_threads} threads are {found['one'] / found['all']:.2f} times as fast as one")

    def ask() -> None:
        with blas.limit(limits=n_threads):
            pass

    seconds = in_turns({"ask": ask}, 200)["ask"]
    print(f"to ask for threads: {others.figure(f'{1e6 * seconds:.0f} µs')}")


def main() -> None:
    """Measure on a quiet machine."""
    with quiet() as others:
        measure(others)


if __name__ == "__main__":
    main()
