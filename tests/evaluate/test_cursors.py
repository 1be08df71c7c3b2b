"""The cursors that an evaluation queries."""

import pytest

from tinycoder.complete.candidate import Document
from tinycoder.evaluate.cursors import KINDS, STRETCH, sample_cursors, sample_identifiers, sample_stretches, survey

TEXT = '''import os.path as place
from package import thing, other


class Holder(Base):
    """One line."""

    async def method(self, first: int, *others, named=default, **options):
        total, second = compute(first, width=named), 2  # a comment
        self.field: Kind = [item.name for item, other in others if item in total]
        chain = linked = f"text {inside} more"
        if (found := search(total)) is None:
            return lambda value: value + total
        table[index] = """
            first = 1
        """
        with opened(place) as stream:
            total += stream.read(size=1024)
'''


def document(text: str, path: str = "a.py") -> Document:
    return Document(path=path, text=text)


def kinds_of(text: str) -> set[tuple[str, str]]:
    return {(text[found.start : found.end], found.kind) for found in survey(document(text)).identifiers}


def test_bindings_are_told_apart_from_uses() -> None:
    found = kinds_of(TEXT)
    bound = {name for name, kind in found if kind == "binding"}
    assert bound == {
        *("place", "Holder", "method", "self", "first", "others", "named", "options", "total", "second"),
        *("item", "other", "chain", "linked", "found", "value", "stream"),
    }
    assert ("width", "keyword") in found
    assert ("size", "keyword") in found
    assert {("path", "attribute"), ("field", "attribute"), ("name", "attribute"), ("read", "attribute")} <= found
    assert {("package", "import"), ("thing", "import"), ("other", "import")} <= found
    assert {("compute", "name"), ("default", "name"), ("Kind", "name"), ("table", "name"), ("index", "name")} <= found
    assert not {"inside", "text", "None", "import", "os"} & {name for name, _ in found}


def test_cursors_of_each_kind() -> None:
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for cursor in survey(document(TEXT)).cursors:
        found[cursor.kind].add(TEXT[cursor.offset :].split("\n")[0])
        line_start = TEXT.rfind("\n", 0, cursor.offset) + 1
        before = TEXT[line_start : cursor.offset]
        if cursor.kind == "line":
            assert not before.strip()
        elif cursor.kind != "mid":
            assert before.endswith({"dot": ".", "paren": "(", "assign": "="}.get(cursor.kind, " ")) or "= " in before
        else:
            assert before[-1].isalnum()
            assert TEXT[cursor.offset].isalnum()
    assert "class Holder(Base):" in found["line"]
    assert "read(size=1024)" in found["dot"]
    assert "place) as stream:" in found["paren"]
    assert "1024)" in found["assign"]
    assert "thing, other" in found["import"]
    assert "Holder(Base):" in found["space"]
    everything = {line for lines in found.values() for line in lines}
    assert not any("a comment" in line or '"""' in line or "first = 1" in line for line in everything)


def test_a_popup_is_open_inside_words_and_after_dots() -> None:
    text = "x.name = other\n"
    assert survey(document(text)).words == {
        **dict.fromkeys(range(2, 6), 2),
        **dict.fromkeys(range(10, 14), 9),
    }


def test_nothing_is_asked_before_the_first_offset_or_after_a_fault() -> None:
    first = TEXT.index("class")
    found = survey(document(TEXT), first=first)
    assert min(cursor.offset for cursor in found.cursors) >= first
    assert min(name.start for name in found.identifiers) >= first
    broken = survey(document("value = other\nname = (\n  thing\n) + ]\n" + "'''never closed\n" + "later = 1\n"))
    assert {"value", "other"} <= {"value = other\nname = (\n"[name.start : name.end] for name in broken.identifiers}
    for text in ("", "\n", "'''", "\x0c", "if x:\n  y\n z\n", "é = ñandú\n", "f'{x!r:>{width}}' and other\n"):
        survey(document(text))


def test_samples_depend_on_the_seed_alone() -> None:
    found = survey(document(TEXT * 30))
    names = sample_identifiers(found.identifiers, 20, seed=1)
    assert names == sample_identifiers(found.identifiers[::-1], 20, seed=1) == sorted(names)
    assert names != sample_identifiers(found.identifiers, 20, seed=2)
    assert len(names) == 20
    assert sample_identifiers(found.identifiers, 10**6, seed=1) == sorted(found.identifiers)
    cursors = sample_cursors(found.cursors, 70, seed=1)
    assert {kind: sum(cursor.kind == kind for cursor in cursors) for kind in KINDS} == dict.fromkeys(KINDS, 10)


@pytest.mark.parametrize("n_characters", [0, 100, 1_500])
def test_stretches_are_whole_lines(n_characters: int) -> None:
    documents = [
        document(TEXT * 10, "a.py"),
        document(TEXT, "b.py"),
        document("short\n\n", "c.py"),
        document("\n", "d"),
    ]
    found = sample_stretches(documents, n_characters, seed=3)
    assert found == sample_stretches(documents[::-1], n_characters, seed=3)
    assert len(found) == {0: 0, 100: 1, 1_500: 3}[n_characters]
    texts = {one.path: one.text for one in documents}
    for stretch in found:
        text = texts[stretch.path]
        assert stretch.start == 0 or text[stretch.start - 1] == "\n"
        assert stretch.end - stretch.start >= min(STRETCH, n_characters, len(text.rstrip("\n")))
        assert text[stretch.end] == "\n"


@pytest.mark.parametrize("n_characters", [1, 50, 250, 500, 620, 1_700])
def test_as_many_characters_are_typed_as_asked_for_to_the_ends_of_lines(n_characters: int) -> None:
    files = [document("".join(f"value_{n} = {n}\n" for n in range(500)), f"{name}.py") for name in "abcd"]
    n_typed = sum(one.end - one.start for one in sample_stretches(files, n_characters, seed=3))
    assert n_characters <= n_typed <= n_characters + 20 * (1 + n_characters // STRETCH)
