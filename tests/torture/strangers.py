"""Files of strangers: bytes and folders made up for everything that is read from a disk that others have written to.

Each reader may give a sound value or its own error of one line. Anything else is a fault: another exception, a
traceback, more than a few seconds, more than a gigabyte. Run by itself (``strangers.py READER RUNS SEED SCRATCH``) this
file makes up bytes for one reader: atheris ends its process, so each reader has one of its own.
"""

from __future__ import annotations

import base64
import copy
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from counts import Count

SEED = 7
SECONDS = 20  # for one input, on a slow machine
MEGABYTES = 1024  # for a whole process
MEMORY = Path("/dev/shm")  # where files are made ten times as fast as on a disk, on Linux
LONGEST_ERROR = 4000  # characters
TOKENS = (  # what libFuzzer would take long to find
    *(
        f"1{'0' * 400}",
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        "1e308",
        "-1",
        "9223372036854775808",
        "null",
        "true",
        "{}",
    ),
    *(
        "[[[[[[[[[[",
        '{"a":',
        "]]]]",
        '"\\ud800"',
        "\\u0000",
        '"F16"',
        '"BF16"',
        '"I8"',
        '"F64"',
        "data_offsets",
        "shape",
    ),
    *("dtype", "__metadata__", "# coding: rot13\n", "# coding: idna\n", "# coding: punycode\n", "# coding: utf-7\n"),
    *("# coding: unicode_escape\n", "# coding: hex\n", "# coding: undefined\n", "# coding: utf-16\n", "password = '"),
    *("-----BEGIN PRIVATE KEY-----\n", "://a:", "**/", "*a*", "[!a-", "\\", "tinycoder", "num_hidden_layers", "vocab"),
    *("normalizer", "pre_tokenizer", "post_processor", "merges", "added_tokens", "Regex", "(a+)+$", "ignore_merges"),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**12, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf")),
    *("", "x", "\ud800", "\0", "a\nb", "x" * 10_000, [], {}, [[]], [1, "a", None], {"a": 1}, ["x"] * 1000),
)
SECRET = b"what lies outside the folder"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Something that reads bytes of a stranger. ``make`` gives it a folder and seeds; ``runs`` is (full, quick)."""

    make: Callable[[Path], tuple[Callable[[bytes], object], list[bytes]]]
    runs: tuple[int, int]
    longest: int = 4096  # bytes of an input


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """Bytes for each reader, folders with one thing changed, files cut at every byte, and odd things for files."""
    in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    with tempfile.TemporaryDirectory(prefix="tinycoder-torture-", dir=MEMORY if in_memory else scratch) as place:
        scratch = Path(place)
        for name, reader in READERS.items():
            yield _fuzz(name, reader, quick, scratch / name.replace(" ", "-"))
        yield _cut_files(scratch / "cut", step=23 if quick else 1)
        yield _odd_things(scratch / "odd")
        yield _changed_folders(scratch / "changed", wanted=1_200 if quick else 10_000)


def _fuzz(name: str, reader: Reader, quick: bool, scratch: Path) -> Count:
    """One reader in a process of its own."""
    scratch.mkdir(parents=True)
    count = Count(what=f"inputs to the {name}", wanted=reader.runs[quick])
    command = [sys.executable, __file__, name, str(count.wanted), str(SEED), str(scratch)]
    done = subprocess.run(command, capture_output=True, cwd=scratch, check=False)
    said = done.stderr.decode("utf-8", "replace") + done.stdout.decode("utf-8", "replace")
    numbers = re.findall(r"^Done (\d+) runs", said, re.MULTILINE) or re.findall(r"^#(\d+)\s", said, re.MULTILINE)
    count.done = int(numbers[-1]) if numbers else 0
    if "without coverage" in said:
        count.note = "plain mutations: atheris cannot be imported here"
    if done.returncode or count.done < count.wanted:
        input_ = next((file.read_bytes() for file in sorted(scratch.glob("found-*"))), b"")
        reason = re.findall(r"^(?:\w+\.)*\w*(?:Error|Exception|Hang)\b.*|^.*ERROR: libFuzzer.*", said, re.MULTILINE)
        shown = base64.b64encode(input_[:400]).decode()
        count.faults.append(
            f"{(reason or [said[-300:]])[0][:300]} (code {done.returncode}, seed {SEED}, input {shown})"
        )
    return count


class Hang(Exception):  # noqa: N818
    """An input took too long."""


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Hang(f"more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _own_errors() -> Iterator[None]:
    """Let pass the errors that are meant for a person, if they are one line of bearable length."""
    from tinycoder.errors import TinyCoderError

    try:
        yield
    except TinyCoderError as error:
        text = str(error)
        if len(text.splitlines()) != 1 or len(text) > LONGEST_ERROR:
            raise AssertionError(f"an error of {len(text)} characters: {text[:80]!r}") from None


def _fault(trial: Callable[[], object]) -> str | None:
    """What went wrong, if anything; a panic of a library in Rust is no ``Exception``."""
    try:
        with _in_time(), _own_errors():
            trial()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return None


def _memory_fault(count: Count) -> Count:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if used > MEGABYTES:
        count.faults.append(f"the process held {used} MB")
    count.note = f"at most {used} MB"
    return count


def _sound_folder(folder: Path, *, kind: str = "int8", state: bool = True) -> Path:
    """The smallest whole model of code, with what a run needs to go on."""
    import numpy as np

    from tinycoder.config import ModelConfig, TrainConfig
    from tinycoder.storage.checkpoint import State, save_model
    from tinycoder.storage.record import CurvePoint, DataSummary, TrainingRecord
    from tinycoder.transformer.model import init_params
    from tinycoder.transformer.tokenizer import train_code_tokenizer

    tokenizer = train_code_tokenizer(["def f(x):\n    return x\n" * 3], 280)
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size, width=8, n_layers=1, n_heads=2, n_kv_heads=1, hidden=8, context=16
    )
    sizes = dict.fromkeys(("files", "bytes", "tokens", "validation_files", "validation_bytes", "validation_tokens"), 1)
    point = CurvePoint(step=1, seconds=1.0, train_loss=1.0, val_loss=1.0, val_bpb=1.5)
    training = TrainingRecord(
        recipe="code",
        workspaces=("a",),
        seed=1,
        val_bpb=1.5,
        parameters=9,
        finished=True,
        settings=TrainConfig(steps=1),
        data=DataSummary(**sizes),
        curve=(point,),
    )
    save_model(
        folder,
        config=config,
        params=init_params(config, np.random.default_rng(0)),
        tokenizer=tokenizer,
        training=training,
        card="---\na: b\n---\n# m\n",
        state=State(arrays={"params/a": np.ones(3, np.float32)}, metadata={"step": 1}) if state else None,
        weights=kind,
    )
    return folder


def _file_reader(
    name: str, read: Callable[[Path], object]
) -> Callable[[Path], tuple[Callable[[bytes], object], list[bytes]]]:
    """A reader of one file of a sound folder."""

    def make(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
        folder = _sound_folder(scratch / "model")
        file = folder / name
        seeds = [file.read_bytes(), b"{}", b""]

        def one(raw: bytes) -> object:
            file.write_bytes(raw)
            return read(folder)

        return one, seeds

    return make


def _load(folder: Path) -> object:
    from tinycoder.storage.checkpoint import load_model

    model = load_model(folder)
    return model.tokenizer.decode(model.tokenizer.encode("def f():\n    return 'é'\n"))


def _load_state(folder: Path) -> object:
    from tinycoder.storage.checkpoint import load_state

    return load_state(folder)


def _summary(folder: Path) -> object:
    from tinycoder.storage.models import summarise

    return summarise(folder)


def _tokenizer(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    from tinycoder.transformer.tokenizer import Tokenizer, train_character_tokenizer

    folder = _sound_folder(scratch / "model")
    seeds = [(folder / "tokenizer.json").read_bytes(), train_character_tokenizer(["abc"]).to_json().encode()]

    def one(raw: bytes) -> object:
        found = Tokenizer.from_json(raw.decode("utf-8", "replace"))
        return found.decode(found.encode("a" * 500 + " ü\n"))

    return one, seeds


def _settings(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    from tinycoder_lsp.configuration import all_settings, parse
    from tinycoder_lsp.settings import Settings

    keys = ["tinycoder", *(part for setting in all_settings() for part in setting.name.split("."))]

    def one(raw: bytes) -> object:
        found, problems = parse(_plain(iter(raw), keys, 6), Settings())
        assert all(len(problem.splitlines()) == 1 and len(problem) < LONGEST_ERROR for problem in problems), problems
        return found

    return one, [bytes(range(i, 256, 7)) for i in range(7)]


def _plain(raw: Iterator[int], keys: list[str], depth: int) -> Any:
    """Plain data, as it comes out of JSON, spelt by bytes; half of its keys are of settings."""
    kind = next(raw, 0) % (8 if depth else 6)
    if kind == 7:
        return [_plain(raw, keys, depth - 1) for _ in range(next(raw, 0) % 4)]
    if kind == 6:
        names = [next(raw, 0) for _ in range(next(raw, 0) % 8)]
        return {keys[n % len(keys)] if n < 200 else chr(n) * n: _plain(raw, keys, depth - 1) for n in names}
    if kind == 5:
        return "".join(chr(next(raw, 0)) for _ in range(next(raw, 0) % 8))
    return ODD_VALUES[next(raw, 0) % len(ODD_VALUES)] if kind > 1 else next(raw, 0) - 100


def _source(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    from tinycoder.workspace import python_file, tree

    place = scratch / "source.py"
    seeds = [b"def f():\n    return 1\n", b"\xef\xbb\xbfx = 1\n", b"# coding: latin-1\nx = '\xe9'\n", b"\xff\xfex\0"]
    seeds += [f"# -*- coding: {name} -*-\nx = 'a-b.c\\N'\n".encode() for name in ("utf-7", "punycode", "idna", "cp037")]
    seeds += [b"password = 'hunter2hunter2X9'\ntoken: str = \"aB3dE5gH7jK9mN1p\"\nurl = 'http://u:p4ssW0rd9@h'\n"]

    def one(raw: bytes) -> object:
        place.write_bytes(raw)
        return python_file.read_file(tree.SourceFile(location=place, path="source.py", n_bytes=len(raw)))

    return one, seeds


def _ignore(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    from tinycoder.workspace import ignore

    def one(raw: bytes) -> object:
        (scratch / ".gitignore").write_bytes(raw)
        rules = ignore.rules_in(scratch, ignore.NO_RULES, {})
        root = ignore.slashed(scratch)
        return [ignore.is_ignored(f"{root}/{name}", rules) for name in ("a.py", "a/b/", "a" * 60 + ".py")]

    return one, [b"*.py\n!a.py\n/b/\n", b"**/a/**\n[a-z]*\n", b"\\!x\n#c\na/**/b/\n"]


def _git_config(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    from tinycoder.workspace import ignore

    for folder in ("objects", "refs"):
        (scratch / ".git" / folder).mkdir(parents=True)
    (scratch / ".git" / "HEAD").write_text("ref: refs/heads/main\n")

    def one(raw: bytes) -> object:
        (scratch / ".git" / "config").write_bytes(raw)
        return ignore.rules_in(scratch, ignore.NO_RULES, {"HOME": str(scratch)})

    seeds = [
        b"[core]\n\texcludesFile = ~/x ; y\n",
        b'[include]\npath = config\n[includeIf "gitdir:./**/"]\npath=".git/config"\n',
    ]
    return one, [*seeds, b'[remote "o"]\nurl = a\\\nb\n[includeIf "hasconfig:remote.*.url:a*"]\n path = ~a/b\n']


def _git_index(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    from tinycoder.workspace.git import index

    def one(raw: bytes) -> object:
        (scratch / "index").write_bytes(raw)
        return index.read_index(scratch / "index", index.SHA1)

    entry = bytes(26) + b"\x81\xa4" + bytes(32)
    plain = b"DIRC\0\0\0\x02\0\0\0\x01" + entry + b"\0\x04a.py" + bytes(6) + bytes(20)
    packed = b"DIRC\0\0\0\x04\0\0\0\x02" + entry + b"\0\x04\0a.py\0" + entry + b"\0\x04\x04b.py\0" + bytes(20)
    assert len(index.read_index(_written(scratch / "seed", packed), index.SHA1).files) == 2
    return one, [plain, packed]


def _written(file: Path, raw: bytes) -> Path:
    file.write_bytes(raw)
    return file


def _mixer(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    from tinycoder.memory.mixer import Mixer, to_tables
    from tinycoder.memory.mixer_file import load_mixer

    file = scratch / "mixer.json"

    def one(raw: bytes) -> object:
        file.write_bytes(raw)
        return load_mixer(file)

    return one, [json.dumps(to_tables(Mixer())).encode(), b"{}", b"[]"]


def _index(scratch: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    import numpy as np

    from tinycoder.memory.index_file import Index, IndexedFile, load_index, save_index
    from tinycoder.memory.suffix_index import MAX_MATCH, NO_ID, TokenCorpus

    file = scratch / "index.safetensors"
    ids = np.concatenate([np.full(MAX_MATCH, NO_ID, np.int32), np.array([3, 2, 1, 0], np.int32)])
    corpus = TokenCorpus(ids, ids.copy(), ("a.py",), (MAX_MATCH,))
    known = IndexedFile(path="a.py", n_bytes=3, mtime_ns=1, digest="00", start=MAX_MATCH)
    index = Index(tokenizer_digest="d", vocab_size=9, files=(known,), corpus=corpus)
    save_index(file, index)
    seed = file.read_bytes()

    def one(raw: bytes) -> object:
        file.write_bytes(raw)
        return load_index(file, tokenizer_digest="d", vocab_size=9)

    return one, [seed]


READERS = {
    "config.json reader": Reader(make=_file_reader("config.json", _load), runs=(150_000, 10_000)),
    "training.json reader": Reader(make=_file_reader("training.json", _summary), runs=(100_000, 5_000)),
    "model.safetensors reader": Reader(
        make=_file_reader("model.safetensors", _load), runs=(10_000, 600), longest=16_384
    ),
    "optimizer.safetensors reader": Reader(
        make=_file_reader("optimizer.safetensors", _load_state), runs=(150_000, 8_000)
    ),
    "tokenizer.json reader": Reader(make=_tokenizer, runs=(120_000, 4_000), longest=65_536),
    "settings reader": Reader(make=_settings, runs=(200_000, 10_000), longest=256),
    "source reader": Reader(make=_source, runs=(200_000, 8_000)),
    ".gitignore reader": Reader(make=_ignore, runs=(15_000, 800), longest=200),
    "git config reader": Reader(make=_git_config, runs=(10_000, 500), longest=400),
    "git index reader": Reader(make=_git_index, runs=(60_000, 2_500), longest=400),
    "mixer reader": Reader(make=_mixer, runs=(60_000, 2_500), longest=32_768),
    "index reader": Reader(make=_index, runs=(120_000, 4_000)),
}


def _cut_files(scratch: Path, step: int) -> Count:
    """Each file of a folder, cut after each of its bytes."""
    folder = _sound_folder(scratch / "model")
    count = Count(what="files cut short", wanted=0)
    for name, read in (
        ("config.json", _load),
        ("model.safetensors", _load),
        ("tokenizer.json", _load),
        ("training.json", _summary),
        ("optimizer.safetensors", _load_state),
    ):
        raw = (folder / name).read_bytes()
        for n in range(0, len(raw), step):
            (folder / name).write_bytes(raw[:n])
            count.done += 1
            if fault := _fault(lambda read=read: read(folder)):  # type: ignore[misc]
                count.faults.append(f"{name} cut after {n} bytes: {fault}")
        (folder / name).write_bytes(raw)
    count.wanted = count.done
    return _memory_fault(count)


def _odd_things(scratch: Path) -> Count:
    """Links, folders, pipes, sockets, devices and files far too large in the place of each file of a folder."""
    from tinycoder.storage.checkpoint import FILES
    from tinycoder.storage.models import copy_model, remove_model

    outside = scratch / "outside"
    outside.mkdir(parents=True)
    (outside / "secret").write_bytes(SECRET)
    things: dict[str, Callable[[Path], object]] = {
        "a link outside": lambda file: file.symlink_to(outside / "secret"),
        "a relative link outside": lambda file: file.symlink_to("../../outside/secret"),
        "a link to a folder": lambda file: file.symlink_to(outside),
        "a link to itself": lambda file: file.symlink_to(file),
        "a dangling link": lambda file: file.symlink_to(outside / "none"),
        "a link to a device": lambda file: file.symlink_to("/dev/zero"),
        "a folder": lambda file: file.mkdir(),
        "a pipe": lambda file: os.mkfifo(file),
        "a socket": _socket,
        "an endless file": _endless,
        "brackets": lambda file: file.write_bytes(b"[" * 100_000),
        "objects": lambda file: file.write_bytes(b'{"a":' * 100_000),
        "a long header": lambda file: file.write_bytes((2**63).to_bytes(8, "little") + b"{}"),
        "no rights": lambda file: (file.write_bytes(b"{}"), file.chmod(0)),
    }
    count = Count(what="odd things for files", wanted=len(things) * len(FILES) * 5)
    for name in sorted(FILES):
        for what, put in things.items():
            folder = _sound_folder(scratch / "models" / "m")
            (folder / name).unlink()
            put(folder / name)
            copied = scratch / "models" / "copied"
            for act in (
                lambda folder=folder: _load(folder),
                lambda folder=folder: _load_state(folder),
                lambda folder=folder: _summary(folder),
                lambda folder=folder, copied=copied: copy_model(folder, copied),
                lambda folder=folder: remove_model(folder),
            ):
                count.done += 1
                if fault := _fault(act):
                    count.faults.append(f"{what} for {name}: {fault}")
            if any(SECRET in file.read_bytes() for file in copied.rglob("*") if file.is_file()):
                count.faults.append(f"{what} for {name}: the copy holds what lies outside")
            shutil.rmtree(scratch / "models")
    if (outside / "secret").read_bytes() != SECRET:
        count.faults.append("what lies outside was changed")
    return _memory_fault(count)


def _endless(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(2**40)


def _socket(file: Path) -> None:
    before = Path.cwd()
    os.chdir(file.parent)  # a socket's whole path may have some hundred characters only
    with suppress(OSError), socket.socket(socket.AF_UNIX) as made:
        made.bind(file.name)
    os.chdir(before)


def _changed_folders(scratch: Path, wanted: int) -> Count:
    """Sound folders in which one thing of a JSON file, or of the header of the weights, is another."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    folder = _sound_folder(scratch / "model")
    whole = {name: (folder / name).read_bytes() for name in ("config.json", "tokenizer.json", "training.json")}
    weights = (folder / "model.safetensors").read_bytes()
    n_header = int.from_bytes(weights[:8], "little")
    data = {name: json.loads(raw) for name, raw in whole.items()}
    data["model.safetensors"] = json.loads(weights[8 : 8 + n_header])
    paths = [(name, path) for name, value in data.items() for path in _paths(value)]
    values = st.one_of(
        st.sampled_from(ODD_VALUES),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.lists(st.integers(-9, 2**64), max_size=3),
    )
    count = Count(what="folders with one thing changed", wanted=wanted)

    @settings(
        max_examples=wanted, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(paths), st.sampled_from(("set", "drop", "add", "twice")), values)
    def trial(place: tuple[str, tuple[Any, ...]], how: str, value: Any) -> None:
        name, path = place
        text = _changed(data[name], path, how, value)
        if name == "model.safetensors":
            raw = text.encode("utf-8", "surrogatepass")
            (folder / name).write_bytes(len(raw).to_bytes(8, "little") + raw + weights[8 + n_header :])
        else:
            (folder / name).write_text(text, "utf-8")
        for read in (_load, _summary):
            if fault := _fault(lambda: read(folder)):  # noqa: B023
                count.faults.append(f"{name} {path} {how} {str(value)[:40]!r}: {fault}")
        count.done += 1
        (folder / name).write_bytes(weights if name == "model.safetensors" else whole[name])

    while count.done < wanted:  # it may find that there is nothing new before that
        before = count.done
        trial()
        if count.done == before:
            break
    return _memory_fault(count)


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values in plain data are; of long lists and tables the first few."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inner)[:12]:
        yield (*above, key)
        yield from _paths(one, (*above, key))


def _changed(data: Any, path: tuple[Any, ...], how: str, value: Any) -> str:
    """``data`` as JSON, with one value set, dropped, added beside it, or given twice."""
    made = copy.deepcopy(data)
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if how == "drop":
        del inner[path[-1]]
    elif isinstance(inner, list):
        inner.insert(path[-1], value) if how in ("add", "twice") else inner.__setitem__(path[-1], value)
    elif how == "add":
        inner[f"{path[-1]}2"] = value
    elif how == "twice":
        text = json.dumps(made)
        return f"{{{json.dumps(path[0])}: {json.dumps(value)}, {text[1:]}"
    else:
        inner[path[-1]] = value
    return json.dumps(made)


def _mutations(seeds: list[bytes], rng: random.Random, longest: int) -> Iterator[bytes]:
    """Plain mutations without end: some bytes of a seed changed, cut, doubled, or replaced by a token."""
    while True:
        raw = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            at, n = rng.randint(0, len(raw)), rng.randint(0, 8)
            kind = rng.randrange(4)
            if kind == 0:
                raw[at : at + n] = rng.randbytes(n)
            elif kind == 1:
                del raw[at : at + rng.choice((1, n, 100))]
            elif kind == 2:
                raw[at:at] = raw[at : at + 50]
            else:
                raw[at : at + n] = rng.choice(TOKENS).encode()
        yield bytes(raw[:longest])


def _read_made_up(name: str, n_runs: int, seed: int, scratch: Path) -> None:
    """Give one reader ``n_runs`` inputs, by atheris if it is here. Ends the process."""
    import logging

    logging.disable()
    reader = READERS[name]
    try:
        import atheris
    except ImportError:
        print("without coverage", file=sys.stderr)
        one, seeds = reader.make(scratch)
        for raw in itertools.islice(_mutations(seeds, random.Random(seed), reader.longest), n_runs):
            if fault := _fault(lambda raw=raw: one(raw)):  # type: ignore[misc]
                (scratch / "found-input").write_bytes(raw)
                sys.exit(f"Exception: {fault}")
        if (used := resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024) > MEGABYTES:
            sys.exit(f"Exception: the process held {used} MB")
        print(f"Done {n_runs} runs")
        return
    with atheris.instrument_imports(include=["tinycoder", "tinycoder_lsp", "tinycoder_training"]):
        one, seeds = reader.make(scratch)
    corpus = scratch / "corpus"
    corpus.mkdir()
    for i, raw in enumerate(
        [
            *seeds,
            *(raw for _, raw in zip(range(200), _mutations(seeds, random.Random(seed), reader.longest), strict=False)),
        ]
    ):
        (corpus / f"{i:04}").write_bytes(raw)
    words = "".join('"' + "".join(f"\\x{byte:02x}" for byte in token.encode()[:60]) + '"\n' for token in TOKENS)
    (scratch / "words").write_text(words)

    def trial(raw: bytes) -> None:
        with _own_errors():
            one(raw)

    options = [
        f"-runs={n_runs}",
        f"-seed={seed}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-timeout={SECONDS}",
        f"-max_len={reader.longest}",
        f"-dict={scratch / 'words'}",
        f"-artifact_prefix={scratch}/found-",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], trial)
    atheris.Fuzz()


if __name__ == "__main__":
    _read_made_up(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
