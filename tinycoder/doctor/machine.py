"""Checks of this machine: Python, numpy, the home folder, models, the environment and the server."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tinycoder.doctor.check import Check
from tinycoder.editors.installation import own_command
from tinycoder.errors import TinyCoderError
from tinycoder.words import counted

if TYPE_CHECKING:
    from tinycoder.storage.models import Summary

OLDEST_PYTHON = (3, 11)
ENOUGH_SPACE = 1_000_000_000  # bytes; a run of the largest preset saves some 400 MB
START_S = 30.0


def machine_checks(home: Path, folder: Path, environ: Mapping[str, str]) -> dict[str, Callable[[], Check]]:
    """All of this file's checks, cheap ones first."""
    return {
        "Python": check_python,
        "numpy": check_numpy,
        "processors": check_processors,
        "command": lambda: check_command(environ),
        "home folder": lambda: check_home(home),
        "models": lambda: check_models(home, folder),
        "environment": lambda: check_environment(folder, environ),
        "server": lambda: check_server(home, folder),
    }


def check_python() -> Check:
    """Version and platform."""
    says = f"{platform.python_version()} ({platform.python_implementation()}) on {platform.platform(terse=True)}"
    if sys.version_info < OLDEST_PYTHON:
        advice = "TinyCoder needs Python 3.11 or newer; install it with a newer one."
        return Check("broken", says, advice)
    return Check("fine", f"{says}, {sys.executable}")


def check_numpy() -> Check:
    """Whether numpy multiplies matrices with a fast library, and with how many threads."""
    try:
        import numpy as np
        from threadpoolctl import threadpool_info
    except ImportError as error:
        advice = f"Install it again: {sys.executable} -m pip install --force-reinstall numpy threadpoolctl"
        return Check("broken", f"cannot be imported ({error})", advice)
    configuration: Any = np.show_config(mode="dicts")
    built_with = configuration.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    return numpy_check(np.__version__, threadpool_info(), str(built_with))


def numpy_check(version: str, pools: list[dict[str, Any]], built_with: str) -> Check:
    """The check, given the libraries that threadpoolctl sees loaded, and the library that numpy was built with."""
    for pool in pools:
        if pool.get("user_api") == "blas":
            details = f"{pool.get('internal_api')} {pool.get('version') or ''}".strip()
            core = f" for {pool['architecture']}" if pool.get("architecture") else ""
            says = f"{version} with {details}{core}, threads: {pool.get('num_threads')}"
            return Check("fine", says)
    if "accelerate" in built_with.lower():  # which threadpoolctl does not know
        return Check("fine", f"{version} with Accelerate")
    return Check(
        "warning",
        f"{version} without a fast library for matrices (built with: {built_with or 'none'})",
        "Training and completions are many times slower; the numpy of PyPI or conda-forge brings OpenBLAS.",
    )


def check_processors() -> Check:
    """How many processors there are, and how many this process may use."""
    there = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else there
    count = f"{usable} of {there} may be used" if usable < there else str(there)
    return Check("fine", f"{count} ({platform.machine()})")


def check_command(environ: Mapping[str, str]) -> Check:
    """Whether `tinycoder` on the path is this installation."""
    command = own_command(environ)
    whole = " ".join(command.argv)
    if command.on_path is None:
        advice = f"Editors need the whole path: {whole}. `tinycoder setup` writes it where it is needed."
        return Check("warning", "`tinycoder` is not on the path", advice)
    if not command.ours:
        advice = f"This one is {whole}. Remove the other, or change the order of the path."
        return Check("warning", f"{command.on_path} is another installation", advice)
    limits = "" if command.argv == ("tinycoder",) else ", as long as its virtual environment is active"
    return Check("fine", f"{command.on_path}{limits}")


def check_home(home: Path) -> Check:
    """Whether models can be kept in the home folder."""
    advice = "Choose another one with TINYCODER_HOME, or change who owns it."
    try:
        nearest = next(path for path in (home, *home.parents) if path.exists())
        if not nearest.is_dir():
            return Check("broken", f"{nearest} is not a folder", advice)
        with tempfile.TemporaryFile(dir=nearest):
            pass
        free = shutil.disk_usage(nearest).free
    except OSError as error:
        return Check("broken", f"{home} cannot be written ({error.strerror})", advice)
    says = f"{home}{'' if home.is_dir() else ' (will be made)'}, {free / 1e9:,.1f} GB free"
    if free < ENOUGH_SPACE:
        advice = "Free some space: training stops when a save fails. `tinycoder checkpoint list` shows sizes."
        return Check("warning", says, advice)
    return Check("fine", says)


def check_models(home: Path, folder: Path) -> Check:
    """How many models there are, which one serves ``folder``, and which are damaged. Reads no weights."""
    from tinycoder.storage.models import find_model, list_models, workspace_model_name

    models = list_models(home)
    chosen = next(model for model in models if model.folder == find_model(home, [folder]))
    damaged = [model for model in models if model.problem]
    says = f"{len(models)} ({', '.join(model.name for model in models[:5])}{', ...' if len(models) > 5 else ''})"
    if chosen.name == workspace_model_name(folder):
        says += f"; this folder has its own, {chosen.name}"
    elif chosen.bundled:
        says += f"; {chosen.name}, which comes with TinyCoder, serves this folder, which has none of its own"
    else:
        says += f"; {chosen.name}, which learnt from this folder, serves it"
    if damaged:
        says += "; " + "; ".join(f"{model.name} is damaged: {model.problem}" for model in damaged)
        state: Literal["broken", "warning"] = "broken" if chosen in damaged else "warning"
        return Check(state, says, _advice(damaged[0]))
    return Check("fine", says)


def _advice(damaged: Summary) -> str:
    """What to do about a folder that holds no sound model."""
    from tinycoder.storage.models import refuse_to_remove

    if damaged.bundled:
        return f"Install TinyCoder again: {sys.executable} -m pip install --force-reinstall --no-deps tinycoder"
    try:
        refuse_to_remove(damaged.folder)
    except TinyCoderError:
        return f"It is no model of TinyCoder's: move {damaged.folder} to another place."
    return (
        f"Remove it: `tinycoder checkpoint remove {damaged.name}`, or train it again with `tinycoder train --overwrite`"
    )


def check_environment(folder: Path, environ: Mapping[str, str]) -> Check:
    """Which environment's packages are offered in ``folder``, unless the editor names another one."""
    from tinycoder.symbols.interpreter import find_interpreter

    interpreter = find_interpreter([folder], environ=environ)
    if interpreter.prefix is None:
        advice = "Make one in .venv, or name it in the editor's setting tinycoder.python."
        return Check("absent", "none was found for this folder: of packages, nothing is offered", advice)
    where = f"packages in {interpreter.search_paths[0]}" if interpreter.search_paths else "without packages"
    return Check("fine", f"{interpreter.prefix}, {where}, library {interpreter.library}")


def check_server(home: Path, folder: Path, *, timeout_s: float = START_S) -> Check:
    """Whether the language server starts, completes and ends, as an editor would have it."""
    from tinycoder.doctor.trial import try_server

    command = [sys.executable, "-m", "tinycoder", "--home", str(home.absolute()), "serve"]
    try:  # not started in ``folder``, where a random.py would hide the library's
        trial = try_server(command, folder=folder.absolute(), cwd=Path(sys.prefix), timeout_s=timeout_s)
    except TinyCoderError as error:
        advice = "Start it in a terminal to see its log: `tinycoder serve --log-level debug`"
        return Check("broken", f"does not work: {error}", advice)
    names = counted(trial.n_names, "name")
    says = f"ready after {trial.ready_s:.1f} s, answered after {trial.answer_s * 1000:.0f} ms ({names})"
    if trial.kind == "Error":
        advice = "Put that right, or choose another model with `tinycoder serve --model NAME`"
        return Check("broken", f"starts, but: {trial.message}", advice)
    if trial.kind != "Normal":
        return Check("warning", f"starts, but: {trial.message}")
    return Check("fine", says)
