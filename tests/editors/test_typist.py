"""The judge of ``make typing`` itself, without an editor."""

from tests.editors.typist.outcome import Enter, Outcome, summary
from tests.editors.typist.texts import unfit

TYPED = "def f():\n    return result\n\n\nx = 1\n"


def outcome(saved: str, *lists: Enter) -> Outcome:
    return Outcome(
        editor="vscode", name="a", typed=TYPED, saved=saved, delay_ms=30, beside=True, n_keys=len(TYPED), lists=lists
    )


def test_a_text_that_is_saved_as_typed_needs_no_words() -> None:
    well = outcome(TYPED)
    assert well.equal
    assert well.row().endswith("equal")
    assert well.report() == ""
    assert summary([well]).startswith("typing: 1 of 1 texts saved as typed, 0 of 5 Enters met an open list")


def test_a_row_that_enter_took_is_told_with_its_cause() -> None:
    enter = Enter(line=2, row="results  model", taken=True)
    bad = outcome(TYPED.replace("result\n", "results"), enter)
    assert not bad.equal
    assert "DIFFER in 1 places" in bad.row()
    report = bad.report()
    assert "typed '    return result'" in report
    assert "saved '    return results'" in report
    assert "line 2: '    return result': Enter took 'results  model' (another word)" in report


def test_causes() -> None:
    cases = {
        ("    return result", "result  line 3"): "the word itself",
        ("# one.", "py  model"): "the dot opened it",
        ("def f(a, field):", "field  seen"): "it was left open after the word: late answer",
        ("# one.", ""): "it opened just now",
    }
    for (line, row), cause in cases.items():
        assert Enter(line=1, row=row).cause(line) == cause


def test_rows_of_the_second_server_are_told_apart() -> None:
    bad = outcome(TYPED, Enter(line=2, row="result_two  second", taken=True))
    assert "taken  1 (second's 1)" in bad.row()


def test_lost_keys_are_told() -> None:
    lost = Outcome(editor="vscode", name="a", typed=TYPED, saved=TYPED, delay_ms=30, beside=False, n_keys=3)
    assert "heard 3 of" in lost.report()


def test_what_cannot_be_typed_is_refused() -> None:
    assert unfit("x = 1\n") == ""
    for text in ("x = 1", "x = 1 \n", "x\n\n", "\tx\n", "größe = 1\n", "x = 1\r\n"):
        assert unfit(text), text
