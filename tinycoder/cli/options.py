"""What several commands share: options, the home folder, a model chosen there, and files to write."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tinycoder.errors import ConfigError, TinyCoderError

if TYPE_CHECKING:
    from tinycoder.storage.checkpoint import Model

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FORMER = {"no-peers": "no-competitors", "peer-python": "competitor-python", "places": "cursors"}
FORMER_NAMES = {"token_normalize_func": lambda name: _FORMER.get(name, name)}  # options are accepted by these too


class _Path(click.Path):
    """A path, which has a character at least. The shell makes an empty one of a variable that is not set."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(_not_empty(self, value, param, ctx), param, ctx)


class _Text(click.types.StringParamType):
    """A text that means something, such as a name or a pattern, and so has a character at least."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(_not_empty(self, value, param, ctx), param, ctx)


class Number(click.FloatRange):
    """A number that can be counted with: neither NaN nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Raises ``click.BadParameter`` for another one."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


def _not_empty(kind: click.ParamType[Any], value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
    if not os.fspath(value):
        here = "; '.' is the current folder" if isinstance(kind, click.Path) else ""
        kind.fail(f"it is empty, as of a variable that is not set{here}.", param, ctx)
    return value


PATH = _Path(path_type=Path)
FILE = _Path(path_type=Path, dir_okay=False)
FOLDER = _Path(path_type=Path, file_okay=False)
TEXT = _Text()

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
html_to = click.option("--html", "html_to", type=FILE, help="Write a page with charts.")


def model(default: str) -> Callable[[_Command], _Command]:
    """The option ``--model``, whose default is said in words."""
    return click.option(
        "--model", metavar="NAME", type=TEXT, help=f"Name of a model, or path of its folder.  [default: {default}]"
    )


def home_folder(context: click.Context) -> Path:
    """``--home`` or TINYCODER_HOME, else the platform's folder for user data."""
    from tinycoder.storage.home import default_home, expanded

    chosen: Path | None = context.find_root().obj
    return expanded(chosen) if chosen else default_home(os.environ)


def chosen_model(context: click.Context, name: str | None) -> Model:
    """Load the model ``name``, else this folder's model, else the newest, else the bundled one."""
    from tinycoder.library import choose_model
    from tinycoder.storage.bundled import is_bundled
    from tinycoder.storage.checkpoint import load_model
    from tinycoder.storage.models import newest_model

    home = home_folder(context)
    folder = choose_model(home, [Path.cwd()], name)
    if name is None and is_bundled(folder):
        folder = newest_model(home) or folder
    return load_model(folder)


def ask(question: str, otherwise: str) -> None:
    """Ask ``question`` on standard error. Raises ``TinyCoderError``, which says ``otherwise``, unless it is yes."""
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            raise click.UsageError("there is nobody to ask; give --yes") from None
        raise
    if not agreed:
        raise TinyCoderError(otherwise)


def write_text(path: Path, text: str) -> None:
    """Write a file that the user asked for. Raises ``ConfigError`` if that is refused."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror}); choose another path") from None
