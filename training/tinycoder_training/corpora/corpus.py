"""What a recipe learns from: texts for training and for validation, and what was left out, and why."""

from dataclasses import asdict, dataclass
from typing import Any

from tinycoder.words import plural
from tinycoder.workspace.text import Replaced, Skipped, Text


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Training and validation texts never come from one file, but for a corpus of a single file."""

    recipe: str
    train: tuple[Text, ...]
    validation: tuple[Text, ...]
    skipped: tuple[Skipped, ...] = ()
    secrets: tuple[Replaced, ...] = ()

    @property
    def n_secrets(self) -> int:
        """How many secrets were replaced."""
        return len(self.secrets)


def listing_data(corpus: Corpus) -> dict[str, Any]:
    """What would be read and what is left out, as plain data."""
    return {
        "recipe": corpus.recipe,
        "train": [{"path": text.path, "n_bytes": text.n_bytes} for text in corpus.train],
        "held_out": [{"path": text.path, "n_bytes": text.n_bytes} for text in corpus.validation],
        "left_out": [asdict(skipped) for skipped in corpus.skipped],
        "secrets_replaced": corpus.n_secrets,
        "secrets": [asdict(secret) for secret in corpus.secrets],
    }


def listing(corpus: Corpus) -> str:
    """The same in lines, sorted by path, then sums, and where which secret was replaced."""
    rows = [(text.path, text.n_bytes, "train") for text in corpus.train]
    rows += [(text.path, text.n_bytes, "held out") for text in corpus.validation]
    rows += [(skipped.path, skipped.n_bytes, f"left out: {skipped.reason}") for skipped in corpus.skipped]
    lines = [f"{size:>10,}  {path}  [{what}]" for path, size, what in sorted(rows)]
    for what, texts in (
        ("to train on", corpus.train),
        ("held out", corpus.validation),
        ("left out", corpus.skipped),
    ):
        lines.append(f"{sum(text.n_bytes for text in texts):>10,}  bytes in {len(texts):,} {what}")
    lines.append(f"{corpus.n_secrets:>10,}  {plural(corpus.n_secrets, 'secret')} replaced")
    lines += [f"{'':>10}  {secret.path}:{secret.line}  {secret.kind}" for secret in corpus.secrets]
    return "\n".join(lines)
