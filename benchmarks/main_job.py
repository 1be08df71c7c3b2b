"""The figures of the main job, as docs/targets.md reports them.

    python benchmarks/main_job.py [validation] [shakespeare] [race] [code] [resources] [help] [--file TEXT]

Without names all run, one after the other (about 45 minutes). ``code`` installs the packages it learns from into a
scratch folder. ``race`` needs PyTorch, in this environment or in the one of ``--torch-python``, and is left out with a
word without it. Without ``--file`` Tiny Shakespeare is downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tinycoder.bench.quiet import Others, halted, refused_all
from tinycoder_training.corpora.shakespeare import read as read_shakespeare

HERE = Path(__file__).parent
# 3 MB and more of other people's Python, pinned, so that anybody can train on the same files.
PACKAGES = (
    "flask==3.1.2",
    "werkzeug==3.1.3",
    "jinja2==3.1.6",
    "click==8.3.0",
    "rich==14.2.0",
    "attrs==25.4.0",
    "pytest==8.4.2",
    "httpx==0.28.1",
    "requests==2.32.5",
)
ROUNDS = 3


def tinycoder(*arguments: str, home: Path) -> str:
    """Run the command line and return what it printed; its progress goes to our stderr."""
    command = [sys.executable, "-m", "tinycoder", "--home", str(home), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def validation(home: Path, options: argparse.Namespace, others: Others) -> None:
    """The validation recipe's time, and whether greedy generation continues its pattern."""
    start = time.perf_counter()
    tinycoder("train", "--recipe", "validation", home=home)
    seconds = time.perf_counter() - start
    made = tinycoder("generate", "hello", "--model", "validation", "--max-tokens", "200", home=home)
    pattern = ("hello world! " * 20)[: len("hello") + 200]
    took = others.figure(f"{seconds:.1f} s in all")
    print(f"validation recipe: {took}; 200 characters after 'hello' exact: {made == pattern + chr(10)}")


def shakespeare(home: Path, options: argparse.Namespace, others: Others) -> None:
    """Held-out loss after the Shakespeare recipe's 15 minutes."""
    training = train(home, options, "--recipe", "shakespeare", "--minutes", "15")
    best = min(point["val_loss"] for point in training["curve"])
    nats = training["val_bpb"] * 0.6931471805599453
    print(
        f"shakespeare recipe: {nats:.4f} nats a character ({training['val_bpb']:.4f} bits per byte) on the whole last "
        f"tenth, best of the curve {best:.4f}; {training['steps']:,} steps, {training['tokens_seen']:,} characters"
    )


def race(home: Path, options: argparse.Namespace, others: Others) -> None:
    """Training seconds to a held-out loss of 1.88 nats, ours and nanoGPT's CPU recipe in turns."""
    python = options.torch_python or sys.executable
    if subprocess.run([python, "-c", "import torch"], capture_output=True, check=False).returncode:
        print("race: PyTorch is not installed; name a Python that has it with --torch-python")
        return
    text = home / "shakespeare.txt"
    whole = read_shakespeare(home, file=options.file)
    text.write_text(whole.train[0].text + whole.validation[0].text, encoding="utf-8", newline="")
    commands = {
        "tinycoder": [sys.executable, str(HERE / "shakespeare_race.py"), "--file", str(text)],
        "nanoGPT recipe": [python, str(HERE / "nanogpt_recipe.py"), "--file", str(text), "--json"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            reports = [json.loads(line) for line in out.splitlines()]
            there = [r for r in reports if min(r["val_loss"], r.get("recipe_val_loss", 9.0)) <= 1.88]
            end = there[0] if there else reports[-1]
            own = f", by its own estimate {end['recipe_val_loss']:.3f}" if "recipe_val_loss" in end else ""
            reached = "reaches 1.88" if there else f"ends at {end['val_loss']:.3f}{own},"
            spent = others.figure(f"{end['train_seconds']:.1f} s")
            print(f"  {name}: {reached} after step {end['iteration']:,}, training: {spent}", flush=True)
            seconds[name].append(end["train_seconds"])
    ours, competitor = (statistics.median(seconds[name]) for name in commands)
    print(
        f"race: {others.figure(f'median {ours:.1f} s against {competitor:.1f} s')}, {ours / competitor:.2f} x its time"
    )


def code(home: Path, options: argparse.Namespace, others: Others) -> None:
    """Held-out bits per byte of the code recipe, and how many completed lines add no syntax error."""
    packages = home / "packages"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages), *PACKAGES]
    subprocess.run(install, check=True)
    training = train(home, options, str(packages), "--preset", "tiny", "--minutes", "15", "--name", "packages")
    data = training["data"]
    print(
        f"code recipe on {data['files']} files, {data['bytes'] / 1e6:.1f} MB of {', '.join(PACKAGES)}: "
        f"{training['val_bpb']:.4f} bits per byte on {data['validation_files']} held-out files; "
        f"{training['steps']:,} steps, {training['tokens_seen']:,} tokens"
    )
    lines = [sys.executable, str(HERE / "line_syntax.py"), "packages", str(packages)]
    print(subprocess.run(lines, check=True, stdout=subprocess.PIPE, text=True, env=environment(home)).stdout, end="")
    for prompt in ("def forward(self, x):", "import "):
        print(f"--- {prompt!r} continued:")
        print(tinycoder("generate", prompt, "--model", "packages", "--max-tokens", "60", home=home))


def resources(home: Path, options: argparse.Namespace, others: Others) -> None:
    """Memory of training and of generating with the tiny preset, and bytes of weights a parameter."""
    library = Path(os.__file__).parent
    paths = [str(library / name) for name in ("asyncio", "email", "http", "json", "logging", "unittest")]
    name = ("--name", "resources", "--preset", "tiny")
    training = peak_megabytes("train", *paths, *name, "--steps", "60", home=home)
    generating = peak_megabytes("generate", "import ", "--model", "resources", home=home)
    folder = home / "models" / "resources"
    parameters = json.loads((folder / "training.json").read_text(encoding="utf-8"))["parameters"]
    size = (folder / "model.safetensors").stat().st_size
    print(
        f"tiny preset: training {training:.0f} MB resident at most, generating {generating:.0f} MB; "
        f"{parameters:,} parameters, {size / parameters:.3f} bytes each on disk"
    )


def show_help(home: Path, options: argparse.Namespace, others: Others) -> None:
    """Time of ``tinycoder --help``."""
    times = []
    for _ in range(21):
        start = time.perf_counter()
        tinycoder("--help", home=home)
        times.append(time.perf_counter() - start)
    print(f"tinycoder --help: {others.figure(f'median {statistics.median(times) * 1000:.0f} ms of {len(times)}')}")


def train(home: Path, options: argparse.Namespace, *arguments: str) -> dict[str, object]:
    """Train and return training.json."""
    file = ("--file", str(options.file)) if "shakespeare" in arguments and options.file else ()
    result: dict[str, object] = json.loads(tinycoder("train", *arguments, *file, "--json", home=home))
    return result


def environment(home: Path) -> dict[str, str]:
    """Ours, with this home."""
    return {**os.environ, "TINYCODER_HOME": str(home)}


def peak_megabytes(*arguments: str, home: Path) -> float:
    """Peak resident memory of one command."""
    command = [sys.executable, "-m", "tinycoder", "--home", str(home), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return usage.ru_maxrss * unit / 1e6


PARTS = {
    "help": show_help,
    "resources": resources,
    "validation": validation,
    "race": race,
    "shakespeare": shakespeare,
    "code": code,
}


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--file", type=Path, help="the Tiny Shakespeare text, if it is here already")
    parser.add_argument("--torch-python", help="a Python that has PyTorch")
    options = parser.parse_args()
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; choose from {', '.join(PARTS)}")
    reasons = []
    with halted(), tempfile.TemporaryDirectory() as scratch:
        for name in options.parts or PARTS:
            others = Others()
            PARTS[name](Path(scratch), options, others)
            reasons += [others.refused] if others.refused else []
    if reasons:
        raise SystemExit(refused_all(reasons[0]))


if __name__ == "__main__":
    main()
