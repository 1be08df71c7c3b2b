"""How often a completed line adds no syntax error: lines cut at the start of statements in held-out files.

    python benchmarks/line_syntax.py MODEL PATH... [--n 200] [--seed 0] [--json]

PATH... are the paths the model was trained on; the files that training held out are read. No filter is applied to
what the model says. See ``tinycoder.evaluate`` for what counts as right.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.complete.parts import without
from tinycoder.evaluate import completed_lines
from tinycoder.storage.checkpoint import load_model
from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model
from tinycoder_training.corpora import python_repos

RAW = without(["memory", "cut", "filters", "names", "cache"])  # the model alone, and all that it says


def main() -> None:
    """Print the share, and the lines that are wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    model = load_model(resolve_model(default_home(os.environ), arguments.model))
    corpus = python_repos.read(arguments.paths, seed=model.training.seed)
    documents = [Document(path=text.path, text=text.text) for text in corpus.validation]
    lines = list(completed_lines(Engine(model, parts=RAW), documents, n=arguments.n, seed=arguments.seed))
    valid, exact = sum(line.valid for line in lines), sum(line.exact for line in lines)
    wrong = [line.text for line in lines if not line.valid]
    if arguments.json:
        print(json.dumps({"model": model.name, "lines": len(lines), "valid": valid, "exact": exact, "wrong": wrong}))
        return
    for line in wrong:
        print(f"  wrong: {line}")
    print(f"{valid} of {len(lines)} lines add no syntax error ({valid / len(lines):.1%}); {exact} are the author's")


if __name__ == "__main__":
    main()
