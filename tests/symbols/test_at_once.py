import os
import threading
from pathlib import Path

from tinycoder.symbols.project import Project, WorkspaceFile
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.world import World


def test_answers_go_on_while_files_are_read_and_documents_are_typed(tmp_path):
    for n in range(40):
        (tmp_path / f"m{n}.py").write_text(f"from m{(n + 1) % 40} import *\nclass Kind{n}: ...\n", encoding="utf-8")
    files = [WorkspaceFile(path=file.name, location=file) for file in (tmp_path / f"m{n}.py" for n in range(40))]
    project = Project()
    world = World(project)
    project.refresh(files)
    done = threading.Event()
    faults: list[BaseException] = []

    def answer() -> None:
        try:
            while not done.is_set():
                view = world.view("m1.py")
                assert {f"Kind{n}" for n in range(40)} <= set(view.public("m0"))
                assert view.resolve("m0", "Kind39") is not None
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(30):
        file: Path = files[n].location
        os.utime(file, ns=(n, n))
        project.refresh(files)
        typed = read_source(f"from m{(n + 1) % 40} import *\nclass Kind{n}:\n    x = {n}\n")
        assert typed is not None
        project.open(files[n].path, typed)
    done.set()
    for thread in threads:
        thread.join()
    assert not faults
