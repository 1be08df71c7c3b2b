"""The kinds of code in the base model's corpus, as its manifest lists them, and how well a model predicts each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from balance import package_of

from tinycoder.errors import CorpusError
from tinycoder.storage.checkpoint import Model
from tinycoder.validate import DataError, parse
from tinycoder.workspace.text import Text
from tinycoder_training.quality import measure


@dataclass(frozen=True, kw_only=True)
class Package:
    """A row of the manifest; sizes in bytes, ``n_bytes`` to train on."""

    name: str
    version: str
    licence: str
    domain: str
    n_bytes: int
    held_out_bytes: int


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    sources: tuple[Package, ...]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """Bits per byte of each domain's held-out text, and of all of it, each byte counting the same."""

    by_domain: Mapping[str, float]
    overall: float


def read_manifest(file: Path) -> tuple[Package, ...]:
    """The packages that ``corpus.py`` noted. Raises ``CorpusError`` if ``file`` is no manifest."""
    try:
        keys = {"name": "package", "n_bytes": "bytes"}
        return parse(_Manifest, file.read_bytes(), keys=keys).sources
    except (OSError, DataError) as error:
        raise CorpusError(f"{file} is no manifest of a corpus ({error}); build the corpus again") from None


def split(texts: Sequence[Text], packages: Sequence[Package]) -> dict[str, list[Text]]:
    """Texts by domain, in the order of the packages, without domains that have none.

    Raises ``CorpusError`` for a text of a package that is not among them.
    """
    domains = {package.name: package.domain for package in packages}
    groups: dict[str, list[Text]] = {package.domain: [] for package in packages}
    for text in texts:
        if package_of(text.path) not in domains:
            raise CorpusError(f"{text.path} is of no package in the manifest; give the manifest of this corpus")
        groups[domains[package_of(text.path)]].append(text)
    return {domain: group for domain, group in groups.items() if group}


def quality(model: Model, groups: Mapping[str, Sequence[Text]]) -> Quality:
    """How well ``model`` predicts every token of each group."""
    found = {name: measure(model, texts).bits_per_byte for name, texts in groups.items()}
    sizes = {name: sum(text.n_bytes for text in texts) for name, texts in groups.items()}
    bits = sum(found[name] * sizes[name] for name in groups)
    return Quality(by_domain=found, overall=bits / sum(sizes.values()))
