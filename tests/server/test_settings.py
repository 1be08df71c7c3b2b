"""Settings from the wire: defaults, camel case, mistakes."""

from typing import Any, get_args

import pytest

from tinycoder.complete.candidate import GhostRequest
from tinycoder.complete.confidence import THRESHOLDS
from tinycoder.config import PRESETS
from tinycoder_lsp.configuration import all_settings, ours, parse, vouched
from tinycoder_lsp.manifest import manifest_properties, settings_page
from tinycoder_lsp.settings import InlineSettings, MemorySettings, PopupSettings, PresetName, Settings, TrainingSettings

DEFAULTS = Settings()


@pytest.mark.parametrize("nothing", [None, {}, [], {"tinycoder": None}, {"tinycoder": {}}, {"tinycoder": []}])
def test_nothing_in_any_spelling_leaves_the_defaults(nothing: object) -> None:
    assert parse(nothing, DEFAULTS) == (DEFAULTS, [])


def test_values_are_taken_by_their_names_on_the_wire() -> None:
    values = {"model": "mine", "inline": {"maxTokens": 7, "deadlineMs": 30}, "popup": {"enable": False}}
    expected = Settings(
        model="mine", inline=InlineSettings(max_tokens=7, deadline_ms=30), popup=PopupSettings(enable=False)
    )
    assert parse(values, DEFAULTS) == (expected, [])
    assert parse({"tinycoder": values}, DEFAULTS) == (expected, [])


@pytest.mark.parametrize("value", [1, 9, 1.0, 0.25, 10_000])
def test_a_number_may_be_whole_or_not(value: float) -> None:
    settings, problems = parse({"training": {"minutes": value}, "memory": {"enable": False}}, DEFAULTS)
    assert problems == []
    assert settings == Settings(training=TrainingSettings(minutes=value), memory=MemorySettings(enable=False))
    assert isinstance(settings.training.minutes, float)


def test_eagerness_is_that_of_the_engine() -> None:
    hint = next(setting.hint for setting in all_settings() if setting.name == "tinycoder.inline.eagerness")
    assert {*get_args(hint), "any"} == THRESHOLDS.keys()
    assert DEFAULTS.inline.eagerness == GhostRequest().eagerness


@pytest.mark.parametrize(
    "values", [{"inline": {"threshold": 0.4}}, {"tinycoder.inline.threshold": 0.3}, {"inline.threshold": "high"}]
)
def test_the_setting_that_eagerness_replaces_is_named_with_it_and_its_value_forgotten(values: object) -> None:
    settings, (problem,) = parse(values, DEFAULTS)
    assert settings == DEFAULTS
    assert "tinycoder.inline.threshold is gone" in problem
    assert "set tinycoder.inline.eagerness to quiet, balanced or eager" in problem


def test_what_replaces_a_setting_is_taken_beside_it() -> None:
    settings, problems = parse({"inline": {"eagerness": "quiet", "threshold": 0.4, "maxLines": 3}}, DEFAULTS)
    assert settings.inline == InlineSettings(eagerness="quiet", max_lines=3)
    assert len(problems) == 1


def test_the_sizes_of_a_model_are_those_that_training_knows() -> None:
    assert get_args(PresetName) == tuple(PRESETS)


def test_values_lie_over_what_was_there() -> None:
    base, _ = parse({"model": "mine", "inline": {"maxTokens": 7}}, DEFAULTS)
    settings, problems = parse({"inline": {"alternatives": 2}}, base)
    assert settings == Settings(model="mine", inline=InlineSettings(max_tokens=7, alternatives=2))
    assert problems == []


@pytest.mark.parametrize(
    "values",
    [
        {"tinycoder.popup.limit": 3, "tinycoder.popup.enable": False, "tinycoder.model": "mine"},
        {"popup.limit": 3, "popup.enable": False, "model": "mine"},
        {"tinycoder": {"popup.limit": 3, "popup": {"enable": False}, "model": "mine"}},
        {"tinycoder": {"popup": {"enable": False}, "model": "mine"}, "tinycoder.popup.limit": 3},
        {"popup": {"enable": False}, "tinycoder": {"model": "mine"}, "popup.limit": 3},
    ],
)
def test_keys_may_be_flat(values: object) -> None:
    assert parse(values, DEFAULTS) == (Settings(model="mine", popup=PopupSettings(limit=3, enable=False)), [])


def test_the_settings_of_other_programs_are_not_ours() -> None:
    values = {"pylsp": {"x": 1}, "python": {"analysis": {}}, "editor.tabSize": 4, "tinycoder.model": "mine"}
    assert ours(values) == ({"tinycoder.model": "mine"}, [])
    assert ours(None) == ours([]) == ours(3) == ({}, [])


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"popup": {"limit": 3}}, "tinycoder.popup"),
        ({"popup.limit": 3}, "tinycoder.popup.limit"),
        ({"Tiny-Coder": {"popup": {}}}, "write tinycoder"),
        ({"TinyCoder.popup.limit": 3}, "tinycoder.popup.limit"),
    ],
)
def test_what_should_stand_in_the_section_is_named(values: object, word: str) -> None:
    taken, (problem,) = ours(values)
    assert taken == {}
    assert word in problem


def test_null_means_the_default() -> None:
    base, _ = parse({"model": "mine", "popup": {"limit": 3}}, DEFAULTS)
    assert parse({"model": None, "popup": {"limit": None}}, base) == (DEFAULTS, [])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"enabel": True}, ["tinycoder.enabel", "tinycoder.enable"]),
        ({"inline": {"maxTokns": 3}}, ["tinycoder.inline.maxTokns", "tinycoder.inline.maxTokens"]),
        ({"tinycoder.popup.limt": 3}, ["tinycoder.popup.limt", "tinycoder.popup.limit"]),
        ({"tinycoder.popop.limit": 3}, ["tinycoder.popop.limit", "tinycoder.popup"]),
        ({"tinycoder": {"enable": True}, "enabel": 3}, ["tinycoder.enabel", "tinycoder.enable"]),
        ({"model.name": "mine"}, ["tinycoder.model.name", "tinycoder.model"]),
        ({"popup.limit": 0}, ["tinycoder.popup.limit", "at least 1"]),
        ({"zzz": 1}, ["tinycoder.zzz", "known are enable, "]),
        ({"inline": {"max_tokens": 3}}, ["tinycoder.inline.max_tokens", "tinycoder.inline.maxTokens"]),
        ({"enable": "yes"}, ["tinycoder.enable", "true or false", "'yes'"]),
        ({"enable": 1}, ["tinycoder.enable", "true or false"]),
        ({"popup": {"limit": True}}, ["tinycoder.popup.limit", "whole number", "20 is used"]),
        ({"popup": {"limit": 2.5}}, ["tinycoder.popup.limit", "whole number"]),
        ({"popup": {"limit": 0}}, ["tinycoder.popup.limit", "at least 1", "20 is used"]),
        ({"model": 3}, ["tinycoder.model", "text", "nothing is used"]),
        ({"logLevel": "loud"}, ["tinycoder.logLevel", "debug, info, warning, error"]),
        ({"training": {"minutes": 10_001}}, ["tinycoder.training.minutes", "from 0.01 to 10000", "10.0 is used"]),
        ({"training": {"minutes": -1}}, ["tinycoder.training.minutes", "from 0.01 to 10000"]),
        ({"training": {"minutes": float("nan")}}, ["tinycoder.training.minutes", "from 0.01 to 10000"]),
        ({"training": {"minutes": True}}, ["tinycoder.training.minutes", "a number from 0.01 to 10000 is needed"]),
        ({"training": {"minutes": "5"}}, ["tinycoder.training.minutes", "a number from 0.01 to 10000 is needed"]),
        (
            {"inline": {"eagerness": 0.4}},
            ["tinycoder.inline.eagerness", "quiet, balanced, eager", "'balanced' is used"],
        ),
        ({"inline": {"eagerness": "any"}}, ["tinycoder.inline.eagerness", "quiet, balanced, eager"]),
        ({"inline": {"block": "always"}}, ["tinycoder.inline.block", "off, explicit, automatic"]),
        ({"inline": {"block": True}}, ["tinycoder.inline.block", "off, explicit, automatic"]),
        ({"inline": {"prose": "always"}}, ["tinycoder.inline.prose", "off, sure, on", "'sure' is used"]),
        ({"popup": {"imports": "yes"}}, ["tinycoder.popup.imports", "true or false"]),
        ({"python": ["python3"]}, ["tinycoder.python", "text", "nothing is used"]),
        ({"exclude": "*.py"}, ["tinycoder.exclude", "a list is needed", "nothing is used"]),
        ({"exclude": ["*.py", 3]}, ["tinycoder.exclude[1] is 3, text is needed"]),
        ({"maxFileKb": 0}, ["tinycoder.maxFileKb", "at least 1"]),
        ({"training": {"preset": "huge"}}, ["tinycoder.training.preset", "nano, tiny"]),
        ({"memory": {"enable": "no"}}, ["tinycoder.memory.enable", "true or false"]),
        ({"inline": "off"}, ["tinycoder.inline", "an object"]),
        ("off", ["tinycoder", "an object"]),
        ([1], ["tinycoder", "an object"]),
    ],
)
def test_a_mistake_is_named_and_its_default_used(values: object, words: list[str]) -> None:
    settings, problems = parse(values, DEFAULTS)
    assert settings == DEFAULTS
    assert len(problems) == 1
    for word in words:
        assert word in problems[0]


def test_the_former_name_of_a_size_is_taken_with_a_sentence() -> None:
    settings, problems = parse({"training": {"preset": "base"}}, DEFAULTS)
    assert settings.training.preset == "medium"
    assert len(problems) == 1
    for word in ("'base'", "tinycoder.training.preset", "'medium'"):
        assert word in problems[0]


def test_a_mistake_falls_back_to_the_default_and_the_rest_counts() -> None:
    base, _ = parse({"popup": {"limit": 3}}, DEFAULTS)
    settings, problems = parse({"popup": {"limit": "x", "enable": False}, "nope": 1, "model": "m"}, base)
    assert settings == Settings(model="m", popup=PopupSettings(enable=False))
    assert len(problems) == 2


def test_the_page_has_a_row_for_every_setting() -> None:
    page = settings_page()
    assert "| `tinycoder.inline.maxTokens` | whole number | `64` | The longest suggestion, in tokens. |" in page
    assert "| `tinycoder.enable` | true or false | `true` | Complete at all. |" in page
    assert "| `tinycoder.inline.eagerness` | `quiet` or `balanced` or `eager` | `balanced` |" in page
    assert "| `tinycoder.training.minutes` | number | `10.0` |" in page
    assert "| `tinycoder.exclude` | list of texts |  |" in page
    assert len(page.splitlines()) == 2 + len(list(all_settings()))


def test_a_list_is_taken() -> None:
    settings, problems = parse({"exclude": ["generated/", "*_pb2.py"], "disabledLanguages": []}, DEFAULTS)
    assert (settings.exclude, settings.disabled_languages, problems) == (("generated/", "*_pb2.py"), (), [])


def test_the_manifest_offers_what_a_person_may_set() -> None:
    properties = manifest_properties()
    assert set(properties) == {setting.name for setting in all_settings()} - {"tinycoder.trusted"}
    assert properties["tinycoder.training.minutes"] == {
        "type": "number",
        "default": 10.0,
        "markdownDescription": properties["tinycoder.training.minutes"]["markdownDescription"],
        "scope": "window",
        "minimum": 0.01,
        "maximum": 10_000,
    }
    assert properties["tinycoder.inline.eagerness"]["enum"] == ["quiet", "balanced", "eager"]
    assert properties["tinycoder.model"]["type"] == ["string", "null"]
    assert properties["tinycoder.exclude"]["items"] == {"type": "string"}
    assert None in properties["tinycoder.training.preset"]["enum"]


def test_a_setting_of_an_earlier_version_is_taken_and_does_nothing() -> None:
    values = {"training": {"idle": True, "minutes": 3}}
    settings, problems = parse(values, DEFAULTS)
    assert problems == []
    assert settings.training.minutes == 3


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "values",
    [
        {"training": {"minutes": 10**400}},
        {"inline": {"maxTokens": 10**400}},
        {"maxFileKb": 2**63},
        {"model": nested(100_000)},
        nested(100_000),
        {"x" * 1_000_000: 1},
        {"a\nb": 1},
        {"model": ["a\nb"] * 100_000},
    ],
    ids=["huge", "no end", "too many", "deep", "deep all", "long", "two lines", "wide"],
)
def test_a_strange_value_is_one_short_sentence_and_its_default(values: object) -> None:
    settings, (problem,) = parse(values, DEFAULTS)
    assert settings == DEFAULTS
    assert len(problem.splitlines()) == 1
    assert len(problem) < 1000


@pytest.mark.parametrize("flat", ["remote.url", "tinycoder.remote.url", "tinycoder.trusted", "tinycoder", "trusted.x"])
@pytest.mark.parametrize("wrap", [lambda values: values, lambda values: {"tinycoder": values}])
def test_our_extensions_own_words_are_not_overridden_by_another_spelling(flat: str, wrap: Any) -> None:
    nested = {"remote": {"url": "http://evil.example"}, "trusted": True, "remote.url": "http://evil.example"}
    value = {"tinycoder": nested, "tinycoder.trusted": True}.get(flat, "http://evil.example")
    sent = {"popup": {"limit": 3}, "trusted": False, "remote": {"url": None}}
    for values in ({flat: value, **sent}, {**sent, flat: value}):
        settings, problems = parse(vouched(wrap(values)), DEFAULTS)
        assert (settings.popup.limit, settings.trusted, settings.remote.url, problems) == (3, False, None, [])


@pytest.mark.parametrize("nothing", [None, [], {}, 3])
def test_what_is_no_section_is_nobodys_word(nothing: object) -> None:
    assert vouched(nothing) == nothing
