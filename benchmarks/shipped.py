"""What each part of the shipped engine is worth: the model that ships, the memory of the workspace, and fine-tuning.

    python benchmarks/shipped.py --out FILE.jsonl --home HOME [--corpus FOLDER]... [--repository FOLDER=GLOB,GLOB]...
        [--minutes 10] [--model-of REPOSITORY=MODEL]... [-- OPTIONS OF EVALUATE]

A repository is a folder of which the files that match the globs are scored and the rest is known; a corpus has sdists
in archives/ and a MANIFEST.json that says what is held out of each. Four engines are measured in each: the model
alone and with the memory, as it ships and after fine-tuning. Fine-tuning sees a copy without the files that are
scored; --model-of names a model that was made of such a copy before.

Quality and latency are those of ``tinycoder evaluate``. Peak memory is that of a process which has one engine only,
reads what it needs and answers for a while. Linux only. Copies and models stay in HOME. Results are added to --out,
and what it holds already is left out, so that a stopped run continues; without new repositories the table is all that
is made.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tinycoder.bench.quiet import Others, halted, refusal, refused_all
from tinycoder.complete.candidate import Document
from tinycoder.complete.parts import Parts
from tinycoder.errors import CheckpointError
from tinycoder.evaluate.evaluation import Settings, Variant, evaluate
from tinycoder.library import engine_maker
from tinycoder.storage.checkpoint import load_model, read_training
from tinycoder.storage.models import model_folder, resolve_model
from tinycoder.transformer.blas import use_one_blas_thread
from tinycoder_training.corpora import python_repos

ENGINES = {  # by whether the model is fine-tuned, and whether there is a memory
    (False, False): "model",
    (False, True): "model + memory",
    (True, False): "fine-tuned",
    (True, True): "fine-tuned + memory",
}
BELONGS = re.compile(r"\.pyi?$|(^|/)(pyproject\.toml|setup\.cfg|py\.typed|\.gitignore)$")  # of an sdist
N_TYPED = 3  # characters, of popups in the table
LITTLE = Settings(n_cursors=20, n_typed=200, n_bytes=0)  # that is asked while memory is measured


@dataclass(frozen=True, kw_only=True)
class Repository:
    """Files under ``folder``; those that match one of the globs are scored."""

    name: str
    folder: Path
    scored: tuple[str, ...]


def of_corpus(corpus: Path, home: Path) -> list[Repository]:
    """The repositories of a folder with archives, unpacked into ``home``."""
    found = []
    for row in json.loads((corpus / "MANIFEST.json").read_text(encoding="utf-8"))["repos"]:
        folder = home / "repositories" / row["package"]
        if not folder.exists():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            unpack(corpus / "archives" / row["archive"], part)
            part.rename(folder)
        found.append(Repository(name=row["package"], folder=folder, scored=tuple(row["held_out"])))
    return found


def unpack(archive: Path, folder: Path) -> None:
    """The Python files of an sdist, without its first folder."""
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if member.isfile() and BELONGS.search(str(path)) and ".." not in path.parts:
                contents = tar.extractfile(member)
                assert contents is not None
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(contents.read())


def without_scored(repository: Repository, home: Path) -> Path:
    """A copy of the repository that holds none of the files that are scored."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(repository.folder)
        return {name for name in names if is_scored(repository, (inside / name).as_posix())}

    copy = home / "known" / repository.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(repository.folder, copy, ignore=ignored)
    return copy


def is_scored(repository: Repository, path: str) -> bool:
    """Whether a file, by its path in the repository, is scored."""
    return any(fnmatch.fnmatch(path, glob) for glob in repository.scored)


def fine_tuned(repository: Repository, home: Path, base: str, minutes: float) -> str:
    """Name of the model that has learnt what is known of the repository; trained unless it is there and finished."""
    name = f"{repository.name}-of-{base}-{minutes:g}m"
    try:
        if read_training(model_folder(home, name)).finished:
            return name
    except CheckpointError:
        pass
    known = without_scored(repository, home)
    budget = ["--from", base, "--minutes", f"{minutes:g}"]
    tinycoder(home, "train", str(known), *budget, "--name", name, "--overwrite")
    return name


def measured(
    repository: Repository, home: Path, model: str, tuned: bool, options: Sequence[str]
) -> list[dict[str, Any]]:
    """Two results of a model: without and with the memory."""
    globs = [argument for glob in repository.scored for argument in ("--held-out", glob)]
    others = Others()
    said = tinycoder(
        home,
        *("evaluate", str(repository.folder), "--model", model, *globs),
        *("--without", "memory", "--no-baselines", "--json", "-", *options),
    )
    share, found = others.share(), json.loads(said)
    reason = refusal(share)
    whole, alone = found["variants"]
    training = read_training(resolve_model(home, model)).to_json() if tuned else {}
    rows = []
    for memory, quality in ((False, alone), (True, whole)):
        rows.append(
            {
                "repository": repository.name,
                "engine": ENGINES[tuned, memory],
                "model": model,
                "files_known": found["n_known"],
                "files_scored": found["n_held_out"],
                "others_share": share,
                "refused": reason,
                "peak_mb": peak_of(repository, resolve_model(home, model), memory),
                "settings": found["settings"],
                "training": {key: training.get(key) for key in ("seconds", "tokens_seen", "before", "val_bpb")}
                if tuned
                else None,
                "quality": {**quality, "latency_ms": None} if reason else quality,
                "without_memory_less_all": None if memory else found["differences"].get("without memory"),
            }
        )
    return rows


def tinycoder(home: Path, *arguments: str) -> str:
    """What a command prints; what it says of its progress is passed on."""
    command = [sys.executable, "-m", "tinycoder", "--home", str(home), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"shipped: {' '.join(arguments)} ended with {done.returncode}")
    return done.stdout


def peak_of(repository: Repository, model: Path, memory: bool) -> float:
    """Peak resident memory of one engine in a process of its own, in MB."""
    told = json.dumps([str(repository.folder), repository.scored, str(model), memory])
    process = subprocess.Popen([sys.executable, __file__, "--answer", told])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"shipped: the process whose memory is measured ended with {process.returncode}")
    return round(usage.ru_maxrss * 1024 / 1e6, 1)


def answer(told: str) -> None:
    """Be one engine that answers for a while; without a memory it reads no file but those that are scored."""
    folder, scored, model, memory = json.loads(told)
    repository = Repository(name="", folder=Path(folder), scored=tuple(scored))
    paths = [repository.folder]
    if not memory:
        files = sorted(repository.folder.rglob("*.py"))
        paths = [file for file in files if is_scored(repository, file.relative_to(repository.folder).as_posix())]
    corpus = python_repos.read(paths)
    texts = {text.path: Document(path=text.path, text=text.text) for text in (*corpus.train, *corpus.validation)}
    asked = [text for path, text in texts.items() if not memory or is_scored(repository, path)]
    known = [text for path, text in texts.items() if memory and not is_scored(repository, path)]
    use_one_blas_thread(prefill=1)
    maker = engine_maker(load_model(Path(model)), known)
    variant = Variant(name="", parts=Parts(memory=memory))
    evaluate(maker, asked, [variant], LITTLE, known=known, clock=time.perf_counter)


def tables(rows: Sequence[dict[str, Any]]) -> str:
    """Quality and cost in markdown: means over the repositories that have all engines, then each repository."""
    names = list(dict.fromkeys(row["repository"] for row in rows))
    whole = [name for name in names if sum(row["repository"] == name for row in rows) == len(ENGINES)]
    out = []
    for title, cells in (("Quality", quality_cells), ("Cost", cost_cells)):
        means = [(f"mean of {len(whole)} repositories", whole)] if len(whole) > 1 else []
        for heading, some in (*means, *((name, [name]) for name in names)):
            lines = []
            for engine in ENGINES.values():
                found = [cells(row) for row in rows if row["repository"] in some and row["engine"] == engine]
                if found:
                    averages = {column: mean([one[column] for one in found]) for column in found[0]}
                    lines.append(f"| {engine} | " + " | ".join(map(shown, averages.values())) + " |")
                    columns = list(averages)
            if lines:
                head = f"| | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}"
                out.append(f"**{title}, {heading}**\n\n{head}\n" + "\n".join(lines))
    return "\n\n".join(out)


def quality_cells(row: dict[str, Any]) -> dict[str, float | None]:
    """Figures of a result by the names of the table's columns."""
    quality = row["quality"]
    popup, inline, typing = quality["popup"][:N_TYPED], quality["inline"], quality["typing"]
    return {
        "bits per byte": quality["prediction"]["bits_per_byte"],
        "tokens right": quality["prediction"]["token_accuracy"],
        **{f"first, k={k}": one["top_1"] for k, one in enumerate(popup)},
        **{f"five, k={k}": one["top_5"] for k, one in enumerate(popup)},
        "ghost shown": inline["shown"],
        "exact": inline["exact"],
        "similar": inline["similarity"],
        "exact of shown": inline["exact_of_shown"],
        "valid of shown": inline["valid_of_shown"],
        "helpful of shown": inline["accepted_of_shown"],
        **{f"keys: {user}": keys for user, keys in typing["keys_per_character"].items()},
    }


def cost_cells(row: dict[str, Any]) -> dict[str, float | None]:
    """Milliseconds and MB of a result by the names of the table's columns."""
    times = row["quality"]["latency_ms"]
    cells = {
        f"{title} p{part}, ms": times[kind][f"p{part}"] if times else None
        for title, kind in (
            ("popup", "popup"),
            ("ghost", "inline"),
            ("popup, typing", "popup while typing"),
            ("ghost, typing", "inline while typing"),
        )
        for part in (50, 95)
    }
    return {**cells, "peak MB": row["peak_mb"]}


def mean(values: Sequence[float | None]) -> float | None:
    """Of those that are there."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def shown(value: float | None) -> str:
    """A cell: shares and bits with three places, milliseconds and MB with fewer."""
    return "-" if value is None else f"{value:.3f}" if value < 4 else f"{value:.0f}"


def main() -> None:
    """Measure what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answer", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--home", type=Path, help="for models and copies; your own models are not touched")
    parser.add_argument("--corpus", type=Path, action="append", default=[])
    parser.add_argument("--repository", action="append", default=[], metavar="FOLDER=GLOB,GLOB")
    parser.add_argument("--only", action="append", default=[], metavar="REPOSITORY", help="measure these only")
    parser.add_argument("--base", default="base", help="the model that is measured, and that fine-tuning begins with")
    parser.add_argument("--minutes", type=float, default=10, help="of fine-tuning; 0 leaves it out")
    parser.add_argument("--model-of", action="append", default=[], metavar="REPOSITORY=MODEL")
    parser.add_argument("options", nargs="*", help="after --: options of `tinycoder evaluate`, such as --places 300")
    arguments = parser.parse_args()
    if arguments.answer:
        answer(arguments.answer)
        return
    if not arguments.out or not arguments.home:
        parser.error("--out and --home are needed")
    home = arguments.home.absolute()
    repositories = [one for corpus in arguments.corpus for one in of_corpus(corpus, home)]
    for given in arguments.repository:
        folder, _, globs = given.partition("=")
        name = Path(folder).resolve().name
        repositories.append(Repository(name=name, folder=Path(folder).resolve(), scored=tuple(globs.split(","))))
    made = dict(given.split("=", 1) for given in arguments.model_of)
    lines = arguments.out.read_text(encoding="utf-8").splitlines() if arguments.out.exists() else []
    rows = [json.loads(line) for line in lines]
    with halted():
        measure_missing(repositories, made, rows, arguments)
    print(tables(rows))
    if reasons := [row["refused"] for row in rows if row.get("refused")]:
        raise SystemExit(refused_all(reasons[-1]))


def measure_missing(
    repositories: Sequence[Repository],
    made: Mapping[str, str],
    rows: list[dict[str, Any]],
    arguments: argparse.Namespace,
) -> None:
    """Measure what ``rows`` have not, and add it to them and to the file."""
    home = arguments.home.absolute()
    for repository in repositories:
        for tuned in (False, True) if arguments.minutes or repository.name in made else (False,):
            done = {row["engine"] for row in rows if row["repository"] == repository.name}
            if ENGINES[tuned, True] in done or (arguments.only and repository.name not in arguments.only):
                continue
            model = arguments.base
            if tuned:
                model = made.get(repository.name) or fine_tuned(repository, home, arguments.base, arguments.minutes)
            new = measured(repository, home, model, tuned, arguments.options)
            rows += new
            with arguments.out.open("a", encoding="utf-8") as file:
                file.write("".join(json.dumps(row) + "\n" for row in new))


if __name__ == "__main__":
    main()
