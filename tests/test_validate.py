"""Plain data to dataclasses and back: what fits comes back equal, what does not is one sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinycoder.config import TrainConfig
from tinycoder.errors import ConfigError
from tinycoder.validate import OMIT_NONE, DataError, Range, from_json, parse, plain, read

Share = Annotated[float, Range(0, 1)]
Count = Annotated[int, Range(least=0)]
KEYS = {"name": "from"}


@dataclass(frozen=True, kw_only=True)
class Leaf:
    name: str
    share: Share | None = None
    colour: Literal["red", "green"] = "red"


@dataclass(frozen=True, kw_only=True)
class Tree:
    leaves: tuple[Leaf, ...] = ()
    pair: tuple[int, str] = (0, "")
    counts: dict[str, Count] = field(default_factory=dict)
    first: Leaf | None = field(default=None, metadata=OMIT_NONE)
    flag: bool = False
    number: float = 0.0
    either: int | str = 0
    anything: Any = None
    numbers: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.number == 13:
            raise ConfigError("the number is 13; it must be another")


LEAVES = st.builds(
    Leaf,
    name=st.text(),
    share=st.none() | st.floats(0, 1) | st.integers(0, 1),
    colour=st.sampled_from(["red", "green"]),
)
NUMBERS = st.floats(-1e14, 1e14).filter(lambda number: number != 13)
TREES = st.builds(
    Tree,
    leaves=st.lists(LEAVES, max_size=3).map(tuple),
    pair=st.tuples(st.integers(-9, 9), st.text()),
    counts=st.dictionaries(st.text(), st.integers(0, 10**14)),
    first=st.none() | LEAVES,
    flag=st.booleans(),
    number=NUMBERS,
    either=st.integers(-9, 9) | st.text(),
    anything=st.none() | st.lists(st.integers()),
    numbers=st.lists(NUMBERS),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(tree=TREES)
def test_what_was_written_comes_back(tree: Tree) -> None:
    data = plain(tree, KEYS)
    assert ("first" in data) == (tree.first is not None)
    assert all(leaf.keys() == {"from", "share", "colour"} for leaf in data["leaves"])
    assert parse(Tree, json.dumps(data), keys=KEYS) == tree
    assert parse(Tree, json.dumps(data | {"unknown": 1}).encode(), keys=KEYS) == tree


@given(data=JSON, key=st.sampled_from(list(plain(Tree()))))
def test_any_data_is_a_value_or_one_sentence(data: object, key: str) -> None:
    said = ""
    try:
        tree = read(Tree, {key: data})
    except DataError as error:
        said = str(error)
    if said:
        assert "\n" not in said
        assert len(said) < 1000
        assert said.startswith((f"field '{key}", f'field "{key}')) or "is not valid" in said
    else:
        assert json.dumps(plain(tree).get(key)) == json.dumps(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (3, "it is 3, an object is needed"),
        ({"flag": 1}, "field 'flag' is 1, true or false is needed"),
        ({"number": True}, "field 'number' is True, a number is needed"),
        ({"number": "3"}, "field 'number' is '3', a number is needed"),
        ({"number": float("nan")}, "field 'number' is nan, a number is needed"),
        ({"number": 10**400}, "field 'number' is 1000"),
        ({"number": 13}, "it is not valid (the number is 13; it must be another)"),
        ({"pair": [1]}, "field 'pair' is [1], a list of 2 is needed"),
        ({"pair": [1, 2]}, "field 'pair[1]' is 2, text is needed"),
        ({"pair": [1.0, ""]}, "field 'pair[0]' is 1.0, a whole number is needed"),
        ({"leaves": {}}, "field 'leaves' is {}, a list is needed"),
        ({"leaves": [{"name": "a"}, {}]}, "field 'leaves[1].name' is missing"),
        ({"leaves": [{"name": "a", "share": 2}]}, "field 'leaves[0].share' is 2, a number from 0 to 1 is needed"),
        ({"leaves": [{"name": "a", "colour": "blue"}]}, "'leaves[0].colour' is 'blue', one of red, green is needed"),
        ({"counts": {"a": -1}}, "field 'counts.a' is -1, a whole number of at least 0 is needed"),
        ({"counts": []}, "field 'counts' is [], an object is needed"),
        ({"first": "x"}, "field 'first' is 'x', an object is needed"),
        ({"either": 1.5}, "field 'either' is 1.5, text is needed"),
        ({"numbers": [[]]}, "field 'numbers[0]' is [], a number is needed"),
    ],
)
def test_the_sentence_names_the_field_and_what_is_needed(data: object, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        read(Tree, data)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe\x00", "[" * 100_000, '{"a":' * 100_000, "1" * 10_000])
def test_text_that_is_not_json_is_one_sentence(text: str | bytes) -> None:
    with pytest.raises(DataError, match="it is not JSON") as caught:
        from_json(text)
    assert caught.value.of("m.json").startswith("m.json is not JSON")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("key", "value"), [("batch_size", "8"), ("batch_size", 10**20), ("seed", {}), ("betas", "ab"), ("clip", [1])]
)
def test_settings_are_of_their_types(key: str, value: object) -> None:
    with pytest.raises(ConfigError, match=key):
        read(TrainConfig, {"steps": 1, key: value})
