"""``bench train``: training tokens a second, next to PyTorch's and to what matrix products alone would allow."""

import dataclasses
from contextlib import ExitStack
from typing import Any

from tinycoder.bench.competitor import competitors
from tinycoder.bench.flops import sgemm_rate, training_flops
from tinycoder.bench.interleave import interleave
from tinycoder.bench.report import Record, Row
from tinycoder.bench.training_step import BATCH, SIZES, steps
from tinycoder.transformer.model import n_params

COMPETITORS = {"torch-eager": "eager", "torch-compile": "compile", "torch-bf16": "bf16"}


def run(*, size: str, seconds: float, threads: int, competitor_python: str | None) -> Record:
    """Like with like: all of them with AdamW; ours also with Muon."""
    model = SIZES[size]
    arguments: dict[str, Any] = {"model": dataclasses.asdict(model), "batch": BATCH, "threads": threads}
    wanted = {name: ("torch_train.py", {**arguments, "kind": kind}) for name, kind in COMPETITORS.items()}
    with ExitStack() as stack:
        present, absent = stack.enter_context(competitors(wanted, competitor_python))
        contestants = {
            name: stack.enter_context(steps(model, batch=BATCH, threads=threads, optimizer=optimizer))
            for name, optimizer in (("ours", "adamw"), ("ours-muon", "muon"))
        }
        contestants |= {"sgemm": lambda: sgemm_rate(model, threads)}
        contestants |= {name: competitor.ask for name, competitor in present.items()}
        measured = interleave(contestants, seconds)
    rate = measured.pop("sgemm")
    speeds = {name: BATCH * model.context / value for name, value in measured.items()}
    ratios = {name: speeds["ours"] / speeds[name] for name in present}
    share = speeds["ours"] * training_flops(model) / rate
    rows = [
        Row(name=name, value=speed, unit="tokens/s", higher_is_better=True, ratio=ratios.get(name))
        for name, speed in speeds.items()
    ]
    rows.append(Row(name="share of sgemm", value=share, unit="of 1", higher_is_better=True))
    metadata = {
        "size": size,
        "n_params": n_params(model),
        "batch": BATCH,
        "context": model.context,
        "threads": threads,
        "seconds": seconds,
        "tokens_per_s": speeds["ours"],
        "competitors": {name: speeds[name] for name in present},
        "ratio": ratios,
        "sgemm_gflops": rate / 1e9,
        "sgemm_share": share,
    }
    return Record(bench="train", rows=rows, absent=absent, metadata=metadata)
