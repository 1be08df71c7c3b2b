"""``bench memory``: the most memory that training ever holds, ours and PyTorch's, each in a process of its own."""

from __future__ import annotations

import dataclasses

from tinycoder.bench.competitor import competitors
from tinycoder.bench.report import Record, Row
from tinycoder.bench.training_step import BATCH, SIZES, trial

N_STEPS = 4


def run(*, size: str, threads: int, peer_python: str, with_peers: bool) -> Record:
    """Ours against PyTorch's, after some steps with AdamW."""
    model = SIZES[size]
    arguments = {"model": dataclasses.asdict(model), "batch": BATCH, "threads": threads, "kind": "eager"}
    wanted = {"torch-eager": ("torch_train.py", arguments)} if with_peers else {}
    ours = trial(model, batch=BATCH, threads=threads, n_steps=N_STEPS)["mib"]
    rows = [Row(name="ours", value=ours, unit="MiB", higher_is_better=False)]
    absent = {} if with_peers else {"torch-eager": "not asked for (--no-peers)"}
    with competitors(wanted, peer_python) as started:
        for name, competitor in started.items():
            if competitor.absent is not None:
                absent[name] = competitor.absent
                continue
            for _ in range(N_STEPS):
                competitor.ask()
            theirs = competitor.ask("memory")
            rows.append(Row(name=name, value=theirs, unit="MiB", higher_is_better=False, ratio=ours / theirs))
    facts = {"size": size, "batch": BATCH, "context": model.context, "threads": threads}
    return Record(bench="memory", rows=rows, absent=absent, facts=facts)
