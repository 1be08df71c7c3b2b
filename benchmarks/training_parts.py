"""What a step of training costs and where its time goes, on random ids, as of ``tinycoder bench train``.

    python benchmarks/training_parts.py [--size 6m] [--optimizer muon]
    python benchmarks/training_parts.py --against TREE [--size 6m] [--optimizer adamw] [--rounds 12]

Alone it prints the parts of a step: milliseconds of the processor, their share of the step, and those that the part's
products take at the rate of large ones. With ``--against`` this tree and another take steps in turns, each in a process
of its own, and the medians of their ratios are printed. The share of sgemm is that of the processor's time, which other
processes disturb less than they do the clock's.
"""

import argparse
import functools
import json
import os
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from tinycoder.bench.competitor import Competitor
from tinycoder.bench.flops import training_flops
from tinycoder.bench.training_step import BATCH, SIZES, steps
from tinycoder.config import ModelConfig
from tinycoder.transformer import model
from tinycoder_training import optim
from tinycoder_training.engines import numpy_engine

RATE_SECONDS = 0.3
BASE = ModelConfig(vocab_size=4096, width=256, n_layers=5, n_heads=4, n_kv_heads=2, hidden=704, context=512)
SHAPES = {**SIZES, "base": BASE}  # base: the shape of the bundled model, which people train further

PARTS = {
    "large products": (model, ("linear_forward", "linear_backward", "linears_forward", "linears_backward")),
    "attention": (model, ("attention_forward", "attention_backward")),
    "softmax and cross-entropy, with their products": (model, ("cross_entropy_forward",)),
    "SwiGLU": (model, ("swiglu_forward", "swiglu_backward")),
    "rotation": (model, ("rope_forward", "rope_backward")),
    "norms": (model, ("rmsnorm_forward", "rmsnorm_backward")),
    "embedding": (model, ("embedding_forward", "embedding_backward")),
    "sums of pieces": (model, ("add",)),
    "deriving weights and gradients": (numpy_engine, ("fuse_forward", "fuse_backward")),
    "AdamW": (optim, ("adamw",)),
    "Muon: Newton-Schulz": (optim, ("orthogonalise",)),
    "Muon: the rest": (optim, ("muon",)),
}


class Profile:
    """Seconds of the processor in each part, without those of the parts that it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = threading.local()
        self._lock = threading.Lock()
        for part, (module, names) in PARTS.items():
            for name in names:
                if hasattr(module, name):
                    setattr(module, name, self._timed(part, getattr(module, name)))

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            outer, self._inner.seconds = getattr(self._inner, "seconds", 0.0), 0.0
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.thread_time() - start
                with self._lock:
                    self.seconds[part] += taken - self._inner.seconds
                self._inner.seconds = outer + taken

        return timed


def product_flops(shape: ModelConfig) -> dict[str, float]:
    """Floating point operations of a step's products, as the share of sgemm counts them."""
    tokens, C = BATCH * shape.context, shape.width
    head = 6 * shape.vocab_size * C
    attention = 6 * shape.n_layers * shape.context * C
    return {
        "large products": tokens * (training_flops(shape) - head - attention),
        "attention": tokens * attention,
        "softmax and cross-entropy, with their products": tokens * head,
    }


def rate(shape: ModelConfig, threads: int) -> float:
    """Floating point operations that a second of one core does in large products, while ``threads`` cores do them."""

    def one(_: int) -> float:
        best = 0.0
        for n, k, m in ((1024, 1024, 1024), (512, shape.width, 2 * shape.hidden)):
            a, b, out = np.ones((n, k), np.float32), np.ones((k, m), np.float32), np.empty((n, m), np.float32)
            np.matmul(a, b, out=out)
            start, count = time.thread_time(), 0
            while time.thread_time() < start + RATE_SECONDS:
                np.matmul(a, b, out=out)
                count += 1
            best = max(best, 2 * n * k * m * count / (time.thread_time() - start))
        return best

    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        return statistics.mean(pool.map(one, range(threads)))


def kernels() -> str:
    """What BLAS takes this processor for: one set of kernels may multiply twice as fast as another."""
    return ", ".join(sorted({str(info.get("architecture")) for info in threadpool_info()}))


def profile(shape: ModelConfig, optimizer: str, threads: int, n_steps: int) -> None:
    """Print the parts of a step."""
    parts = Profile()
    with steps(shape, batch=BATCH, threads=threads, optimizer=optimizer) as step:
        step()
        step()
        parts.seconds.clear()
        start = time.process_time()
        wall = [step() for _ in range(n_steps)]
        cpu = (time.process_time() - start) / n_steps
    per_core = rate(shape, threads)
    least = {part: 1000 * flops / per_core for part, flops in product_flops(shape).items()}
    found = {part: 1000 * seconds / n_steps for part, seconds in parts.seconds.items()}
    found["the rest: residual sums, batches, Python, threads"] = 1000 * cpu - sum(found.values())
    print(f"{optimizer}, {threads} threads; {per_core / 1e9:.0f} GFLOP/s a core with the kernels for {kernels()}")
    print(f"a step: {1000 * cpu:.1f} ms of the processor, {1000 * statistics.median(wall):.1f} ms of the clock")
    print(f"share of sgemm, of the processor's time: {sum(least.values()) / (1000 * cpu):.3f}")
    print(f"{'ms':>9} {'share':>7} {'products':>9}")
    for part, ms in sorted(found.items(), key=lambda item: -item[1]):
        alone = f"{least[part]:9.1f}" if part in least else " " * 9
        print(f"{ms:9.1f} {ms / cpu / 10:6.1f}% {alone}  {part}")


@contextmanager
def tree(folder: Path, arguments: dict[str, Any]) -> Any:
    """A process that takes steps with the packages of a folder."""
    paths = os.pathsep.join(str(folder / name) for name in ("", "server", "training"))
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = paths
    try:
        worker = Competitor([sys.executable, __file__, "--worker", json.dumps({**arguments, "tree": str(folder)})])
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before
    try:
        if worker.absent is not None:
            sys.exit(f"{folder}: {worker.absent}")
        yield worker
    finally:
        worker.close()


def work(arguments: dict[str, Any]) -> None:
    """Take a turn of some steps for each line that is read; its seconds are of the clock and of the processor."""
    if not Path(model.__file__).is_relative_to(arguments["tree"]):
        print(json.dumps({"absent": f"it imports {model.__file__}"}), flush=True)
        return
    shape, n = SHAPES[arguments["size"]], arguments["steps"]
    with steps(shape, batch=BATCH, threads=arguments["threads"], optimizer=arguments["optimizer"]) as step:
        step()
        print(json.dumps({"ready": kernels()}), flush=True)
        for _ in sys.stdin:
            start = time.process_time()
            wall = sum(step() for _ in range(n))
            print(json.dumps({"value": [wall / n, (time.process_time() - start) / n]}), flush=True)


def compare(here: Path, there: Path, arguments: dict[str, Any], rounds: int) -> None:
    """Take steps in turns with both trees."""
    shape, threads = SHAPES[arguments["size"]], arguments["threads"]
    with ExitStack() as stack:
        workers = [stack.enter_context(tree(folder.resolve(), arguments)) for folder in (there, here)]
        taken, rates = [], []
        for number in range(rounds):
            order = workers if number % 2 else workers[::-1]
            turn = {worker: worker.ask() for worker in order}
            taken.append([turn[worker] for worker in workers])
            rates.append(rate(shape, threads))
    times = np.array(taken)  # (rounds, there and here, clock and processor)
    ratios = np.median(times[:, 1] / times[:, 0], axis=0)
    least = BATCH * shape.context * training_flops(shape) / statistics.median(rates)
    shares = least / np.median(times[:, :, 1], axis=0)
    print(f"{arguments['size']}, {arguments['optimizer']}, {threads} threads, {rounds} rounds, kernels for {kernels()}")
    for kind, ratio, (then, now) in zip(("clock", "processor"), ratios, np.median(times, axis=0).T, strict=True):
        print(f"{kind:>9}: {1000 * then:.1f} ms a step there, {1000 * now:.1f} here; median of the ratios {ratio:.3f}")
    print(f"share of sgemm, of the processor's time: {shares[0]:.3f} there, {shares[1]:.3f} here")


def main() -> None:
    """Profile, or take turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SHAPES, default="6m")
    parser.add_argument("--optimizer", choices=("adamw", "muon"), default="adamw")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4, help="of a turn, or of the profile")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--against", type=Path, metavar="TREE", help="a folder with another version of this project")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.worker)
    elif options.against:
        names = ("size", "optimizer", "threads", "steps")
        arguments = {name: getattr(options, name) for name in names}
        compare(Path(__file__).parents[1], options.against, arguments, options.rounds)
    else:
        profile(SHAPES[options.size], options.optimizer, options.threads, options.steps)


if __name__ == "__main__":
    main()
