import keyword

from hypothesis import given
from hypothesis import strategies as st

from tinycoder.symbols.module_names import ModuleNames


def names_of(*paths: str, **options) -> dict[str, tuple[str, ...]]:
    names = ModuleNames(paths, **options)
    return {path: names.names(path) for path in paths}


def test_a_package_begins_at_the_top_of_its_chain():
    found = names_of("app/__init__.py", "app/web/__init__.py", "app/web/views.py")
    assert found == {
        "app/__init__.py": ("app",),
        "app/web/__init__.py": ("app.web",),
        "app/web/views.py": ("app.web.views",),
    }


def test_src_is_a_root_and_no_part_of_the_name():
    found = names_of("src/app/__init__.py", "src/app/core.py", "src/plain/one.py", "setup.py")
    assert found["src/app/core.py"][0] == "app.core"
    assert found["src/plain/one.py"][0] == "plain.one"


def test_each_project_of_a_monorepository_has_its_own_root():
    found = names_of("packages/one/src/one/__init__.py", "packages/two/setup.py", "packages/two/two/pkg/mod.py")
    assert found["packages/one/src/one/__init__.py"][0] == "one"
    assert found["packages/two/two/pkg/mod.py"][0] == "two.pkg.mod"


def test_a_folder_without_init_is_a_namespace_package():
    names = ModuleNames(["src/acme/tools/__init__.py", "src/acme/other/mod.py", "python/acme/third.py"])
    found = names.find("acme")
    assert found.is_namespace
    assert names.submodules("acme") == ("other", "third", "tools")
    assert names.find("acme.other.mod") is not None


def test_tests_and_scripts_import_their_neighbours_by_bare_names():
    names = ModuleNames(["tests/helpers.py", "tests/test_a.py", "scripts/run.py"])
    assert names.names("tests/helpers.py") == ("helpers", "tests.helpers")
    assert names.names("scripts/run.py")[0] == "run"


def test_the_canonical_name_is_the_one_that_is_imported():
    used = {"tests.helpers": 3, "helpers": 1}
    assert names_of("tests/helpers.py", n_imports=used)["tests/helpers.py"][0] == "tests.helpers"


def test_of_two_conftests_the_nearest_is_meant():
    names = ModuleNames(["conftest.py", "tests/conftest.py", "tests/unit/conftest.py"])
    for near, path in [
        ("tests/unit/test_a.py", "tests/unit/conftest.py"),
        ("tests/test_a.py", "tests/conftest.py"),
        ("main.py", "conftest.py"),
    ]:
        found = names.find("conftest", near)
        assert found.path == path


def test_of_two_modules_of_one_name_far_away_one_is_chosen_whatever_the_order():
    paths = ["a/x-1/helpers.py", "a/x-2/helpers.py"]
    chosen = {ModuleNames(order).find("helpers", "b/c.py") for order in (paths, paths[::-1])}
    assert len(chosen) == 1


def test_any_folder_above_the_asking_file_may_be_where_it_is_run():
    names = ModuleNames(["backend/services/auth/api.py", "backend/main.py"])
    found = names.find("services.auth.api", "backend/main.py")
    assert found.path == "backend/services/auth/api.py"
    assert names.find("services.auth.api", "other.py") is None


def test_a_module_in_a_package_has_no_bare_name():
    names = ModuleNames(["app/__init__.py", "app/json.py"])
    assert names.find("json", "app/main.py") is None


def test_names_that_cannot_be_written_are_none():
    found = names_of("my-dir/a-b.py", "class/x.py", "pkg/__init__.py", "pkg/import.py", "my-dir/ok.py")
    assert found["my-dir/a-b.py"] == ()
    assert found["pkg/import.py"] == ()
    assert found["class/x.py"] == ("x",)
    assert found["my-dir/ok.py"] == ("ok",)


def test_several_workspace_folders():
    names = ModuleNames(["one/src/app/__init__.py", "two/tool.py"], roots=("one/", "two/"))
    assert names.names("one/src/app/__init__.py")[0] == "app"
    assert names.names("two/tool.py") == ("tool",)


def test_names_in_other_alphabets():
    assert names_of("größe/maß.py")["größe/maß.py"] == ("größe.maß", "maß")


def test_a_python_file_is_read_before_its_stub_and_a_package_before_a_module():
    names = ModuleNames(["a.py", "a.pyi", "b.py", "b/__init__.py"])
    a, b = names.find("a"), names.find("b")
    assert (a.path, b.path) == ("a.py", "b/__init__.py")


PARTS = st.sampled_from(["a", "b", "src", "tests", "x-y", "class", "__init__", "é"])


@given(st.sets(st.lists(PARTS, min_size=1, max_size=4).map(lambda parts: "/".join(parts) + ".py"), max_size=12))
def test_each_name_is_an_identifier_that_leads_to_a_file(paths):
    names = ModuleNames(paths)
    for path in paths:
        for name in names.names(path):
            assert all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))
            found = names.find(name, path)
            assert found.path in paths or found.is_namespace
            assert names.submodules(name) == tuple(sorted(names.submodules(name)))
