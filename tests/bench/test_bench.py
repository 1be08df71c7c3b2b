"""The benches: turns, competitors over a pipe, records and their comparison, and the commands from end to end."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinycoder.bench import competitor as competitor_module
from tinycoder.bench.competitor import competitors
from tinycoder.bench.flops import decoding_flops, layer_flops, refuse_impossible, training_flops
from tinycoder.bench.interleave import interleave
from tinycoder.bench.report import Row, read_record, slower_rows
from tinycoder.bench.scaling import _fit
from tinycoder.bench.training_step import SIZES
from tinycoder.cli import cli
from tinycoder.errors import ConfigError, TinyCoderError
from tinycoder.transformer.model import n_params

FAKE = """
import json, sys
arguments = json.loads(sys.argv[1])
print("noise")
if arguments["absent"]:
    print(json.dumps({"absent": "fake is not installed"}), flush=True)
    sys.exit()
print(json.dumps({"ready": "1.0"}), flush=True)
for line in sys.stdin:
    if line.strip() == "die":
        sys.exit(3)
    print(json.dumps({"value": arguments.get("value", 0.5)}), flush=True)
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("fake.py", "torch_train.py", "llama_decode.py", "transformers_decode.py"):
        (tmp_path / name).write_text(FAKE.replace('arguments["absent"]', 'arguments.get("absent")'))
    monkeypatch.setattr(competitor_module, "FOLDER", tmp_path)
    return tmp_path


def test_everybody_has_turns_until_the_time_is_over() -> None:
    now, order = [0.0], []

    def contestant(name: str, took: float):  # type: ignore[no-untyped-def]
        def turn() -> float:
            order.append(name)
            now[0] += took
            return took + len(order) * 0.001

        return turn

    measured = interleave({"a": contestant("a", 1), "b": contestant("b", 2)}, 10, clock=lambda: now[0])
    assert order[:6] == ["a", "b"] * 3
    assert len(order) == 8
    assert measured == pytest.approx({"a": 1.005, "b": 2.006})  # the first round is left out
    assert interleave({"a": lambda: 1.0}, 1e-9) == {"a": 1.0}  # one round is better than none


def test_a_competitor_answers_and_ends(fake: Path) -> None:
    wanted = {"here": ("fake.py", {"value": 4.5}), "away": ("fake.py", {"absent": True})}
    with competitors(wanted, sys.executable) as (present, absent):
        assert absent == {"away": "fake is not installed"}
        assert present["here"].ask() == 4.5
        with pytest.raises(TinyCoderError, match="ended during its turn"):
            present["here"].ask("die")
    assert present["here"]._process.returncode is not None


def test_a_competitor_that_says_nothing_is_absent(fake: Path) -> None:
    (fake / "fake.py").write_text("raise SystemExit(1)")
    with competitors({"odd": ("fake.py", {})}, sys.executable) as (present, absent):
        assert (present, absent) == ({}, {"odd": "it ended before it was ready"})


def row(name: str, value: float, higher: bool = True, ratio: float | None = None) -> Row:
    return Row(name=name, value=value, unit="x", higher_is_better=higher, ratio=ratio)


def test_only_what_got_slower_is_named() -> None:
    old = {r.name: r for r in (row("speed", 100), row("time", 10, False), row("same", 5), row("theirs", 9))}
    now = [row("speed", 80), row("time", 12, False), row("same", 4.9), row("theirs", 1, ratio=2.0), row("new", 1)]
    assert [line.partition(":")[0] for line in slower_rows(now, old)] == ["speed", "time"]
    assert slower_rows([row("speed", 120), row("time", 9, False)], old) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "no record of a bench"),
        ("{}", "no record of a bench"),
        ('{"bench": "decode", "rows": []}', "is of `bench decode`"),
        ('{"bench": "train", "rows": [{"name": "x"}]}', "no record of a bench"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "old.json").write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read_record(tmp_path / "old.json", "train")


def test_the_fit_finds_what_was_put_in() -> None:
    values = (128, 256, 512, 1024)
    coefficients, fitted = _fit(values, [50 + 0.1 * value for value in values], (0, 1))
    assert coefficients == pytest.approx([50, 0.1])
    assert fitted == pytest.approx([50 + 0.1 * value for value in values])


def test_sizes_are_what_they_are_called() -> None:
    assert [round(n_params(SIZES[name]) / 1e6, 1) for name in ("1m", "6m", "20m")] == [0.9, 5.9, 21.2]


def run(*arguments: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(cli, ["bench", *arguments], catch_exceptions=True)


def test_bench_train_speaks_json_and_compares(fake: Path) -> None:
    out = fake / "out.json"
    result = run("train", "--size", "1m", "--seconds", "1", "--json", "--out", str(out), "--threads", "1")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found == json.loads(out.read_text())
    assert found["tokens_per_s"] > 0
    assert (
        found["competitors"].keys() == found["ratio"].keys() == {"torch-eager", "torch-compile", "torch-bf16"}
        or found["absent"]
    )
    assert 0 < found["sgemm_share"] < 1.5
    found["rows"] = [{**r, "value": r["value"] * 10} for r in found["rows"]]
    out.write_text(json.dumps(found))
    page = fake / "page.html"
    again = run("train", "--size", "1m", "--seconds", "1", "--compare", str(out), "--no-peers", "--html", str(page))
    assert again.exit_code == 0, again.output
    assert "slower: ours:" in again.stdout
    assert page.read_text(encoding="utf-8").count("<svg") == 2
    assert "absent: torch-eager: not asked for (--no-competitors)" in again.stdout


def test_competitors_that_are_not_installed_are_named(tmp_path: Path) -> None:
    result = run("memory", "--size", "1m", "--json", "--competitor-python", sys.executable)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    names = {r["name"] for r in found["rows"]} | found["absent"].keys()
    assert names == {"ours", "torch-eager"}


def test_bench_decode_has_a_row_for_each_question() -> None:
    result = run("decode", "--seconds", "1", "--json", "--no-competitors")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    names = {"one: ours", "typed: ours", "prefill: ours", "code: ours", "code: ours with drafts"}
    assert {r["name"] for r in found["rows"]} == names
    assert found["absent"].keys() == {"llama.cpp", "llama.cpp-flash", "transformers"}
    assert found["drafts_equal"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for number in range(3):
        names = [f"value_{number}_{n}" for n in range(120)]
        lines = [f"def make_{name}(start):\n    {name} = start + {len(name)}\n    return {name}\n" for name in names]
        (tmp_path / f"part_{number}.py").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_bench_keystroke_says_where_the_time_goes_and_compares(project: Path) -> None:
    checkout = Path(__file__).parents[2]
    against = ["--against", str(checkout)] if (checkout / "tinycoder").is_dir() else []
    result = run("keystroke", str(project), "--seconds", "1", "--json", "--threads", "1", *against)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    for parts in found["budget"].values():
        assert sum(part["share"] for part in parts.values()) == pytest.approx(1)
        assert all(part["p50_ms"] <= part["p95_ms"] for part in parts.values())
    assert found["budget"]["list"]["names"]["share"] > 0
    assert found["budget"]["jump"]["prefill"]["share"] > 0
    assert found["budget"]["ghost"]["gates"]["p95_ms"] >= 0
    if against:
        assert found["equal"].keys() == found["budget"].keys()
        assert all(same == of_all > 0 for same, of_all in found["equal"].values())
        assert sum(row["ratio"] is not None for row in found["rows"]) == 6


def test_a_figure_faster_than_its_arithmetic_is_refused() -> None:
    rate = 1e9
    refuse_impossible({"one": 1e-3, "theirs": 1e-9}, {"one": 1e6}, rate)
    with pytest.raises(TinyCoderError, match="less than its arithmetic"):
        refuse_impossible({"one": 1e-4}, {"one": 1e6}, rate)


def test_arithmetic_of_a_token() -> None:
    model = SIZES["6m"]
    assert decoding_flops(model) == 2 * n_params(model)
    assert decoding_flops(model) - layer_flops(model) == 2 * model.vocab_size * model.width
    assert training_flops(model) > 3 * decoding_flops(model)


def test_competitors_find_what_they_share() -> None:
    """The scripts run by their path, in an interpreter that may have nothing of theirs."""
    for script in ("torch_train.py", "llama_decode.py", "transformers_decode.py"):
        if importlib.util.find_spec({"t": "torch", "l": "llama_cpp"}[script[0]]) is None:
            with competitors({"theirs": (script, {})}, sys.executable) as (_, absent):
                assert "is not installed (pip install" in absent["theirs"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "--threads", "9999"], "cores"),
        (["train", "--compare", "nowhere.json"], "cannot be read"),
        (["train", "--competitor-python", "no-such-python"], "is no program"),
        (["decode", "--model", "nobody"], "nobody"),
        (["keystroke", "."], "has no Python file that is long enough"),
        (["keystroke", "--against", "."], "is no checkout"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["--home", str(tmp_path), "bench", *arguments])
    assert result.exit_code != 0
    assert isinstance(result.exception, Exception)
    assert words in str(result.exception)
    assert "\n" not in str(result.exception)
