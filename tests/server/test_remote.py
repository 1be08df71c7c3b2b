"""Ghost text from a server: who may name one, what it is sent, and what happens when it fails."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.completions import Completions, completions
from tests.server.raw_client import PATIENT, RawClient
from tinycoder.errors import ConfigError
from tinycoder.storage.forget_list import add_forgotten
from tinycoder_lsp.configuration import all_settings
from tinycoder_lsp.logs import set_log_level
from tinycoder_lsp.manifest import manifest_properties
from tinycoder_lsp.remote.address import Address, address_of
from tinycoder_lsp.settings import RemoteSettings

KEY = "k-0123456789-secret"
VOUCHES = {"experimental": {"tinycoder": {"personalRemote": True}}}
QUICK = {"inline": {"deadlineMs": 3000}}  # of which the server has half: for servers that answer later or never


@pytest.fixture
def server() -> Iterator[Completions]:
    with completions() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "models" / "stub").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def ask(start: Callable[..., RawClient], home: Path) -> Callable[..., RawClient]:
    """A server of ours whose person has these settings of ``remote``."""

    def ask(options: dict[str, Any] = PATIENT, env: dict[str, str] | None = None, **remote: str) -> RawClient:
        lines = [f"{key} = {json.dumps(value)}" for key, value in remote.items()]
        (home / "settings.toml").write_text("\n".join(["[remote]", *lines]), encoding="utf-8")
        client = start(home=home, env={**os.environ, **(env or {})})
        client.initialize(initializationOptions=options)
        return client

    return ask


def texts(items: list[dict[str, Any]]) -> list[str]:
    return [item["insertText"] for item in items]


def said(client: RawClient) -> list[str]:
    return [message["message"] for message in client.shown_messages()]


def test_ghost_text_comes_from_the_server(ask: Callable[..., RawClient], server: Completions) -> None:
    client = ask(url=server.url, model="other")
    uri = client.open("# new\nab\ncd")
    assert texts(client.ghost(uri, 1, 2)) == ["ab_served"]
    assert server.paths == ["/v1/completions"]
    assert server.asked[0]["prompt"] == "# new\nab"
    assert server.asked[0]["suffix"] == "\ncd"
    assert (server.asked[0]["model"], server.asked[0]["temperature"]) == ("other", 0)
    assert "authorization" not in server.headers[0]
    assert said(client) == []


def test_the_list_stays_here(ask: Callable[..., RawClient], server: Completions) -> None:
    client = ask(url=server.url)
    assert client.popup(client.open("# new\nab"), 1, 2)[0]["label"] == "ab_tail"
    assert server.asked == []


def test_of_several_the_server_writes_the_first(ask: Callable[..., RawClient], server: Completions) -> None:
    client = ask(url=server.url)
    assert texts(client.ghost(client.open("# new\nab"), 1, 2, triggerKind=1)) == ["ab_served", "ab_tail", "ab_tail"]


def test_what_does_not_fit_is_written_here(ask: Callable[..., RawClient], server: Completions) -> None:
    server.text = "unfit"
    client = ask(url=server.url)
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    assert said(client) == []


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("slow", "did not answer in time"),
        ("silent", "did not answer in time"),
        ("nonsense", "no completion"),
        ("half", "no completion"),
        ("huge", "no completion"),
        ("cut", "cannot be reached, or broke off"),
        ("401", "refuses the key (401); look at tinycoder.remote.keyEnv"),
        ("403", "refuses the key (403)"),
        ("404", "knows no model 'other' or no such request (404)"),
        ("500", "answered with an error (500)"),
        ("501", "does not fill in the middle (501)"),
        ("302", "answered with an error (302)"),
    ],
)
def test_a_server_that_fails_is_mentioned_once_and_left_alone(
    ask: Callable[..., RawClient], server: Completions, mode: str, words: str
) -> None:
    server.mode = mode
    client = ask(QUICK if mode in ("slow", "silent") else PATIENT, url=server.url, model="other")
    uri = client.open("# new\nab")
    assert texts(client.ghost(uri, 1, 2)) == ["ab_tail"]
    n_asked = len(server.asked)
    for n in range(4):
        client.send(client.change(uri, client.edit(1, 2 + n, 2 + n, "c"), version=2 + n))
        assert texts(client.ghost(uri, 1, 3 + n)) == [f"ab{'c' * (n + 1)}_tail"]
    assert len(server.asked) == n_asked <= 2  # it is not asked again so soon
    (message,) = said(client)
    assert words in message
    assert "ab" not in message  # no code


def test_a_server_that_is_gone_is_mentioned_once(ask: Callable[..., RawClient], server: Completions) -> None:
    client = ask(url=server.url)
    uri = client.open("# new\nab")
    assert texts(client.ghost(uri, 1, 2)) == ["ab_served"]
    server.shutdown()
    server.server_close()
    server.mode = "cut"
    client.send(client.change(uri, client.edit(1, 2, 2, "c")))
    assert texts(client.ghost(uri, 1, 3)) == ["abc_tail"]
    (message,) = said(client)
    assert "cannot be reached" in message


def test_a_server_that_knows_neither_suffix_nor_probabilities_is_asked_without(
    ask: Callable[..., RawClient], server: Completions
) -> None:
    server.mode = "pickier"
    client = ask(url=server.url)
    uri = client.open("# new\nab\ncd")
    other = client.open("# new\nef\ngh", "file:///somewhere/b.py")
    assert texts(client.ghost(uri, 1, 2) + client.ghost(other, 1, 2)) == ["ab_served", "ef_served"]
    assert ["suffix" in body for body in server.asked] == [True, False, False]
    assert said(client) == []


@pytest.mark.parametrize(("mode", "n_tries"), [("picky", 2), ("pickier", 3)])
def test_a_known_model_gets_its_marks_where_the_server_refuses_a_suffix(
    ask: Callable[..., RawClient], server: Completions, mode: str, n_tries: int
) -> None:
    server.mode = mode
    client = ask(url=server.url, model="starcoder2")
    uri = client.open("# new\nab\ncd")
    other = client.open("# new\nef\ngh", "file:///somewhere/b.py")
    assert texts(client.ghost(uri, 1, 2) + client.ghost(other, 1, 2)) == ["ab_served", "ef_served"]
    tries = [("suffix" in body, body["prompt"].startswith("<fim_prefix>")) for body in server.asked]
    steps = [(True, False), (False, True), (False, False)][:n_tries]
    assert tries == [*steps, steps[-1]]  # what it took is asked from then on
    assert said(client) == []


def test_a_request_that_a_key_overtakes_is_closed(ask: Callable[..., RawClient], server: Completions) -> None:
    server.mode = "silent"
    client = ask(url=server.url)
    uri = client.open("# new\nab")
    number = client.request(
        "textDocument/inlineCompletion", client.position(uri, 1, 2) | {"context": {"triggerKind": 2}}
    )
    assert server.came.acquire(timeout=30)
    client.send(client.change(uri, client.edit(1, 2, 2, "c")))
    assert client.answer(number)["result"]["items"] == []
    assert server.closed.acquire(timeout=30)
    server.mode = "well"
    assert texts(client.ghost(uri, 1, 3)) == ["abc_served"]
    assert said(client) == []


def test_a_request_that_is_cancelled_is_closed(ask: Callable[..., RawClient], server: Completions) -> None:
    server.mode = "silent"
    client = ask(url=server.url)
    uri = client.open("# new\nab")
    number = client.request(
        "textDocument/inlineCompletion", client.position(uri, 1, 2) | {"context": {"triggerKind": 2}}
    )
    assert server.came.acquire(timeout=30)
    client.notify("$/cancelRequest", {"id": number})
    assert client.answer(number)["error"]["code"] == -32800
    assert server.closed.acquire(timeout=30)


def test_requests_that_keys_overtake_at_once_are_no_fault(ask: Callable[..., RawClient], server: Completions) -> None:
    server.mode = "silent"
    client = ask(url=server.url)
    uri = client.open("# new\nab")
    for n in range(9):
        params = client.position(uri, 1, 2 + n) | {"context": {"triggerKind": 2}}
        number = client.request("textDocument/inlineCompletion", params)
        assert server.came.acquire(timeout=30)
        client.send(client.change(uri, client.edit(1, 2 + n, 2 + n, "c"), version=2 + n))
        assert client.answer(number)["result"]["items"] == []
    server.mode = "well"
    assert texts(client.ghost(uri, 1, 11)) == ["ab" + "c" * 9 + "_served"]
    assert said(client) == []


def test_leaving_while_the_server_thinks(ask: Callable[..., RawClient], server: Completions) -> None:
    server.mode = "silent"
    client = ask(url=server.url)
    uri = client.open("# new\nab")
    client.request("textDocument/inlineCompletion", client.position(uri, 1, 2) | {"context": {"triggerKind": 2}})
    assert server.came.acquire(timeout=30)
    assert client.leave() == 0
    assert "Traceback" not in client.log()


def test_the_key_is_sent_and_reaches_no_log(ask: Callable[..., RawClient], server: Completions) -> None:
    server.mode = "500"
    options = {**PATIENT, "logLevel": "debug"}
    client = ask(options, env={"TEAM_KEY": KEY}, url=server.url, keyEnv="TEAM_KEY")
    client.ghost(client.open("# new\ncode_of_mine = ab"), 1, 17)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    heard = client.log() + json.dumps(client.notices)
    assert "answered with an error (500)" in heard
    assert KEY not in heard
    assert "code_of_mine" not in heard


def test_at_every_level_the_clients_loggers_keep_silent_about_requests() -> None:
    set_log_level("debug")
    assert not any(logging.getLogger(name).isEnabledFor(logging.INFO) for name in ("httpx", "httpcore.http11"))


def test_a_file_that_is_to_be_forgotten_is_not_sent(
    ask: Callable[..., RawClient], server: Completions, home: Path
) -> None:
    private = home / "project" / "private.py"
    private.parent.mkdir()
    private.write_text("ab", encoding="utf-8")
    add_forgotten(home, [private])
    client = ask(url=server.url)
    assert texts(client.ghost(client.open("# new\nab", private.as_uri()), 1, 2)) == ["ab_tail"]
    assert server.asked == []


def test_without_a_list_of_what_is_to_be_forgotten_nothing_is_sent(
    ask: Callable[..., RawClient], server: Completions, home: Path
) -> None:
    (home / "forgotten.json").write_text("{", encoding="utf-8")
    client = ask(url=server.url)
    uri = client.open("# new\nab")
    assert texts(client.ghost(uri, 1, 2) + client.ghost(uri, 1, 2)) == ["ab_tail", "ab_tail"]
    assert server.asked == []
    assert client.log().count("no server is sent code") == 1
    (home / "forgotten.json").unlink()
    client.send(client.change(uri, client.edit(1, 2, 2, "c")))
    assert texts(client.ghost(uri, 1, 3)) == ["abc_served"]


def test_an_editors_settings_name_no_server(ask: Callable[..., RawClient], server: Completions) -> None:
    sent = {"remote": {"url": server.url}}
    client = ask({**PATIENT, **sent})
    client.configure(**sent)
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    assert server.asked == []
    lines = [notice["params"]["message"] for notice in client.notices if notice["method"] == "window/logMessage"]
    (line,) = [line for line in lines if "are not taken from the editor" in line]
    assert "settings.toml" in line


def test_nor_does_a_project(ask: Callable[..., RawClient], server: Completions, home: Path) -> None:
    project = home / "project"
    project.mkdir()
    table = f'[tool.tinycoder]\nremote.url = "{server.url}"\n'
    (project / "pyproject.toml").write_text(table, encoding="utf-8")
    (home / "settings.toml").write_text("", encoding="utf-8")
    client = ask()
    client.change_folders(added=[{"uri": project.as_uri(), "name": "project"}])
    client.until(lambda: any("remote concerns one person's machine" in str(notice) for notice in client.notices))
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    assert server.asked == []


def test_an_editor_that_vouches_for_its_settings_names_one(
    start: Callable[..., RawClient], home: Path, server: Completions
) -> None:
    (home / "settings.toml").write_text('[remote]\nurl = "http://127.0.0.1:9"\n', encoding="utf-8")
    client = start(home=home)
    client.initialize(VOUCHES, initializationOptions={**PATIENT, "remote": {"url": server.url}})
    uri = client.open("# new\nab")
    assert texts(client.ghost(uri, 1, 2)) == ["ab_served"]
    client.configure()
    client.configure(remote={"url": None})
    assert texts(client.ghost(uri, 1, 2)) == ["ab_tail"]


def test_a_workspace_that_spells_the_settings_differently_names_none(
    start: Callable[..., RawClient], home: Path, server: Completions
) -> None:
    url = {"url": server.url}
    hidden = {"tinycoder": {"remote": url}, "remote.url": server.url, "tinycoder.remote.url": server.url}
    client = start(home=home)
    client.initialize(VOUCHES, initializationOptions={**hidden, **PATIENT, "remote": {"url": None}})
    client.configure(**PATIENT, remote={"url": None}, **hidden)
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    assert server.asked == []


def test_the_file_of_a_person_is_followed_while_it_changes(
    ask: Callable[..., RawClient], server: Completions, home: Path
) -> None:
    client = ask()
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    (home / "settings.toml").write_text(f'[remote]\nurl = "{server.url}"\n', encoding="utf-8")
    uri = client.open("# new\ncd", "file:///somewhere/b.py")
    assert texts(client.ghost(uri, 1, 2)) == ["cd_served"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[remote", "is not TOML"),
        ("[remote]\nurl = 3", "remote.url is 3"),
        ("[remote]\nhost = 'x'", "remote.host is unknown"),
        ("[other]\nx = 1", "the table other is unknown"),
        ("# " + "x" * 100_000, "is too long"),
    ],
)
def test_a_mistake_in_that_file_is_a_line_in_the_log(
    start: Callable[..., RawClient], home: Path, text: str, words: str
) -> None:
    (home / "settings.toml").write_text(text, encoding="utf-8")
    client = start(home=home)
    client.initialize()
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    lines = [notice["params"]["message"] for notice in client.notices if notice["method"] == "window/logMessage"]
    (line,) = [line for line in lines if words in line]
    assert "settings.toml" in line


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        ({"url": "nonsense"}, "is no address of a server"),
        ({"url": "http://team.example:8000"}, 'set tinycoder.remote.allowHost to "team.example"'),
        ({"url": "http://127.0.0.1:9", "keyEnv": "NOT_THERE"}, "is not set to a key"),
        ({"url": "http://xn--a.com", "allowHost": "xn--a.com"}, "nothing can be sent to"),
        ({"url": "http://127.0.0.1/" + "a" * 70_000}, "nothing can be sent to"),
    ],
)
def test_a_server_that_may_not_be_asked_is_mentioned_once(
    ask: Callable[..., RawClient], remote: dict[str, str], words: str
) -> None:
    client = ask(**remote)
    client.configure()
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    (message,) = said(client)
    assert words in message


def test_without_httpx_it_is_said_what_to_install(ask: Callable[..., RawClient], home: Path) -> None:
    (home / "without").mkdir()
    (home / "without" / "httpx.py").write_text("raise ImportError\n", encoding="utf-8")
    client = ask(env={"PYTHONPATH": str(home / "without")}, url="http://127.0.0.1:9")
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]
    (message,) = said(client)
    assert "pipx inject tinycoder httpx" in message


def test_without_a_server_httpx_is_not_imported(ask: Callable[..., RawClient], home: Path) -> None:
    (home / "without").mkdir()
    (home / "without" / "httpx.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    client = ask(env={"PYTHONPATH": str(home / "without")})
    assert texts(client.ghost(client.open("# new\nab"), 1, 2)) == ["ab_tail"]


def test_the_status_says_where_code_goes(ask: Callable[..., RawClient], server: Completions) -> None:
    here = ask(url=server.url)
    status = here.notice("didChangeStatus", busy=False)
    assert status["message"].endswith(f"Ghost text comes from the server {server.url[7:]} on this machine.")
    assert status["remote"] is None
    away = ask(url="https://team.example", allowHost="team.example")
    status = away.notice("didChangeStatus", busy=False)
    assert "Code leaves this machine: ghost text comes from team.example" in status["message"]
    assert status["remote"] == "team.example"
    none = ask().notice("didChangeStatus", busy=False)
    assert "Ghost text" not in none["message"]


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:8080", "http://127.9.9.9", "http://localhost:1/", "http://[::1]:8080/v1/"),
        "https://LOCALHOST/api/v1",
    ],
)
def test_this_machine_needs_no_permission(url: str) -> None:
    address = address_of(RemoteSettings(url=url), {})
    assert address is not None
    assert address.is_here
    assert not address.base.endswith(("/", "/v1"))


@pytest.mark.parametrize(
    "url",
    [
        *("http://team.example", "http://10.0.0.7:8000", "http://localhost.example", "http://127.0.0.1.example"),
        *("http://0.0.0.0", "http://[fe80::1]", "http://localhost.", "http://2130706433", "https://127.1"),
    ],
)
def test_any_other_machine_does_and_only_the_one_that_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match="allowHost"):
        address_of(RemoteSettings(url=url, allow_host="other.example"), {})
    with pytest.raises(ConfigError) as caught:
        address_of(RemoteSettings(url=url), {})
    host = str(caught.value).split('"')[1]
    address = address_of(RemoteSettings(url=url, allow_host=host), {})
    assert address is not None
    assert not address.is_here


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http:///v1", "http://127.0.0.1:port", "http://[::1"),
        *("http://127.0.0.1:99999", "file:///etc/passwd", "http://127.0.0.1/\n", "http://ä.example", "javascript:x"),
        *("http://me:secret@127.0.0.1", "http://127.0.0.1/?key=secret", "http://127.0.0.1/#x"),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match=r"tinycoder\.remote\.url") as caught:
        address_of(RemoteSettings(url=url, allow_host=url), {})
    assert "secret" not in str(caught.value)


def test_the_key_is_not_shown() -> None:
    settings = RemoteSettings(url="http://127.0.0.1", key_env="TEAM_KEY")
    address = address_of(settings, {"TEAM_KEY": f" {KEY}\n"})
    assert isinstance(address, Address)
    assert address.key == KEY
    assert KEY not in repr(address)


@pytest.mark.parametrize("value", ["", " ", "a\nb: c", "schlüssel"])
def test_what_cannot_be_a_key_is_refused_without_being_repeated(value: str) -> None:
    with pytest.raises(ConfigError, match="keyEnv") as caught:
        address_of(RemoteSettings(url="http://127.0.0.1", key_env="TEAM_KEY"), {"TEAM_KEY": value})
    assert value.strip() not in str(caught.value) or not value.strip()


def test_in_vs_code_no_workspace_sets_any_of_it() -> None:
    of_remote = {name for name in manifest_properties() if name.startswith("tinycoder.remote.")}
    assert len(of_remote) == 5
    scopes = {name: schema["scope"] for name, schema in manifest_properties().items()}
    assert {name for name, scope in scopes.items() if scope == "application"} == of_remote
    assert of_remote <= {setting.name for setting in all_settings()}
