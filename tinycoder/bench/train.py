"""``bench train``: training tokens a second, beside PyTorch's and beside what matrix products alone would allow."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from typing import Any

from tinycoder.bench.competitor import competitors
from tinycoder.bench.flops import sgemm_rate, training_flops
from tinycoder.bench.interleave import interleave, medians
from tinycoder.bench.report import Record, Row
from tinycoder.bench.training_step import BATCH, SIZES, steps
from tinycoder.transformer.model import n_params

PEERS = {"torch-eager": "eager", "torch-compile": "compile", "torch-bf16": "bf16"}


def run(*, size: str, seconds: float, threads: int, peer_python: str, with_peers: bool) -> Record:
    """Like with like: all of them with AdamW; ours with Muon besides."""
    model = SIZES[size]
    arguments: dict[str, Any] = {"model": dataclasses.asdict(model), "batch": BATCH, "threads": threads}
    wanted = {name: ("torch_train.py", {**arguments, "kind": kind}) for name, kind in PEERS.items() if with_peers}
    with ExitStack() as stack:
        started = stack.enter_context(competitors(wanted, peer_python))
        ours = {
            name: stack.enter_context(steps(model, batch=BATCH, threads=threads, optimizer=optimizer))
            for name, optimizer in (("ours", "adamw"), ("ours-muon", "muon"))
        }
        present = {name: competitor for name, competitor in started.items() if competitor.absent is None}
        turns = {**ours, "sgemm": lambda: sgemm_rate(model, threads)}
        turns |= {name: competitor.ask for name, competitor in present.items()}
        found = medians(interleave(turns, seconds))
    n_tokens = BATCH * model.context
    speeds = {name: n_tokens / value for name, value in found.items() if name != "sgemm"}
    ratios = {name: speeds["ours"] / speeds[name] for name in present}
    rows = [
        Row(
            name=name,
            value=speed,
            unit="tokens/s",
            higher_is_better=True,
            ratio=ratios.get(name),
        )
        for name, speed in speeds.items()
    ]
    share = speeds["ours"] * training_flops(model) / found["sgemm"]
    rows.append(Row(name="share of sgemm", value=share, unit="of 1", higher_is_better=True))
    absent = {name: competitor.absent or "" for name, competitor in started.items() if competitor.absent is not None}
    facts = {
        "size": size,
        "n_params": n_params(model),
        "batch": BATCH,
        "context": model.context,
        "threads": threads,
        "seconds": seconds,
        "tokens_per_s": speeds["ours"],
        "peers": {name: speeds[name] for name in present},
        "ratio": ratios,
        "sgemm_gflops": found["sgemm"] / 1e9,
        "sgemm_share": share,
    }
    absent |= {} if with_peers else dict.fromkeys(PEERS, "not asked for (--no-peers)")
    return Record(bench="train", rows=rows, absent=absent, facts=facts)
