"""Where the packages of a workspace's Python are installed, found as editors do. Files are read, nothing is run."""

import os
import re
import stat
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT_FOLDERS = (".venv", "venv", "env", ".env")
MAX_CONFIG_BYTES = 100_000
_VERSION = re.compile(r"(\d+)\.(\d+)")
_INTERPRETER = re.compile(r"(python|pypy)[\d.]*(\.exe)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """An environment: its folder (None if none was found), where packages lie, and the standard library's folder."""

    prefix: Path | None
    search_paths: tuple[Path, ...]
    library: Path


def find_interpreter(folders: Sequence[Path], *, environ: Mapping[str, str], python: str = "") -> Interpreter:
    """The interpreter of the workspace's ``folders``.

    It is the first that exists of: ``python``, a setting that names an interpreter or an environment's folder, also
    relative to a workspace folder; what the variable ``VIRTUAL_ENV`` in ``environ`` names; an environment inside one of
    the folders; a Python on ``PATH``. Otherwise there are no packages, and the library is our own.
    """
    path = environ.get("PATH", "").split(os.pathsep)
    for prefix in _prefixes(folders, python, environ.get("VIRTUAL_ENV", ""), path):
        site_folders = tuple(_site_folders(prefix))
        library = _library(prefix)
        if site_folders or library:
            return Interpreter(
                prefix=prefix,
                search_paths=tuple(dict.fromkeys(_search_paths(site_folders, [prefix, *folders]))),
                library=library or own_library(),
            )
    return no_interpreter()


def no_interpreter() -> Interpreter:
    """No packages, and our own library."""
    return Interpreter(prefix=None, search_paths=(), library=own_library())


def own_library() -> Path:
    """The standard library of the Python that runs this."""
    return Path(sysconfig.get_path("stdlib"))


def read_small(file: Path, max_bytes: int = MAX_CONFIG_BYTES) -> bytes | None:
    """What is in a regular file of at most ``max_bytes``; None if it cannot be read."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            return None
        with file.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except (OSError, ValueError):
        return None
    return raw if len(raw) <= max_bytes else None


def is_folder(path: Path) -> bool:
    """Whether a folder is there and can be looked at."""
    return os.path.isdir(path)  # noqa: PTH112 - does not raise


def _prefixes(folders: Sequence[Path], python: str, virtual_env: str, path: Sequence[str]) -> Iterator[Path]:
    """Folders that may be environments, the most wanted first."""
    for setting in (python, virtual_env):
        if setting:
            for base in folders or (Path(),):
                yield from _prefixes_of(base / setting)
    for folder in folders:
        for name in ENVIRONMENT_FOLDERS:
            if is_folder(folder / name):
                yield folder / name
        yield from _inner_environments(folder)
    for entry in path:
        for name in ("python3", "python", "python.exe"):
            if entry and _is_file(Path(entry, name)):
                yield from _prefixes_of(Path(entry, name))


def _prefixes_of(path: Path) -> Iterator[Path]:
    """The prefixes that an interpreter's file, or an environment's folder, may belong to."""
    if is_folder(path):
        yield path
        if path.name in ("bin", "Scripts"):
            yield path.parent
    elif _is_file(path) or _INTERPRETER.fullmatch(path.name):
        for file in (path, _resolved(path)):
            yield file.parent.parent if file.parent.name in ("bin", "Scripts") else file.parent


def _inner_environments(folder: Path) -> Iterator[Path]:
    """Environments of other names directly inside a folder."""
    for entry in _entries(folder):
        if entry.name not in ENVIRONMENT_FOLDERS and _is_file(entry / "pyvenv.cfg"):
            yield entry


def _site_folders(prefix: Path) -> Iterator[Path]:
    """Where an environment's packages lie, its own before those of the Python that it extends."""
    yield from _own_site_folders(prefix)
    settings = _settings(prefix)
    if settings.get("include-system-site-packages", "").lower() == "true" and settings.get("home"):
        yield from _own_site_folders(_base(Path(settings["home"])))


def _own_site_folders(prefix: Path) -> Iterator[Path]:
    paths = [prefix / "Lib" / "site-packages"]
    for lib in ("lib", "lib64"):
        for versioned in _versioned(prefix / lib):
            paths += [versioned / "site-packages", versioned / "dist-packages"]
        paths.append(prefix / lib / "python3" / "dist-packages")
    if prefix == Path("/usr"):
        paths = [*_own_site_folders(Path("/usr/local")), *paths]
    seen: set[Path] = set()
    for path in paths:
        if is_folder(path) and (true := _resolved(path)) not in seen:  # lib64 is often a link to lib
            seen.add(true)
            yield path


def _versioned(lib: Path) -> list[Path]:
    """The folders such as ``python3.12`` in a ``lib`` folder, the newest first."""
    folders = [folder for folder in _entries(lib) if re.fullmatch(r"(python|pypy)\d+\.\d+t?", folder.name)]
    return sorted(folders, key=lambda folder: _version_of(folder.name), reverse=True)


def _library(prefix: Path) -> Path | None:
    """The standard library of an environment's Python."""
    settings = _settings(prefix)
    base = _base(Path(settings["home"])) if settings.get("home") else prefix
    version = _version_of(settings.get("version") or settings.get("version_info") or "")
    for own in _versioned(prefix / "lib"):
        version = version if version != (0, 0) else _version_of(own.name)
    for path in (base, _resolved(base)):
        inside = [folder for lib in ("lib", "lib64") for folder in _versioned(path / lib)]
        exact = [folder for folder in inside if _version_of(folder.name) == version]
        for folder in (path / "Lib", *(exact if version != (0, 0) else inside)):
            if _is_file(folder / "os.py"):
                return folder
    return None


def _base(home: Path) -> Path:
    """The prefix of the Python whose executable lies in ``home``."""
    return home.parent if home.name in ("bin", "Scripts") else home


def _settings(prefix: Path) -> dict[str, str]:
    """What ``pyvenv.cfg`` says, by names in small letters."""
    parts = (line.partition("=") for line in _lines(prefix / "pyvenv.cfg"))
    return {name.strip().lower(): value.strip() for name, equals, value in parts if equals}


def _search_paths(site_folders: Sequence[Path], known: Sequence[Path]) -> Iterator[Path]:
    """The site folders, each followed by what its ``.pth`` files add.

    Of the ``known`` folders, the environment's own and the workspace's, what lies in the latter is not added: it is
    read as the workspace is, without what git ignores.
    """
    prefix, *folders = map(_resolved, known)
    for folder in site_folders:
        yield folder
        for file in _entries(folder):
            for line in _lines(file) if file.suffix == ".pth" and file.name[0] != "." else ():
                if line.strip() and not line.startswith(("#", "import ", "import\t")):
                    added = folder / line.rstrip()
                    true = _resolved(added)
                    is_own = true.is_relative_to(prefix) or true.is_relative_to(_resolved(folder))
                    if is_folder(added) and (is_own or not any(true.is_relative_to(each) for each in folders)):
                        yield added


def _version_of(text: str) -> tuple[int, int]:
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _lines(file: Path) -> list[str]:
    return (read_small(file) or b"").decode("utf-8", "replace").lstrip("\ufeff").splitlines()


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - does not raise


def _resolved(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path
