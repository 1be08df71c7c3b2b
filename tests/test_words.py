"""Numbers with their nouns."""

import pytest

from tinycoder.words import counted


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "0 files"),
        (1, "1 file"),
        (2, "2 files"),
        (12345678, "12,345,678 files"),
        (1.0, "1 file"),
        (0.5, "0.5 files"),
        (10.0, "10 files"),
        (1500.0, "1,500 files"),
    ],
)
def test_a_number_has_the_form_of_the_noun_that_goes_with_it(n: float, said: str) -> None:
    assert counted(n, "file") == said
