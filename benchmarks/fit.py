"""Learn the weights that ship with the package, those of the mixture and of the popup's order, from open repositories.

    python benchmarks/fit.py --model NAME|FOLDER [--write] REPOSITORY...

The model must not have learnt from any REPOSITORY, a folder of Python. As in training, a part of the files of each is
held out; the memory knows the others. Figures are of held-out files: `as shipped` has the weights of the package,
`left out` has weights that were fitted to all repositories but the one that is asked. The popups that are learnt from
mix with the weights that were left out, so that nothing is likelier than it would be for a new user. How often the
mixture's first choices come true is printed by their probability.

--write replaces tinycoder/memory/mixer.json and tinycoder/complete/ranking.json; 0 tokens or 0 names leave one of them
alone.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import fit_mixing
import fit_ranking
import numpy as np

from tinycoder.complete import ranking
from tinycoder.complete.candidate import Document
from tinycoder.complete.engine import Engine
from tinycoder.complete.parts import Parts
from tinycoder.complete.predict import Predictor
from tinycoder.errors import TinyCoderError
from tinycoder.memory.mixer import N_SOURCES, Mixer, to_tables
from tinycoder.memory.ngrams import OTHERS, WORKSPACE, Memory
from tinycoder.memory.suffix_index import SuffixIndex, token_corpus
from tinycoder.memory.token_lines import TokenLines
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.storage.home import default_home
from tinycoder.storage.models import resolve_model
from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.world import World
from tinycoder.transformer.blas import use_one_blas_thread
from tinycoder.transformer.tokenizer import FILE_SEPARATOR, Tokenizer
from tinycoder_training.corpora import python_repos

MIN_WEIGHT = 0.02  # that is worth keeping
PACKAGE = Path(__file__).parent.parent / "tinycoder"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The files of a folder that the memory knows, and those that are asked about."""

    name: str
    memory: Memory
    world: World
    held_out: Sequence[Document]


def read(folder: Path, tokenizer: Tokenizer) -> Repository:
    """The Python files of a folder, some of them held out."""
    corpus = python_repos.read([folder])
    texts = ((text.path, TokenLines(tokenizer, text.text).ids) for text in corpus.train)
    memory = Memory(tokenizer)
    memory.use(SuffixIndex(token_corpus(texts, tokenizer.special[FILE_SEPARATOR])))
    project = Project()
    project.refresh(WorkspaceFile(path=text.path, location=folder / text.path) for text in corpus.train)
    held_out = [Document(path=text.path, text=text.text.replace("\r\n", "\n")) for text in corpus.validation]
    return Repository(name=folder.resolve().name, memory=memory, world=World(project), held_out=held_out)


def fit_mixture(
    model: Model, repositories: Sequence[Repository], *, n_tokens: int, passes: int
) -> tuple[Mixer, dict[str, Mixer]]:
    """Print what the mixture is worth; the mixer fitted to all, and for each repository that fitted to the others."""
    most = fit_mixing.most_tokens(len(repositories), model.tokenizer.vocab_size)
    tokens: dict[str, fit_mixing.Tokens] = {}
    for repository in repositories:
        predictor = Predictor(model.tokenizer, model, repository.memory, Mixer(), Parts())
        tokens[repository.name] = fit_mixing.collect(predictor, repository.held_out, n_tokens, most)
    n, n_files = sum(len(each.given) for each in tokens.values()), sum(len(one.held_out) for one in repositories)
    print(f"\nmixture: bits per byte and first choices of {n:,} tokens in {n_files} files")
    print(f"{'':24}" + "".join(f"{column:>17}" for column in fit_mixing.COLUMNS), flush=True)
    totals = [fit_mixing.Score() for _ in fit_mixing.COLUMNS]
    left_out: dict[str, Mixer] = {}
    for name, mine in tokens.items():
        others = [each for other, each in tokens.items() if other != name]
        scores, mixer = fit_mixing.compare(mine, others, passes=passes)
        totals = [total + score for total, score in zip(totals, scores, strict=True)]
        print(f"{name:24}" + "".join(f"{score!s:>17}" for score in scores), flush=True)
        if mixer:
            left_out[name] = mixer
    print(f"{'all':24}" + "".join(f"{total!s:>17}" for total in totals))
    _print_said(dict(zip(fit_mixing.COLUMNS, totals, strict=True)))
    mixer, passed = fit_mixing.fit(list(tokens.values()), passes=passes)
    print("fitted to all, pass by pass: " + ", ".join(map(str, passed)), flush=True)
    return mixer, left_out


def fit_order(
    model: Model, repositories: Sequence[Repository], mixers: Mapping[str, Mixer], *, n_names: int, seed: int
) -> dict[str, float]:
    """Print what the popup's order is worth; the weights fitted to all."""
    choices: dict[str, list[fit_ranking.Choice]] = {}
    for repository in repositories:
        engine = Engine(model, repository.memory, mixer=mixers.get(repository.name))
        engine.know(repository.world)
        choices[repository.name] = fit_ranking.collect(engine, repository.held_out, n_names, seed=seed)
    every = [choice for some in choices.values() for choice in some]
    print(f"\norder: the author's word first and among five, of {len(every):,} popups", flush=True)
    print(f"{'':36}" + "".join(f"{f'after {typed}':>18}" for typed in range(fit_ranking.N_TYPED)))
    orders = {"search alone": fit_ranking.SEARCH_ALONE, "as shipped": ranking.default_weights()}
    ranks: dict[str, list[fit_ranking.Rank]] = {}
    for name, some in choices.items():
        others = [choice for other, each in choices.items() if other != name for choice in each]
        weights = orders | ({"left out": fit_ranking.fit(others)} if others else {})
        for order, these in weights.items():
            found = fit_ranking.ranks(some, these)
            ranks.setdefault(order, []).extend(found)
            _print_ranks(name, order, found)
    fitted = fit_ranking.fit(every)
    ranks["fitted to all"] = fit_ranking.ranks(every, fitted)
    for order, found in ranks.items():
        _print_ranks("all", order, found)
    _print_wholeness(every, fitted)
    return fitted


def write_mixture(mixer: Mixer) -> None:
    """Write the weights of the mixture.

    Other open files are trusted as much as the workspace to begin with: none were open in the fit.
    """
    tables = {name: table for name, table in to_tables(mixer).items() if name not in ("format", "steps")}
    for name in tables.keys() - {"power"}:
        by_source = np.array(tables[name]).reshape(N_SOURCES, -1)
        by_source[OTHERS] = by_source[WORKSPACE]
        tables[name] = by_source.ravel().tolist()
    (PACKAGE / "memory" / "mixer.json").write_text(json.dumps(tables) + "\n", encoding="utf-8")


def write_order(weights: Mapping[str, float]) -> None:
    """Write the weights of the popup's order."""
    rounded = {feature: round(weight, 2) for feature, weight in weights.items() if abs(weight) >= MIN_WEIGHT}
    text = json.dumps(rounded, indent=1, sort_keys=True) + "\n"
    (PACKAGE / "complete" / "ranking.json").write_text(text, encoding="utf-8")


def main() -> None:
    """Fit both, and write them if told to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, metavar="NAME|FOLDER")
    parser.add_argument("--home", type=Path, default=default_home(os.environ), help="where models are kept")
    parser.add_argument(
        "--tokens", type=int, default=5_000, help="of each held-out file, for the mixture (%(default)s)"
    )
    parser.add_argument("--passes", type=int, default=3, help="over all tokens (%(default)s)")
    parser.add_argument("--names", type=int, default=380, help="of each repository, for the order (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of names")
    parser.add_argument("--write", action="store_true", help="replace the weights of the package")
    parser.add_argument("repositories", nargs="+", type=Path, metavar="REPOSITORY")
    arguments = parser.parse_args()
    use_one_blas_thread()
    try:
        model = load_model(resolve_model(arguments.home, arguments.model))
        repositories = [read(folder, model.tokenizer) for folder in arguments.repositories]
    except TinyCoderError as error:
        parser.exit(1, f"fit: {error}\n")
    if len({repository.name for repository in repositories}) < len(repositories):
        parser.error("two repositories have the same name")
    mixers: dict[str, Mixer] = {}
    if arguments.tokens:
        mixer, mixers = fit_mixture(model, repositories, n_tokens=arguments.tokens, passes=arguments.passes)
    if arguments.names:
        weights = fit_order(model, repositories, mixers, n_names=arguments.names, seed=arguments.seed)
    if arguments.write and arguments.tokens:
        write_mixture(mixer)
    if arguments.write and arguments.names:
        write_order(weights)


def _print_said(totals: Mapping[str, fit_mixing.Score]) -> None:
    """How probable the first choice was, how often it came true, and how many there were, by its probability."""
    print("\nfirst choices by their probability: said, came true, of how many")
    print(f"{'':24}" + "".join(f"{column:>22}" for column in totals))
    for i in range(fit_mixing.N_BUCKETS):
        rows = (total.said[i].tolist() for total in totals.values())
        cells = (f"{p / n:.3f} {came / n:.3f} {int(n):>7,}" if n else "-" for n, p, came in rows)
        print(f"{f'from {i / fit_mixing.N_BUCKETS:.1f}':24}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def _print_ranks(name: str, order: str, ranks: Sequence[fit_ranking.Rank]) -> None:
    shares = "".join(
        f"{first:>10.1%} {five:>7.1%}" if n else f"{'-':>18}" for first, five, n in fit_ranking.shares(ranks)
    )
    print(f"{name:22}{order:14}{shares}", flush=True)


def _print_wholeness(choices: Sequence[fit_ranking.Choice], weights: Mapping[str, float]) -> None:
    """How often a list would be closed, by the probability from which it is."""
    whole, longer = fit_ranking.wholeness(choices, weights)
    print(f"\nclosed where the typed word exists, of {len(whole)} that are whole and {len(longer)} that are not")
    for least in (0.1, 0.2, 0.3, 0.4, 0.5, 0.7):
        print(f"{'from ' + str(least):22}{(whole >= least).mean():>10.1%} {(longer >= least).mean():>7.1%}")


if __name__ == "__main__":
    main()
