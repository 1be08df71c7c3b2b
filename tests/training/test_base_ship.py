"""From a run's folder to the shipped one, with models of a few kilobytes: averages, domains, memory, log, card."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

from tinycoder.config import GenerationConfig, TrainConfig
from tinycoder.errors import CheckpointError, CorpusError
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.transformer.decode import Session
from tinycoder.transformer.sampling import sample_ids
from tinycoder.workspace.text import Text
from tinycoder_training.job import new_job
from tinycoder_training.quality import measure

BASE = Path(__file__).parents[2] / "training" / "base"
PACKAGES = {"alpha": "tools", "beta": "tools", "gamma": "mathematics"}


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BASE)


def script(name: str) -> Any:
    return importlib.import_module(name)


def code(name: str, n: int = 40) -> str:
    return "".join(f"def {name}_{i}(value):\n    return value + {i}, '{name}'\n\n\n" for i in range(n))


def text(path: str, content: str) -> Text:
    return Text(path=path, text=content, n_bytes=len(content.encode()))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for package, domain in PACKAGES.items():
        sizes = []
        for part, n in (("train", 60), ("held_out", 20)):
            file = folder / part / package / "code.py"
            file.parent.mkdir(parents=True)
            file.write_text(code(package, n), encoding="utf-8", newline="\n")
            sizes.append(file.stat().st_size)
        row = {"package": package, "version": "1.2", "licence": "MIT", "domain": domain}
        rows.append({**row, "bytes": sizes[0], "held_out_bytes": sizes[1]})
    (folder / "manifest.json").write_text(json.dumps({"sources": rows}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a few steps, with three late checkpoints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BASE)
        texts = script("train").read_corpus(corpus)
    folder = tmp_path_factory.mktemp("runs") / "run"
    settings = TrainConfig(steps=6, batch_size=2, n_evals=3, evaluation_tokens=512)
    job = new_job(texts, folder=folder, preset="nano", settings=settings)
    ticks = iter(range(10_000))
    for report in job.train(stop=lambda: False, clock=lambda: float(next(ticks))):
        if report.step > 3:
            keep(folder, report.step, job.progress.params)
    return folder


def keep(folder: Path, step: int, params: dict[str, Any]) -> Path:
    late = folder.with_name(f"{folder.name}-late")
    late.mkdir(exist_ok=True)
    file = late / f"{step:07}.safetensors"
    save_file({name: param.astype(np.float16) for name, param in params.items()}, file)
    return file


@pytest.fixture
def model(run: Path) -> Model:
    return load_model(run)


def test_late_checkpoints_come_oldest_first(run: Path, tmp_path: Path) -> None:
    found = script("average").late_checkpoints(run)
    assert [file.stem for file in found] == ["0000004", "0000005", "0000006"]
    assert script("average").late_checkpoints(tmp_path / "none") == ()


def test_mean_is_the_mean_in_float32(model: Model, tmp_path: Path) -> None:
    ones = {name: np.ones_like(param) for name, param in model.params.items()}
    twos = {name: 2 * param for name, param in ones.items()}
    files = [keep(tmp_path / "run", step, params) for step, params in enumerate((ones, twos))]
    found = script("average").mean(files, model.config)
    assert found.keys() == model.params.keys()
    assert all(param.dtype == np.float32 and (param == 1.5).all() for param in found.values())


@pytest.mark.parametrize("fault", ["shape", "nan", "cut"])
def test_mean_refuses_what_is_no_checkpoint_of_the_run(model: Model, tmp_path: Path, fault: str) -> None:
    params = {name: param.copy() for name, param in model.params.items()}
    if fault == "nan":
        params["model.norm.weight"][0] = np.nan
    elif fault == "shape":
        del params["model.norm.weight"]
    file = keep(tmp_path / "run", 1, params)
    if fault == "cut":
        file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"0000001\.safetensors"):
        script("average").mean([file], model.config)


def test_the_average_that_predicts_best_is_chosen(model: Model, corpus: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    worse = {name: param + noise.standard_normal(param.shape) for name, param in model.params.items()}
    mirrored = {name: 2 * model.params[name] - param for name, param in worse.items()}
    texts = script("train").read_corpus(corpus).validation
    files = [keep(tmp_path / "run", step, params) for step, params in enumerate((worse, mirrored))]
    bad = dataclasses.replace(model, params={name: param.astype(np.float32) for name, param in worse.items()})
    chosen, tried = script("average").best(bad, files, texts, n_tokens=2048)  # only the mean of both is the model
    assert [candidate.n for candidate in tried] == [0, 1, 2]
    assert min(tried, key=lambda candidate: candidate.bits_per_byte).n == 2
    np.testing.assert_allclose(chosen.params["model.norm.weight"], model.params["model.norm.weight"], atol=1e-2)
    same, alone = script("average").best(model, [], texts, n_tokens=2048)
    assert same is model
    assert len(alone) == 1


def test_domains_come_from_the_manifest(corpus: Path) -> None:
    domains = script("domains")
    packages = domains.read_manifest(corpus / "manifest.json")
    texts = [text("gamma/a.py", "a"), text("alpha/b.py", "b"), text("beta/c.py", "c")]
    groups = domains.split(texts, packages)
    assert {name: [found.path for found in group] for name, group in groups.items()} == {
        "tools": ["alpha/b.py", "beta/c.py"],
        "mathematics": ["gamma/a.py"],
    }
    assert list(domains.split(texts[:1], packages)) == ["mathematics"]
    with pytest.raises(CorpusError, match="delta"):
        domains.split([text("delta/a.py", "a")], packages)


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"sources": [{"package": "alpha"}]}')
    with pytest.raises(CorpusError, match=r"manifest\.json is no manifest"):
        script("domains").read_manifest(tmp_path / "manifest.json")


def test_quality_weighs_domains_by_their_bytes(model: Model) -> None:
    groups = {"short": [text("alpha/a.py", code("alpha", 4))], "long": [text("beta/b.py", "x = {}\n" * 400)]}
    found = script("domains").quality(model, groups)
    for name, texts in groups.items():
        assert found.by_domain[name] == pytest.approx(measure(model, texts, n_tokens=10**9).bits_per_byte)
    sizes = {name: texts[0].n_bytes for name, texts in groups.items()}
    expected = sum(found.by_domain[name] * size for name, size in sizes.items()) / sum(sizes.values())
    assert found.overall == pytest.approx(expected)


def test_windows_are_pieces_of_the_encoded_text(model: Model) -> None:
    content = "\n" + code("alpha") + "    # größer als: ä\n" * 30
    rows = script("memorisation").windows([text("a.py", content)], model.tokenizer, 30, np.random.default_rng(0))
    whole = model.tokenizer.encode(content)
    pieces = {tuple(whole[i : i + 70]) for i in range(len(whole) - 69)}
    assert rows.shape == (30, 70)
    assert {tuple(row) for row in rows.tolist()} <= pieces
    assert len({tuple(row) for row in rows.tolist()}) > 20  # from many places


def test_windows_are_where_they_are_in_a_long_text_too(model: Model) -> None:
    content = code("alpha", 300)  # longer than what is read after a place
    rows = script("memorisation").windows([text("a.py", content)], model.tokenizer, 20, np.random.default_rng(1))
    whole = model.tokenizer.encode(content)
    assert {tuple(row) for row in rows.tolist()} <= {tuple(whole[i : i + 70]) for i in range(len(whole) - 69)}


@pytest.mark.parametrize("texts", [[], [text("a.py", "x = 1\n")]])
def test_texts_that_are_too_short_give_no_windows(model: Model, texts: list[Text]) -> None:
    with pytest.raises(CorpusError):
        script("memorisation").windows(texts, model.tokenizer, 3, np.random.default_rng(0))


def test_reproduced_is_what_greedy_decoding_writes(model: Model) -> None:
    memorisation = script("memorisation")
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(18):  # more than pass through the model at once
        prompt = rng.integers(6, model.config.vocab_size, memorisation.PROMPT).tolist()
        greedy = GenerationConfig(max_tokens=memorisation.CONTINUED)
        session = Session(model.params, model.config)
        rows.append([*prompt, *sample_ids(session, prompt, greedy, end=-1, banned=(), seed=0)])
    windows = np.array(rows)
    assert memorisation.reproduced(model, windows).all()
    for row, place in ((3, memorisation.PROMPT), (11, 44), (17, 69)):
        windows[row, place] = (windows[row, place] + 1) % model.config.vocab_size
    assert np.flatnonzero(~memorisation.reproduced(model, windows)).tolist() == [3, 11, 17]


def test_memorised_counts_and_keeps_the_texts(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    memorisation = script("memorisation")
    monkeypatch.setattr(memorisation, "reproduced", lambda model, rows: np.arange(len(rows)) < 2)
    content = code("alpha")
    found = memorisation.memorised(model, [text("a.py", content)], n=8, seed=0)
    assert (found.n_windows, len(found.texts), found.share) == (8, 2, 0.25)
    assert all(piece in content for piece in found.texts)
    assert sum(n for _, n in found.kinds()) == 2


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("# Licensed under the terms of the MIT licence\n", "licence"),
        ("import os\nfrom pathlib import Path\nimport re\n", "imports"),
        ("0x12, 0x13, 0x14, 0x15,\n 12, 13, 1.5e3, 17,\n", "table"),
        ("self.assert_(a)\n" * 6, "repetition"),
        ("def parse(self, text):\n    for line in text.splitlines():\n        yield line.strip()\n", "other code"),
    ],
)
def test_kinds_of_text(content: str, kind: str) -> None:
    assert script("memorisation").kind_of(content) == kind


def lines(steps: Iterator[int] | range) -> list[dict[str, Any]]:
    return [{"step": step, "minutes": step / 10, "scale": 1.0} for step in steps]


def test_log_of_a_run_that_went_on_from_an_earlier_step(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    raw = [json.dumps(line) for line in lines(range(50, 301, 50))] + ["a warning", '{"step": 350, "min']
    again = [json.dumps({**line, "again": True}) for line in lines(range(250, 401, 50))]
    file.write_text("\n".join(raw + again) + "\n")
    found = script("curve").read_log(file)
    assert [line["step"] for line in found] == [50, 100, 150, 200, 250, 300, 350, 400]
    assert [line["step"] for line in found if "again" in line] == [250, 300, 350, 400]


def test_a_file_without_lines_is_no_log(tmp_path: Path) -> None:
    (tmp_path / "run.log").write_text("nothing\n")
    for file in (tmp_path / "run.log", tmp_path / "missing.log"):
        with pytest.raises(CorpusError):
            script("curve").read_log(file)


def test_a_thinned_log_keeps_measurements_and_both_ends() -> None:
    log = lines(range(500))
    for line in log[::20]:
        line["bits_per_byte"] = 1.0
    found = script("curve").thinned(log, 100)
    steps = [line["step"] for line in found]
    assert len(steps) == 100
    assert steps == sorted(steps)
    assert {0, 499, *range(0, 500, 20)} <= set(steps)
    assert script("curve").thinned(log[:50], 100) == log[:50]
    assert len(script("curve").thinned(log, 10)) == 10


def test_spread_keeps_both_ends() -> None:
    spread = script("curve").spread
    assert spread([1, 2, 3], 5) == [1, 2, 3]
    assert spread(range(101), 3) == [0, 50, 100]
    assert spread(range(5), 0) == []


def test_the_picture_is_small_and_always_the_same(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = [{**line, "bits_per_byte": 2 - line["step"] / 1000} for line in lines(range(100))]
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for file in files:
        script("curve").draw(log, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size < 60_000


def ship(run: Path, corpus: Path, out: Path, *arguments: str) -> Result:
    command = [str(run), "--corpus", str(corpus), "--manifest", str(corpus / "manifest.json"), "--out", str(out)]
    return CliRunner().invoke(script("ship").main, [*command, "--windows", "4", "--machine", "a test", *arguments])


@pytest.fixture(scope="module")
def bundled(run: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, str]:
    """The shipped model, and what was said on the way."""
    out = tmp_path_factory.mktemp("models") / "base"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BASE)
        result = ship(run, corpus, out, "--watts", "50")
    assert result.exit_code == 0, result.output
    return load_model(out), result.output


def test_ships_the_chosen_weights_in_int8(bundled: tuple[Model, str], run: Path) -> None:
    small, exact = bundled[0], load_model(run)
    assert small.weights == "int8"
    assert small.config == exact.config
    metadata = small.training.bundled
    assert metadata is not None
    assert list(metadata["candidates"]) == ["0", "1", "2", "3"]
    assert metadata["candidates"][str(metadata["average"])] == min(metadata["candidates"].values())
    assert not (small.folder / "optimizer.safetensors").exists()


def test_what_is_measured_is_what_was_shipped(bundled: tuple[Model, str], corpus: Path) -> None:
    model = bundled[0]
    texts = script("train").read_corpus(corpus).validation
    again = script("domains").quality(
        model, script("domains").split(texts, script("domains").read_manifest(corpus / "manifest.json"))
    )
    assert model.training.val_bpb == pytest.approx(again.overall, abs=1e-6)
    noted = model.training.bundled["bits_per_byte"]["int8"]["domains"]
    assert noted == pytest.approx(again.by_domain, abs=1e-4)


def test_training_json_has_what_others_read(bundled: tuple[Model, str]) -> None:
    training = bundled[0].training
    assert training.recipe == "code"
    assert training.finished is True
    assert training.steps == 6
    assert training.data.files == 3
    assert training.quantized.weights == "int8"
    assert 0 < len(training.curve) <= 60


def test_the_card_says_what_a_reader_asks(bundled: tuple[Model, str]) -> None:
    card = (bundled[0].folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: apache-2.0\nlanguage:\n- code\npipeline_tag: text-generation\n")
    assert "$" not in card.replace("\n$ python ", "")
    for package in PACKAGES:
        assert f"{package} 1.2 (MIT)" in card
    for words in ("| mathematics |", "| all |", "assumed 50 W", "on a test", "of 4 positions", "## Limits"):
        assert words in card


def test_examples_are_for_whoever_ships_alone(bundled: tuple[Model, str]) -> None:
    assert "verbatim, learnt:" in bundled[1]
    card = (bundled[0].folder / "README.md").read_text(encoding="utf-8")
    assert "alpha_1" not in card


def test_keeps_the_log_and_the_curve(run: Path, corpus: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log, kept, curve = tmp_path / "run.log", tmp_path / "log.jsonl", tmp_path / "curve.svg"
    log.write_text("".join(json.dumps({**line, "bits_per_byte": 1.5}) + "\n" for line in lines(range(300))))
    options = ("--log", str(log), "--keep-log", str(kept), "--curve", str(curve))
    assert ship(run, corpus, tmp_path / "base", *options).exit_code == 0
    assert len(kept.read_text().splitlines()) == 200
    assert "<svg" in curve.read_text()


def test_a_run_on_another_corpus_is_refused(run: Path, corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "corpus"
    for part in ("train", "held_out"):
        (other / part / "alpha").mkdir(parents=True)
        (other / part / "alpha" / "code.py").write_text(code("alpha"))
    (other / "manifest.json").write_text((corpus / "manifest.json").read_text())
    result = ship(run, other, tmp_path / "base")
    assert result.exit_code == 1
    assert "another corpus" in result.output
    assert not (tmp_path / "base").exists()


def test_an_unfinished_run_ships_only_for_a_trial(run: Path, corpus: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "run"
    texts = script("train").read_corpus(corpus)
    settings = TrainConfig(steps=4, batch_size=2, n_evals=4, evaluation_tokens=512)
    job = new_job(texts, folder=unfinished, preset="nano", settings=settings)
    reports = job.train(stop=lambda: False, clock=lambda: 1.0)
    next(reports)
    reports.close()
    assert "not finished" in ship(unfinished, corpus, tmp_path / "base").output
    assert not (tmp_path / "base").exists()
    assert ship(unfinished, corpus, tmp_path / "base", "--unfinished").exit_code == 0
    assert load_model(tmp_path / "base").weights == "int8"


def test_a_model_that_is_too_large_is_refused(
    run: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script("ship"), "MAX_BYTES", 50_000)
    result = ship(run, corpus, tmp_path / "base")
    assert result.exit_code == 1
    assert "MB, more than" in result.output
    assert not (tmp_path / "base").exists()


def test_a_second_stage_continues_a_finished_run(run: Path, corpus: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    command = [str(corpus), "--folder", str(second), "--tokens", "20000", "--preset", "nano", "--start", str(run)]
    result = CliRunner().invoke(script("train").main, command)
    assert result.exit_code == 0, result.output
    first, training = load_model(run).training, load_model(second).training
    assert [stage.steps for stage in training.history] == [first.steps]
    assert training.history[0].curve == first.curve
    assert training.settings.seed == 1
    assert training.settings.max_steps is None
    assert training.before is None  # it is not weighed against what it began with
    assert load_model(second).weights == "float32"
    first_line = json.loads(result.output.splitlines()[0])
    assert first_line["loss"] < 1.2 * first.curve[-1].train_loss  # from those weights, not from nothing

    options = []
    if importlib.util.find_spec("matplotlib"):
        (tmp_path / "log").write_text(result.output)
        options = ["--log", str(tmp_path / "log"), "--keep-log", str(tmp_path / "kept")]
        options += ["--curve", str(tmp_path / "curve.svg")]
    assert ship(second, corpus, tmp_path / "base", *options).exit_code == 0
    card = (tmp_path / "base" / "README.md").read_text(encoding="utf-8")
    assert f"{first.steps + training.steps:,} steps" in card
    assert "in 2 stages" in card
    assert f"read {training.tokens_seen / training.data.tokens:.1f} times in the last stage" in card
    assert f"--folder RUN1 --tokens {training.tokens_seen} --start RUN0 >" in card
    assert load_model(tmp_path / "base").training.history == training.history


def test_the_readme_names_every_script() -> None:
    readme = (BASE / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in sorted(BASE.glob("*.py")) if f"`{file.name}`" not in readme] == []
