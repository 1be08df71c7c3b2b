/** Find the server's program on this machine. The disk is read through `Machine`. */

import { posix, win32 } from "node:path";
import { HOW_TO_INSTALL } from "./install";

/** What the search needs of the machine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Whether this is an executable file. */
  isProgram(path: string): boolean;
  /** The path without links; itself if there is nothing. */
  realPath(path: string): string;
}

/** What the editor knows of the server's location. */
export interface SearchRequest {
  /** The setting `tinycoder.server.command`: program and arguments, or empty. */
  readonly command: readonly string[];
  /** The workspace's folders on this machine. */
  readonly folders: readonly string[];
  /** The interpreters, or their environments, that are chosen for these folders. */
  readonly pythons: readonly string[];
  readonly trusted: boolean;
}

export interface Server {
  readonly command: string;
  readonly args: readonly string[];
}

/** A server, or one sentence on why there is none, and the kind of remedy. */
export type Finding = { readonly server: Server } | NotFound;

export interface NotFound {
  readonly server: undefined;
  readonly problem: string;
  readonly remedy: "install" | "settings" | "trust";
}

/** Find the server: setting, Python environments of the workspace, active environment, PATH, user's programs. */
export function findServer(request: SearchRequest, machine: Machine): Finding {
  if (request.command.length > 0) return configured(request, machine);
  const programs = candidates(request, machine).filter((path) => machine.isProgram(path));
  const allowed = programs.find((path) => mayRun(path, request, machine));
  if (allowed !== undefined) return { server: { command: allowed, args: ["serve"] } };
  const refused = programs[0];
  if (refused !== undefined) return untrusted(refused);
  return { server: undefined, problem: HOW_TO_INSTALL, remedy: "install" };
}

/** The command of the settings; if it is wrong, nothing else is tried. */
function configured(request: SearchRequest, machine: Machine): Finding {
  const parts = request.command.map((part) => expanded(part, request, machine));
  const [name = "", ...args] = parts;
  const command = lookUp(name, machine);
  if (command === undefined) {
    const problem = `The setting tinycoder.server.command names ${name}, which is no program on this machine.`;
    return { server: undefined, problem, remedy: "settings" };
  }
  const refused = [command, ...args].find((part) => !mayRun(part, request, machine));
  if (refused !== undefined) return untrusted(refused);
  return { server: { command, args: args.includes("serve") ? args : [...args, "serve"] } };
}

function expanded(part: string, request: SearchRequest, machine: Machine): string {
  const home = part.replace(/^~(?=$|[\\/])/, () => machine.home);
  return home.replaceAll("${workspaceFolder}", () => request.folders[0] ?? "");
}

/** The path of a program; a bare name is searched for on PATH, a relative path is refused. */
function lookUp(name: string, machine: Machine): string | undefined {
  const { isAbsolute, join } = paths(machine);
  const names = machine.platform === "win32" ? [name, `${name}.exe`] : [name];
  const folders = /[\\/]/.test(name) ? [] : searchPath(machine);
  const options = isAbsolute(name) ? names : folders.flatMap((folder) => names.map((one) => join(folder, one)));
  return options.find((path) => machine.isProgram(path));
}

function candidates(request: SearchRequest, machine: Machine): string[] {
  const { join } = paths(machine);
  const { environment } = machine;
  const inFolders = request.folders.flatMap((folder) => [".venv", "venv", "env"].map((name) => join(folder, name)));
  const active = [environment["VIRTUAL_ENV"], environment["CONDA_PREFIX"]].filter((path) => path !== undefined);
  const programFolders = [...searchPath(machine), join(machine.home, ".local", "bin")];
  return [
    ...request.pythons.flatMap((python) => nextToPython(python, machine)),
    ...[...inFolders, ...active].map((prefix) => programOf(prefix, machine)),
    ...programFolders.map((folder) => join(folder, executable(machine))),
  ];
}

/** Where an interpreter's scripts may be. The path may be the interpreter's or its environment's. */
function nextToPython(python: string, machine: Machine): string[] {
  const { dirname, join } = paths(machine);
  const folder = dirname(python);
  return [join(folder, executable(machine)), programOf(folder, machine), programOf(python, machine)];
}

function programOf(prefix: string, machine: Machine): string {
  return paths(machine).join(prefix, machine.platform === "win32" ? "Scripts" : "bin", executable(machine));
}

function executable(machine: Machine): string {
  return machine.platform === "win32" ? "tinycoder.exe" : "tinycoder";
}

/** The folders of PATH, without relative ones, which depend on the current folder. */
function searchPath(machine: Machine): string[] {
  const { delimiter, isAbsolute } = paths(machine);
  const value = machine.environment["PATH"] ?? machine.environment["Path"] ?? "";
  return value.split(delimiter).filter((folder) => isAbsolute(folder));
}

/** Whether a program may run: one inside a workspace only once the workspace is trusted. */
function mayRun(path: string, request: SearchRequest, machine: Machine): boolean {
  const { isAbsolute } = paths(machine);
  if (request.trusted || !isAbsolute(path)) return true;
  const spellings = [path, machine.realPath(path)];
  const folders = request.folders.flatMap((folder) => [folder, machine.realPath(folder)]);
  return !spellings.some((spelling) => folders.some((folder) => isInside(spelling, folder, machine)));
}

function isInside(path: string, folder: string, machine: Machine): boolean {
  const { isAbsolute, relative, sep } = paths(machine);
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function untrusted(path: string): NotFound {
  const problem = `TinyCoder's server at ${path} is inside this workspace, and starts once you trust the workspace.`;
  return { server: undefined, problem, remedy: "trust" };
}

function paths(machine: Machine): typeof posix {
  return machine.platform === "win32" ? win32 : posix;
}
