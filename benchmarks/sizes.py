"""Which size of model learns the most from a given amount of arithmetic: several sizes at equal FLOPs, and a fit.

    python benchmarks/sizes.py CORPUS --tokenizer MODEL --out FOLDER [--minutes 1 3 10] [--gflops 120] [--picture PNG]

CORPUS is a folder that training/base/corpus.py wrote. Its texts become tokens once, which are kept in FOLDER beside
the results; these are added one by one, and what is there already is left out, so that a stopped run continues, and a
longer list of --minutes adds budgets to it. A budget is what a machine of so many --gflops computes in so many
minutes: the clock decides nothing, so a busy machine changes nothing. Counted are the products of the passes (six
FLOPs a weight and token, and causal attention), not the optimizer, which is a small part of steps as large as those
of a long run but not of the smallest here.

All sizes see the same order of text, learn with the same settings, and are judged by the same held-out tokens. Batches
grow with the square root of the number of windows, up to those of the base model. The parabola of each budget, in the
logarithm of the size, gives its best size, and these of two budgets or more a power of the compute (Hoffmann et al.
2022, their second approach): it goes through the sizes around the lowest one. --then MINUTES asks what that says of a
longer run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycoder.config import ModelConfig, TrainConfig, n_cpus
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import init_params, n_params
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder.workspace.text import Text
from tinycoder_training.dataset import Data
from tinycoder_training.optim import init_moments
from tinycoder_training.streams import stream
from tinycoder_training.trainer import Progress, Run, train

SIZES: list[dict[str, int]] = [  # as the base model: half as many key/value heads as heads, 2.75 times as wide inside
    {"width": 32, "n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "hidden": 88},
    {"width": 64, "n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "hidden": 176},
    {"width": 96, "n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "hidden": 264},
    {"width": 128, "n_layers": 4, "n_heads": 2, "n_kv_heads": 1, "hidden": 352},
    {"width": 192, "n_layers": 4, "n_heads": 4, "n_kv_heads": 2, "hidden": 528},
    {"width": 256, "n_layers": 5, "n_heads": 4, "n_kv_heads": 2, "hidden": 704},
    {"width": 320, "n_layers": 6, "n_heads": 4, "n_kv_heads": 2, "hidden": 880},
]
CONTEXT = 512
MAX_ROWS = 16  # windows of a batch, as of the base model
ROWS_SHARE = 16  # square root of the number of windows by this: 16 rows at 65,000 windows
HELD_OUT_TOKENS = 131_072
LINES_EVERY = 200  # steps
MIN_SIZES, MIN_BUDGETS = 4, 2  # for a fit
BESIDE = 2  # sizes on either side of the lowest point that the parabola goes through: far from it there is none
Z = 2.0  # standard errors of the power


@dataclass(frozen=True, kw_only=True)
class Result:
    """One trained model: ``flops`` is its budget, ``seconds`` how long it took here, beside whatever else ran."""

    tokenizer: str
    width: int
    n_layers: int
    parameters: int
    flops: float
    tokens: int
    steps: int
    rows: int
    bits_per_byte: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Best:
    """The bottom of a budget's parabola; ``inside`` says whether it lies between the sizes that were tried."""

    flops: float
    parameters: float
    bits_per_byte: float
    inside: bool
    parabola: tuple[float, float, float]  # of the natural logarithm of the size, highest power first
    fitted: tuple[float, float]  # parameters of the smallest and the largest size that it goes by


def flops_of_token(config: ModelConfig) -> float:
    """Of both passes: six a weight that multiplies, the tied head too, and six T C for the attention of each block."""
    norms = (2 * config.n_layers + 1) * config.width
    return 6.0 * (n_params(config) - norms + config.n_layers * config.context * config.width)


def plan(config: ModelConfig, flops: float) -> tuple[int, int]:
    """Steps and rows of a batch that use the budget up."""
    windows = flops / flops_of_token(config) / config.context
    rows = min(MAX_ROWS, max(1, round(math.sqrt(windows) / ROWS_SHARE)))
    return max(1, round(windows / rows)), rows


def read_data(corpus: Path, tokenizer: Tokenizer, out: Path, key: str, settings: TrainConfig) -> Data:
    """The corpus as tokens, from ``out`` if they are there; of what is held out, whole files by a fixed lot."""
    streams = []
    for side in ("train", "held_out"):
        file = out / f"{side}-{key}.npy"
        if not file.exists():
            ids = stream(_texts(corpus / side), tokenizer, "code")
            np.save(file.with_suffix(".part.npy"), ids)
            file.with_suffix(".part.npy").replace(file)
        streams.append(np.load(file))
    return Data(
        train=streams[0],
        validation=streams[1][:HELD_OUT_TOKENS],
        bytes_of_id=tokenizer.n_bytes,
        prompts=(),
        end_of_text=tokenizer.end_of_text,
    )


def trained(size: dict[str, int], flops: float, data: Data, tokenizer: str) -> Result:
    """Train a model of this size to the end of the budget."""
    config = ModelConfig(vocab_size=len(data.bytes_of_id), context=CONTEXT, **size)
    steps, rows = plan(config, flops)
    settings = settings_of(steps, rows)
    params = init_params(config, np.random.default_rng(settings.seed))
    best = {name: param.copy() for name, param in params.items()}
    progress = Progress(params=params, moments=init_moments(params, settings), best_params=best)
    run = Run(model=config, train=settings, data=data)
    for report in train(run, progress, save=lambda progress: False, clock=time.perf_counter):
        if report.step % LINES_EVERY == 0:
            print(f"{n_params(config):,}: step {report.step:,} of {steps:,}, loss {report.smooth_loss:.3f}", flush=True)
    return Result(
        tokenizer=tokenizer,
        width=config.width,
        n_layers=config.n_layers,
        parameters=n_params(config),
        flops=flops,
        tokens=steps * rows * CONTEXT,
        steps=steps,
        rows=rows,
        bits_per_byte=round(progress.best_bits_per_byte, 5),
        seconds=round(progress.seconds, 1),
    )


def settings_of(steps: int, rows: int) -> TrainConfig:
    """The settings of the base model's run, for so many steps; judged once, at the end."""
    return TrainConfig(
        steps=steps,
        batch_size=rows,
        shards=min(rows, n_cpus()),
        n_evals=1,
        evaluation_tokens=8_192,
        save_seconds=1e9,
    )


def bests(results: Sequence[Result]) -> list[Best]:
    """The best size of each budget that has enough sizes and whose parabola opens upwards."""
    found = []
    for flops in sorted({result.flops for result in results}):
        some = sorted((one for one in results if one.flops == flops), key=lambda result: result.parameters)
        if len(some) < MIN_SIZES:
            continue
        lowest = min(range(len(some)), key=lambda i: some[i].bits_per_byte)
        first = max(0, min(lowest - BESIDE, len(some) - MIN_SIZES))
        some = some[first : max(lowest + BESIDE + 1, first + MIN_SIZES)]
        sizes = np.log([result.parameters for result in some])
        a, b, c = np.polyfit(sizes, [result.bits_per_byte for result in some], 2)
        if a <= 0:
            continue
        bottom = -b / (2 * a)
        found.append(
            Best(
                flops=flops,
                parameters=math.exp(bottom),
                bits_per_byte=float(c - b * b / (4 * a)),
                inside=bool(min(sizes) <= bottom <= max(sizes)),
                parabola=(float(a), float(b), float(c)),
                fitted=(some[0].parameters, some[-1].parameters),
            )
        )
    return found


def power_of(found: Sequence[Best]) -> tuple[float, float, float | None] | None:
    """Factor and power of best size = factor * compute ** power, and the power's standard error; else ``None``."""
    if len(found) < MIN_BUDGETS:
        return None
    x, y = np.log([best.flops for best in found]), np.log([best.parameters for best in found])
    power, offset = np.polyfit(x, y, 1)
    error = None
    if len(found) > MIN_BUDGETS:
        rest = y - power * x - offset
        error = float(math.sqrt(rest @ rest / (len(x) - 2) / np.sum((x - x.mean()) ** 2)))
    return math.exp(offset), float(power), error


def table(results: Sequence[Result], found: Sequence[Best]) -> str:
    """Bits per byte in markdown: a row for each size, a column for each budget, and the best size below."""
    budgets = sorted({result.flops for result in results})
    cells = {(result.parameters, result.flops): result for result in results}
    lines = ["| parameters | " + " | ".join(f"{flops:.2e} FLOPs" for flops in budgets) + " |"]
    lines.append("| --- |" + " --- |" * len(budgets))
    for parameters in sorted({result.parameters for result in results}):
        row = [cells.get((parameters, flops)) for flops in budgets]
        told = [f"{one.bits_per_byte:.3f} ({one.tokens / 1e6:.2f} M tokens)" if one else "-" for one in row]
        lines.append(f"| {parameters:,} | " + " | ".join(told) + " |")
    best = {one.flops: one for one in found}
    told = [
        f"{best[flops].parameters / 1e6:.2f} M{'' if best[flops].inside else ', outside'}" if flops in best else "-"
        for flops in budgets
    ]
    return "\n".join([*lines, "| best size | " + " | ".join(told) + " |"])


def outlook(found: Sequence[Best], minutes: float, gflops: float) -> str:
    """What the fit says of a run of so many minutes."""
    fitted = power_of(found)
    if fitted is None:
        return f"no fit: it takes {MIN_BUDGETS} budgets of {MIN_SIZES} sizes with a best one between them"
    factor, power, error = fitted
    flops = 60e9 * gflops * minutes
    sizes = f"{factor * flops**power / 1e6:.2f} M parameters"
    if error is not None:
        middle = math.exp(float(np.mean(np.log([best.flops for best in found]))))
        spread = (flops / middle) ** (Z * error)
        sizes += f" (by the power's error alone, a factor of {spread:.1f} up or down)"
    told = f"best size ~ compute ** {power:.2f}" + (f" (standard error {error:.2f})" if error is not None else "")
    return f"{told}; {minutes:g} minutes at {gflops:g} GFLOP/s, {flops:.2e} FLOPs: {sizes}"


def draw(results: Sequence[Result], found: Sequence[Best], path: Path) -> None:
    """Bits per byte against size, a curve for each budget, with its bottom."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    panel = figure.subplots()
    budgets = sorted({result.flops for result in results})
    for i, flops in enumerate(budgets):
        some = sorted((r for r in results if r.flops == flops), key=lambda result: result.parameters)
        colour = ("#9fc4b1", "#5f9f80", "#2f6f4f", "#17402d")[min(i, 3)]
        sizes = [result.parameters for result in some]
        panel.plot(sizes, [result.bits_per_byte for result in some], "o", color=colour, label=f"{flops:.1e} FLOPs")
        for best in (one for one in found if one.flops == flops):
            line: Array = np.geomspace(*best.fitted, 100)
            panel.plot(line, np.polyval(best.parabola, np.log(line)), "-", color=colour)
            if best.inside:
                panel.plot([best.parameters], [best.bits_per_byte], "D", color="#c2571a")
    panel.set_xscale("log")
    panel.set_xlabel("parameters (the diamond is a budget's best size)")
    panel.set_ylabel("bits per byte, held out")
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False)
    figure.savefig(path, dpi=150)


def read_results(file: Path, key: str) -> list[Result]:
    """What was measured with this tokenizer."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Result(**row) for row in map(json.loads, lines) if row["tokenizer"] == key]


def _texts(folder: Path) -> list[Text]:
    """Every file, in an order by lot that hangs on paths alone."""
    texts = []
    for file in sorted(folder.rglob("*.py")):
        raw = file.read_bytes()
        texts.append(Text(path=file.relative_to(folder).as_posix(), text=raw.decode(), n_bytes=len(raw)))
    return sorted(texts, key=lambda text: hashlib.sha256(text.path.encode()).digest())


def main() -> None:
    """Train what is missing, and say what the results say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder of a model, whose tokenizer all share")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 3, 10], help="the budgets, at --gflops")
    parser.add_argument("--gflops", type=float, default=120, help="of training on two cores, about")
    parser.add_argument("--then", type=float, default=600, metavar="MINUTES", help="a longer run, at --gflops")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--only-tell", action="store_true", help="train nothing; tell what the results say so far")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    written = (arguments.tokenizer / "tokenizer.json").read_text(encoding="utf-8")
    key = hashlib.sha256(written.encode()).hexdigest()[:12]
    file = arguments.out / "results.jsonl"
    results = read_results(file, key)
    if not arguments.only_tell:
        tokenizer = Tokenizer.from_json(written)
        data = read_data(arguments.corpus, tokenizer, arguments.out, key, settings_of(1, 1))
        for flops in [60e9 * arguments.gflops * minutes for minutes in sorted(arguments.minutes)]:
            for size in SIZES:
                if any((r.width, r.n_layers, r.flops) == (size["width"], size["n_layers"], flops) for r in results):
                    continue
                results.append(trained(size, flops, data, key))
                row: dict[str, Any] = asdict(results[-1])
                print(row, flush=True)
                with file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(row) + "\n")
    found = bests(results)
    print(table(results, found))
    print(outlook([best for best in found if best.inside], arguments.then, arguments.gflops))
    if arguments.picture:
        draw(results, found, arguments.picture)


if __name__ == "__main__":
    main()
