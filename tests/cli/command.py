"""The command line in a process of its own, as a person runs it, or in this one, which is quicker."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import Result

from tests.conftest import command_runner
from tinycoder.cli import cli

ADDER = '''def add(first, second):
    """Add {n}."""
    total = first + second + {n}
    return total
'''


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "TINYCODER_HOME": str(home), "PYTHONWARNINGS": "error", "COLUMNS": "100"}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "tinycoder", *map(str, arguments)]


def tinycoder(
    home: Path, *arguments: str | Path, stdin: bytes = b"", **options: Any
) -> subprocess.CompletedProcess[str]:
    settings = {"env": environment(home), "timeout": 300, "check": False, **options}
    done = subprocess.run(command(*arguments), input=stdin, capture_output=True, **settings)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def invoke(home: Path, *arguments: str | Path) -> Result:
    return command_runner().invoke(cli, ["--home", str(home), *map(str, arguments)])


def refused(result: subprocess.CompletedProcess[str], *words: str, code: int = 1) -> None:
    """One clear sentence, no traceback, nothing on stdout."""
    assert result.returncode == code, result.stderr
    assert not result.stdout.strip()  # an older click writes the blank after a question there
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def write_adders(folder: Path, n_files: int = 8, adder: str = ADDER) -> Path:
    """A folder of small files, each a little longer than the one before."""
    folder.mkdir()
    for n in range(n_files):
        (folder / f"add_{n}.py").write_text(adder.format(n=n) * (n + 1))
    return folder
