"""Code that every machine has: parts of the standard library of the running Python. To show and to measure with."""

import sysconfig
from pathlib import Path

_PARTS = (
    "argparse.py",
    "ast.py",
    "asyncio",
    "collections",
    "concurrent",
    "email",
    "http",
    "importlib",
    "json",
    "logging",
)


def paths() -> list[Path]:
    """Folders and files of the standard library, for ``python_repos.read``."""
    library = Path(sysconfig.get_path("stdlib"))
    return [library / part for part in _PARTS if (library / part).exists()]
