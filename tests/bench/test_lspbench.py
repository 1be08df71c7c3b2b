"""lspbench: servers that are known get figures that are known. The corpus is made of the standard library."""

import array
import io
import json
import sys
import sysconfig
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGES = ("json", "logging", "wsgiref", "xmlrpc")
Load = Callable[[str], ModuleType]
Measure = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def corpora(load: Load) -> ModuleType:
    return load("lspbench/corpora")


@pytest.fixture(scope="module")
def lspbench(load: Load) -> ModuleType:
    return load("lspbench/lspbench")


@pytest.fixture(scope="module")
def corpus(corpora: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, ``made``, of one project."""
    folder = tmp_path_factory.mktemp("corpora") / "made"
    (folder / "archives").mkdir(parents=True)
    with tarfile.open(folder / "archives" / "sample-1.0.tar.gz", "w:gz") as tar:
        add(tar, "sample-1.0/PKG-INFO", b"Name: sample\nVersion: 1.0\n")
        add(tar, "sample-1.0/LICENSE", b"Permission is hereby granted, free of charge, to any person")
        for package in PACKAGES:
            for file in sorted(Path(sysconfig.get_path("stdlib"), package).glob("*.py")):
                add(tar, f"sample-1.0/{package}/{file.name}", file.read_bytes())
    corpora.build(folder, ["sample"])
    return folder


def add(tar: tarfile.TarFile, name: str, raw: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(raw)
    tar.addfile(member, io.BytesIO(raw))


@pytest.fixture(scope="module")
def measure(
    lspbench: ModuleType, corpora: ModuleType, corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> Measure:
    """Run a server on the corpus: the fake one in a mode, or a command."""
    truths = tmp_path_factory.mktemp("truths") / "truths.json"
    [row] = corpora.manifest(corpus)
    texts = corpora.unpack(corpus, row, truths.parent / "known")
    truths.write_text(json.dumps({f"sample/{path}": text for path, text in texts.items()}), encoding="utf-8")

    def measure(mode: str, *more: str, delay_ms: int = 0, command: str = "") -> dict[str, Any]:
        fake = f"{sys.executable} {HERE / 'fake_server.py'} {mode} {truths} {delay_ms}"
        little = ["--max-positions", "25", "--typing-chars", "1000", "--settle", "0", "--warmup", "1"]
        where = ["--corpora", str(corpus.parent), "--set", "made"]
        options = lspbench.options_from(["run", "--server", command or fake, *where, *little, *more])
        results: dict[str, Any] = lspbench.run(options)
        return results

    return measure


@pytest.mark.parametrize(
    ("mode", "options"),
    [("oracle", ()), ("ranges", ()), ("oracle", ("--after", "rest"))],
    ids=["plain", "ranges", "rest"],
)
def test_who_knows_the_truth_is_always_right(measure: Measure, mode: str, options: tuple[str, ...]) -> None:
    results = measure(mode, *options)
    assert [results["popup"][f"after_{typed}"]["top1"] for typed in range(4)] == [1, 1, 1, 1]
    inline = results["inline"]["all"]
    assert [inline[key] for key in ("exact", "shown", "similarity", "correct_share")] == [1, 1, 1, 1]
    assert inline["valid_of_shown"] >= 0.99
    assert results["typing"]["keys_per_char"]["best"] < 0.12  # about a Tab and a line break a line
    assert results["failures"] == {"error": 0, "timeout": 0}


def test_silence_helps_nobody(measure: Measure) -> None:
    results = measure("silent")
    assert results["popup"]["after_3"]["mrr"] == 0
    assert results["inline"]["all"]["shown"] == 0
    assert set(results["typing"]["keys_per_char"].values()) == {1.0}


def test_who_is_half_right_is_half_right(measure: Measure) -> None:
    inline = measure("half", "--kinds", "inline")["inline"]["all"]
    assert 0.4 < inline["exact"] < 0.75
    assert inline["valid_of_shown"] < 0.8


def test_an_answer_that_comes_late_is_not_there_for_the_impatient(
    measure: Measure, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load("lspbench/users"), "PATIENCE_S", 0.02)
    results = measure("oracle", "--max-positions", "5", "--typing-chars", "500", delay_ms=25)
    assert results["latency_ms"]["popup_after_key"]["p50"] >= 25
    assert results["typing"]["keys_per_char"]["best-150ms"] == 1
    assert results["typing"]["keys_per_char"]["best"] < 0.12


def test_beside_other_work_only_what_depends_on_time_is_refused(
    measure: Measure, lspbench: ModuleType, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINYCODER_BUSY")
    few, found = ("--max-positions", "5", "--typing-chars", "500", "--name", "oracle"), []
    for share in (0.01, 0.12):
        monkeypatch.setattr(lspbench.Others, "share", lambda self, share=share: share)
        found.append(measure("oracle", *few))
    quiet, refused = found
    reason = "other processes used 12.0 % of the cores"
    assert refused["refused"] == refused["by_repo"]["sample"]["refused"] == reason
    assert (refused["latency_ms"], refused["process"]["first_items_s"]) == (None, None)
    assert refused["typing"]["keys_per_char"].pop("best-150ms") is None
    assert quiet["typing"]["keys_per_char"].pop("best-150ms") is not None
    for kind in ("popup", "inline", "typing"):
        assert refused[kind] == quiet[kind]
    table = load("lspbench/results").table([refused])
    assert "| oracle | refused | refused | refused | refused |" in table
    assert "refused" not in load("lspbench/results").table([quiet])


def test_the_same_seed_gives_the_same_figures(measure: Measure) -> None:
    one, two = (measure("half", "--max-positions", "10", "--typing-chars", "500") for _ in range(2))
    for kind in ("popup", "inline", "typing"):
        assert one[kind] == two[kind]


def test_records_of_two_runs_are_compared(measure: Measure, load: Load, tmp_path: Path) -> None:
    before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
    measure("silent", "--records", str(before), "--kinds", "popup")
    measure("oracle", "--records", str(after), "--kinds", "popup")
    table = load("lspbench/compare").compare(before, after)
    assert "| popup top-1, k=1 | 0.000 | 1.000 | +1.000 | +1.000 to +1.000 | * |" in table


@pytest.mark.parametrize(
    ("baseline", "kind", "path", "least"),
    [
        ("words", "popup", "after_3/top5", 0.6),
        ("copyline", "inline", "all/similarity", 0.15),
        ("ngram", "popup", "after_1/top1", 0.3),
    ],
)
def test_the_baselines_answer(measure: Measure, baseline: str, kind: str, path: str, least: float) -> None:
    file = HERE.parents[1] / "benchmarks" / "lspbench" / "baselines" / f"{baseline}.py"
    results: Any = measure("", "--kinds", kind, "--warmup", "30", command=f"{sys.executable} {file}")[kind]
    for key in path.split("/"):
        results = results[key]
    assert results > least


def test_the_split_is_a_function_of_the_archive(corpora: ModuleType, corpus: Path) -> None:
    [row] = corpora.manifest(corpus)
    assert row == corpora.describe("sample", corpus / "archives" / "sample-1.0.tar.gz")
    assert (row["version"], row["license"]) == ("1.0", "MIT")
    assert len(row["held_out"]) == max(3, -(-row["eligible_files"] * 15 // 100))


def test_an_archive_that_is_not_the_manifests_is_refused(corpora: ModuleType, corpus: Path, tmp_path: Path) -> None:
    [row] = corpora.manifest(corpus)
    (tmp_path / "archives").mkdir()
    with pytest.raises(SystemExit, match=r"corpora\.py fetch"):
        corpora.archive(tmp_path, row)
    (tmp_path / "archives" / row["archive"]).write_bytes(b"another")
    with pytest.raises(SystemExit, match="sha256"):
        corpora.archive(tmp_path, row)


def test_the_metadata_of_an_sdist_are_its_own(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: sample\nVersion: 1.0\n", encoding="utf-8")
    (tmp_path / "setup.py").write_text("raise SystemExit('this was run')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    name = load("lspbench/stand_in_backend").prepare_metadata_for_build_wheel(str(tmp_path))
    assert name == "sample-1.0.dist-info"
    assert (tmp_path / name / "METADATA").read_text(encoding="utf-8").startswith("Metadata-Version")


def test_a_list_is_ordered_as_editors_do(load: Load) -> None:
    items = [
        {"label": "beta"},
        {"label": "Alpha"},
        {"label": "alpine", "sortText": "z"},
        {"label": "alpha"},
        {"label": "join(a)", "insertText": "al", "filterText": "al"},
    ]
    assert load("lspbench/replies").popup_list(items, "x.al", 0, 2) == ["alpha", "al", "alpine", "Alpha"]


def test_ghost_text_is_what_is_not_typed_yet(load: Load) -> None:
    inline_text = load("lspbench/replies").inline_text
    span = {"start": {"line": 3, "character": 4}, "end": {"line": 3, "character": 7}}
    assert inline_text([{"insertText": "return x", "range": span}], "    ret", 3) == "urn x"
    assert inline_text([{"insertText": "yield x", "range": span}], "    ret", 3) == ""
    assert inline_text([{"insertText": "return x", "range": span}], "    ret", 4) == ""
    snippet = {"items": [{"insertText": {"kind": "snippet", "value": "f(${1:a})$0"}}]}
    assert inline_text(snippet, "", 0) == "f(a)"


def test_kinds_of_identifiers(load: Load) -> None:
    text = "import os.path\ndef func(param, other=DEFAULT):\n    value = param.attr(named=func)\n    return value\n"
    rows = load("lspbench/positions").survey(text, 0).identifiers
    assert [f"{text[start:end]}:{kind}" for start, end, kind in rows] == [
        *("path:attribute", "func:binding", "param:binding", "other:binding", "DEFAULT:name", "value:binding"),
        *("param:name", "attr:attribute", "named:keyword", "func:name", "value:name"),
    ]


BEGUN = ["x = foo(1,", "try:\n    a", "@dec", "if x:", "x = {'a': 1,\n 'b'", 's = """doc']
WRONG = ["def f(:", 's = "abc', "x = foo)", "a = 1 +", "foo bar", "return x.", "if a:\n  x\n else:"]


@pytest.mark.parametrize("text", [*BEGUN, *WRONG])
def test_what_could_begin_a_module(load: Load, text: str) -> None:
    assert load("lspbench/queries").could_begin_a_module(text) == (text in BEGUN)


@pytest.mark.parametrize(
    ("user", "n_keys"), [("inline", 15), ("inline+word", 14), ("popup-1", 15), ("popup-5", 10), ("best", 9)]
)
def test_keys_that_users_press(load: Load, user: str, n_keys: int) -> None:
    users = load("lspbench/users")
    steps = {at: users.Step([], at, "", 0, 0) for at in range(15)}
    steps[1] = users.Step(["alpine", "alphabet"], 0, "", 0, 0)
    steps[8] = users.Step([], 8, " = gamma", 0, 0)
    assert users.keys_pressed("alphabet = beta\n", 0, 15, steps, user)[0] == n_keys


def test_levenshtein(load: Load) -> None:
    assert load("lspbench/queries").levenshtein("kitten", "sitting") == 3


def test_copies_are_recognised(load: Load, tmp_path: Path) -> None:
    decontaminate = load("lspbench/decontaminate")
    code = "\n".join(f"def function_{n}(argument):\n    return argument + {n}\n" for n in range(20))
    path = tmp_path / "exclusion.bin"
    path.write_bytes(array.array("Q", sorted(set(decontaminate.runs(code)))).tobytes())
    excluded = decontaminate.Exclusion(path)
    assert excluded.share(code.replace("    ", "\t")) == 1
    assert excluded.share(code.replace("argument", "other")) < 0.1
