"""The evaluation projects: sdists, and a manifest that says which of their files are held out.

    python benchmarks/lspbench/corpora.py fetch [FOLDER]            the archives that FOLDER's manifest names
    python benchmarks/lspbench/corpora.py build FOLDER PACKAGE...   a new manifest, of the newest sdists

FOLDER is corpora/open unless another is named. Archives lie in FOLDER/archives, which git ignores. They come from the
package index by name and version, and pip refuses one whose sha256 is not the manifest's before it unpacks it. Nothing
of a package is run: pip asks stand_in_backend.py for the metadata. Only a package that brings its own build backend
(``backend-path``) would be run by ``build``.

The split is a pure function of package name and path: the eligible files are ordered by sha256("package/path") and
the first 15 % of them (at least 3) are held out, that is taken away from the workspace and typed by the simulator. All
others stay on disk. Eligible is a library file (no tests, docs, examples, setup) of 40 to 1,500 lines that parses,
whose lines end in line feeds, and that is no table of data: at most a third of its tokens are literals, and at most a
quarter of its lines begin with one.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OPEN = HERE / "corpora" / "open"
BACKENDS = (  # whose place stand_in_backend.py takes
    "setuptools/build_meta.py",
    "hatchling/build.py",
    "flit_core/buildapi.py",
    "poetry/core/masonry/api.py",
    "pdm/backend.py",
)
BELONGS = re.compile(r"\.(py|pyi)$|(^|/)(pyproject\.toml|setup\.cfg|py\.typed)$")
ASIDE = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?|benchmarks?|scripts?|tools?|_?vendor(ed)?|extras|resources"
    r"|setup\.py|conftest\.py|noxfile\.py|_?version\.py)(/|$)"
)
LICENCES = {
    "Apache License": "Apache-2.0",
    "Permission is hereby granted, free of charge": "MIT",
    "Redistribution and use in source and binary forms": "BSD",
}


def fetch(folder: Path) -> None:
    """Bring the archives that the manifest names; ends the program if one is not what the manifest says."""
    for row in manifest(folder):
        file = folder / "archives" / row["archive"]
        if not file.exists():
            download(f"{row['package']}=={row['version']} --hash=sha256:{row['sha256']}", file.parent)
        archive(folder, row)
        print(f"{file}: as in the manifest")


def manifest(folder: Path) -> list[dict[str, Any]]:
    """The projects of a corpus, one dictionary each."""
    rows: list[dict[str, Any]] = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))["repos"]
    return rows


def archive(folder: Path, row: dict[str, Any]) -> Path:
    """A project's archive; ends the program if it is missing or is not what the manifest says."""
    file: Path = folder / "archives" / row["archive"]
    if not file.exists():
        raise SystemExit(f"{file} is missing; fetch it: python benchmarks/lspbench/corpora.py fetch {folder}")
    if hashlib.sha256(file.read_bytes()).hexdigest() != row["sha256"]:
        raise SystemExit(f"{file} is not the archive of the manifest (its sha256 differs); remove it and fetch again")
    return file


def download(requirement: str, folder: Path) -> None:
    """Fetch an sdist by a line of pip's requirements and run nothing of it; ends the program where pip fails."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lspbench-") as scratch:
        backends, sdist, wanted = (Path(scratch, name) for name in ("backends", "sdist", "requirements.txt"))
        for backend in BACKENDS:
            file = backends / backend
            file.parent.mkdir(parents=True)
            for package in file.parents[: backend.count("/")]:
                (package / "__init__.py").touch()  # else the real one, if it is installed, goes before it
            shutil.copy(HERE / "stand_in_backend.py", file)
        wanted.write_text(requirement + "\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        here = ["--no-build-isolation", "--use-pep517", "--dest", str(sdist), "--requirement", str(wanted)]
        if subprocess.run([*pip, *here], env={**os.environ, "PYTHONPATH": str(backends)}).returncode:
            raise SystemExit(f"pip could not fetch {requirement.split()[0]}; its own message stands above")
        for file in sdist.iterdir():
            shutil.move(file, folder / file.name)


def members(file: Path) -> Iterator[tuple[str, bytes]]:
    """What belongs in a workspace, of an archive: paths inside the project, and contents."""
    with tarfile.open(file) as tar:
        for member in sorted(tar, key=lambda member: member.name):
            path = member.name.partition("/")[2]
            if member.isfile() and BELONGS.search(path) and ".." not in path.split("/"):
                contents = tar.extractfile(member)
                assert contents is not None
                yield path, contents.read()


def unpack(folder: Path, row: dict[str, Any], root: Path) -> dict[str, str]:
    """Write the known files of a project into ``root``: the texts of its held-out ones, by path."""
    held_out = {}
    for path, raw in members(archive(folder, row)):
        if path in row["held_out"]:
            held_out[path] = text_of(raw)
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(raw)
    return held_out


def text_of(raw: bytes) -> str:
    """A file as an editor holds it: decoded, with line feeds alone."""
    return raw.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def eligible(path: str, raw: bytes) -> bool:
    """Whether a file may be held out (above)."""
    if not path.endswith(".py") or ASIDE.search(path):
        return False
    try:
        text = text_of(raw)
        ast.parse(text)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (UnicodeDecodeError, SyntaxError, ValueError, tokenize.TokenError):
        return False
    n_lines = text.count("\n")
    plain = len(text.splitlines()) == n_lines + (not text.endswith("\n"))
    code = [t.type for t in tokens if t.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)]
    literals = sum(kind in (tokenize.NUMBER, tokenize.STRING) for kind in code)
    begun = sum(bool(re.match(r"\s*[\[({]*['\"\d-]", line)) for line in text.split("\n"))
    return plain and 40 <= n_lines <= 1500 and len(code) >= 100 and 3 * literals <= len(code) and 4 * begun <= n_lines


def split(package: str, files: Mapping[str, bytes]) -> tuple[list[str], int]:
    """The paths that are held out of a project, and how many are eligible."""
    choice = sorted(
        (path for path, raw in files.items() if eligible(path, raw)),
        key=lambda path: hashlib.sha256(f"{package}/{path}".encode()).hexdigest(),
    )
    return sorted(choice[: max(3, math.ceil(0.15 * len(choice)))]), len(choice)


def describe(package: str, file: Path) -> dict[str, Any]:
    """A project's row of the manifest."""
    files = dict(members(file))
    held_out, n_eligible = split(package, files)
    with tarfile.open(file) as tar:
        names = tar.getnames()
        licences = [name for name in names if re.search(r"/(LICEN[SC]E|COPYING)[^/]*$", name) and name.count("/") == 1]
        info = _text(tar, f"{names[0].split('/')[0]}/PKG-INFO")
        terms = _text(tar, licences[0]) if licences else ""

    def field(name: str) -> str | None:
        match = re.search(rf"^{name}: *(.+)$", info, re.MULTILINE)
        return match[1].strip() if match else None

    python = [path for path in files if path.endswith(".py")]
    return {
        "package": package,
        "version": field("Version"),
        "archive": file.name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "license": field("License-Expression")
        or next((name for words, name in LICENCES.items() if words in terms), None),
        "license_files": licences,
        "python_files": len(python),
        "eligible_files": n_eligible,
        "known_files": len(python) - len(held_out),
        "held_out": held_out,
        "held_out_lines": sum(text_of(files[path]).count("\n") for path in held_out),
        "known_lines": sum(files[path].count(b"\n") for path in python if path not in held_out),
    }


def _text(tar: tarfile.TarFile, name: str) -> str:
    contents = tar.extractfile(name)
    assert contents is not None
    return contents.read().decode("utf-8", "replace")


def build(folder: Path, packages: Sequence[str]) -> None:
    """Fetch the newest sdist of each package, unless one is there, and write the manifest."""
    rows = []
    for package in packages:
        pattern = f"{package.replace('-', '_')}-[0-9]*.tar.gz"  # as sdists are named since PEP 625
        if not list((folder / "archives").glob(pattern)):
            download(package, folder / "archives")
        rows.append(describe(package, max((folder / "archives").glob(pattern))))
        row = rows[-1]
        print(f"{package} {row['version']}, {row['license']}: {row['known_files']} known files", end=", ")
        print(f"{len(row['held_out'])} held out of {row['eligible_files']} that are eligible")
    text = json.dumps({"split": "sha256(package/path), first 15% of eligible", "repos": rows}, indent=1)
    (folder / "MANIFEST.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Parse the command line, then fetch or build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("fetch", help="bring the archives of a manifest, and check them")
    one.add_argument("folder", nargs="?", type=Path, default=OPEN)
    one = commands.add_parser("build", help="make a new manifest")
    one.add_argument("folder", type=Path)
    one.add_argument("packages", nargs="+")
    options = parser.parse_args()
    if options.command == "fetch":
        fetch(options.folder)
    else:
        build(options.folder, options.packages)


if __name__ == "__main__":
    main()
