"""The command line as a person runs it: real processes, exit codes, and what is said on which stream."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import command, environment, invoke, refused, tinycoder, write_adders
from tinycoder.cli import cli
from tinycoder.storage.checkpoint import load_model, load_state
from tinycoder.storage.models import workspace_model_name


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = write_adders(tmp_path / "project", 6)
    (folder / "broken.py").write_bytes(b"x = '\xe9'\n")
    (folder / "data.py").write_bytes(b"x = 1\0\n")
    (folder / "long.py").write_text("x = '" + "a" * 5_000_000 + "'")
    return folder


def test_a_strangers_card_commands_no_terminal(tmp_path: Path) -> None:
    tinycoder(tmp_path, "checkpoint", "copy", "base", "mine")
    folder = tmp_path / "models" / "mine"
    metadata = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    (folder / "training.json").write_text(json.dumps({**metadata, "recipe": "\x1b]0;mine\x07code"}), encoding="utf-8")
    (folder / "README.md").write_text("A card\x1b[2J\n", encoding="utf-8")
    shown = tinycoder(tmp_path, "checkpoint", "show", "mine").stdout + tinycoder(tmp_path, "checkpoint", "list").stdout
    assert "A card" in shown
    assert "\x1b" not in shown


def test_a_model_without_its_facts_is_quantised_to_a_sentence(tmp_path: Path, home: Path) -> None:
    shutil.copytree(home / "models" / "counter", tmp_path / "models" / "counter")
    file = tmp_path / "models" / "counter" / "training.json"
    metadata = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({name: metadata[name] for name in ("recipe", "finished")}), encoding="utf-8")
    refused(tinycoder(tmp_path, "checkpoint", "quantize", "counter"), "training.json lacks", "train it again")


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tinycoder.cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pygls', 'lsprotocol', 'tokenizers', 'rich', 'safetensors'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for name in cli.commands:
        assert name in done.stdout


@pytest.mark.parametrize(
    "names",
    [*([name] for name in cli.commands), *(["checkpoint", n] for n in ("list", "show", "verify", "copy", "remove"))],
)
def test_every_command_has_help(tmp_path: Path, names: list[str]) -> None:
    result = invoke(tmp_path, *names, "--help")
    assert result.exit_code == 0
    assert f"Usage: cli {' '.join(names)}" in result.stdout


def test_the_list_says_what_was_replaced(tmp_path: Path) -> None:
    folder, value = tmp_path / "project", "kV7!pq92xZ"
    folder.mkdir()
    (folder / "a.py").write_text(f'import os\n\nPASSWORD = "{value}"\nurl = "https://me:{value}@example.org"\n')
    (folder / "b.py").write_text("x = 1\n")
    said = tinycoder(tmp_path, "train", folder, "--list").stdout
    assert "2  secrets replaced" in said
    assert "a.py:3  value of a secret's name" in said
    assert "a.py:4  password in a URL" in said
    raw = tinycoder(tmp_path, "train", folder, "--list", "--json").stdout
    rows = json.loads(raw)
    assert rows["secrets_replaced"] == 2
    assert rows["secrets"][0] == {"path": "a.py", "line": 3, "kind": "value of a secret's name"}
    assert value[:4] not in said + raw


def test_the_main_job(tmp_path: Path, repository: Path) -> None:
    home = tmp_path / "home"
    listed = tinycoder(home, "train", repository, "--list")
    assert listed.returncode == 0
    left_out = [f"{name}.py  [left out" for name in ("broken", "data", "long")]
    for words in ("add_0.py  [", *left_out, "bytes in", "held out"):
        assert words in listed.stdout
    rows = json.loads(tinycoder(home, "train", repository, "--list", "--json").stdout)
    assert {row["path"] for row in rows["left_out"]} >= {"broken.py", "data.py", "long.py"}
    assert not home.exists()

    trained = tinycoder(home, "train", repository, "--preset", "nano", "--steps", "40")
    assert trained.returncode == 0, trained.stderr
    assert "bits per byte on held-out text" in trained.stdout
    assert " left, " in trained.stderr
    name = workspace_model_name(repository)
    assert (home / "models" / name / "model.safetensors").exists()
    page = (home / "reports" / f"{name}.html").read_text()
    assert "<polyline" in page

    made = tinycoder(home, "generate", "def add(first, second):\n", "--stop", "\n\n", cwd=repository)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("def add(first, second):\n")
    assert "total" in made.stdout


def test_generate_in_all_its_ways(home: Path) -> None:
    plain = tinycoder(home, "generate", "def make", "--max-tokens", "20")
    assert plain.stdout.startswith("def make_counter(start):")
    streamed = tinycoder(home, "generate", "def make", "--max-tokens", "20", "--stream")
    assert streamed.stdout == plain.stdout
    piped = tinycoder(home, "generate", "-", "--max-tokens", "20", stdin=b"def make")
    assert piped.stdout == plain.stdout
    sampled = ("--samples", "2", "--temperature", "0.5")
    as_json = json.loads(tinycoder(home, "generate", "def make", "--max-tokens", "20", "--json", *sampled).stdout)
    assert as_json["model"] == "counter"
    assert len(as_json["completions"]) == 2
    beam = tinycoder(home, "generate", "def make", "--max-tokens", "20", "--beam", "3")
    assert beam.stdout.startswith("def make_counter(start):")
    by_path = tinycoder(home, "generate", "def make", "--max-tokens", "20", "--model", home / "models" / "counter")
    assert by_path.stdout == plain.stdout
    for option in (["--top-k", "3"], ["--top-p", "0.9"], ["--min-p", "0.1"], ["--repetition-penalty", "1.3"]):
        result = tinycoder(home, "generate", "def make", "--max-tokens", "5", "--temperature", "1", *option)
        assert result.returncode == 0, result.stderr


def test_a_prompt_longer_than_the_window(home: Path) -> None:
    result = tinycoder(home, "generate", "-", "--max-tokens", "5", stdin=b"x = 1\n" * 5000 + b"def make")
    assert result.returncode == 0
    assert "too long for the model's window" in result.stderr
    assert result.stdout.startswith("x = 1\n")
    assert "def make" in result.stdout


def test_generate_stops_where_it_only_repeats_itself_unless_a_length_is_asked_for(tmp_path: Path) -> None:
    plain = tinycoder(tmp_path, "generate", "def test_").stdout
    assert plain.startswith("def test_")
    assert plain.count("*,") <= 2
    assert tinycoder(tmp_path, "generate", "def test_", "--stream").stdout == plain
    assert tinycoder(tmp_path, "generate", "def test_", "--max-tokens", "64").stdout.count("*,") > 10


def test_bad_options_of_generate(home: Path) -> None:
    for words, *arguments in (
        ("PROMPT",),
        ("--top-p", "x", "--top-p", "7"),
        ("--temperature", "x", "--temperature", "-1"),
        ("No such option", "x", "--nonsense"),
        ("beam search does not sample", "x", "--beam", "2", "--temperature", "1"),
        ("--stream", "x", "--stream", "--json"),
        ("--stop", "x", "--stop", ""),
        ("raise --beam", "x", "--beam", "2", "--samples", "3"),
        ("penalty", "x", "--beam", "2", "--repetition-penalty", "2"),
    ):
        refused(tinycoder(home, "generate", *arguments), words, code=2)
    refused(tinycoder(home, "generate", "x", "--model", "none"), "there is no model 'none'", "counter")
    refused(tinycoder(home, "generate", "-", stdin=b"\xff\xfe"), "not UTF-8")
    refused(tinycoder(home, "nonsense"), "No such command", code=2)


def test_the_model_that_ships(tmp_path: Path, home: Path, repository: Path) -> None:
    made = json.loads(tinycoder(tmp_path, "generate", "import ", "--max-tokens", "5", "--json").stdout)
    assert made["model"] == "base"
    assert made["completions"][0].strip()
    assert json.loads(tinycoder(home, "generate", "x", "--max-tokens", "1", "--json").stdout)["model"] == "counter"
    assert "bits per byte" in tinycoder(tmp_path, "checkpoint", "verify", "base").stdout
    assert json.loads(tinycoder(tmp_path, "checkpoint", "show", "base", "--json").stdout)["recipe"] == "code"
    assert (tinycoder(tmp_path, "checkpoint", "list").stdout.splitlines()[1].split()[-1]) == "shipped"
    assert tinycoder(tmp_path, "checkpoint", "copy", "base", "mine").returncode == 0
    assert load_model(tmp_path / "models" / "mine").weights == "int8"
    refused(tinycoder(tmp_path, "checkpoint", "copy", "mine", "base"), "comes with TinyCoder; choose another name")
    refused(tinycoder(tmp_path, "checkpoint", "remove", "base"), "comes with TinyCoder and stays")
    refused(tinycoder(tmp_path, "train", repository, "--name", "base", "--steps", "1"), "choose another name")
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == ["mine"]


def test_bad_paths(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("hello")
    home = tmp_path / "home"
    refused(tinycoder(home, "train", tmp_path / "none"), "none", "does not exist")
    refused(tinycoder(home, "train", tmp_path / "empty"), "empty")
    refused(tinycoder(home, "train", tmp_path / "text"), "Python")
    refused(tinycoder(home, "train", tmp_path / "text" / "notes.txt"), "notes.txt")


def test_options_that_exclude_each_other(tmp_path: Path, repository: Path) -> None:
    for arguments in (
        ["--minutes", "1", "--steps", "1"],
        ["--recipe", "validation"],
        ["--file", "x.txt"],
        ["--resume", "--overwrite"],
        ["--resume", "--optimizer", "adamw"],
        ["--resume", "--seed", "1"],
        ["--from", "x", "--preset", "medium"],
        ["--minutes", "0"],
        ["--minutes", "nan"],
    ):
        refused(tinycoder(tmp_path, "train", repository, *arguments), code=2)
    refused(tinycoder(tmp_path, "train", repository, "--name", "../x"), "cannot be a model's name")
    refused(tinycoder(tmp_path, "train", repository, "--resume"), "there is no model folder")


def test_a_home_that_cannot_be_written(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    refused(tinycoder(tmp_path / "file" / "home", "train", repository, "--steps", "1"), "TINYCODER_HOME")


def test_shakespeare_offline(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("To be, or not to be, that is the question.\n" * 200)
    home = tmp_path / "home"
    result = tinycoder(
        home, "train", "--recipe", "shakespeare", "--file", text, "--preset", "nano", "--steps", "2", "--json"
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["recipe"] == "shakespeare"
    refused(tinycoder(home, "train", "--recipe", "shakespeare", "--file", tmp_path / "none.txt"), "none.txt")


@contextmanager
def endless_run(home: Path, repository: Path, **streams: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A run of the model ``m`` that ends only when it is told to."""
    arguments = command("train", repository, "--preset", "nano", "--steps", "100000", "--name", "m")
    process = subprocess.Popen(arguments, env=environment(home), **streams)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_resume_continues(tmp_path: Path, repository: Path, number: int) -> None:
    home = tmp_path / "home"
    with endless_run(home, repository, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if b"step 1," in line)
        held = tinycoder(home, "train", repository, "--steps", "1", "--name", "m")
        refused(held, "another process is writing the model 'm'")
        process.send_signal(number)
        out, err = (said.decode() for said in process.communicate(timeout=60))
    assert process.returncode == 130, err
    assert "tinycoder train --resume --name m" in err
    assert "Traceback" not in err
    step = load_state(home / "models" / "m").metadata["step"]
    assert step >= 1
    assert out == ""

    refused(tinycoder(home, "train", repository, "--steps", "1", "--name", "m"), "--resume", "--overwrite")
    resumed = tinycoder(home, "train", "--resume", "--name", "m", "--steps", str(step + 2))
    assert resumed.returncode == 0, resumed.stderr
    assert load_model(home / "models" / "m").training.steps == step + 2
    refused(tinycoder(home, "train", "--resume", "--name", "m"), "nothing is left to resume", "--from m")


def test_fine_tuning_from_another_model(tmp_path: Path, home: Path, repository: Path) -> None:
    shutil.copytree(home / "models", tmp_path / "models")
    result = tinycoder(tmp_path, "train", repository, "--from", "counter", "--steps", "2", "--name", "tuned", "--json")
    assert result.returncode == 0, result.stderr
    metadata: dict[str, Any] = json.loads(result.stdout)
    assert metadata["from"] == "counter"
    refused(tinycoder(tmp_path, "train", repository, "--from", "nobody", "--steps", "1"), "no model 'nobody'")


def test_looking_after_models(tmp_path: Path, home: Path) -> None:
    shutil.copytree(home / "models", tmp_path / "models")
    assert "valid" in tinycoder(tmp_path, "checkpoint", "verify", "counter").stdout
    assert tinycoder(tmp_path, "checkpoint", "copy", "counter", "other").returncode == 0
    listed = tinycoder(tmp_path, "checkpoint", "list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["name", "base", "counter", "other"]
    rows = json.loads(tinycoder(tmp_path, "checkpoint", "list", "--json").stdout)
    assert [(row["name"], row["shipped"]) for row in rows] == [("base", True), ("counter", False), ("other", False)]
    assert "bits per byte" in tinycoder(tmp_path, "checkpoint", "show", "other").stdout
    assert json.loads(tinycoder(tmp_path, "checkpoint", "show", "other", "--json").stdout)["recipe"] == "code"
    kept = tinycoder(tmp_path, "checkpoint", "remove", "other", stdin=b"n\n")
    assert kept.returncode == 1
    assert kept.stderr.endswith("tinycoder: nothing was removed\n")
    refused(tinycoder(tmp_path, "checkpoint", "remove", "other"), "give --yes", code=2)  # nobody answers
    assert (tmp_path / "models" / "other").is_dir()
    pages = [tmp_path / "reports" / f"{name}.html" for name in ("counter", "other")]
    pages[0].parent.mkdir()
    for page in pages:
        page.write_text("what it learnt")
    assert tinycoder(tmp_path, "checkpoint", "remove", "other", "--yes").returncode == 0
    assert not (tmp_path / "models" / "other").exists()
    assert [page.exists() for page in pages] == [True, False]
    assert tinycoder(tmp_path, "checkpoint", "copy", "counter", "elsewhere").returncode == 0
    shutil.move(tmp_path / "models" / "elsewhere", tmp_path / "counter")  # of the same name as one at home
    assert tinycoder(tmp_path, "checkpoint", "remove", tmp_path / "counter", "--yes").returncode == 0
    assert pages[0].exists()
    refused(tinycoder(tmp_path, "checkpoint", "remove", "other", "--yes"), "there is no model 'other'")
    weights = tmp_path / "models" / "counter" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused(tinycoder(tmp_path, "checkpoint", "verify", "counter"), "model.safetensors is damaged")
    refused(tinycoder(tmp_path, "generate", "x", "--model", "counter"), "model.safetensors is damaged")
    assert "model.safetensors is damaged" in tinycoder(tmp_path, "checkpoint", "list").stdout.splitlines()[-1]


def test_smaller_models_and_exports(tmp_path: Path, home: Path) -> None:
    shutil.copytree(home / "models", tmp_path / "models")
    made = tinycoder(tmp_path, "checkpoint", "quantize", "counter")
    assert made.returncode == 0, made.stderr
    assert "int8: " in made.stdout
    verified = tinycoder(tmp_path, "checkpoint", "verify", "counter-int8")
    assert "valid" in verified.stdout
    assert re.search(r"int8: \d\.\d+ bits per byte on the standard library, \d\.\d+ before", verified.stdout)
    assert "only TinyCoder reads them" in tinycoder(tmp_path, "checkpoint", "show", "counter-int8").stdout
    assert tinycoder(tmp_path, "generate", "def ", "--model", "counter-int8", "--max-tokens", "5").returncode == 0
    refused(tinycoder(tmp_path, "checkpoint", "quantize", "counter"), "counter-int8 already")
    half = tinycoder(tmp_path, "checkpoint", "quantize", "counter", "--to", "float16")
    assert half.returncode == 0, half.stderr
    smaller = tinycoder(tmp_path, "checkpoint", "quantize", "counter-float16")
    assert smaller.returncode == 0, smaller.stderr
    assert load_model(tmp_path / "models" / "counter-float16-int8").weights == "int8"
    for name, kind in (("base", "int8"), ("counter-int8", "float16"), ("counter-float16", "float16")):
        larger = tinycoder(tmp_path, "checkpoint", "quantize", name, "--to", kind, "--name", "x")
        refused(larger, f"{name} has ", "would not make smaller", "checkpoint export")


def test_exports(tmp_path: Path, home: Path) -> None:
    shutil.copytree(home / "models", tmp_path / "models")
    ours = load_model(tmp_path / "models" / "counter")
    (tmp_path / "there").mkdir()
    assert tinycoder(tmp_path, "checkpoint", "export", "counter", tmp_path / "model.gguf").returncode == 0
    assert (tmp_path / "model.gguf").read_bytes()[:4] == b"GGUF"
    assert tinycoder(tmp_path, "checkpoint", "export", "counter", tmp_path / "exported", "--to", "hf").returncode == 0
    again = load_model(tmp_path / "exported")
    assert (again.weights, again.training.quantized) == ("float32", None)
    assert all((again.params[name] == param).all() for name, param in ours.params.items())
    for target, words, *options in (
        ("model.bin", "does not end in .gguf; --to hf"),
        ("there", "does not end in .gguf; --to hf"),
        ("exported", "exists already", "--to", "hf"),
        ("model.gguf", "exists already", "--to", "hf"),
    ):
        said = tinycoder(tmp_path, "checkpoint", "export", "counter", tmp_path / target, *options)
        refused(said, words, code=1 if options else 2)


def test_a_dry_run_says_what_the_run_takes_and_leaves_nothing(tmp_path: Path, repository: Path) -> None:
    said = tinycoder(tmp_path, "train", repository, "--preset", "nano", "--steps", "70", "--dry-run", "--json")
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert found["steps"] == 70
    assert found["seconds"] > 0
    assert found["n_bytes"] > 10**7
    assert not (tmp_path / "models" / workspace_model_name(repository)).exists()
    words = tinycoder(tmp_path, "train", repository, "--preset", "nano", "--dry-run")
    assert "memory:" in words.stdout


def test_windows_and_batches_that_cannot_be(home: Path, repository: Path) -> None:
    for words, *options in (
        ("over the window of counter", "--from", "counter", "--context", "99999"),
        ("are free: use --batch-size", "--preset", "nano", "--batch-size", str(10**9)),
    ):
        refused(tinycoder(home, "train", repository, *options, "--name", "x"), words)


def test_a_signal_with_a_dead_standard_error_still_saves(tmp_path: Path, repository: Path) -> None:
    """As when `tinycoder train 2>&1 | tee log` gets a Ctrl-C: tee is gone first."""
    home = tmp_path / "home"
    reading, writing = os.pipe()
    with endless_run(home, repository, stderr=writing, stdout=writing) as process:
        os.close(writing)
        with os.fdopen(reading, "rb") as heard:
            next(line for line in heard if b"step 1," in line)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    assert load_state(home / "models" / "m").metadata["step"] >= 1


def test_characters_that_the_terminal_lacks(home: Path) -> None:
    narrow = {**environment(home), "PYTHONIOENCODING": "cp1252"}
    done = tinycoder(home, "generate", "x = '漢", "--max-tokens", "3", env=narrow)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("x = '?")


def test_a_reader_that_leaves_early(home: Path) -> None:
    process = subprocess.Popen(
        command("generate", "def ", "--stream", "--max-tokens", "400", "--temperature", "3"),
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(4)
    process.stdout.close()
    error = process.stderr.read().decode()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in error
