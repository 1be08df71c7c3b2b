"""The verdict of the soak, on quarters made up for the test."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "torture")
        return importlib.import_module("soak")


def quarter(soak: ModuleType, *, mb: float = 190.0, ms: float = 45.0, threads: int = 9, handles: int = 8) -> Any:
    sample = soak.Sample(resident_kb=round(1024 * mb), n_threads=threads, n_handles=handles)
    return soak.Quarter(samples=[sample] * 10, answers_ms=[ms] * 100, rested_kb=1024 * mb)


@pytest.mark.parametrize(
    ("after", "faults"),
    [
        ({}, []),
        ({"mb": 193.0, "ms": 47.0}, []),
        ({"mb": 160.0, "ms": 20.0, "threads": 8, "handles": 7}, []),
        ({"mb": 195.0}, ["resident memory grew from 190.0 to 195.0 MB (1.026 times)"]),
        ({"ms": 48.0}, ["the 95th percentile of answers grew from 45.0 to 48.0 ms (1.067 times)"]),
        ({"threads": 10, "handles": 9}, ["threads grew from 9 to 10.0", "handles grew from 8 to 9.0"]),
    ],
)
def test_what_grows_by_more_than_its_share_is_named(soak: ModuleType, after: Any, faults: list[str]) -> None:
    assert soak.grown(quarter(soak), quarter(soak, **after), quick=False, timed=True) == faults


def test_times_are_not_compared_beside_other_work_or_in_a_short_run(soak: ModuleType) -> None:
    before, after = quarter(soak), quarter(soak, ms=90.0)
    assert soak.grown(before, after, quick=False, timed=False) == []
    assert soak.grown(before, after, quick=True, timed=True) == []
