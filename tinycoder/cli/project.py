"""What the project's ``pyproject.toml`` sets, for commands that read its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tinycoder.errors import ConfigError

if TYPE_CHECKING:
    from tinycoder_lsp.project import ProjectSettings

_PARAMETERS = {"context": "window"}  # of the command, where they have another name than the setting


def shared_settings(paths: Sequence[Path]) -> ProjectSettings:
    """The settings that the project of these paths shares, with a note for each mistake in its table.

    Raises ``ConfigError`` where it is not known which files the project leaves out.
    """
    from tinycoder.storage.forget_list import true_path
    from tinycoder.workspace.project_file import project_files
    from tinycoder_lsp.project import read_project, refused_exclude

    places = [true_path(path) for path in paths]
    files = project_files([place if place.is_dir() else place.parent for place in places])
    for file in files:
        if reason := refused_exclude(file):
            raise ConfigError(f"{reason}; put it right, since it says what not to read")
    settings, problems = read_project(files)
    for problem in problems:
        click.echo(f"note: {problem}", err=True)
    return settings


def recipe_of(context: click.Context, settings: ProjectSettings, *, tuning: bool) -> dict[str, Any]:
    """Parameters of ``tinycoder train`` that the project sets, and the command line does not.

    ``tuning`` where the run goes on from a model that was chosen, which has its size and its budget already.
    """

    def given(*names: str) -> bool:
        return any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in names)

    recipe = {_PARAMETERS.get(name, name): value for name, value in dataclasses.asdict(settings.training).items()}
    if tuning:
        recipe["minutes"] = recipe["preset"] = None
    if given("steps"):
        recipe["minutes"] = None
    if given("start"):
        recipe["preset"] = None
    return {name: value for name, value in recipe.items() if value is not None and not given(name)}
