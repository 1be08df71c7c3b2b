"""Checks of this machine: Python, numpy, the home folder, models, the environment and the server."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from tinycoder.doctor.check import Check, guarded
from tinycoder.errors import TinyCoderError

OLDEST_PYTHON = (3, 11)
ENOUGH_SPACE = 1_000_000_000  # bytes; a run of the largest preset saves some 400 MB
START_S = 30.0


def machine_checks(home: Path, folder: Path, environ: Mapping[str, str]) -> Iterator[Check]:
    """All of this file's checks, cheap ones first."""
    yield guarded("Python", check_python)
    yield guarded("numpy", check_numpy)
    yield guarded("processors", check_processors)
    yield guarded("command", lambda: check_command(environ))
    yield guarded("home folder", lambda: check_home(home))
    yield guarded("models", lambda: check_models(home, folder))
    yield guarded("environment", lambda: check_environment(folder, environ))
    yield guarded("server", lambda: check_server(home, folder))


def check_python() -> Check:
    """Version and platform."""
    says = f"{platform.python_version()} ({platform.python_implementation()}) on {platform.platform(terse=True)}"
    if sys.version_info < OLDEST_PYTHON:
        advice = "TinyCoder needs Python 3.11 or newer; install it with a newer one."
        return Check(name="Python", state="broken", says=says, advice=advice)
    return Check(name="Python", state="fine", says=f"{says}, {sys.executable}")


def check_numpy() -> Check:
    """Whether numpy multiplies matrices with a fast library, and with how many threads."""
    try:
        import numpy as np
        from threadpoolctl import threadpool_info
    except ImportError as error:
        advice = f"Install it again: {sys.executable} -m pip install --force-reinstall numpy threadpoolctl"
        return Check(name="numpy", state="broken", says=f"cannot be imported ({error})", advice=advice)
    return numpy_check(np.__version__, threadpool_info(), _built_with())


def numpy_check(version: str, pools: list[dict[str, Any]], built_with: str) -> Check:
    """The check, given what threadpoolctl found loaded, and the library that numpy was built with."""
    for pool in pools:
        if pool.get("user_api") == "blas":
            details = f"{pool.get('internal_api')} {pool.get('version') or ''}".strip()
            core = f" for {pool['architecture']}" if pool.get("architecture") else ""
            says = f"{version} with {details}{core}, threads: {pool.get('num_threads')}"
            return Check(name="numpy", state="fine", says=says)
    if "accelerate" in built_with.lower():  # which threadpoolctl does not know
        return Check(name="numpy", state="fine", says=f"{version} with Accelerate")
    return Check(
        name="numpy",
        state="warning",
        says=f"{version} without a fast library for matrices (built with: {built_with or 'none'})",
        advice="Training and completions are many times slower; the numpy of PyPI or conda-forge brings OpenBLAS.",
    )


def _built_with() -> str:
    import numpy as np

    configuration: Any = np.show_config(mode="dicts")
    found = configuration.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    return str(found)


def check_processors() -> Check:
    """How many processors there are, and how many this process may use."""
    there = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else there
    if usable < there:
        return Check(name="processors", state="fine", says=f"{usable} of {there} may be used ({platform.machine()})")
    return Check(name="processors", state="fine", says=f"{there} ({platform.machine()})")


def check_command(environ: Mapping[str, str]) -> Check:
    """Whether `tinycoder` on the path is this installation."""
    from tinycoder.editors.installation import own_command

    command = own_command(environ)
    whole = " ".join(command.argv)
    if command.on_path is None:
        advice = f"Editors need the whole path: {whole}. `tinycoder setup` writes it where it is needed."
        return Check(name="command", state="warning", says="`tinycoder` is not on the path", advice=advice)
    if not command.ours:
        advice = f"This one is {whole}. Remove the other, or change the order of the path."
        says = f"{command.on_path} is another installation"
        return Check(name="command", state="warning", says=says, advice=advice)
    if command.argv != ("tinycoder",):
        says = f"{command.on_path}, as long as its virtual environment is active"
        return Check(name="command", state="fine", says=says)
    return Check(name="command", state="fine", says=command.on_path)


def check_home(home: Path) -> Check:
    """Whether models can be kept in the home folder."""
    name, advice = "home folder", "Choose another one with TINYCODER_HOME, or change who owns it."
    place = home
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir():
            return Check(name=name, state="broken", says=f"{place} is not a folder", advice=advice)
        with tempfile.TemporaryFile(dir=place):
            pass
        free = shutil.disk_usage(place).free
    except OSError as error:
        says = f"{home} cannot be written ({error.strerror})"
        return Check(name=name, state="broken", says=says, advice=advice)
    says = f"{home}{'' if home.is_dir() else ' (will be made)'}, {free / 1e9:,.1f} GB free"
    if free < ENOUGH_SPACE:
        advice = "Free some space: training stops when a save fails. `tinycoder checkpoint list` shows sizes."
        return Check(name=name, state="warning", says=says, advice=advice)
    return Check(name=name, state="fine", says=says)


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
        advice = f"Train it again, or remove it: `tinycoder checkpoint remove {damaged[0].name}`"
        if damaged[0].bundled:
            advice = f"Install TinyCoder again: {sys.executable} -m pip install --force-reinstall --no-deps tinycoder"
        return Check(name="models", state=state, says=says, advice=advice)
    return Check(name="models", state="fine", says=says)


def check_environment(folder: Path, environ: Mapping[str, str]) -> Check:
    """Which environment's packages are offered in ``folder``, unless the editor names another one."""
    from tinycoder.symbols.interpreter import find_interpreter

    virtual_env, path = environ.get("VIRTUAL_ENV", ""), environ.get("PATH", "")
    found = find_interpreter([folder], virtual_env=virtual_env, path=path)
    if found.prefix is None:
        advice = "Make one in .venv, or name it in the editor's setting tinycoder.python."
        says = "none was found for this folder: of packages, nothing is offered"
        return Check(name="environment", state="absent", says=says, advice=advice)
    where = f"packages in {found.search_paths[0]}" if found.search_paths else "without packages"
    return Check(name="environment", state="fine", says=f"{found.prefix}, {where}, library {found.library}")


def check_server(home: Path, folder: Path, *, timeout_s: float = START_S) -> Check:
    """Whether the language server starts, completes and ends, as an editor would have it."""
    from tinycoder.doctor.trial import try_server

    command = [sys.executable, "-m", "tinycoder", "--home", str(home.absolute()), "serve"]
    try:  # not started in ``folder``, where a random.py would take the place of the library's
        trial = try_server(command, folder=folder.absolute(), cwd=Path(sys.prefix), timeout_s=timeout_s)
    except TinyCoderError as error:
        advice = "Start it in a terminal to see its log: `tinycoder serve --log-level debug`"
        return Check(name="server", state="broken", says=f"does not work: {error}", advice=advice)
    says = f"ready after {trial.ready_s:.1f} s, answered after {trial.answer_s * 1000:.0f} ms ({trial.n_words} words)"
    if trial.kind == "Error":
        advice = "Put that right, or choose another model with `tinycoder serve --model NAME`"
        return Check(name="server", state="broken", says=f"starts, but: {trial.message}", advice=advice)
    if trial.kind != "Normal":
        return Check(name="server", state="warning", says=f"starts, but: {trial.message}")
    return Check(name="server", state="fine", says=says)
