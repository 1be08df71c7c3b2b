"""From single outcomes to the figures of one completer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tinycoder.complete.predict import TokenCost
from tinycoder.evaluate.cursors import KINDS
from tinycoder.evaluate.measures import Calibration, Latency, calibration, latency, mean, ratio
from tinycoder.evaluate.queries import N_TYPED, LineQuery, TypedStretch, WordQuery
from tinycoder.evaluate.simulated_user import USERS
from tinycoder.evaluate.verbatim import LEARNT, THIS_FILE, WORKSPACE, is_long, n_characters

MIN_SUGGESTION = 4  # characters of a suggestion that is worth to be looked at
N_SUGGESTIONS = 10


@dataclass(frozen=True, kw_only=True)
class PopupQuality:
    """Shares of ``n`` popups whose first row, first five rows, or any row is right; mean of 1 / rank."""

    n: int
    top_1: float | None
    top_5: float | None
    found: float | None
    mean_reciprocal_rank: float | None


@dataclass(frozen=True, kw_only=True)
class InlineQuality:
    """Of ``n`` cursors: shares and means over all of them, or over those at which ghost text was shown.

    ``correct_share`` and ``keys_saved`` are shares of all characters up to the line's ends.
    """

    n: int
    shown: float | None
    exact: float | None
    similarity: float | None
    correct_characters: float | None
    correct_share: float | None
    keys_saved: float | None
    exact_of_shown: float | None
    similarity_of_shown: float | None
    valid_of_shown: float | None
    accepted_of_shown: float | None  # some of it helps: it saves a key


@dataclass(frozen=True, kw_only=True)
class TypingQuality:
    """Keys that each user pressed per character (1 is no help); how often a ghost was shown, and taken."""

    n_characters: int
    keys_per_character: Mapping[str, float | None]
    ghost_share: float | None
    accepted_of_ghosts: float | None


@dataclass(frozen=True, kw_only=True)
class PredictionQuality:
    """How well whole texts are predicted; nothing for what gives no probabilities."""

    n_bytes: int
    bits_per_byte: float | None
    token_accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class CopyAt:
    """A long verbatim copy in the ghost text at ``path``:``row``, and its source. No text."""

    path: str
    row: int
    n_characters: int
    origin: str
    source: str
    line: int
    times: int


@dataclass(frozen=True, kw_only=True)
class CopyQuality:
    """Of ``n_shown`` ghost texts: those long enough to hold a long copy, those that hold one, and shares of all.

    ``by_origin`` counts copies. Of the long ones without a copy the memory says that ``long_from_model`` come from the
    model alone; whether its training text has them cannot be told without that text.
    """

    n_shown: int
    n_long: int
    n_with_copy: int
    share: float | None
    share_of_characters: float | None
    by_origin: Mapping[str, int]
    long_from_model: int
    copies: tuple[CopyAt, ...]  # longest first


@dataclass(frozen=True, kw_only=True)
class Quality:
    """All figures of one variant; ``popup`` is after 0 to 3 characters. Suggestions quote the files."""

    name: str
    popup: tuple[PopupQuality, ...]
    popup_by_kind: Mapping[str, PopupQuality]  # after 1 character
    inline: InlineQuality
    inline_by_kind: Mapping[str, InlineQuality]
    typing: TypingQuality
    prediction: PredictionQuality
    verbatim: CopyQuality
    calibration: Mapping[str, Calibration]
    latency_ms: Mapping[str, Latency]
    best: tuple[LineQuery, ...] = ()  # right, most confident first
    worst: tuple[LineQuery, ...] = ()  # wrong, most confident first


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What a variant was asked and answered, as it comes."""

    words: list[WordQuery] = field(default_factory=list)
    lines: list[LineQuery] = field(default_factory=list)
    stretches: list[TypedStretch] = field(default_factory=list)
    costs: list[TokenCost] = field(default_factory=list)


def quality(name: str, outcomes: Outcomes) -> Quality:
    """Sum up. Names being made (bindings) do not count among popups; they are in ``popup_by_kind``."""
    used = [asked for asked in outcomes.words if asked.kind != "binding"]
    after_one = [asked for asked in outcomes.words if asked.typed == 1]
    shown = [asked for asked in outcomes.lines if asked.ghost]
    stretches = outcomes.stretches
    return Quality(
        name=name,
        popup=tuple(_popup(asked for asked in used if asked.typed == typed) for typed in range(N_TYPED)),
        popup_by_kind={
            kind: _popup(asked for asked in after_one if asked.kind == kind)
            for kind in sorted({asked.kind for asked in after_one})
        },
        inline=_inline(outcomes.lines),
        inline_by_kind={kind: _inline([asked for asked in outcomes.lines if asked.kind == kind]) for kind in KINDS},
        typing=_typing(stretches),
        prediction=_prediction(outcomes.costs),
        verbatim=_verbatim(shown),
        calibration={
            "inline": calibration((asked.probability, asked.right) for asked in shown),
            "popup": calibration(
                (asked.probability, asked.rank == 1) for asked in used if asked.probability is not None
            ),
        },
        latency_ms={
            "popup": latency([asked.seconds for asked in outcomes.words]),
            "inline": latency([asked.seconds for asked in outcomes.lines]),
            "popup while typing": latency([s for typed in stretches for s in typed.popup_seconds]),
            "inline while typing": latency([s for typed in stretches for s in typed.inline_seconds]),
        },
        best=_most_confident(asked for asked in shown if asked.right),
        worst=_most_confident(asked for asked in shown if not asked.right),
    )


def _popup(asked: Iterable[WordQuery]) -> PopupQuality:
    ranks = [one.rank for one in asked]
    return PopupQuality(
        n=len(ranks),
        top_1=mean(rank == 1 for rank in ranks),
        top_5=mean(rank is not None and rank <= 5 for rank in ranks),
        found=mean(rank is not None for rank in ranks),
        mean_reciprocal_rank=mean(1 / rank if rank else 0.0 for rank in ranks),
    )


def _inline(asked: Sequence[LineQuery]) -> InlineQuality:
    shown = [one for one in asked if one.ghost]
    n_characters = sum(len(one.truth) for one in asked)
    return InlineQuality(
        n=len(asked),
        shown=ratio(len(shown), len(asked)),
        exact=mean(one.exact for one in asked),
        similarity=mean(one.similarity for one in asked),
        correct_characters=mean(one.correct for one in asked),
        correct_share=ratio(sum(one.correct for one in asked), n_characters),
        keys_saved=ratio(sum(one.keys_saved for one in asked), n_characters),
        exact_of_shown=mean(one.exact for one in shown),
        similarity_of_shown=mean(one.similarity for one in shown),
        valid_of_shown=mean(one.valid for one in shown),
        accepted_of_shown=mean(one.keys_saved > 0 for one in shown),
    )


def _verbatim(shown: Sequence[LineQuery]) -> CopyQuality:
    rows = [
        CopyAt(
            path=one.path,
            row=one.row,
            n_characters=copy.n_characters,
            origin=copy.origin,
            source=copy.path,
            line=copy.line,
            times=copy.times,
        )
        for one in shown
        for copy in one.copies
    ]
    n_with_copy = sum(bool(one.copies) for one in shown)
    copied, all_characters = sum(row.n_characters for row in rows), sum(n_characters(one.ghost) for one in shown)
    return CopyQuality(
        n_shown=len(shown),
        n_long=sum(is_long(one.ghost) for one in shown),
        n_with_copy=n_with_copy,
        share=ratio(n_with_copy, len(shown)),
        share_of_characters=ratio(copied, all_characters),
        by_origin={origin: sum(row.origin == origin for row in rows) for origin in (THIS_FILE, WORKSPACE, LEARNT)},
        long_from_model=sum(is_long(one.ghost) and one.from_model and not one.copies for one in shown),
        copies=tuple(sorted(rows, key=lambda row: (-row.n_characters, row.path, row.row))),
    )


def _typing(stretches: Sequence[TypedStretch]) -> TypingQuality:
    n = sum(typed.n_characters for typed in stretches)
    n_ghosts = sum(typed.n_ghosts for typed in stretches)
    return TypingQuality(
        n_characters=n,
        keys_per_character={user: ratio(sum(typed.users[user].keys for typed in stretches), n) for user in USERS},
        ghost_share=ratio(n_ghosts, n),
        accepted_of_ghosts=ratio(sum(typed.users["inline+word"].accepted for typed in stretches), n_ghosts),
    )


def _prediction(costs: Sequence[TokenCost]) -> PredictionQuality:
    n_bytes = sum(cost.n_bytes for cost in costs)
    return PredictionQuality(
        n_bytes=n_bytes,
        bits_per_byte=ratio(sum(cost.bits for cost in costs), n_bytes),
        token_accuracy=mean(cost.rank_is_first for cost in costs),
    )


def _most_confident(asked: Iterable[LineQuery]) -> tuple[LineQuery, ...]:
    """Different ones, the likeliest first."""
    chosen: dict[str, LineQuery] = {}
    for one in sorted(asked, key=lambda one: (-one.probability, -len(one.ghost), one.path, one.row)):
        if len(one.ghost.strip()) >= MIN_SUGGESTION:
            chosen.setdefault(one.ghost, one)
    return tuple(chosen.values())[:N_SUGGESTIONS]
