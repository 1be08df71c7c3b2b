"""Build the corpus of the base model from the packages of an environment and the standard library.

    python training/base/corpus.py --environment SITE_PACKAGES --exclude-runs FILE --out FOLDER --manifest FILE

The result depends only on the installed versions: files are chosen by hashes of their paths. ``tinycoder train
FOLDER/train`` learns from it.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from balance import MAX_SHARE, choose, package_of, size_of, split_by_domain
from cleaning import MAX_BYTES, MAX_KNOWN, KnownRuns, clean, path_reason, read_runs, text_reason
from packages import LIBRARY, Found, Source, find, read_reserved, read_sources, refuse_reserved

from tinycoder.errors import CorpusError, TinyCoderError
from tinycoder.workspace import exclusions, python_file
from tinycoder.workspace.text import Skipped, Text
from tinycoder_training.corpora import duplicates

MAX_KNOWN_FILES = 0.1  # of the files of a package: it is an evaluation repository, whatever its version
COPY = "copy of an evaluation repository"

_REPEATED = re.compile(r"((?:near-)?duplicate) of .*")


@dataclass(frozen=True, kw_only=True)
class BaseCorpus:
    """Texts by package, with paths that begin with its name; what is held out is in no other text."""

    found: tuple[Found, ...]  # in the order of the sources
    train: tuple[Text, ...]
    held_out: tuple[Text, ...]
    not_taken: Mapping[str, str]  # whole packages, and why
    left_out: Mapping[str, tuple[int, int]]  # files and bytes by reason
    n_secrets: int


def build(
    sources: Sequence[Source], environments: Sequence[Path], known: KnownRuns, *, max_share: float = MAX_SHARE
) -> BaseCorpus:
    """The corpus of ``sources`` as installed in ``environments``, without what ``known`` tells to leave out.

    Raises ``CorpusError`` for an environment that is no folder, and when so few packages are left that one must
    exceed ``max_share`` of all bytes.
    """
    left_out: list[Skipped] = []
    n_secrets: dict[str, int] = {}
    not_taken: dict[str, str] = {}
    found: list[Found] = []
    texts: list[Text] = []
    for source in sources:
        installed = find(source, environments)
        if isinstance(installed, str):
            not_taken[source.package] = installed
            continue
        read, skipped, secrets = _read(installed, known)
        copies = sum(entry.reason == COPY for entry in skipped)
        if copies and copies >= MAX_KNOWN_FILES * (copies + len(read)):
            not_taken[source.package] = COPY
            continue
        left_out += [*installed.left_out, *skipped]
        found.append(installed)
        texts += read
        n_secrets |= secrets
    kept, repeated = duplicates.remove(texts)
    chosen, over = choose(kept, [installed.source for installed in found], max_share)
    domains = {installed.source.package: installed.source.domain for installed in found}
    train, held_out = split_by_domain(chosen, domains)
    return BaseCorpus(
        found=tuple(found),
        train=train,
        held_out=held_out,
        not_taken=not_taken,
        left_out=_by_reason([*left_out, *repeated, *over]),
        n_secrets=sum(n_secrets[text.path] for text in chosen),
    )


def write(corpus: BaseCorpus, folder: Path) -> None:
    """Write ``train/PACKAGE/…`` and ``held_out/PACKAGE/…``. Raises ``CorpusError`` if ``folder`` holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CorpusError(f"{folder} is not empty; give a new folder, so that nothing old mixes with the corpus")
    for side, texts in (("train", corpus.train), ("held_out", corpus.held_out)):
        for text in texts:
            file = folder / side / text.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.text.encode())


def manifest(corpus: BaseCorpus) -> dict[str, Any]:
    """What the corpus is made of: for each package its version, licence, size and checksum, and what was left out."""
    rows = []
    for found in corpus.found:
        package = found.source.package
        train = [text for text in corpus.train if package_of(text.path) == package]
        held_out = [text for text in corpus.held_out if package_of(text.path) == package]
        rows.append(
            {
                "package": package,
                "version": found.version,
                "licence": found.source.licence,
                "domain": found.source.domain,
                "files": len(train),
                "bytes": size_of(train),
                "held_out_files": len(held_out),
                "held_out_bytes": size_of(held_out),
                "sha256": _checksum((*train, *held_out)),
            }
        )
    return {
        "python": platform.python_version(),
        "files": len(corpus.train),
        "bytes": size_of(corpus.train),
        "held_out_files": len(corpus.held_out),
        "held_out_bytes": size_of(corpus.held_out),
        "secrets_replaced": corpus.n_secrets,
        "sources": rows,
        "not_taken": dict(sorted(corpus.not_taken.items())),
        "left_out": {reason: {"files": n, "bytes": size} for reason, (n, size) in sorted(corpus.left_out.items())},
    }


def _read(found: Found, known: KnownRuns) -> tuple[list[Text], list[Skipped], dict[str, int]]:
    """The package's usable texts, the files left out, and the number of secrets by path."""
    texts = []
    skipped = []
    n_secrets = {}
    for file in found.files:
        reason = path_reason(file.path)
        if reason is None and file.n_bytes > MAX_BYTES:
            reason = f"larger than {MAX_BYTES // 1000} kB"
        read = file.skipped(reason) if reason else python_file.read_file(file)
        if not isinstance(read, Skipped):
            text, n = clean(read[0].text), len(read[1])
            reason = text_reason(file.location.name, text)
            if reason is None and known.share(text) >= MAX_KNOWN:
                reason = COPY
            if reason is None:
                path = _corpus_path(found.source.package, file.path)
                if path in n_secrets:  # pylab.py next to matplotlib/pylab.py
                    path = path.removesuffix(".py") + "_.py"
                texts.append(Text(path=path, text=text, n_bytes=len(text.encode())))
                n_secrets[path] = n
                continue
            read = file.skipped(reason)
        skipped.append(read)
    return texts, skipped, n_secrets


def _corpus_path(package: str, path: str) -> str:
    """``PACKAGE/…`` as in a repository of the package, without names of folders that training would not enter."""
    parts = path.split("/")
    if len(parts) > 1 and package != LIBRARY and parts[0].lower() == package.replace("-", "_"):
        parts = parts[1:]
    *folders, name = [package, *parts]
    return "/".join([*(folder + "_" * bool(exclusions.folder_reason(folder, ())) for folder in folders), name])


def _by_reason(entries: Sequence[Skipped]) -> dict[str, tuple[int, int]]:
    """How many files there are of each reason, and their bytes."""
    n_files: Counter[str] = Counter()
    n_bytes: Counter[str] = Counter()
    for entry in entries:
        reason = _REPEATED.sub(r"\1", entry.reason)
        n_files[reason] += 1
        n_bytes[reason] += entry.n_bytes
    return {reason: (n_files[reason], n_bytes[reason]) for reason in n_files}


def _checksum(texts: Sequence[Text]) -> str:
    """One checksum over paths and contents, which does not hang on which texts are held out."""
    whole = hashlib.sha256()
    for text in sorted(texts, key=lambda text: text.path):
        whole.update(f"{text.path}\0{hashlib.sha256(text.text.encode()).hexdigest()}\n".encode())
    return whole.hexdigest()


_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_HERE = Path(__file__).parent


@click.command()
@click.option("--environment", "environments", multiple=True, required=True, type=_FOLDER)
@click.option("--exclude-runs", required=True, type=_FILE)
@click.option("--out", required=True, type=_FOLDER)
@click.option("--manifest", "manifest_file", required=True, type=_FILE)
@click.option("--sources", "sources_file", type=_FILE, default=_HERE / "sources.json")
@click.option(
    "--reserved",
    "reserved_file",
    type=_FILE,
    default=_HERE / "reserved.json",
    help="Packages that are kept for fits and measurements.",
)
def main(
    environments: tuple[Path, ...],
    exclude_runs: Path,
    out: Path,
    manifest_file: Path,
    sources_file: Path,
    reserved_file: Path,
) -> None:
    """Write the corpus to OUT and what it is made of to a manifest."""
    try:
        sources = read_sources(sources_file)
        refuse_reserved(sources, read_reserved(reserved_file))
        corpus = build(sources, environments, read_runs(exclude_runs))
        write(corpus, out)
    except TinyCoderError as error:
        raise click.ClickException(str(error)) from None
    built = manifest(corpus)
    manifest_file.write_text(json.dumps(built, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(
        f"{built['bytes']:,} bytes in {built['files']:,} files to train on, "
        f"{built['held_out_bytes']:,} in {built['held_out_files']:,} held out"
    )


if __name__ == "__main__":
    main()
