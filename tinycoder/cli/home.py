"""The home folder and a model in it, from what the user said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tinycoder.storage.checkpoint import Model


def home_folder(context: click.Context) -> Path:
    """``--home`` or TINYCODER_HOME, else the platform's place."""
    from tinycoder.storage.home import default_home

    chosen: Path | None = context.find_root().obj
    return chosen.expanduser() if chosen else default_home(os.environ)


def model_folder_of(home: Path, name: str | None) -> Path:
    """Folder of the model ``name``, else of this workspace's model, else of the newest, else of the shipped one."""
    from tinycoder.storage.bundled import is_bundled
    from tinycoder.storage.models import find_model, newest_model, resolve_model

    if name is not None:
        return resolve_model(home, name)
    found = find_model(home, [Path.cwd()])
    return newest_model(home) or found if is_bundled(found) else found


def chosen_model(context: click.Context, name: str | None) -> Model:
    """Load the model that ``model_folder_of`` finds."""
    from tinycoder.storage.checkpoint import load_model

    return load_model(model_folder_of(home_folder(context), name))
