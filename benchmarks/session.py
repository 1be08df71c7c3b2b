"""Type new lines into a file of a real repository, in Neovim with its defaults, and count what is shown.

    python benchmarks/session.py REPOSITORY FILE LINE [--text FILE] [--delay MS] [--notes]

The text (``session.txt`` by default, written for ``src/wtforms/validators.py`` of wtforms 3.3.2 above the class
``NoneOf``) goes before LINE of FILE, key by key, in a copy of the repository with a home of its own. Printed are the
suggestions that came anew, how many were right to their end and how many wrong from their first character, and the
keys of a user who accepts words; ``--notes`` prints each suggestion. Needs Neovim, which the dependency group
``dev`` brings.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lspbench"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from users import Step, ends_well, fresh_ghosts, keys_pressed

from tests.editors.typist.neovim import PLUGIN, PROGRAM, neovim

HERE = Path(__file__).resolve().parent
HARNESS = HERE.parent / "tests" / "editors" / "neovim"
SETTLE_MS = 15_000  # until the repository is indexed


def watch(repository: Path, name: str, line: int, text: str, delay_ms: int, program: Path) -> list[str]:
    """The ghost text before each key of ``text``."""
    editor = neovim()
    assert editor is not None, "Neovim is missing"
    with tempfile.TemporaryDirectory(prefix="session-", ignore_cleanup_errors=True) as made:
        scratch = Path(made)
        configuration, work = scratch / "config" / "nvim", scratch / "work"
        (configuration / "lua").mkdir(parents=True)
        shutil.copy(PLUGIN, configuration / "lua")
        shutil.copytree(repository, work)
        given = {
            "harness": str(HARNESS),
            "name": name,
            "lines": (work / name).read_text(encoding="utf-8").split("\n")[:-1],
            "line": line,
            "text": text,
            "delay_ms": delay_ms,
            "settle_ms": SETTLE_MS,
            "tinycoder": [str(program), "serve"],
            "out": str(scratch / "out.json"),
        }
        environment = {
            **os.environ,
            **{f"XDG_{kind.upper()}_HOME": str(scratch / kind) for kind in ("config", "state", "data", "cache")},
            "TINYCODER_HOME": str(scratch / "home"),
            "CONFIGURATION": str(configuration),
            "WORK": str(work),
            "FAKE": "[]",
            "SESSION": json.dumps(given),
        }
        command = [editor, "--headless", "--clean", "-l", str(HERE / "session.lua")]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        seen: list[str] = json.loads((scratch / "out.json").read_text(encoding="utf-8"))
    return seen


def main() -> None:
    """Type, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path, metavar="REPOSITORY")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("line", type=int, metavar="LINE")
    parser.add_argument("--text", type=Path, default=HERE / "session.txt", metavar="FILE")
    parser.add_argument("--delay", type=int, default=120, metavar="MS", help="between two keys (%(default)s)")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="the tinycoder to run")
    parser.add_argument("--notes", action="store_true", help="print each suggestion")
    arguments = parser.parse_args()
    text = arguments.text.read_text(encoding="utf-8")
    seen = watch(
        arguments.repository, arguments.file, arguments.line, text, arguments.delay, arguments.program.absolute()
    )
    steps = {}
    for at, ghost in enumerate(seen):
        if text[text.rfind("\n", 0, at) + 1 : at + 1].strip(" ") or text[at] == "\n":
            steps[at] = Step([], at, ghost, 0.0, 0.0)
    fresh, right, wrong = fresh_ghosts(text, steps)
    keys, accepted = keys_pressed(text, 0, len(text), steps, "inline+word")
    shown = sum(bool(step.ghost) for step in steps.values())
    print(
        f"{len(steps)} keys in {len(text.strip().splitlines())} lines; ghost text at {shown / len(steps):.0%} of them"
    )
    print(f"{fresh} new suggestions: {right} right to the end, {wrong} wrong from the first character")
    print(f"{keys} keys with accepting words ({keys / len(steps):.3f} for a character), {accepted} accepted")
    if arguments.notes:
        _print_notes(text, steps)


def _print_notes(text: str, steps: dict[int, Step]) -> None:
    """Each new suggestion behind what was typed of its line."""
    last = ""
    for at, step in sorted(steps.items()):
        line = text[text.rfind("\n", 0, at) + 1 : at]
        if step.ghost and line + step.ghost != last:
            last = line + step.ghost
            first = step.ghost.partition("\n")[0]
            right = text.startswith(first, at) and ends_well(text, at + len(first))
            mark = "+" if right else "-" if text[at] != first[:1] else " "
            print(f"{mark} {line}|{first}")


if __name__ == "__main__":
    main()
