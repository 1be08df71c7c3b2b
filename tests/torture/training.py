"""Training that is killed, refused, stopped and robbed of its corpus, and must lose nothing.

A run that was cut short any number of times must end with the weights of one that was not, bit for bit; and whenever
a process is gone, the model folder must load.
"""

from __future__ import annotations

import dataclasses
import errno
import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from counts import Count
from faults import Steps, refuse_at

from tinycoder.errors import CheckpointError, TinyCoderError
from tinycoder.storage.checkpoint import STATE, Model, State, load_model, read_training, save_model
from tinycoder.storage.models import exists, only_writer, run_folder

SEED = 7
PATIENCE_S = 300.0
STEPS = 40
HERE = Path(__file__).parent
FRESH = ["--from", "none", "--preset", "nano", "--batch-size", "4"]
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EACCES)
TWICE = 2


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Kills, refusals of the disk, and what else can befall a run."""
    random.seed(SEED)
    corpus = _corpus(scratch / "corpus")
    stage = Stage(scratch / "reference", corpus)
    yield _kills(stage, scratch, 20 if quick else 200)
    yield _refusals(scratch, 100 if quick else 1_000)
    yield _full_disks(stage, scratch, 3 if quick else 12)
    yield _rivals(stage, scratch, 2 if quick else 8)
    yield _odd_worlds(stage, scratch, 1 if quick else 5)


@dataclass(kw_only=True)
class Recipe:
    """A way to begin a run: its options, whether the model exists before, and the weights that it ends with."""

    name: str
    options: Sequence[str]
    before: Path | None = None
    weights: bytes = b""


@dataclass(kw_only=True, eq=False)
class Course:
    """One run under one home, on its way through several processes."""

    recipe: Recipe
    home: Path
    name: str
    n_kills: int = 0
    best_step: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.home / "models" / self.name


class Stage:
    """The corpus, and each recipe run once without a fault."""

    def __init__(self, home: Path, corpus: Path) -> None:
        self.corpus = corpus
        self.home = home
        other = [*FRESH, "--steps", "6", "--seed", "5"]
        self._whole("start", other)
        start = home / "models" / "start"
        fine = ["--from", str(start), "--batch-size", "4", "--steps", str(STEPS), "--seed", "3"]
        self.recipes = [
            Recipe(name="fresh", options=[*FRESH, "--steps", str(STEPS)]),
            Recipe(name="over a finished one", options=[*FRESH, "--seed", "0", "--steps", str(STEPS)], before=start),
            Recipe(name="from a model", options=fine),
        ]
        for i, recipe in enumerate(self.recipes):
            self._whole(f"whole{i}", recipe.options)
            recipe.weights = (home / "models" / f"whole{i}" / "model.safetensors").read_bytes()

    def course(self, home: Path, recipe: Recipe, name: str) -> Course:
        """A run that has not begun."""
        course = Course(recipe=recipe, home=home, name=name)
        if recipe.before is not None:
            shutil.copytree(recipe.before, course.folder)
        return course

    def command(self, course: Course, *, fault: str = "count", n: int = 0, corpus: Path | None = None) -> list[str]:
        """Begin the run, or go on with it where it was saved; as a person would."""
        if _resumable(course.folder):
            rest = ["--resume", "--steps", str(STEPS)]
        else:
            rest = ["--overwrite", *course.recipe.options, str(corpus or self.corpus)]
        return _command(course.home, fault, n, ["train", "--progress", "json", "--name", course.name, *rest])

    def _whole(self, name: str, options: Sequence[str]) -> None:
        arguments = ["train", "--progress", "json", "--name", name, *options, str(self.corpus)]
        subprocess.run(_command(self.home, "count", 0, arguments), check=True, capture_output=True, timeout=PATIENCE_S)


def _command(home: Path, fault: str, n: int, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, str(HERE / "faults.py"), str(home), fault, str(n), *arguments]


def _corpus(folder: Path) -> Path:
    """Python files that are nobody's: enough for a tokenizer and some windows."""
    folder.mkdir(parents=True)
    for i in range(12):
        lines = [f'"""Module {i}."""', "", ""]
        for j in range(40):
            lines += [
                f"def function_{i}_{j}(first_{j}, second):",
                f"    total = first_{j} * {random.randint(2, 99)} + second",
                f"    return total - {random.randint(1, 9)}",
                "",
                "",
            ]
        (folder / f"module_{i}.py").write_text("\n".join(lines), encoding="utf-8")
    return folder


def _resumable(folder: Path) -> bool:
    place = run_folder(folder) if exists(run_folder(folder)) else folder
    return (place / STATE).exists() or (place.with_name(f".{place.name}~previous") / STATE).exists()


def _kills(stage: Stage, scratch: Path, wanted: int) -> Count:
    """Half the kills just before a step of a save, one step after the other; half at a random moment."""
    count = Count(what="kills of a training process", wanted=wanted)
    home, n_courses, n_finished = scratch / "killed", 0, 0
    course = None
    n_steps = _steps_of_two_saves(stage, scratch)
    order = random.sample(range(1, n_steps + 1), n_steps)
    met = set()
    while count.done < wanted or course is not None:
        if course is None:
            recipe = stage.recipes[n_courses % len(stage.recipes)]
            course, n_courses = stage.course(home, recipe, f"run{n_courses}"), n_courses + 1
        enough = count.done >= wanted
        by_step = not enough and count.done % 2 == 0
        at = order[count.done // 2 % n_steps]
        code, said = _until_killed(stage.command(course, fault="kill" if by_step else "count", n=at), by_step or enough)
        if code == -signal.SIGKILL:
            count.done += 1
            course.n_kills += 1
            met |= {at} if by_step else set()
            _look(course)
        elif code == 0:
            n_finished += 1
            _compare(course)
            count.faults += course.faults
            course = None
        else:
            count.faults += [*course.faults, f"{course.recipe.name}: a process ended with code {code}: {said[-200:]!r}"]
            course = None
    count.note = f"{n_finished} runs finished, each bit for bit; {len(met)} of {n_steps} steps of two saves"
    return count


def _steps_of_two_saves(stage: Stage, scratch: Path) -> int:
    """How many steps a process takes until its second save is complete: one that is the first, one that replaces it."""
    course = stage.course(scratch / "counted", stage.recipes[2], "counted")
    done = subprocess.run(stage.command(course), check=True, capture_output=True, text=True, timeout=PATIENCE_S)
    n_all = int(done.stderr.rpartition("steps: ")[2])
    n_saves = len(read_training(course.folder).curve)
    return TWICE * n_all // n_saves


def _until_killed(command: Sequence[str], waits: bool) -> tuple[int, str]:
    """The exit code and the last words of a process: killed at a random moment, or with ``waits`` at its own end."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        if not waits:
            n_lines = random.randint(0, 12)  # of its progress; killed while it reads, trains or saves
            for _ in range(n_lines):
                if not process.stderr.readline():
                    break
            time.sleep(random.random() * 0.1)
            process.kill()
        _, said = process.communicate(timeout=PATIENCE_S)
        return process.returncode, said


def _look(course: Course) -> None:
    """After a kill: what could be loaded before can be loaded now, and no step that was saved is lost."""
    if course.recipe.before is None and not (course.best_step or exists(course.folder)):
        return
    try:
        load_model(course.folder)
        place = run_folder(course.folder)
        step = read_training(place if exists(place) else course.folder).steps if _resumable(course.folder) else 0
    except CheckpointError as error:
        course.faults.append(f"{course.recipe.name}, kill {course.n_kills}: {error}")
        return
    finished = read_training(course.folder).steps == STEPS
    if step < course.best_step and not finished:
        course.faults.append(f"{course.recipe.name}: step {course.best_step} was saved, {step} is left")
    course.best_step = max(course.best_step, step)


def _compare(course: Course) -> None:
    """At the end: the weights of a run without a fault, and nothing left behind."""
    if (course.folder / "model.safetensors").read_bytes() != course.recipe.weights:
        course.faults.append(f"{course.recipe.name}: after {course.n_kills} kills the weights are other ones")
    left = [path.name for path in course.folder.parent.glob(f".{course.name}~*") if "lock" not in path.name]
    if left:
        course.faults.append(f"{course.recipe.name}: {left[0]} is left behind")


def _refusals(scratch: Path, most: int) -> Count:
    """The disk refuses each step of a save: full, faulty, read-only or forbidden, for once or from then on."""
    folder = scratch / "refused" / "models" / "model"
    source = load_model(scratch / "reference" / "models" / "start")
    steps = Steps(folder.parent)
    _save(folder, source, "0")
    with steps.watched(lambda event, arguments: None):
        _save(folder, source, "0")
    trials = list(itertools.product(range(1, steps.n + 1), ERRORS, (False, True)))
    random.shuffle(trials)
    trials = trials[:most]
    count = Count(what="refusals of the disk", wanted=len(trials), note=f"of the {steps.n} steps of a save")
    for n, number, lasting in trials:
        count.done += 1
        before, text = read_training(folder).created, str(count.done)
        refused, found = False, None
        try:
            with steps.watched(refuse_at(steps, n, number, lasting=lasting)), suppress(CheckpointError):
                refused = True
                _save(folder, source, text)
                refused = False
            found = load_model(folder).training.created
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        if found not in ((before, text) if refused else (text,)):
            count.faults.append(f"step {n}, {errno.errorcode[number]}{' for good' * lasting}: {found}")
    _save(folder, source, "at last")
    left = [path.name for path in folder.parent.iterdir() if "lock" not in path.name]
    if load_model(folder).training.created != "at last" or left != ["model"]:
        count.faults.append(f"a sound save after all refusals leaves {left}")
    return count


def _save(folder: Path, model: Model, created: str) -> None:
    with only_writer(folder):
        save_model(
            folder,
            config=model.config,
            params=model.params,
            tokenizer=model.tokenizer,
            training=dataclasses.replace(model.training, created=created),
            card="a card",
            state=State(arrays=model.params, metadata={"step": 1}),
        )


def _full_disks(stage: Stage, scratch: Path, wanted: int) -> Count:
    """A whole process on a disk that is full or read-only from some step on; then again on a sound one."""
    count = Count(what="processes on a disk that refuses", wanted=wanted)
    for i in range(wanted):
        fault = ("full", "read-only", "limit")[i % 3]
        course = stage.course(scratch / "full", stage.recipes[i % len(stage.recipes)], f"full{i}")
        done = _finish(stage.command(course, fault=fault, n=random.randint(1, 120)))
        sentences = [line for line in done.stderr.splitlines() if line.startswith("tinycoder: ")]
        if done.returncode not in (0, 1) or "Traceback" in done.stderr or len(sentences) != (done.returncode == 1):
            count.faults.append(f"{course.name}, {fault}: code {done.returncode}, {done.stderr[-300:]!r}")
        _end(stage, course)
        count.faults += course.faults
        count.done += 1
    return count


def _rivals(stage: Stage, scratch: Path, wanted: int) -> Count:
    """Two processes train one name at the same time: one does, the other says why not."""
    count = Count(what="pairs of processes on one name", wanted=wanted)
    for i in range(wanted):
        course = stage.course(scratch / "rivals", stage.recipes[0], f"pair{i}")
        command = stage.command(course)
        both = [subprocess.Popen(command, stdout=-3, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        said = [process.communicate(timeout=PATIENCE_S)[1] for process in both]
        codes = sorted(process.returncode for process in both)
        refused = [text for text in said if "another process is writing the model" in text]
        if codes != [0, 1] or len(refused) != 1 or "Traceback" in "".join(said):
            count.faults.append(f"{course.name}: codes {codes}, {said[0][-200:]!r}, {said[1][-200:]!r}")
        _compare(course)
        count.faults += course.faults
        count.done += 1
    return count


def _odd_worlds(stage: Stage, scratch: Path, times: int) -> Count:
    """A clock that goes back, sleep, a corpus that changes or is gone."""
    trials = (_clock_back, _asleep, _corpus_changes, _corpus_is_gone)
    count = Count(what="runs in an odd world", wanted=times * len(trials))
    for i in range(times):
        for trial in trials:
            recipe = stage.recipes[i % len(stage.recipes)]
            course = stage.course(scratch / "odd", recipe, f"{trial.__name__.strip('_')}{i}")
            try:
                trial(stage, course, scratch)
            except (TinyCoderError, AssertionError, subprocess.SubprocessError) as error:
                course.faults.append(f"{type(error).__name__}: {error}")
            count.faults += [f"{course.name}: {fault}" for fault in course.faults]
            count.done += 1
    return count


def _clock_back(stage: Stage, course: Course, scratch: Path) -> None:
    _must_finish(stage.command(course, fault="clock-back"))
    _compare(course)


def _asleep(stage: Stage, course: Course, scratch: Path) -> None:
    with subprocess.Popen(stage.command(course), stdout=-3, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while process.stderr.readline():
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.02)
            process.send_signal(signal.SIGCONT)
    assert process.returncode == 0, f"code {process.returncode}"
    _compare(course)


def _corpus_changes(stage: Stage, course: Course, scratch: Path) -> None:
    _with_another_corpus(stage, course, scratch, gone=False)


def _corpus_is_gone(stage: Stage, course: Course, scratch: Path) -> None:
    _with_another_corpus(stage, course, scratch, gone=True)


def _with_another_corpus(stage: Stage, course: Course, scratch: Path, *, gone: bool) -> None:
    """What was read counts: a run goes on and is gone on with although its files are other ones, or none."""
    place = scratch / "elsewhere" / course.name / stage.corpus.name
    shutil.copytree(stage.corpus, place)
    with subprocess.Popen(stage.command(course, corpus=place), stdout=-3, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "start":  # all is read
                if gone:
                    shutil.rmtree(place)
                for file in place.glob("*.py"):
                    file.write_text("changed = 1\n", encoding="utf-8")
            if event.get("step", 0) >= STEPS // 2:
                process.kill()
    _look(course)
    _end(stage, course)


def _end(stage: Stage, course: Course) -> None:
    """Go on as a person would until the run is finished, and compare."""
    _must_finish(stage.command(course))
    _compare(course)


def _must_finish(command: Sequence[str]) -> None:
    done = _finish(command)
    assert done.returncode == 0, f"code {done.returncode}: {done.stderr[-300:]}"


def _finish(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
