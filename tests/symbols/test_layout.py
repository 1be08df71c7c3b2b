"""What a line says of those after it is remembered for a while, in little memory."""

import gc
import tracemalloc

from tinycoder.symbols.source.layout import read


def test_lines_that_are_read_again_and_again_say_the_same() -> None:
    lines = [f"call_{n}(value, (" for n in range(30_000)]
    assert {read(line).opens for line in lines} == {"(("}
    assert read(lines[0]).word == "call_0"


def test_lines_of_long_ago_take_no_memory() -> None:
    held = []
    tracemalloc.start()
    for n in range(60_000):
        read(f"name_{n} = [{n}]")
        if n in (17_000, 59_999):
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert held[1] < 2 * held[0]
