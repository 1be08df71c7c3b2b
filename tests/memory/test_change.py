"""What an edit has changed."""

from hypothesis import given
from hypothesis import strategies as st

from tinycoder.memory.change import change_of

PIECES = st.text("ab\n", max_size=6)


@given(before=PIECES, old=PIECES, new=PIECES, after=PIECES)
def test_a_change_is_what_makes_one_text_of_the_other(before: str, old: str, new: str, after: str) -> None:
    one, other = before + old + after, before + new + after
    change = change_of(one, other)
    assert one[: change.start] + other[change.start : change.new_end] + one[change.old_end :] == other
    assert change.start >= len(before) or change.old_end - change.start <= len(old)
    assert change_of(one, other, change) is change
    assert change_of(one + "a", other, change) is not change
