"""Settings that no editor sends, but a workspace's settings file may hold."""

from __future__ import annotations

from typing import Any

import pytest

from tinycoder_lsp.configuration import parse
from tinycoder_lsp.settings import Settings


def nested(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


@pytest.mark.parametrize(
    "values",
    [
        {"inline": {"threshold": 10**400}},
        {"inline": {"threshold": float("nan")}},
        {"inline": {"maxTokens": 10**400}},
        {"maxFileKb": 2**31},
        {"model": nested(100_000)},
        nested(100_000),
        {"x" * 1_000_000: 1},
        {"a\nb": 1},
        {"model": ["a\nb"] * 100_000},
    ],
    ids=["huge", "nan", "no end", "too many", "deep", "deep all", "long", "two lines", "wide"],
)
def test_a_strange_value_is_one_short_sentence_and_its_default(values: object) -> None:
    found, problems = parse(values, Settings())
    assert found == Settings()
    (problem,) = problems
    assert len(problem.splitlines()) == 1
    assert len(problem) < 1000
