import assert from "node:assert/strict";
import { test } from "node:test";
import { findServer, type Machine, type SearchRequest } from "../src/server";

const NOTHING: SearchRequest = { command: [], folders: ["/code"], pythons: [], trusted: true };

function machine(programs: readonly string[], changes: Partial<Machine> = {}): Machine {
  return {
    platform: "linux",
    environment: { PATH: "/usr/bin:relative:/opt/bin" },
    home: "/home/me",
    isProgram: (path) => programs.includes(path),
    realPath: (path) => path,
    ...changes,
  };
}

function command(request: Partial<SearchRequest>, where: Machine): string | undefined {
  return findServer({ ...NOTHING, ...request }, where).server?.command;
}

test("the places are searched in order: chosen Python, folder, active environment, PATH, the user's programs", () => {
  const places = [
    "/chosen/bin/tinycoder",
    "/code/.venv/bin/tinycoder",
    "/code/venv/bin/tinycoder",
    "/active/bin/tinycoder",
  ];
  places.push("/usr/bin/tinycoder", "/opt/bin/tinycoder", "/home/me/.local/bin/tinycoder");
  const environment = { PATH: "/usr/bin:relative:/opt/bin", VIRTUAL_ENV: "/active" };
  for (let i = 0; i < places.length; i++) {
    assert.equal(command({ pythons: ["/chosen/bin/python"] }, machine(places.slice(i), { environment })), places[i]);
  }
});

test("an environment may be named by its folder", () => {
  assert.equal(command({ pythons: ["/chosen"] }, machine(["/chosen/bin/tinycoder"])), "/chosen/bin/tinycoder");
});

test("a relative folder on PATH is not searched", () => {
  assert.equal(command({}, machine(["relative/tinycoder"])), undefined);
});

test("on Windows programs have an ending and environments another folder", () => {
  const where = (program: string): Machine =>
    machine([program], { platform: "win32", environment: { Path: "C:\\tools;D:\\more" }, home: "C:\\Users\\me" });
  for (const program of [
    "C:\\w\\.venv\\Scripts\\tinycoder.exe",
    "D:\\more\\tinycoder.exe",
    "C:\\p\\Scripts\\tinycoder.exe",
  ]) {
    assert.equal(command({ folders: ["C:\\w"], pythons: ["C:\\p\\python.exe"] }, where(program)), program);
  }
  assert.equal(command({ command: ["python"] }, where("D:\\more\\python.exe")), "D:\\more\\python.exe");
});

test("the server is told to serve, once", () => {
  const where = machine(["/usr/bin/python3", "/usr/bin/tinycoder"]);
  const args = (words: string[]): readonly string[] | undefined =>
    findServer({ ...NOTHING, command: words }, where).server?.args;
  assert.deepEqual(args([]), ["serve"]);
  assert.deepEqual(args(["python3", "-m", "tinycoder"]), ["-m", "tinycoder", "serve"]);
  assert.deepEqual(args(["tinycoder", "serve", "--log-level", "debug"]), ["serve", "--log-level", "debug"]);
});

test("a configured command may name the home and the folder", () => {
  const where = machine(["/home/me/bin/tc", "/code/$&/tc"]);
  assert.equal(command({ command: ["~/bin/tc"] }, where), "/home/me/bin/tc");
  assert.equal(command({ command: ["${workspaceFolder}/tc"], folders: ["/code/$&"] }, where), "/code/$&/tc");
});

test("a configured command that is not there is said, and nothing else is tried", () => {
  const finding = findServer({ ...NOTHING, command: ["./tc"] }, machine(["/usr/bin/tinycoder"]));
  assert(finding.server === undefined);
  assert.match(finding.problem, /tinycoder\.server\.command names \.\/tc/);
  assert.equal(finding.remedy, "settings");
});

test("without a server it is said how to install one", () => {
  const finding = findServer(NOTHING, machine([]));
  assert(finding.server === undefined);
  assert.match(finding.problem, /pipx install/);
  assert.equal(finding.remedy, "install");
});

test("nothing out of a workspace that is not trusted is run", () => {
  const trusted = false;
  const inside = "/code/.venv/bin/tinycoder";
  const links = { realPath: (path: string) => (path === "/usr/bin/tinycoder" ? inside : path) };
  const environment = { PATH: "/code/bin", VIRTUAL_ENV: "/code/.venv" };
  for (const where of [machine([inside]), machine([inside], { environment }), machine(["/usr/bin/tinycoder"], links)]) {
    const finding = findServer({ ...NOTHING, trusted }, where);
    assert(finding.server === undefined);
    assert.equal(finding.remedy, "trust");
  }
  for (const words of [["${workspaceFolder}/tc"], ["python3", "${workspaceFolder}/tc.py"]]) {
    assert.equal(command({ command: words, trusted }, machine(["/code/tc", "/usr/bin/python3"])), undefined);
  }
});

test("in a workspace that is not trusted a server elsewhere is run", () => {
  const programs = ["/code/.venv/bin/tinycoder", "/codebench/bin/tinycoder"];
  const environment = { PATH: "/codebench/bin" };
  assert.equal(command({ trusted: false }, machine(programs, { environment })), "/codebench/bin/tinycoder");
});
