"""What drafts from the memory are worth where a block is completed: the same blocks with and without them, in turns.

    python benchmarks/blocks.py --model NAME|FOLDER REPOSITORY...

Blocks are completed after every so many colons in the files that training would hold out; the memory knows the others.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from fit import read

from tinycoder.bench.quiet import Others, quiet
from tinycoder.complete.candidate import Document, GhostRequest, ListRequest
from tinycoder.complete.engine import Engine
from tinycoder.complete.parts import Parts
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model
from tinycoder.transformer.blas import use_one_blas_thread

BODY = re.compile(r":\n +")
EVERY = 5
MOST = 12  # blocks of a file


def main() -> None:
    """Parse the command line, and compare on a quiet machine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--home", type=Path, default=default_home(os.environ))
    options = parser.parse_args()
    use_one_blas_thread(prefill=1)
    model = load_model(resolve_model(options.home, options.model))
    with quiet() as others:
        compare(model, options.repositories, others)


def compare(model: Model, repositories: Sequence[Path], others: Others) -> None:
    """Complete with drafts and without, and print both."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    same = 0
    for folder in repositories:
        repository = read(folder, model.tokenizer)
        engines = {
            drafts: Engine(model, repository.memory, parts=Parts(drafts=drafts, cache=False)) for drafts in seconds
        }
        for file in repository.held_out:
            for match in list(BODY.finditer(file.text))[::EVERY][:MOST]:
                document = Document(path=file.path, text=file.text[: match.end()])
                texts = []
                for drafts, engine in engines.items():
                    engine.popup(document, match.end(), ListRequest(limit=1), stop=lambda: False)  # reads the prompt
                    begin = time.perf_counter()
                    request = GhostRequest(block=True, eagerness="any")
                    found = engine.inline(document, match.end(), request, stop=lambda: False)
                    seconds[drafts].append(time.perf_counter() - begin)
                    texts.append([candidate.text for candidate in found])
                same += texts[0] == texts[1]
    plain, drafted = seconds[False], seconds[True]
    longest = sorted(range(len(plain)), key=lambda i: plain[i])[-len(plain) // 4 :]
    print(f"{len(plain)} blocks, {same} of them the same with drafts and without")
    for what, some in (("all", range(len(plain))), ("the quarter that takes longest", longest)):
        ratio = statistics.median(drafted[i] / plain[i] for i in some)
        sums = [1000 * sum(seconds[i] for i in some) / len(some) for seconds in (plain, drafted)]
        times = others.figure(f"{sums[0]:.0f} ms a block without drafts, {sums[1]:.0f} with")
        print(f"{what}: {times}; median ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
