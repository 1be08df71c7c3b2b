"""``bench memory``: the most memory that training ever holds, ours and PyTorch's, each in a process of its own."""

import dataclasses

from tinycoder.bench.competitor import competitors
from tinycoder.bench.report import Record, Row
from tinycoder.bench.training_step import BATCH, SIZES, measure_steps

N_STEPS = 4


def run(*, size: str, threads: int, competitor_python: str | None) -> Record:
    """Ours against PyTorch's, after some steps with AdamW."""
    model = SIZES[size]
    arguments = {"model": dataclasses.asdict(model), "batch": BATCH, "threads": threads, "kind": "eager"}
    ours = measure_steps(model, batch=BATCH, threads=threads, n_steps=N_STEPS)["mib"]
    rows = [Row(name="ours", value=ours, unit="MiB", higher_is_better=False)]
    wanted = {"torch-eager": ("torch_train.py", arguments)}
    with competitors(wanted, competitor_python) as (present, absent):
        for name, competitor in present.items():
            for _ in range(N_STEPS):
                competitor.ask()
            theirs = competitor.ask("memory")
            rows.append(Row(name=name, value=theirs, unit="MiB", higher_is_better=False, ratio=ours / theirs))
    metadata = {"size": size, "batch": BATCH, "context": model.context, "threads": threads}
    return Record(bench="memory", rows=rows, absent=absent, metadata=metadata)
