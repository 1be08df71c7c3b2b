"""The answer of an evaluation, for a person: two sentences, and one table whose words are explained."""

from collections.abc import Sequence

from tinycoder.evaluate.evaluation import ALL, Results
from tinycoder.evaluate.quality import Quality, TypingQuality
from tinycoder.evaluate.tables import NO_VALUE, Table

BEST = "best"  # of the simulated users: takes each offer that spares a key
NAMES = {
    ALL: "TinyCoder",
    "n-gram alone": "its memory alone",
    "transformer alone": "its model alone",
    "copy alone": "copying alone",
}
LEGEND = {
    "keys saved": "of 100 that type the files: the rest, if each offer that spares a key is taken",
    "lines right": "of 100 cursors: those at which the ghost text is the author's line, to its end",
    "names first": "of 100 names: those on top of the completion list after one letter",
    "bits per byte": "how surprising the text is: fewer are better",
}


def keys_saved(typing: TypingQuality) -> float | None:
    """Of 100 keys, those that the best of the simulated users need not press."""
    keys = typing.keys_per_character[BEST]
    return None if keys is None else 100 * (1 - keys)


def sentences(results: Results) -> str:
    """What TinyCoder does in these files, next to what it is compared with. Without a figure, what is known."""
    first, *others = results.variants
    saved, lines = keys_saved(first.typing), first.inline.exact
    words = first.popup[1].top_1
    said = []
    if saved is not None:
        beside = [f"{_name(each)} {_percent(keys)}" for each in others if (keys := keys_saved(each.typing)) is not None]
        compared = f"; {_listed(beside)}" if beside else ""
        said.append(f"In your code TinyCoder saves {_percent(saved)} of 100 keys{compared}.")
    parts = []
    if lines is not None:
        parts.append(f"its ghost text is the author's line at {_percent(100 * lines)} of 100 cursors")
    if words is not None:
        parts.append(f"the right name is on top of the list after one letter {_percent(100 * words)} times of 100")
    if parts:
        sentence = ", and ".join(parts)
        said.append(f"{sentence[0].upper()}{sentence[1:]}.")
    return " ".join(said)


def summary_table(results: Results) -> Table:
    """A row for each variant; the columns are those of the ``LEGEND``."""
    return Table(
        title="",
        columns=("", *LEGEND),
        rows=tuple((_name(each), *_cells(each)) for each in results.variants),
    )


def legend(results: Results) -> str:
    """The words of the table, and how much was asked."""
    first = results.variants[0]
    counts = (first.typing.n_characters, first.inline.n, first.popup[1].n, first.prediction.n_bytes)
    units = ("characters", "cursors", "names", "bytes")
    width = max(map(len, LEGEND))
    return "\n".join(
        f"{word:{width}}  {says} ({n:,} {unit})"
        for (word, says), n, unit in zip(LEGEND.items(), counts, units, strict=True)
    )


def _cells(variant: Quality) -> tuple[str, ...]:
    shares = (variant.inline.exact, variant.popup[1].top_1)
    percents = (keys_saved(variant.typing), *(None if share is None else 100 * share for share in shares))
    bits = variant.prediction.bits_per_byte
    return (*map(_percent, percents), NO_VALUE if bits is None else f"{bits:.3f}")


def _name(variant: Quality) -> str:
    return NAMES.get(variant.name, variant.name)


def _percent(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.0f}"


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
