"""How often a completed line adds no syntax error: lines cut at the start of statements in held-out files.

    python benchmarks/line_syntax.py MODEL PATH... [--n 200] [--seed 0] [--json]

PATH... are the paths the model was trained on: the held-out files are the ones that training held out. A completed
line is right if the file up to the cut, plus the line, could begin a valid module: CPython's parser takes it, or fails
for want of more input only. No filter is applied to what the model says.
"""

from __future__ import annotations

import argparse
import ast
import codeop
import json
import os
import random
import warnings
from pathlib import Path

from tinycoder.checkpoint import load_model
from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.store import default_home, resolve_model
from tinycoder_training.corpora import python_repos
from tinycoder_training.corpora.corpus import Text


def statement_starts(text: Text) -> list[int]:
    """Character offsets at which a statement starts a line, after its indentation; docstrings do not count."""
    try:
        tree = ast.parse(text.text)
    except (SyntaxError, ValueError):
        return []
    lines = text.text.splitlines(keepends=True)
    if "".join(lines) != text.text or len(lines) != len(text.text.split("\n")) - text.text.endswith("\n") + (not text.text):
        return []
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    offsets = []
    for node in ast.walk(tree):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not docstring:
            indentation = lines[node.lineno - 1][: node.col_offset]
            if not indentation.strip():
                offsets.append(starts[node.lineno - 1] + node.col_offset)
    return sorted(set(offsets))


def could_begin_a_module(source: str) -> bool:
    """Whether CPython's parser takes ``source``, or only misses its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            codeop.compile_command(source, symbol="exec")
        except (SyntaxError, ValueError, OverflowError):
            return False
    return True


def main() -> None:
    """Print the share and the lines that are wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    model = load_model(resolve_model(default_home(os.environ), arguments.model))
    engine = Engine(model)
    places = [
        (text, offset)
        for text in python_repos.read(arguments.paths, seed=int(model.training["seed"])).validation
        for offset in statement_starts(text)
    ]
    random.Random(arguments.seed).shuffle(places)
    wrong: list[str] = []
    shown = exact = tried = 0
    for text, offset in places:
        if shown == arguments.n:
            break
        source = text.text
        truth = source[offset:].partition("\n")[0].rstrip()
        if not could_begin_a_module(source[:offset] + truth + "\n"):
            continue
        tried += 1
        document = Document(path=text.path, text=source[:offset])
        for candidate in engine.inline(document, offset, stop=lambda: False, max_tokens=128):
            shown += 1
            exact += candidate.text == truth
            if not could_begin_a_module(source[: candidate.start] + candidate.text + "\n"):
                wrong.append(candidate.text)
    result = {
        "model": model.name,
        "places": tried,
        "lines": shown,
        "no_syntax_error": (shown - len(wrong)) / max(1, shown),
        "exact": exact / max(1, shown),
        "wrong": wrong,
    }
    if arguments.json:
        print(json.dumps(result))
        return
    for line in wrong:
        print(f"  wrong: {line}")
    print(f"{shown - len(wrong)} of {shown} lines add no syntax error ({result['no_syntax_error']:.1%}); ", end="")
    print(f"{exact} are the author's line; {tried - shown} places got no line")


if __name__ == "__main__":
    main()
