"""Type real files into real editors, key by key, and compare what is saved: ``make typing``.

``python tests/editors/typist [--lines N] [--delay MS...] [--files PATH...]``, or ``make typing TYPING="--lines 40"``,
prints a row for each text, what differed and why, and exits with 1 if a byte of any is not as it was typed. First comes
a control without TinyCoder: if that is not as typed, editor, machine or second server are at fault. Needs what
``install.py`` installs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.editors.typist import neovim, vscode
from tests.editors.typist.outcome import Outcome, summary
from tests.editors.typist.texts import Text, text_of, texts

SLOW_MS = 100  # from so many milliseconds a key on, two cores suffice to type into several editors at a time
CONTROL_LINES = 40  # of each text
EDITORS = {"vscode": vscode.type_texts, "neovim": neovim.type_texts}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The same texts in one editor, one after the other."""

    editor: str
    texts: Sequence[Text]
    delay_ms: int
    beside: bool
    ours: bool = True

    def type(self, program: Path) -> list[Outcome]:
        """Type all texts and print a row for each. A text that cannot be typed is reported and has no outcome."""
        outcomes: list[Outcome] = []
        typing = EDITORS[self.editor](
            self.texts, delay_ms=self.delay_ms, beside=self.beside, ours=self.ours, program=program.absolute()
        )
        try:
            for outcome in typing:
                print(outcome.row(), flush=True)
                outcomes.append(outcome)
        except Exception as error:  # an editor that does not start must not cost the others' outcomes
            print(f"{self.editor}, {self.delay_ms} ms, beside={self.beside}: {error!r}", flush=True)
        return outcomes

    @property
    def needs_quiet(self) -> bool:
        """Whether nothing else should run at the same time. Neovim takes no row by itself, however late a list is."""
        return self.editor == "vscode" and self.delay_ms < SLOW_MS


def main() -> int:
    """Type everything that the options name; the exit status."""
    parser = argparse.ArgumentParser(prog="typist", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", nargs="+", type=Path, help="what to type (default: three that are installed here)")
    parser.add_argument("--lines", type=int, default=150, help="of each file (default: %(default)s)")
    parser.add_argument("--delay", nargs="+", type=int, default=[30, 120], help="ms a key (default: 30 120)")
    parser.add_argument("--editors", nargs="+", choices=list(EDITORS), default=list(EDITORS), help="(default: both)")
    parser.add_argument("--beside", choices=["no", "yes", "both"], default="both", help="next to a second server")
    parser.add_argument(
        "--control", choices=["no", "yes", "only"], default="yes", help="without TinyCoder; 'only': nothing else"
    )
    parser.add_argument("--program", type=Path, default=Path(sys.executable).with_name("tinycoder"), help="the server")
    options = parser.parse_args()
    chosen = [text_of(path, n_lines=options.lines) for path in options.files or []] or texts(n_lines=options.lines)
    begin = time.monotonic()
    outcomes: list[Outcome] = []
    wanted = 0
    quiet: list[Stage] = []
    rest: list[Stage] = []
    for stage in stages(chosen, options):
        (quiet if stage.needs_quiet else rest).append(stage)
        wanted += len(stage.texts)
    for stage in quiet:
        outcomes += stage.type(options.program)
    with ThreadPoolExecutor(max(1, len(rest))) as hands:
        for typed in hands.map(lambda stage: stage.type(options.program), rest):
            outcomes += typed
    print("\n" + summary(outcomes))
    minutes, seconds = divmod(round(time.monotonic() - begin), 60)
    print(f"{wanted - len(outcomes)} texts could not be typed; in {minutes}:{seconds:02}")
    return 0 if len(outcomes) == wanted and all(outcome.equal for outcome in outcomes) else 1


def stages(chosen: Sequence[Text], options: argparse.Namespace) -> list[Stage]:
    """The stages to type, the controls first."""
    besides = {"no": [False], "yes": [True], "both": [False, True]}[options.beside]
    planned = []
    if options.control != "no":
        short = chosen if options.control == "only" else [text.first(CONTROL_LINES) for text in chosen]
        fastest = min(options.delay)
        planned += [
            Stage(editor=editor, texts=short, delay_ms=fastest, beside=besides[-1], ours=False)
            for editor in options.editors
        ]
    if options.control != "only":
        planned += [
            Stage(editor=editor, texts=chosen, delay_ms=delay_ms, beside=beside)
            for editor in options.editors
            for delay_ms in options.delay
            for beside in besides
        ]
    return planned


if __name__ == "__main__":
    sys.exit(main())
