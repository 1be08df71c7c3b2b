"""The typed text is what is saved: a part of ``make typing`` that takes a few minutes.

Real files are typed key by key, with Enter at each line's end, while lists open and close by themselves.
"""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.editors import install
from tests.editors.conftest import editor_missing, vscode_browser

if find_spec("playwright") is None:
    editor_missing("playwright is not installed")

from tests.editors.typist import neovim, vscode
from tests.editors.typist.outcome import Outcome
from tests.editors.typist.texts import Text, texts, unfit

pytestmark = pytest.mark.editors


@pytest.fixture(scope="module")
def styles() -> list[Text]:
    """Classes, docstrings, tests."""
    return texts(n_lines=150)


@pytest.fixture(scope="module")
def vscode_is_here() -> None:
    vscode_browser()
    if not install.words_extension().exists():
        editor_missing("the extension of the second server was not built")


@pytest.fixture(scope="module")
def neovim_is_here() -> None:
    if neovim.neovim() is None:
        editor_missing("Neovim is not installed")


def check(outcomes: Iterator[Outcome]) -> None:
    for outcome in outcomes:
        print(outcome.row())
        assert outcome.equal, outcome.report()
        assert outcome.n_keys >= len(outcome.typed) - 1, "the editor heard every key"


def test_the_texts_are_real_and_of_three_styles(styles: list[Text]) -> None:
    assert len({text.name for text in styles}) == 3
    for text in styles:
        assert text.text.count("\n") >= 150
        assert not unfit(text.text)


@pytest.mark.usefixtures("vscode_is_here")
def test_control_vscode_saves_what_is_typed_without_tinycoder(styles: list[Text]) -> None:
    check(vscode.type_texts([styles[2].first(20)], delay_ms=30, beside=True, ours=False))


@pytest.mark.usefixtures("vscode_is_here")
def test_vscode_saves_what_is_typed(styles: list[Text]) -> None:
    # `make typing` also types at 30 ms a key; on a busy machine that would test the machine.
    check(vscode.type_texts([styles[0].first(50)], delay_ms=60, beside=False))


@pytest.mark.usefixtures("vscode_is_here")
def test_vscode_saves_what_is_typed_beside_a_second_server(styles: list[Text]) -> None:
    check(vscode.type_texts([styles[2].first(25)], delay_ms=120, beside=True))


@pytest.mark.usefixtures("neovim_is_here")
def test_neovim_saves_what_is_typed(styles: list[Text]) -> None:
    check(neovim.type_texts([styles[1].first(60)], delay_ms=30, beside=True))
