"""The name and the folder of the model that comes with TinyCoder."""

import os
from pathlib import Path

BUNDLED = "base"


def bundled_folder() -> Path:
    """Its folder, part of the installation and only read."""
    return Path(__file__).parents[1] / "models" / BUNDLED


def is_bundled(folder: Path) -> bool:
    """Whether this is that folder, whatever way it is spelled."""
    try:
        return os.path.realpath(folder) == os.path.realpath(bundled_folder())
    except ValueError:  # a zero byte, which no path has
        return False
