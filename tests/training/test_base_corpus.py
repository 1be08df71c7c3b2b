"""The corpus of the base model, built from a made-up environment: what comes in, what is left out, what is said."""

from __future__ import annotations

import importlib
import json
import re
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from tinycoder.errors import CorpusError
from tinycoder_training.corpora import python_repos

BASE = Path(__file__).parents[2] / "training" / "base"
NOTHING = frozenset[int]()


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BASE)
    return importlib.import_module("corpus")


def code(name: str, n_lines: int = 40) -> str:
    return "".join(f"def {name}_{i}(value):\n    return value + {i}, '{name}'\n\n\n" for i in range(n_lines // 4))


def install(site: Path, package: str, files: dict[str, str], *, licence: str = "License-Expression: MIT") -> None:
    info = site / f"{package.replace('-', '_')}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {package}\nVersion: 1.2\n{licence}\n\nText\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in [*files, f"{info.name}/METADATA"]))
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(text.encode())


def source(base: ModuleType, package: str, **changes: Any) -> Any:
    return base.Source(**{"package": package, "licence": "MIT", "domain": "tools", "max_mb": 10, **changes})


def build(base: ModuleType, site: Path, *packages: str, known: frozenset[int] = NOTHING, **changes: Any) -> Any:
    sources = [source(base, package, **changes) for package in packages]
    return base.build(sources, [site], base.KnownRuns(hashes=known), max_share=1)


def paths(corpus: Any) -> list[str]:
    return sorted(text.path for text in corpus.train + corpus.held_out)


def text_of(corpus: Any, path: str) -> str:
    return next(str(text.text) for text in corpus.train + corpus.held_out if text.path == path)


def test_takes_the_python_files_that_a_package_records(base: ModuleType, tmp_path: Path) -> None:
    install(tmp_path, "one", {"one/__init__.py": code("a"), "one/deep/b.py": code("b"), "one_extra.py": code("c")})
    (tmp_path / "one" / "stray.py").write_text(code("d"))
    install(tmp_path, "two-words", {"two_words/__init__.py": code("e"), "two_words/types.pyi": "x: int\n"})
    corpus = build(base, tmp_path, "one", "two-words")
    assert paths(corpus) == ["one/__init__.py", "one/deep/b.py", "one/one_extra.py", "two-words/__init__.py"]


def test_two_files_that_would_have_one_path_are_both_kept(base: ModuleType, tmp_path: Path) -> None:
    install(tmp_path, "one", {"tool.py": code("a"), "one/tool.py": code("b")})
    corpus = build(base, tmp_path, "one")
    assert len(set(paths(corpus))) == 2


@pytest.mark.parametrize(
    ("declared", "listed"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License: BSD", "BSD-3-Clause"),
        ("License: the whole text\nClassifier: License :: OSI Approved :: Apache Software License", "Apache-2.0"),
        ("License: BSD-3-Clause", "BSD-3-Clause"),
        ("License: Apache License\n        Version 2.0, January 2004\n        http://www.apache.org", "Apache-2.0"),
        ("License-Expression: Apache-2.0 OR BSD-2-Clause", "Apache-2.0 OR BSD-2-Clause"),
    ],
)
def test_a_package_is_taken_if_it_declares_the_listed_licence(
    base: ModuleType, tmp_path: Path, declared: str, listed: str
) -> None:
    install(tmp_path, "one", {"one.py": code("a"), "one_too.py": code("b")}, licence=declared)
    assert build(base, tmp_path, "one", licence=listed).not_taken == {}


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ("License-Expression: MPL-2.0", "declares MPL-2.0, not MIT"),
        ("License: MPL-2.0 AND MIT", "declares unknown, not MIT"),
        ("Classifier: License :: OSI Approved :: GNU General Public License (GPL)", "not MIT"),
        ("License: BSD", "declares BSD, not MIT"),
        ("Summary: none", "declares unknown, not MIT"),
    ],
)
def test_a_package_of_another_licence_is_not_taken(
    base: ModuleType, tmp_path: Path, declared: str, reason: str
) -> None:
    install(tmp_path, "one", {"one.py": code("a")}, licence=declared)
    install(tmp_path, "two", {"two.py": code("b"), "two_too.py": code("c")})
    corpus = build(base, tmp_path, "one", "two", "absent")
    assert reason in corpus.not_taken["one"]
    assert corpus.not_taken["absent"] == "not installed"
    assert paths(corpus) == ["two/two.py", "two/two_too.py"]


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MPL-2.0 AND MIT", "CC0-1.0", "unknown"])
def test_the_list_of_sources_holds_permissive_licences_only(base: ModuleType, tmp_path: Path, licence: str) -> None:
    entry = {"package": "one", "licence": licence, "domain": "tools", "max_mb": 1}
    (tmp_path / "sources.json").write_text(json.dumps({"sources": [entry]}))
    with pytest.raises(CorpusError, match="not one to learn from"):
        base.read_sources(tmp_path / "sources.json")


def test_the_list_of_sources_that_is_shipped_can_be_read(base: ModuleType) -> None:
    sources = base.read_sources(BASE / "sources.json")
    assert "tinycoder" not in {source.package for source in sources}
    assert sources[0].package == "python"


@pytest.mark.parametrize("name", ["poetry-core", "Poetry_Core", "poetry.core"])
def test_a_reserved_package_is_refused_however_its_name_is_written(base: ModuleType, tmp_path: Path, name: str) -> None:
    entry = {"package": name, "licence": "MIT", "domain": "tools", "max_mb": 1}
    (tmp_path / "sources.json").write_text(json.dumps({"sources": [entry]}))
    options = {"sources": tmp_path / "sources.json", "environment": tmp_path, "exclude-runs": tmp_path / "runs"}
    options |= {"out": tmp_path / "out", "manifest": tmp_path / "manifest.json"}
    result = CliRunner().invoke(base.main, [f"--{option}={value}" for option, value in options.items()])
    assert result.exit_code == 1
    assert f"{name} is reserved (daily trials)" in result.output
    assert not (tmp_path / "out").exists()


def test_what_the_model_is_measured_on_is_reserved_and_no_source(base: ModuleType) -> None:
    reserved = base.read_reserved(BASE / "reserved.json")
    assert {"sqlparse", "structlog", "huey", "scrapy", "falcon", "mkdocs", "marshmallow"} <= reserved.keys()
    base.refuse_reserved(base.read_sources(BASE / "sources.json"), reserved)


def test_a_malformed_list_of_reserved_packages_is_refused(base: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "reserved.json").write_text('{"reserved": ["one"]}')
    with pytest.raises(CorpusError, match="no list of reserved packages"):
        base.read_reserved(tmp_path / "reserved.json")


def test_licences_are_stripped_and_secrets_replaced(base: ModuleType, tmp_path: Path) -> None:
    header = "#!/usr/bin/env python\n# coding: latin-1\n# Copyright 2020 Somebody\n#\n# All rights reserved.\n\n"
    docstring = '"""What it does.\n\nCopyright 2020 by Somebody.\n\nAnd how.\n"""\n# strict\n'
    token = "ghp_" + "aB3dE5gH7j" * 4
    install(
        tmp_path,
        "one",
        {
            "one/a.py": header.replace("\n", "\r\n") + docstring + code("a"),
            "one/b.py": f"TOKEN = '{token}'\n" + code("b"),
            "one/c.py": "# Copyright 2020 Somebody\n",
        },
    )
    corpus = build(base, tmp_path, "one")
    expected = '#!/usr/bin/env python\n\n"""What it does.\n\nAnd how.\n"""\n# strict\n' + code("a").rstrip("\n") + "\n"
    assert text_of(corpus, "one/a.py") == expected
    assert token not in text_of(corpus, "one/b.py")
    assert corpus.n_secrets == 1
    assert corpus.left_out["empty"][0] == 1


def test_tables_broken_generated_and_vendored_files_are_left_out(base: ModuleType, tmp_path: Path) -> None:
    install(
        tmp_path,
        "one",
        {
            "one/good.py": code("a"),
            "one/fine.py": code("b"),
            "one/table.py": "NAMES = [\n" + "".join(f"    'name {i}', {i},\n" for i in range(200)) + "]\n",
            "one/old.py": "print 'two'\n",
            "one/made.py": "# Copyright\n" * 20 + "\n# This file is generated by a script\n" + code("c"),
            "one/_vendor/other.py": code("d"),
            "one/externals/other.py": code("e"),
            "one/tests/data/input.py": code("f"),
            "one/huge.py": code("g", 30_000),
        },
    )
    corpus = build(base, tmp_path, "one")
    assert paths(corpus) == ["one/fine.py", "one/good.py"]
    assert {reason: n for reason, (n, _) in corpus.left_out.items()} == {
        "table": 1,
        "not valid Python": 1,
        "generated": 1,
        "vendored code": 2,
        "data of tests": 1,
        "larger than 300 kB": 1,
    }


def test_duplicates_across_packages_are_kept_once(base: ModuleType, tmp_path: Path) -> None:
    text = code("same", 200)
    install(tmp_path, "one", {"one/a.py": text, "one/b.py": code("b")})
    install(tmp_path, "two", {"two/a.py": text, "two/near.py": text + "last = 1\n", "two/c.py": code("c")})
    corpus = build(base, tmp_path, "one", "two")
    assert paths(corpus) == ["one/a.py", "one/b.py", "two/c.py"]
    assert corpus.left_out["duplicate"][0] == corpus.left_out["near-duplicate"][0] == 1


def known_runs(text: str) -> frozenset[int]:
    """Runs of six lines, as the list of evaluation repositories has them; written once more, as an oracle."""
    lines = [re.sub(r"\s", "", line) for line in text.splitlines()]
    lines = [line for line in lines if len(re.findall(r"\w", line)) >= 4]
    joined = ["\n".join(lines[i : i + 6]).encode() for i in range(len(lines) - 5)]
    return frozenset(int.from_bytes(blake2b(run, digest_size=8).digest(), "little") for run in joined)


def test_copies_of_evaluation_repositories_are_left_out(base: ModuleType, tmp_path: Path) -> None:
    mostly = code("ours", 80) + code("theirs", 40).replace("    ", "\t")
    hardly = code("mine", 400) + code("theirs", 40)
    files = {f"one/m{i}.py": code(f"m{i}") for i in range(12)}
    install(tmp_path, "one", {**files, "one/mostly.py": mostly, "one/hardly.py": hardly})
    corpus = build(base, tmp_path, "one", known=known_runs(code("theirs")))
    assert paths(corpus) == sorted([*files, "one/hardly.py"])
    assert corpus.left_out["copy of an evaluation repository"][0] == 1


def test_a_package_with_many_copies_is_an_evaluation_repository(base: ModuleType, tmp_path: Path) -> None:
    install(tmp_path, "one", {"one/a.py": code("theirs"), "one/new.py": code("new")})
    install(tmp_path, "two", {"two/b.py": code("b"), "two/c.py": code("c")})
    corpus = build(base, tmp_path, "one", "two", known=known_runs(code("theirs")))
    assert paths(corpus) == ["two/b.py", "two/c.py"]
    assert corpus.not_taken == {"one": "copy of an evaluation repository"}


def giants(site: Path) -> list[str]:
    names = ["big", "mid", "low", "few"]
    for name, n in zip(names, (100, 30, 30, 10), strict=True):
        install(site, name, {f"{name}/m{i}.py": code(f"{name}_{i}") for i in range(n)})
    return names


def test_no_package_exceeds_its_share_or_its_limit(base: ModuleType, tmp_path: Path) -> None:
    sources = [source(base, name) for name in giants(tmp_path)]
    corpus = base.build(sources, [tmp_path], base.KnownRuns(hashes=NOTHING), max_share=0.4)
    taken = [path.split("/")[0] for path in paths(corpus)]
    assert taken.count("few") == 10
    assert taken.count("mid") == taken.count("low") == 30
    assert 40 <= taken.count("big") <= 47  # 0.4 of 117
    assert corpus.left_out["over the limit"][0] == 100 - taken.count("big")

    small = build(base, tmp_path, "big", max_mb=0.01)
    assert 0.008e6 < sum(text.n_bytes for text in small.train + small.held_out) <= 0.01e6
    assert set(paths(small)) < {f"big/m{i}.py" for i in range(100)}
    with pytest.raises(CorpusError, match="4 packages cannot each be at most 6%"):
        base.build(sources, [tmp_path], base.KnownRuns(hashes=NOTHING))


def test_tests_are_at_most_a_quarter_of_a_package(base: ModuleType, tmp_path: Path) -> None:
    tests = {f"one/tests/test_{i:02}.py": code(f"t{i:02}") for i in range(40)}
    install(tmp_path, "one", {**tests, **{f"one/m{i:02}.py": code(f"m{i:02}") for i in range(30)}})
    taken = paths(build(base, tmp_path, "one"))
    assert sum("tests" in path for path in taken) == 10
    assert len(taken) == 40


def test_of_each_domain_a_part_is_held_out_and_stays_so(base: ModuleType, tmp_path: Path) -> None:
    giants(tmp_path)
    sources = [source(base, "big"), source(base, "mid", domain="web"), source(base, "low", domain="web")]
    known = base.KnownRuns(hashes=NOTHING)
    corpus = base.build(sources, [tmp_path], known, max_share=1)
    held_out = [text.path for text in corpus.held_out]
    assert not set(held_out) & {text.path for text in corpus.train}
    assert {path.split("/")[0] for path in held_out} >= {"big"}
    assert any(path.startswith(("mid/", "low/")) for path in held_out)
    assert base.build(sources, [tmp_path], known, max_share=1) == corpus


def test_training_reads_every_file_that_is_written(base: ModuleType, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    install(site, "build", {f"build/m{i}.py": code(f"b{i}") for i in range(8)})
    install(site, "one", {f"one/dist/m{i}.py": code(f"o{i}") for i in range(8)})
    corpus = build(base, site, "build", "one")
    base.write(corpus, tmp_path / "out")
    read = python_repos.read([tmp_path / "out" / "train"])
    assert read.skipped == ()
    assert sorted(text.path for text in read.train + read.validation) == [text.path for text in corpus.train]
    with pytest.raises(CorpusError, match="not empty"):
        base.write(corpus, tmp_path / "out")


def test_the_command_writes_the_corpus_and_its_manifest(base: ModuleType, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    names = [f"package{i}" for i in range(20)]
    for name in names:
        install(site, name, {f"{name}/m{i}.py": code(f"{name}_{i}") for i in range(6)})
    entries = [{"package": name, "licence": "MIT", "domain": "tools", "max_mb": 1} for name in [*names, "absent"]]
    (tmp_path / "sources.json").write_text(json.dumps({"sources": entries}))
    (tmp_path / "runs.bin").write_bytes(bytes(8))
    manifests = []
    for out in ("first", "second"):
        options = {"environment": site, "exclude-runs": tmp_path / "runs.bin", "sources": tmp_path / "sources.json"}
        options |= {"out": tmp_path / out, "manifest": tmp_path / f"{out}.json"}
        result = CliRunner().invoke(base.main, [f"--{name}={value}" for name, value in options.items()])
        assert result.exit_code == 0, result.output
        manifests.append((tmp_path / f"{out}.json").read_text())
    assert manifests[0] == manifests[1]
    assert str(tmp_path) not in manifests[0]

    made = json.loads(manifests[0])
    written = {side: list((tmp_path / "first" / side).rglob("*.py")) for side in ("train", "held_out")}
    assert made["files"] == len(written["train"])
    assert made["held_out_files"] == len(written["held_out"])
    assert made["bytes"] == sum(file.stat().st_size for file in written["train"])
    assert made["not_taken"] == {"absent": "not installed"}
    assert [row["package"] for row in made["sources"]] == names
    assert sum(row["files"] for row in made["sources"]) == made["files"]
    first = made["sources"][0]
    assert (first["version"], first["licence"], first["domain"]) == ("1.2", "MIT", "tools")
    assert len({row["sha256"] for row in made["sources"]}) == 20


@pytest.mark.parametrize("raw", [b"", b"1234567"])
def test_a_damaged_list_of_runs_is_an_error(base: ModuleType, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "runs.bin").write_bytes(raw)
    with pytest.raises(CorpusError, match="no list of runs"):
        base.read_runs(tmp_path / "runs.bin")
