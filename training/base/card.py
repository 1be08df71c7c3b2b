"""The model card of the bundled model: ``card.md`` with its figures put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from domains import Package

from tinycoder.storage.record import Stage, TrainingRecord

TEMPLATE = Path(__file__).with_name("card.md")


def model_card(training: TrainingRecord, packages: Sequence[Package], shape: Mapping[str, Any]) -> str:
    """Markdown of the card, from the record, the corpus's packages, and the model's shape and sizes.

    ``shape`` has the fields of the model's configuration, and ``weights_bytes`` and ``tokenizer_bytes``.
    """
    data, bundled, versions = training.data, training.bundled, training.versions
    assert data
    assert bundled
    assert versions
    stages = [*training.history, training]
    tokens_seen = sum(stage.tokens_seen for stage in stages)
    hours = sum(stage.seconds for stage in stages) / 3600
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        {name: f"{value:,}" for name, value in shape.items()},
        parameters=f"{training.parameters:,}",
        weights_mb=_mb(shape["weights_bytes"]),
        exact_mb=_mb(4 * training.parameters),
        tokenizer_mb=_mb(shape["tokenizer_bytes"]),
        train_mb=_mb(data.bytes),
        n_files=f"{data.files:,}",
        train_tokens=_millions(data.tokens),
        epochs=f"{training.tokens_seen / data.tokens:.1f} times{' in the last stage' if training.history else ''}",
        tokens_seen=_millions(tokens_seen),
        n_steps=f"{sum(stage.steps for stage in stages):,}",
        hours=f"{hours:.1f}",
        sittings=_stages(stages),
        machine=bundled["machine"],
        energy=f"{hours * bundled['watts'] / 1000:.2g}",
        watts=f"{bundled['watts']:g}",
        averaged=_averaged(bundled["average"]),
        version=versions.tinycoder,
        seed=training.seed,
        held_out_kb=f"{data.validation_bytes / 1e3:,.0f}",
        quality=_quality(bundled["bits_per_byte"], packages),
        prompt=bundled["by_heart"]["prompt"],
        continued=bundled["by_heart"]["continued"],
        learnt=_share(bundled["by_heart"]["learnt"]),
        unseen=_share(bundled["by_heart"]["unseen"]),
        packages=_packages(packages),
        last=len(stages) - 1,
        commands="\n".join(_command(i, stage.tokens_seen) for i, stage in enumerate(stages)),
    )


def _stages(stages: Sequence[Stage | TrainingRecord]) -> str:
    """The tokens of each stage, if there was more than one."""
    if len(stages) == 1:
        return ""
    parts = " and ".join(_millions(stage.tokens_seen) for stage in stages)
    return f", in {len(stages)} stages ({parts} tokens), each from the weights of the one before"


def _command(i: int, tokens: int) -> str:
    start = f" --start RUN{i - 1}" if i else ""
    return f"$ python training/base/train.py CORPUS --folder RUN{i} --tokens {tokens}{start} > RUN{i}.log"


def _averaged(n: int) -> str:
    if n == 0:
        return "those of the run's best evaluation"
    return "the last ones of the run" if n == 1 else f"the mean of the run's last {n} checkpoints"


def _quality(bits: Mapping[str, Mapping[str, Any]], packages: Sequence[Package]) -> str:
    """A row for each domain, and one for all."""
    lines = ["| domain | MB learnt | kB held out | float32 | int8 |", "|---|---:|---:|---:|---:|"]
    for domain, exact in bits["float32"]["domains"].items():
        rows = [package for package in packages if package.domain == domain]
        lines.append(_row(domain, rows, exact, bits["int8"]["domains"][domain]))
    return "\n".join([*lines, _row("all", packages, bits["float32"]["all"], bits["int8"]["all"])])


def _row(name: str, packages: Sequence[Package], exact: float, small: float) -> str:
    learnt, held_out = (sum(sizes) for sizes in zip(*((p.n_bytes, p.held_out_bytes) for p in packages), strict=True))
    return f"| {name} | {_mb(learnt)} | {held_out / 1e3:,.0f} | {exact:.3f} | {small:.3f} |"


def _packages(packages: Sequence[Package]) -> str:
    """The packages of each domain, largest first, with versions and licences."""
    lines = ["| domain | MB | packages |", "|---|---:|---|"]
    for domain in dict.fromkeys(package.domain for package in packages):
        rows = sorted((p for p in packages if p.domain == domain and p.n_bytes), key=lambda p: -p.n_bytes)
        names = ", ".join(f"{p.name} {p.version} ({p.licence})" for p in rows)
        lines.append(f"| {domain} | {_mb(sum(p.n_bytes for p in rows))} | {names} |")
    return "\n".join(lines)


def _share(count: Mapping[str, int]) -> str:
    part = count["by_heart"] / count["windows"]
    return f"{count['by_heart']:,} of {count['windows']:,} positions ({part:.1%})"


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f}" if n_bytes >= 1e6 else f"{n_bytes / 1e6:.2f}"


def _millions(n: int) -> str:
    return f"{n / 1e6:.1f} million"
