"""The packages that the base model may learn from, and their Python files in the given environments.

A package is taken only if its own metadata declare the licence that the list of sources states.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from tinycoder.errors import CorpusError
from tinycoder.validate import DataError, parse
from tinycoder.workspace import tree
from tinycoder.workspace.text import Skipped

LIBRARY = "python"  # the standard library, by its name in the list of sources
OURSELVES = "tinycoder"
PERMITTED = frozenset({"PSF-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"})
BUNDLED = frozenset({"0BSD", "Zlib", "CC0-1.0", "BSL-1.0", "Apache-2.0 WITH LLVM-exception", "CNRI-Python"})
"""Licences of compiled code inside wheels: as permissive, but only next to one that is in ``PERMITTED``."""

_FAMILIES = {  # what metadata before PEP 639 say, without a version of BSD
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "MIT": "MIT",
    "BSD": "BSD",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD-2-Clause": "BSD-2-Clause",
    "BSD-3-Clause": "BSD-3-Clause",
    "3-clause BSD": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License (Apache 2.0)": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
}
_BEGINNINGS = {  # of whole texts that stand in the field
    "Apache License Version 2.0, January 2004": "Apache-2.0",
    "MIT License Copyright": "MIT",
    "The MIT License (MIT) Copyright": "MIT",
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A package to take: its SPDX licence, what kind of code it is, and at most how much of it (10**6 bytes)."""

    package: str
    licence: str
    domain: str
    max_mb: float


@dataclass(frozen=True, kw_only=True)
class Found:
    """A source as it is installed; ``files`` have paths relative to where packages lie."""

    source: Source
    version: str
    files: tuple[tree.SourceFile, ...]
    left_out: tuple[Skipped, ...]


def read_sources(file: Path) -> tuple[Source, ...]:
    """The sources listed in a JSON file. Raises ``CorpusError`` for a malformed list or a licence not permitted."""
    try:
        sources = parse(dict[str, tuple[Source, ...]], file.read_bytes())["sources"]
    except (OSError, DataError, KeyError) as error:
        names = ", ".join(field.name for field in fields(Source))
        raise CorpusError(f"{file} is no list of sources ({error}); each has {names}") from None
    for source in sources:
        if not is_permitted(source.licence):
            raise CorpusError(f"{file}: the licence of {source.package}, {source.licence}, is not one to learn from")
        if source.package == OURSELVES:
            raise CorpusError(f"{file}: {OURSELVES} does not learn from itself; take it off the list")
    if len({source.package for source in sources}) < len(sources):
        raise CorpusError(f"{file} names a package twice")
    return sources


def read_reserved(file: Path) -> dict[str, str]:
    """What each reserved package is for, by normalised name. Raises ``CorpusError`` for a malformed list."""
    try:
        entries = parse(dict[str, tuple[dict[str, str], ...]], file.read_bytes())["reserved"]
        return {normalised(entry["package"]): entry["purpose"] for entry in entries}
    except (OSError, DataError, KeyError) as error:
        raise CorpusError(f"{file} is no list of reserved packages ({error}); each has package, purpose") from None


def refuse_reserved(sources: Sequence[Source], reserved: Mapping[str, str]) -> None:
    """Raise ``CorpusError`` if a source is reserved for fits or measurements, however its name is written."""
    for source in sources:
        if purpose := reserved.get(normalised(source.package)):
            raise CorpusError(f"{source.package} is reserved ({purpose}); take it off the sources")


def normalised(name: str) -> str:
    """The name of a package as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_permitted(licence: str) -> bool:
    """Whether an SPDX expression (without parentheses) allows learning under permissive licences alone."""
    for choice in licence.split(" OR "):
        parts = set(choice.split(" AND "))
        if parts <= PERMITTED | BUNDLED and parts & PERMITTED:
            return True
    return False


def declared_licence(metadata: importlib.metadata.PackageMetadata) -> str:
    """The licence by a package's metadata: SPDX, or ``BSD`` where they tell no version, or ``unknown``."""
    expression, *_ = metadata.get_all("License-Expression") or [None]
    if expression:
        return str(expression)
    stated = [name for text in metadata.get_all("License") or [] if (name := _named(text))]
    if not stated:
        lines = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")]
        names = [line.rpartition(" :: ")[2] for line in lines]
        stated = [_FAMILIES.get(name, name) for name in names]
    return " AND ".join(sorted(set(stated))) or "unknown"


def _named(text: str) -> str | None:
    """The licence that the field ``License`` names, or whose whole text stands there."""
    words = " ".join(text.split())
    return _FAMILIES.get(words) or next((name for start, name in _BEGINNINGS.items() if words.startswith(start)), None)


def find(source: Source, environments: Sequence[Path]) -> Found | str:
    """The source in the first of the environments (``site-packages`` folders) that has it, or why it is not taken."""
    if source.package == LIBRARY:
        return _found(source, platform.python_version(), Path(sysconfig.get_path("stdlib")), None)
    for environment in environments:
        if not environment.is_dir():
            raise CorpusError(f"{environment} is no folder; give the site-packages folder of an environment")
        for installed in importlib.metadata.distributions(name=source.package, path=[str(environment)]):
            declared = declared_licence(installed.metadata)
            if declared != source.licence and not (declared == "BSD" and source.licence.startswith("BSD-")):
                return f"declares {declared}, not {source.licence}"
            paths = {
                file.as_posix() for file in installed.files or () if file.suffix == ".py" and ".." not in file.parts
            }
            return _found(source, installed.version, environment, paths)
    return "not installed"


def _found(source: Source, version: str, root: Path, paths: set[str] | None) -> Found:
    """The files under ``root``, of those at ``paths`` if they are given."""
    root = root.resolve()
    starts = [root] if paths is None else [root / top for top in sorted({path.split("/")[0] for path in paths})]
    walked, skipped = tree.walk([start for start in starts if start.exists()]) if starts else ([], [])
    files = []
    for file in walked:
        path = file.location.relative_to(root).as_posix()
        if path.endswith(".py") and (paths is None or path in paths):
            files.append(tree.SourceFile(location=file.location, path=path, n_bytes=file.n_bytes))
    left_out = tuple(entry for entry in skipped if not entry.path.endswith("__pycache__/"))
    return Found(source=source, version=version, files=tuple(files), left_out=left_out)
