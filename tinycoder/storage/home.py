"""Where models and reports are kept. Imports nothing heavy."""

from collections.abc import Mapping
from pathlib import Path

import platformdirs

from tinycoder.errors import ConfigError


def default_home(environ: Mapping[str, str]) -> Path:
    """``TINYCODER_HOME``, else the platform's place for user data.

    Raises ``ConfigError`` where the user has no home folder, as an id that a container does not know.
    """
    chosen = environ.get("TINYCODER_HOME")
    if chosen:
        return expanded(Path(chosen))
    try:
        return expanded(Path(platformdirs.user_data_dir("tinycoder", appauthor=False)))
    except RuntimeError:  # of newer platformdirs
        raise _homeless("the place for user data") from None


def report_page(home: Path, name: str) -> Path:
    """The page of the last training of the model ``name``."""
    return home / "reports" / f"{name}.html"


def expanded(path: Path) -> Path:
    """``path`` with its ``~`` replaced. Raises ``ConfigError`` where there is no such user, or none with a home."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise _homeless(path) from None


def _homeless(what: object) -> ConfigError:
    return ConfigError(
        f"{what} lies in a home folder, and this user has none that is known; "
        "set HOME, or TINYCODER_HOME to a folder for models"
    )
