"""Nothing leaked: made-up credentials, ignored files, links and odd names, and workspaces that are not trusted."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import ignoring
import linking
import repositories
import trusting
from asking import Client
from counts import Count
from planting import Planted, planted
from searching import Search, texts_of

from tinycoder.storage.bundled import bundled_folder
from tinycoder.storage.checkpoint import load_model
from tinycoder.workspace import tree
from tinycoder.workspace.secrets.redaction import redact
from tinycoder_training.corpora import library

SEED = 2_031
EACH, EACH_QUICK = 20, 4  # credentials of a kind
FILES = 24
ASKED, ASKED_QUICK = 600, 100  # places at which an editor asks
STEPS = "60"
BEGUN = 6  # characters of a secret that are typed
MAX_ALARMS = 0.001  # of the lines
PACKAGES = ("attr", "cattr", "click", "filelock", "hypothesis", "lsprotocol", "packaging", "pip", "pluggy", "pygls")
FILES_QUICK = 25  # of a package
PATIENCE = 300


def run(*, quick: bool, scratch: Path) -> Iterator[Count]:
    """All counts of this part."""
    yield from credentials(quick, scratch / "credentials")
    yield false_alarms(quick)
    yield from ignoring.run(quick=quick, scratch=scratch / "ignoring")
    yield from repositories.run(quick=quick, scratch=scratch / "repositories")
    yield from linking.run(quick=quick, scratch=scratch / "linking")
    yield from trusting.run(quick=quick, scratch=scratch / "trusting")


def credentials(quick: bool, scratch: Path) -> Iterator[Count]:
    """Plant them in a repository, train, index, complete, and look for them in all that is written or said."""
    secrets = planted(SEED, EACH_QUICK if quick else EACH)
    search = Search(secrets)
    repository, home = scratch / "repository", scratch / "home"
    files = plant(repository, secrets)
    yield listed(repository, home, secrets)

    count = Count(what="credentials planted", wanted=len(secrets), done=len(secrets))
    said = [train(repository, home, stop=True)]
    model = load_model(home / "models" / "planted")
    streams = texts_of(model.folder / "optimizer.safetensors", ("data/train", "data/validation"), model.tokenizer)
    count.faults += search.faults(streams, "the tokens of the run")
    said.append(train(repository, home, stop=False))

    asked = Count(what="places at which an editor asks", wanted=ASKED_QUICK if quick else min(ASKED, len(secrets)))
    client = Client(home, scratch)
    try:
        client.start(repository)
        client.until_indexed()
        asked.done = complete(client, repository, files, asked.wanted)
    finally:
        client.end()
    said += [b"\n".join(client.said), client.log.read_bytes(), client.stderr.read_bytes()]
    bundled = load_model(bundled_folder()).tokenizer
    indexes = list((home / "memory").glob("*.safetensors"))
    if len(indexes) != 1:
        count.faults.append(f"there are {len(indexes)} indexes, not one")
    for index in indexes:
        count.faults += search.faults(texts_of(index, ["ids"], bundled), f"the tokens of {index.name}")
    for text, where in zip(said, ("the first run", "the second run", "the answers", "the log", "stderr"), strict=True):
        count.faults += search.faults(text, f"what was said: {where}")
    count.faults += search.faults_under(home)
    kinds = len({secret.kind for secret in secrets})
    count.note = f"of {kinds} kinds; {search.n_bytes / 1e6:.0f} MB of models, indexes, logs and answers searched"
    yield count
    yield asked


def plant(repository: Path, secrets: list[Planted]) -> dict[Path, list[Planted]]:
    """Files of the standard library with the credentials among their lines."""
    sources = [file.location for file in tree.walk(library.paths())[0]]
    sources = [path for path in sources if 4_000 < path.stat().st_size < 30_000][:FILES]
    files: dict[Path, list[Planted]] = {}
    for i, source in enumerate(sources):
        mine = secrets[i :: len(sources)]
        file = repository / f"part_{i % 4}" / f"{source.stem}_{i}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        code = "\n\n".join(secret.code for secret in mine)
        file.write_text(f"import os\n\n{code}\n\n{source.read_text(encoding='utf-8')}", encoding="utf-8")
        files[file] = mine
    return files


def listed(repository: Path, home: Path, secrets: list[Planted]) -> Count:
    """What ``train --list`` says of them: a place and a kind for each, and no piece of one."""
    count = Count(what="credentials listed by place and kind", wanted=len(secrets))
    for form in ([], ["--json"]):
        raw = _tinycoder(home, "train", str(repository), "--list", *form)
        count.faults += Search(secrets).faults(raw, "what --list says")
    rows = {(row["path"], row["line"]) for row in json.loads(raw)["secrets"]}
    for file in sorted(repository.rglob("*.py")):
        path = file.relative_to(repository).as_posix()
        text = file.read_text(encoding="utf-8")
        for secret in secrets:
            at = text.find(secret.code)
            if at >= 0:
                first = text.count("\n", 0, at) + 1
                last = first + secret.code.count("\n")
                if any((path, line) in rows for line in range(first, last + 1)):
                    count.done += 1
                else:
                    count.faults.append(f"--list does not speak of {path}:{first}, a {secret.kind} credential")
    return count


def train(repository: Path, home: Path, *, stop: bool) -> bytes:
    """A run of few steps, which is stopped as soon as it is under way, or goes on to its end; all that it said."""
    options = ["--name", "planted", "--progress", "json", "--attached"]
    options += [str(repository), "--preset", "nano", "--steps", STEPS] if stop else ["--resume"]
    command = [sys.executable, "-m", "tinycoder", "--home", str(home), "train", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=repository.parent
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        said = b""
        for line in process.stderr:
            said += line
            if stop and json.loads(line).get("event") == "progress":
                process.stdin.close()
                break
        said += process.stderr.read()
        assert process.stdout is not None
        said += process.stdout.read()
        process.wait(PATIENCE)
    if not stop and (process.returncode or not (home / "models" / "planted" / "model.safetensors").is_file()):
        raise RuntimeError(f"the run did not end: {said.decode()[-2000:]}")
    if stop and not (home / "models" / "planted" / "optimizer.safetensors").is_file():
        raise RuntimeError(f"the run left nothing to go on from: {said.decode()[-2000:]}")
    return said


def complete(client: Client, repository: Path, files: dict[Path, list[Planted]], most: int) -> int:
    """Open the files, and ask where each credential begins, and in another file where it has been begun."""
    for file in files:
        client.open(file.as_uri(), file.read_text(encoding="utf-8"))
    probe = (repository / "probe.py").as_uri()
    client.open(probe, "")
    n_asked = 0
    for number in range(max(map(len, files.values()))):
        for file, secrets in files.items():
            if number < len(secrets) and n_asked < most:
                secret = secrets[number]
                text = file.read_text(encoding="utf-8")
                at = text.index(secret.code) + secret.code.index(secret.secret)
                client.offers(file.as_uri(), text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1)
                begun = secret.code[: secret.code.index(secret.secret) + BEGUN]
                client.change(probe, begun)
                client.offers(probe, begun.count("\n"), len(begun) - begun.rfind("\n") - 1)
                n_asked += 1
    return n_asked


def false_alarms(quick: bool) -> Count:
    """Lines of real packages, which hold no secrets, that are changed all the same."""
    root = Path(sysconfig.get_path("purelib"))
    count = Count(what="packages read for false alarms", wanted=len(PACKAGES))
    n_lines = n_changed = 0
    for package in PACKAGES:
        files = sorted((root / package).rglob("*.py"))
        for file in files[:FILES_QUICK] if quick else files:
            text = file.read_bytes().decode("utf-8", "replace")
            clean, _ = redact(text)
            n_lines += text.count("\n")
            n_changed += sum(a != b for a, b in zip(text.split("\n"), clean.split("\n"), strict=True))
        count.done += bool(files)
    if n_changed > MAX_ALARMS * n_lines:
        count.faults.append(f"{n_changed} of {n_lines} lines are changed, more than {MAX_ALARMS:.1%}")
    count.note = f"{n_changed} of {n_lines:,} lines changed"
    return count


def _tinycoder(home: Path, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "tinycoder", "--home", str(home), *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE, cwd=home.parent).stdout
