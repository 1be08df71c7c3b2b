"""training.json as a dataclass: what a model learnt from, how, and how well it predicts held-out text.

A folder may come from a stranger, so each field is of its type or the file is refused. A field may be missing, and keys
that this version does not know are ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from tinycoder.config import TrainConfig
from tinycoder.validate import OMIT_NONE, Range, parse, plain

Count = Annotated[int, Range(least=0)]
Amount = Annotated[float, Range(least=0)]

KEYS = {  # of fields that have another name in the files, as version 0.1.0 wrote them
    "origin": "from",
    "history": "earlier",
    "interpolation": "blend",
    "bundled": "shipped",
    "max_steps": "most_steps",
    "n_evals": "evaluations",
}


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One evaluation of a run: losses in nats per token, ``val_bpb`` in bits per byte."""

    step: Count
    seconds: Amount
    train_loss: Amount | None
    val_loss: Amount
    val_bpb: Amount


@dataclass(frozen=True, kw_only=True)
class Stage:
    """An earlier run whose weights a later one continued from."""

    created: str = ""
    steps: Count = 0
    seconds: Amount = 0.0
    tokens_seen: Count = 0
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What the model was made with."""

    tinycoder: str
    python: str = ""
    numpy: str = ""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Files and bytes of some texts."""

    files: Count
    bytes: Count


@dataclass(frozen=True, kw_only=True)
class DataSummary:
    """Sizes of the training texts and of the held-out ones; ``one_file`` if those are parts of the same file."""

    files: Count
    bytes: Count
    tokens: Count
    validation_files: Count
    one_file: bool = False
    validation_bytes: Count
    validation_tokens: Count
    sha256: str = ""
    secrets_replaced: Count = 0


@dataclass(frozen=True, kw_only=True)
class Before:
    """Bits per byte of the starting model on the held-out text, alone and beside the memory of the workspace."""

    bits_per_byte: Amount
    beside_memory: Amount | None = field(default=None, metadata=OMIT_NONE)


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """The kind of weights, and bits per byte of the model ``origin``, before, on the text with this digest."""

    weights: str = ""
    origin: str | None = field(default=None, metadata=OMIT_NONE)
    bits_per_byte: Amount | None = field(default=None, metadata=OMIT_NONE)
    text: str | None = field(default=None, metadata=OMIT_NONE)


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """What training.json says.

    ``origin`` is the model that the run continued from, ``history`` the stages before it, ``workspaces`` names of the
    workspaces that were read, ``forgotten`` digests of paths in them that were left out. ``data`` counts what the run
    was about, ``replay`` other text, ``recent`` what was changed lately. ``val_bpb`` is held-out bits per byte, None
    before the first evaluation; ``beside_memory`` the same of model and workspace memory together, about, by which the
    run was judged, None where it was not; ``interpolation`` the part of the way from the starting weights to the best
    ones.
    """

    recipe: str = ""
    preset: str | None = None
    origin: str | None = None
    history: tuple[Stage, ...] = ()
    workspaces: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    created: str = ""
    parameters: Count = 0
    versions: Versions | None = field(default=None, metadata=OMIT_NONE)
    seed: Count = 0
    settings: TrainConfig | None = field(default=None, metadata=OMIT_NONE)
    data: DataSummary | None = field(default=None, metadata=OMIT_NONE)
    replay: Size | None = field(default=None, metadata=OMIT_NONE)
    recent: Size | None = None
    steps: Count = 0
    seconds: Amount = 0.0
    tokens_seen: Count = 0
    finished: bool = False
    before: Before | None = None
    interpolation: Amount | None = None
    val_bpb: Amount | None = None
    beside_memory: Amount | None = field(default=None, metadata=OMIT_NONE)
    curve: tuple[CurvePoint, ...] = ()
    quantized: Quantized | None = field(default=None, metadata=OMIT_NONE)
    bundled: Mapping[str, Any] | None = field(default=None, metadata=OMIT_NONE)

    def to_json(self) -> dict[str, Any]:
        """The plain data of training.json."""
        data: dict[str, Any] = plain(self, KEYS)
        return data


def parse_record(text: str) -> TrainingRecord:
    """Read training.json. Raises ``DataError``."""
    return parse(TrainingRecord, text, keys=KEYS)
