"""Cached suggestions are found again while the user types through them."""

from __future__ import annotations

import pytest

from tinycoder.complete.cache import MAX_SUGGESTIONS, CachedSuggestion, SuggestionCache
from tinycoder.complete.ghost import LINE, Ghost, Layout

PATH = "a.py"


def ghost(text: str) -> Ghost:
    return Ghost(text=text, ends=(len(text),), confidences=(0.9,), ended=0.5, ids=())


def found(suggestions: SuggestionCache, before: str, after: str = "", layout: Layout = LINE) -> tuple[str, int] | None:
    known = suggestions.find(PATH, before + after, len(before), layout)
    return (known[0].ghost.text, known[1]) if known else None


def keep(suggestions: SuggestionCache, before: str, text: str, after: str = "", layout: Layout = LINE) -> None:
    suggestions.keep(PATH, before + after, len(before), layout, CachedSuggestion(ghost=ghost(text)))


@pytest.fixture
def suggestions() -> SuggestionCache:
    suggestions = SuggestionCache()
    keep(suggestions, "self.to", "tal = start", "\nx = 1\n")
    return suggestions


def test_a_suggestion_is_found_at_its_offset_and_while_it_is_typed(suggestions: SuggestionCache) -> None:
    for n, typed in enumerate(["", "t", "ta", "tal", "tal ", "tal =", "tal = ", "tal = s"]):
        assert found(suggestions, "self.to" + typed, "\nx = 1\n") == ("tal = start", n)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("self.to", "\nx = 2\n"),  # other text after the cursor
        ("self.to", ")\nx = 1\n"),
        ("self.tox", "\nx = 1\n"),  # something else was typed
        ("self.t", "\nx = 1\n"),  # something was deleted
        ("other.total", "\nx = 1\n"),
        ("self.total = start", "\nx = 1\n"),  # nothing is left
        ("self.total = start()", "\nx = 1\n"),
    ],
)
def test_a_suggestion_is_not_found_where_it_does_not_fit(suggestions: SuggestionCache, before: str, after: str) -> None:
    assert found(suggestions, before, after) is None


def test_another_file_has_its_own_suggestions(suggestions: SuggestionCache) -> None:
    assert suggestions.find("b.py", "self.to\nx = 1\n", 7, LINE) is None


def test_an_empty_suggestion_is_found_only_at_its_offset(suggestions: SuggestionCache) -> None:
    keep(suggestions, "x", "")
    assert found(suggestions, "x") == ("", 0)
    assert found(suggestions, "xy") is None


def test_the_latest_suggestion_that_has_text_left_is_found(suggestions: SuggestionCache) -> None:
    keep(suggestions, "a", "bc")
    keep(suggestions, "ab", "cde")
    assert found(suggestions, "ab") == ("cde", 0)
    assert found(suggestions, "abc") == ("cde", 1)
    keep(suggestions, "a", "bcd")
    assert found(suggestions, "abc") == ("bcd", 2)
    assert found(suggestions, "abcd") == ("cde", 2)


def test_a_block_is_found_from_each_of_its_lines_and_is_no_line(suggestions: SuggestionCache) -> None:
    keep(suggestions, "def f():", "\n    x = 1\n    return x", layout=Layout(block=True, indent=1))
    deeper = Layout(block=True, indent=4)
    assert found(suggestions, "def f():\n    x", layout=deeper) == ("\n    x = 1\n    return x", 6)
    assert found(suggestions, "def f():\n    x", layout=LINE) is None


def test_only_the_latest_suggestions_are_kept(suggestions: SuggestionCache) -> None:
    for i in range(MAX_SUGGESTIONS + 1):
        keep(suggestions, f"{i}:", "text")
    assert found(suggestions, "0:") is None
    assert found(suggestions, "1:") == ("text", 0)
    assert found(suggestions, f"{MAX_SUGGESTIONS}:") == ("text", 0)


def test_the_number_of_shown_characters_is_kept(suggestions: SuggestionCache) -> None:
    known = suggestions.find(PATH, "self.to\nx = 1\n", 7, LINE)
    assert known is not None
    assert known[0].shown == 0
    known[0].shown = 3
    again = suggestions.find(PATH, "self.tot\nx = 1\n", 8, LINE)
    assert again is not None
    assert again[0].shown == 3


def test_a_cleared_cache_is_empty(suggestions: SuggestionCache) -> None:
    suggestions.clear()
    assert found(suggestions, "self.to", "\nx = 1\n") is None
