"""Where a text goes round in a circle: greedy decoding of a small model often ends in one (Holtzman et al. 2020)."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

MAX_PERIOD = 128  # ids of what is repeated
MIN_REPEATED = 8  # ids; a list of zeros has a few that are meant

Finishes = Callable[[int, Sequence[int]], int]


def without_repetition(prompt: Sequence[int], ids: Iterable[int], finishes: Finishes) -> Iterator[int]:
    """Yield ``ids`` up to where they only repeat those right before them, be they of the prompt or their own.

    A repetition is a whole copy of at least ``MIN_REPEATED`` ids, or several shorter ones; of what is in the prompt
    two, since one may be meant. What could become one is held back until it is none. ``finishes(last, copy)`` says how
    many ids of the first ``copy`` are yielded all the same, to end a line or a word; ``last`` is the id before it, or
    -1.
    """
    past = np.full(MAX_PERIOD, -1)  # the last ids, newest first
    known = list(prompt)[: -MAX_PERIOD - 1 : -1]
    past[: len(known)] = known
    last = known[0] if known else -1  # that is yielded, or of the prompt
    runs = np.zeros(MAX_PERIOD, int)  # how many ids up to the last one equal the one a period before
    periods = np.arange(1, MAX_PERIOD + 1)
    held: list[int] = []
    for n_ids, chosen in enumerate(ids, 1):
        runs = np.where(past == chosen, runs + 1, 0)
        past[1:] = past[:-1]
        past[0] = chosen
        held.append(chosen)
        copies = np.where(n_ids - runs < periods, 2, 1)
        looped = np.flatnonzero(runs >= np.maximum(copies * periods, MIN_REPEATED))
        n_free = len(held) - int(runs[looped[0]] if len(looped) else runs.max())
        for free in held[:n_free]:
            yield free
            last = free
        held = held[n_free:]
        if len(looped):
            yield from held[: finishes(last, held[: periods[looped[0]]])]
            return
    yield from held
