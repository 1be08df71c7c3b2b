"""The outcome of each suggestion, inferred from the edits that follow it.

Few editors say what a person does with ghost text, but all of them send the next edit: the ghost text's characters one
by one (typed through), a longer piece of it (partly accepted), all of it at once (accepted), or something else
(ignored). What an editor does say corrects that.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from tinycoder.complete.candidate import Candidate
from tinycoder_lsp.stats.ghosts import Ghost, Step, follow, ghost_of, taken_length

MIN_SHOWN_S = 0.25  # what was on show for less was not read
GRACE_S = 2.0  # how long after an offer's end the editor may still tell its outcome
_MAX_OPEN = 32  # documents
_MAX_ENDED = 64  # offers
_MAX_IDS = 32  # answers of one offer
_MAX_POPUPS = 16  # lists that an editor may still show

Kind = Literal["inline", "popup"]
How = Literal["accepted", "partly", "typed", "ignored", "flashed"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an offer ended. Of its ``n_chars`` some were accepted, some typed; ``rank`` is that of a popup's row, from 1.

    "partly" is also what was accepted in pieces and typed to its end. "flashed" was gone before it could be read.
    """

    kind: Kind
    how: How
    shown_s: float
    n_chars: int
    accepted_chars: int
    typed_chars: int
    rank: int | None = None


@dataclass(kw_only=True)
class _Offer:
    """Ghost text while it is shown; other answers that continue it belong to it."""

    uri: str
    text: str
    ghosts: list[Ghost]
    since_s: float
    hidden_s: float | None = None  # since then the latest answer is empty
    confirmed: bool = False  # the editor has said that it is on show
    ids: dict[str, tuple[int, Candidate, Ghost]] = field(default_factory=dict)  # with the characters taken before
    accepted: int = 0
    typed: int = 0
    step: Step | None = None  # the last one
    promised: int = 0  # the editor has said that so many characters are accepted
    finished: bool = False
    ended_s: float = 0.0

    @property
    def taken(self) -> int:
        return self.accepted + self.typed


class SuggestionTracker:
    """The offers of one session. ``report`` is called once for each that has ended, up to ``GRACE_S`` later.

    ``now`` is any clock in seconds that does not go back.
    """

    def __init__(self, report: Callable[[Outcome], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._now = now
        self._open: dict[str, _Offer] = {}
        self._ended: deque[_Offer] = deque()
        self._popups: deque[tuple[str, dict[str, Outcome]]] = deque(maxlen=_MAX_POPUPS)  # if the row is accepted
        self._latest: _Offer | None = None  # the one that the latest edit continues
        self._editor_tells = False

    def inline_shown(self, uri: str, text: str, candidates: Mapping[str, Candidate]) -> None:
        """An answer for ``text`` was sent: ghost texts by id, the one that shows first, or none, which hides it.

        An answer that came too late for its text changes nothing.
        """
        self.settle(GRACE_S)
        now, offer = self._now(), self._open.get(uri)
        if offer is not None and offer.text != text:
            return
        ghosts = {name: ghost for name, one in candidates.items() if (ghost := ghost_of(text, one)) is not None}
        first = next(iter(ghosts.values()), None)
        if first is None:  # perhaps only because the next question overtook this one
            if offer is not None and offer.hidden_s is None:
                offer.hidden_s = now
            return
        if offer is not None and not any(map(first.is_of, offer.ghosts)):
            self._end(uri)
            offer = None
        if offer is None:
            offer = self._open[uri] = _Offer(uri=uri, text=text, ghosts=[], since_s=now)
        elif offer.hidden_s is not None:
            offer.since_s, offer.hidden_s = offer.since_s + now - offer.hidden_s, None
        offer.ghosts = list(ghosts.values())
        offer.ids |= {name: (offer.taken, candidates[name], ghost) for name, ghost in ghosts.items()}
        while len(offer.ids) > _MAX_IDS:
            del offer.ids[next(iter(offer.ids))]
        if len(self._open) > _MAX_OPEN:
            self._end(next(iter(self._open)))

    def popup_shown(self, uri: str, text: str, candidates: Mapping[str, Candidate]) -> None:
        """A completion list for ``text`` was sent, by id, the best first."""
        rows = {}
        for rank, (name, candidate) in enumerate(candidates.items(), 1):
            ghost = ghost_of(text, candidate)
            n = len(ghost.rest) if ghost else 0
            rows[name] = Outcome(
                kind="popup", how="accepted", shown_s=0.0, n_chars=n, accepted_chars=n, typed_chars=0, rank=rank
            )
        if rows:
            self._popups.append((uri, rows))

    def edited(self, uri: str, text: str) -> None:
        """The document was changed to ``text``."""
        self.settle(GRACE_S)
        offer = self._open.get(uri)
        if offer is not None and offer.text == text:
            return
        self._latest = None
        if offer is None:
            return
        steps = [step for ghost in offer.ghosts if (step := follow(offer.text, text, ghost)) is not None]
        ended = [step for step in steps if step.ghost is None]
        step = next(iter(ended or steps), None)
        if step is None or (offer.hidden_s is not None and not step.accepted):
            self._end(uri)
            return
        offer.text, offer.step, self._latest = text, step, offer
        if step.accepted or offer.taken + step.n_chars <= offer.promised:
            offer.accepted += step.n_chars
            offer.step = Step(ghost=step.ghost, n_chars=step.n_chars, accepted=True)
        else:
            offer.typed += step.n_chars
        if ended:
            offer.finished = True
            self._end(uri)
        else:
            offer.ghosts = [step.ghost for step in steps if step.ghost is not None]

    def shown(self, name: str) -> None:
        """The editor says that it shows this ghost text. From then on, what it does not say was not shown."""
        self._editor_tells = True
        for offer in self._offers(name):
            if not offer.confirmed:
                offer.confirmed, offer.since_s = True, self._now()

    def accepted(self, name: str) -> None:
        """The editor says that this ghost text or row of a popup was accepted. Its edit may have come or not."""
        for offer in self._offers(name):
            if offer.finished:
                _count_last_step(offer, accepted=True)
                continue
            before, _, ghost = offer.ids[name]
            offer.accepted += max(0, before + len(ghost.rest.rstrip()) - offer.taken)  # what was still to come
            offer.step, offer.finished = None, True
            if self._open.get(offer.uri) is offer:
                self._end(offer.uri)
        for uri, rows in list(self._popups):
            if name in rows:
                self._popups.remove((uri, rows))
                if self._latest is not None and self._latest.uri == uri:
                    _count_last_step(self._latest, accepted=False)  # it looked like a piece of ghost text accepted
                self._report(rows[name])
                break
        self.settle(GRACE_S)

    def partly_accepted(self, name: str, length: int) -> None:
        """The editor says that ``length`` UTF-16 units of this ghost text's insert text are accepted by now."""
        for offer in self._offers(name):
            before, candidate, ghost = offer.ids[name]
            taken = before + taken_length(candidate.text, length, ghost)
            if offer.step is not None and offer.taken - offer.step.n_chars < taken <= offer.taken:
                _count_last_step(offer, accepted=True)
            else:
                offer.promised = max(offer.promised, taken)
        self.settle(GRACE_S)

    def closed(self, uri: str) -> None:
        """The document was closed."""
        if uri in self._open:
            self._end(uri)
        self.settle(GRACE_S)

    def settle(self, grace_s: float = 0.0) -> None:
        """Report what ended so many seconds ago; by default all, without waiting for what the editor may tell."""
        while self._ended and self._now() - self._ended[0].ended_s >= grace_s:
            self._report(self._outcome(self._ended.popleft()))

    def close(self) -> None:
        """All offers end, and are reported."""
        for uri in list(self._open):
            self._end(uri)
        self.settle()

    def _offers(self, name: str) -> list[_Offer]:
        """Those, open or ended a moment ago, of which an answer had this id; at most one if ids differ."""
        return [offer for offer in (*self._open.values(), *self._ended) if name in offer.ids]

    def _end(self, uri: str) -> None:
        offer = self._open.pop(uri)
        offer.ended_s = self._now()
        self._ended.append(offer)
        if len(self._ended) > _MAX_ENDED:
            self._report(self._outcome(self._ended.popleft()))

    def _outcome(self, offer: _Offer) -> Outcome:
        seen = offer.confirmed or not self._editor_tells
        until = offer.ended_s if offer.hidden_s is None else offer.hidden_s
        shown_s = max(0.0, until - offer.since_s) if seen else 0.0
        return Outcome(
            kind="inline",
            how=_how(offer, shown_s),
            shown_s=shown_s,
            n_chars=offer.taken + (0 if offer.finished else len(offer.ghosts[0].rest)),
            accepted_chars=offer.accepted,
            typed_chars=offer.typed,
        )


def _how(offer: _Offer, shown_s: float) -> How:
    if offer.finished and (offer.step is None or offer.step.accepted):
        return "accepted"
    if offer.accepted:
        return "partly"
    if offer.finished:
        return "typed"
    return "ignored" if shown_s >= MIN_SHOWN_S else "flashed"


def _count_last_step(offer: _Offer, *, accepted: bool) -> None:
    """The last step was an acceptance or was not, whatever it looked like."""
    step = offer.step
    if step is not None and step.accepted != accepted:
        offer.accepted += step.n_chars if accepted else -step.n_chars
        offer.typed -= step.n_chars if accepted else -step.n_chars
        offer.step = Step(ghost=step.ghost, n_chars=step.n_chars, accepted=accepted)
