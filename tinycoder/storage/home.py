"""Where models and reports are kept. Imports nothing heavy."""

from collections.abc import Mapping
from pathlib import Path

import platformdirs


def default_home(environ: Mapping[str, str]) -> Path:
    """``TINYCODER_HOME``, else the platform's place for user data."""
    chosen = environ.get("TINYCODER_HOME")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("tinycoder", appauthor=False))


def report_page(home: Path, name: str) -> Path:
    """The page of the last training of the model ``name``."""
    return home / "reports" / f"{name}.html"
