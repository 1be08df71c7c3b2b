"""Whether the mixture's weights should keep learning: repositories typed file by file, with fixed weights and without.

    python benchmarks/online.py [--model FOLDER] [--bytes N] REPOSITORY...

The files of each REPOSITORY are shuffled and cut into ten parts. The files of a part are written from their tops, while
the memory knows the parts before, as in a project that grows. Every token is asked of two mixtures over the same model
and memory: one keeps the weights that ship, the other learns from each token, across the whole repository, as in an
editor that stays open. Prints bits per byte of both, for the whole and for each tenth.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import Predictor
from tinycoder.memory.mixer import Mixer
from tinycoder.memory.ngrams import Memory
from tinycoder.memory.suffix_index import SuffixIndex, token_corpus
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.transformer.blas import use_one_blas_thread
from tinycoder.transformer.tokenizer import FILE_SEPARATOR
from tinycoder_training.corpora import python_repos

N_PARTS = 10


@dataclass(kw_only=True)
class Sum:
    """Bits by each mixture, and bytes."""

    fixed: float = 0.0
    online: float = 0.0
    n_bytes: int = 0

    def row(self, name: str) -> str:
        """A row of the table: bits per byte, and how much online learning takes away."""
        fixed, online = self.fixed / self.n_bytes, self.online / self.n_bytes
        return f"{name:28s} {self.n_bytes:10,d} {fixed:8.4f} {online:8.4f} {100 * (1 - online / fixed):7.2f} %"


def typed(folder: Path, model: Model, n_bytes: int) -> Iterator[Sum]:
    """The sums of each part, up to so many bytes of a repository."""
    corpus = python_repos.read([folder])
    texts = [(text.path, text.text) for text in (*corpus.train, *corpus.validation)]
    random.Random(0).shuffle(texts)
    parts = np.array_split(np.arange(len(texts)), N_PARTS)
    memory = Memory(model.tokenizer)
    fixed, online = Mixer(), Mixer()
    predictor = Predictor(model.tokenizer, model, memory, fixed, Parts())
    ids = {path: TokenLines(model.tokenizer, text).ids for path, text in texts}
    left = n_bytes
    for number, part in enumerate(parts):
        known = [texts[i][0] for i in np.concatenate([np.empty(0, int), *parts[:number]]).tolist()]
        corpus = token_corpus(((path, ids[path]) for path in known), model.tokenizer.special[FILE_SEPARATOR])
        memory.use(SuffixIndex(corpus))
        sums = Sum()
        for i in part.tolist():
            path = texts[i][0]
            for t, base, matches in predictor.unmixed(path, ids[path], lambda: None):
                token = int(ids[path][t])
                mixture = online.mix(base, matches)
                sums.fixed -= float(np.log2(max(float(fixed.mix(base, matches).p[token]), 1e-12)))
                sums.online -= float(np.log2(max(float(mixture.p[token]), 1e-12)))
                sums.n_bytes += len(model.tokenizer.raw[token])
                online.learn(mixture, token)
            if sums.n_bytes >= left:
                break
        left -= sums.n_bytes
        if sums.n_bytes:
            yield sums
        if left <= 0:
            break


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY")
    parser.add_argument("--model", type=Path, default=bundled_folder())
    parser.add_argument("--bytes", type=int, default=10**9, help="of each repository at most")
    options = parser.parse_args()
    use_one_blas_thread(prefill=1)
    model = load_model(options.model)
    every = Sum()
    print(f"{'':28s} {'bytes':>10s} {'fixed':>8s} {'online':>8s} {'less':>9s}")
    for folder in options.repositories:
        whole = Sum()
        for number, part in enumerate(typed(folder, model, options.bytes)):
            print(part.row(f"  part {number + 1}"), flush=True)
            for total in (whole, every):
                total.fixed += part.fixed
                total.online += part.online
                total.n_bytes += part.n_bytes
        if whole.n_bytes:
            print(whole.row(folder.resolve().name), flush=True)
    if every.n_bytes:
        print(every.row("all"))


if __name__ == "__main__":
    main()
