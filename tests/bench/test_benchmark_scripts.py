"""What the scripts of benchmarks/ compute, on results written for the test: nothing is trained or measured here."""

import io
import math
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tinycoder.config import PRESETS
from tinycoder.transformer.model import n_params


@pytest.fixture(scope="module")
def sizes(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("sizes")


@pytest.fixture(scope="module")
def bundled(load: Callable[[str], ModuleType]) -> ModuleType:
    return load("shipped")


def results(sizes: ModuleType, flops: float, best: float) -> list[Any]:
    """Five sizes whose bits per byte lie on a parabola with its bottom, 1.0, at ``best``."""
    return [
        sizes.Result(
            tokenizer="",
            width=0,
            n_layers=0,
            parameters=n,
            flops=flops,
            tokens=1,
            steps=1,
            rows=1,
            bits_per_byte=1.0 + 0.1 * math.log(n / best) ** 2,
            seconds=0.0,
        )
        for n in (600_000, 1_200_000, 2_400_000, 4_800_000, 8_000_000)
    ]


def test_a_plan_uses_the_budget_up(sizes: ModuleType) -> None:
    config = PRESETS["medium"].model(4096)
    for flops in (7.2e12, 7.2e13, 4e15):
        steps, rows = sizes.plan(config, flops)
        used = steps * rows * config.context * sizes.flops_of_token(config)
        assert used == pytest.approx(flops, rel=0.01)
        assert steps >= 200


def test_a_token_costs_six_flops_a_weight_and_its_attention(sizes: ModuleType) -> None:
    config = PRESETS["medium"].model(4096)
    attention = 6 * config.n_layers * config.context * config.width
    assert sizes.flops_of_token(config) == pytest.approx(6 * n_params(config) + attention, rel=0.001)


def test_the_best_size_of_a_budget_is_the_bottom_of_its_parabola(sizes: ModuleType) -> None:
    [found] = sizes.bests(results(sizes, 1e13, 2e6))
    assert found.parameters == pytest.approx(2e6)
    assert found.bits_per_byte == pytest.approx(1.0)
    assert found.inside


def test_a_bottom_beyond_the_sizes_is_told(sizes: ModuleType) -> None:
    [found] = sizes.bests(results(sizes, 1e13, 2e7))
    assert not found.inside


def test_too_few_sizes_give_no_best_one(sizes: ModuleType) -> None:
    assert sizes.bests(results(sizes, 1e13, 2e6)[:3]) == []


def test_best_sizes_grow_with_a_power_of_the_compute(sizes: ModuleType) -> None:
    budgets = (1e13, 3e13, 1e14)
    found = sizes.bests([one for flops in budgets for one in results(sizes, flops, 1e6 * (flops / 1e13) ** 0.5)])
    factor, power, error = sizes.power_of(found)
    assert power == pytest.approx(0.5)
    assert error == pytest.approx(0.0, abs=1e-6)
    assert factor * 4e15**power == pytest.approx(2e7)
    assert "20.00 M parameters" in sizes.outlook(found, 1_000, 4e15 / 60e9 / 1_000)


def test_one_budget_gives_no_power(sizes: ModuleType) -> None:
    found = sizes.bests(results(sizes, 1e13, 2e6))
    assert sizes.power_of(found) is None
    assert "no fit" in sizes.outlook(found, 600, 120)


def test_what_is_fine_tuned_sees_no_scored_file(bundled: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "pkg").mkdir(parents=True)
    for name in ("pkg/a.py", "pkg/b.py", "setup.py"):
        (folder / name).write_text("x = 1\n")
    repository = bundled.Repository(name="project", folder=folder, scored=("pkg/b.py",))
    copy = bundled.without_scored(repository, tmp_path / "home")
    assert sorted(file.relative_to(copy).as_posix() for file in copy.rglob("*.py")) == ["pkg/a.py", "setup.py"]
    assert (folder / "pkg" / "b.py").exists()


def test_an_archive_gives_its_python_files_and_nothing_outside_its_folder(bundled: ModuleType, tmp_path: Path) -> None:
    archive = tmp_path / "p-1.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("p-1/pkg/a.py", "p-1/LICENSE", "p-1/../../evil.py"):
            member = tarfile.TarInfo(name)
            member.size = 6
            tar.addfile(member, io.BytesIO(b"x = 1\n"))
    bundled.unpack(archive, tmp_path / "here" / "p")
    written = [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()]
    assert sorted(written) == ["here/p/pkg/a.py", "p-1.tar.gz"]


def row(bundled: ModuleType, repository: str, engine: str, bits: float) -> dict[str, Any]:
    times = {"p50": 10.0, "p95": 20.0}
    quality: dict[str, Any] = {
        "prediction": {"bits_per_byte": bits, "token_accuracy": None},
        "popup": [{"top_1": 0.5, "top_5": 0.75}] * 4,
        "inline": dict.fromkeys(
            ("shown", "exact", "similarity", "exact_of_shown", "valid_of_shown", "accepted_of_shown"), 0.25
        ),
        "typing": {"keys_per_character": {"best": 0.6}},
        "latency_ms": dict.fromkeys(("popup", "inline", "popup while typing", "inline while typing"), times),
    }
    return {"repository": repository, "engine": engine, "peak_mb": 120.0, "quality": quality}


def test_tables_have_the_mean_of_whole_repositories_and_each_one(bundled: ModuleType) -> None:
    rows = [
        row(bundled, name, engine, bits)
        for name, bits in (("a", 1.0), ("b", 2.0))
        for engine in bundled.ENGINES.values()
    ]
    told = bundled.tables([*rows, row(bundled, "c", "model", 3.0)])
    assert "**Quality, mean of 2 repositories**" in told
    assert told.count("| fine-tuned + memory | 1.500 | - | 0.500 |") == 1
    assert told.count("| model | 3.000 |") == 1
    assert "| 10 | 20 |" in told
