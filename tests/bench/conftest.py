"""The benchmarks are scripts next to the packages, so that each is imported by its file, as if it were run."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
Load = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def load() -> Load:
    """A script by its path under benchmarks/, without its suffix; its neighbours can be imported while it is."""

    def load(path: str) -> ModuleType:
        file = BENCHMARKS / f"{path}.py"
        name = file.stem if file.stem != file.parent.name else f"{file.stem}_command"
        if getattr(sys.modules.get(name), "__file__", None) == str(file):
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        sys.path.insert(0, str(file.parent))
        try:
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(file.parent))
        return module

    return load
