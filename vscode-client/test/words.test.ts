/** The small modules that turn one text into another. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLogLine } from "../src/logline";
import { choices } from "../src/models";
import { guarded } from "../src/page";
import type { Model } from "../src/protocol";
import { forServer, ownRemote, REMOTE_SETTINGS, texts, toggled } from "../src/settings";
import { versionProblem } from "../src/version";

test("the server gets its own settings and whether the workspace is trusted", () => {
  const section = { enable: true, server: { command: ["x"] }, trace: { server: "off" }, trusted: true };
  assert.deepEqual(forServer(section, false, {}), { enable: true, trusted: false, remote: {} });
  assert.deepEqual(forServer(null, true, {}), { trusted: true, remote: {} });
});

test("the server is told the editor's Python, unless the person named one or the workspace is not trusted", () => {
  assert.deepEqual(forServer({ python: null }, true, {}, "/env/bin/python"), { python: "/env/bin/python", trusted: true, remote: {} });
  assert.deepEqual(forServer({}, true, {}, "/env"), { python: "/env", trusted: true, remote: {} });
  assert.deepEqual(forServer({ python: "/mine" }, true, {}, "/env"), { python: "/mine", trusted: true, remote: {} });
  assert.deepEqual(forServer({ python: null }, false, {}, "/env"), { python: null, trusted: false, remote: {} });
  assert.deepEqual(forServer({ python: null }, true, {}), { python: null, trusted: true, remote: {} });
});

test("a setting of texts becomes a list, whatever was written", () => {
  assert.deepEqual(texts(["a", "b"]), ["a", "b"]);
  assert.deepEqual(texts("/bin/tinycoder"), ["/bin/tinycoder"]);
  for (const nothing of [undefined, null, "", [], [""], { a: 1 }, [1]]) assert.deepEqual(texts(nothing), []);
});

test("a value is put into a list, or taken out", () => {
  assert.deepEqual(toggled(["a"], "b"), ["a", "b"]);
  assert.deepEqual(toggled(["a", "b"], "a"), ["b"]);
});

test("servers of the same line fit, others are named with what to upgrade", () => {
  const of = (version?: string): string | undefined =>
    versionProblem({ name: "tinycoder", ...(version ? { version } : {}) });
  for (const version of ["0.1.0", "0.1.12", "0.1.0rc1", "0.1"]) assert.equal(of(version), undefined);
  for (const version of ["0.0.9", "0.2.0", "1.1.0"]) assert.match(of(version) ?? "", new RegExp(`is ${version}`));
  assert.match(of("0.0.9") ?? "", /Upgrade the server/);
  assert.match(of("0.2.0") ?? "", /Upgrade the extension/);
  for (const version of [undefined, "new"]) assert.match(of(version) ?? "", /does not report its version/);
});

test("another server is not taken for TinyCoder", () => {
  assert.match(versionProblem({ name: "pyright", version: "0.1.0" }) ?? "", /is pyright, not TinyCoder/);
  assert.match(versionProblem(undefined) ?? "", /without a name/);
});

test("a page gets its policy before anything that the policy could forbid", () => {
  const pages = [
    "<!doctype html><html lang=en><head lang=en><style>p{}</style></head><p>x",
    "<HTML><p>x",
    "<header>x</header>",
  ];
  for (const page of pages) {
    const html = guarded(page);
    const policy = html.indexOf("Content-Security-Policy");
    assert(policy > 0 && policy < html.search(/<style|<p>|<header/));
    assert.match(html, /default-src 'none'/);
  }
});

test("the model in use is marked, and one that is damaged comes last and says why", () => {
  const model: Model = {
    name: "a",
    recipe: "code",
    parameters: 1_066_112,
    bitsPerByte: 1.5275,
    written: "2026-11-23T22:23:00Z",
    current: false,
    problem: null,
  };
  const bad = {
    ...model,
    name: "bad",
    written: "2027-01-01T00:00:00Z",
    bitsPerByte: null,
    problem: "config.json is damaged",
    recipe: null,
    parameters: null,
  };
  const list = choices([
    bad,
    model,
    { ...model, name: "mine", current: true, written: "2025-01-01T00:00:00Z", parameters: 4000 },
  ]);
  assert.deepEqual(
    list.map(({ name }) => name),
    [null, "mine", "a", "bad"],
  );
  assert.match(list[1]?.label ?? "", /\$\(check\) mine \(in use\)/);
  assert.equal(list[2]?.description, "1.528 bits/byte · 1.1 M parameters · 2026-11-23");
  assert.equal(list[3]?.detail, "config.json is damaged");
  assert.equal(list[3]?.description, "2027-01-01");
});

test("the list says what the bundled model knows", () => {
  const model = { parameters: null, bitsPerByte: null, written: "", current: true, problem: null };
  const [automatic, base] = choices([{ ...model, name: "base", recipe: "code" }]);
  assert.match(automatic?.detail ?? "", /own model, else base/);
  assert.match(base?.detail ?? "", /Python in general/);
});

test("a line of the log has its level, and a traceback that of the line before", () => {
  const line = "2026-11-24 10:00:00,123 WARNING tinycoder_lsp.session: odd";
  assert.deepEqual(parseLogLine(line, "info"), { level: "warn", text: "tinycoder_lsp.session: odd" });
  assert.deepEqual(parseLogLine("  File x", "error"), { level: "error", text: "  File x" });
});

test("the server that gets code is the person's own choice, whatever the workspace says", () => {
  const section = { enable: true, remote: { url: "http://workspace.example", allowHost: "workspace.example" } };
  const person: Record<string, unknown> = { "remote.url": "http://127.0.0.1:8080", "remote.kind": "llama.cpp" };
  const nothing = Object.fromEntries(REMOTE_SETTINGS.map((name) => [name, null]));
  const remote = { ...nothing, url: "http://127.0.0.1:8080", kind: "llama.cpp" };
  assert.deepEqual(forServer(section, true, ownRemote((name) => person[name])), {
    enable: true,
    trusted: true,
    remote,
  });
  assert.deepEqual(forServer(section, true, ownRemote(() => undefined))["remote"], nothing);
});

test("keys that only look like settings reach no server: they are the workspace's, whatever their name", () => {
  const url = "http://workspace.example";
  const section = {
    "remote.url": url,
    "tinycoder.remote.url": url,
    "tinycoder.trusted": true,
    "popup.limit": 3,
    tinycoder: { remote: { url }, trusted: true },
    remote: { url },
    trusted: true,
    model: "mine",
  };
  const sent = forServer(section, false, { url: null });
  assert.deepEqual(sent, { model: "mine", trusted: false, remote: { url: null } });
  assert.deepEqual(Object.keys(sent).slice(-2), ["trusted", "remote"]);
});
