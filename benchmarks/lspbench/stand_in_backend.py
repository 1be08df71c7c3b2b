"""The backend that pip is given in place of a package's own: it hands out the metadata that an sdist brings along.

pip asks a package for its metadata even if it shall only fetch it, which runs the package's build. With this file in
the backend's place nothing of the package is run. Used by corpora.py; nobody imports it.
"""

from __future__ import annotations

import shutil
import sys
from email.parser import HeaderParser
from pathlib import Path


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: object = None) -> str:
    """PEP 517's hook, called in the unpacked sdist: the name of the folder with its metadata."""
    headers = HeaderParser().parsestr(Path("PKG-INFO").read_text(encoding="utf-8"))
    folder = Path(metadata_directory, f"{headers['Name']}-{headers['Version']}.dist-info")
    folder.mkdir()
    shutil.copy("PKG-INFO", folder / "METADATA")
    return folder.name


__legacy__ = sys.modules[__name__]  # what pip asks setuptools for where a package names no backend
