/** The manifest fits the code. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { COMMANDS } from "../src/menu";
import { ASK } from "../src/protocol";
import { REMOTE_SETTINGS } from "../src/settings";
import { WANTED } from "../src/version";

interface Manifest {
  version: string;
  icon: string;
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
  contributes: {
    commands: { command: string; category: string }[];
    menus: { commandPalette: { command: string }[] };
    configurationDefaults: Record<string, Record<string, unknown>>;
    configuration: { properties: Record<string, { markdownDescription?: string; default?: unknown; scope?: string }> };
    walkthroughs: { steps: { id: string; description: string; when?: string; media: { svg: string } }[] }[];
  };
}

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const declared = manifest.contributes.commands.map(({ command }) => command);
const { properties } = manifest.contributes.configuration;

test("the commands are declared, and none has the id of one of the server's", () => {
  assert.deepEqual([...declared].sort(), Object.values(COMMANDS).sort());
  assert.deepEqual(
    declared.filter((command) => (Object.values(ASK) as string[]).includes(command)),
    [],
  );
  assert(manifest.contributes.commands.every(({ category }) => category === "TinyCoder"));
});

test("palette and walkthrough name commands that exist", () => {
  const steps = manifest.contributes.walkthroughs.flatMap(({ steps }) => steps);
  const linked = steps.flatMap(({ description }) =>
    [...description.matchAll(/command:(tinycoder\.\w+)/g)].map((match) => match[1]),
  );
  const listed = manifest.contributes.menus.commandPalette.map(({ command }) => command);
  assert.deepEqual(
    [...linked, ...listed].filter((command) => !declared.includes(command ?? "")),
    [],
  );
});

test("the walkthrough begins with a completion, unless there is no server", () => {
  const steps = manifest.contributes.walkthroughs.flatMap(({ steps }) => steps);
  const always = steps.filter(({ when }) => when === undefined).map(({ id }) => id);
  assert.deepEqual(always, ["complete", "train", "statistics"]);
  assert.equal(steps.find(({ id }) => id === "install")?.when, "tinycoder.phase == 'missing'");
});

test("pictures exist", () => {
  const pictures = manifest.contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.svg));
  assert.deepEqual(
    [manifest.icon, ...pictures].filter((path) => !existsSync(path)),
    [],
  );
});

test("settings are described, and trust is none of them", () => {
  for (const [name, setting] of Object.entries(properties)) {
    assert(name.startsWith("tinycoder.") && setting.markdownDescription && "default" in setting && setting.scope, name);
  }
  assert(!("tinycoder.trusted" in properties));
});

test("only one of the editor's settings has another default: its word list, in Python", () => {
  assert.deepEqual(manifest.contributes.configurationDefaults, {
    "[python]": { "editor.wordBasedSuggestions": "off" },
  });
});

test("settings that choose a program or a model are restricted in untrusted workspaces", () => {
  const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.deepEqual(
    restrictedConfigurations.filter((name) => !(name in properties)),
    [],
  );
  assert(restrictedConfigurations.includes("tinycoder.server.command"));
  assert(restrictedConfigurations.includes("tinycoder.python"));
});

test("no workspace can say where code is sent", () => {
  const names = Object.keys(properties).filter((name) => name.startsWith("tinycoder.remote."));
  assert.deepEqual(names, REMOTE_SETTINGS.map((name) => `tinycoder.remote.${name}`));
  assert(names.every((name) => properties[name]?.scope === "application"));
});

test("extension and supported server have the same version", () => {
  assert(manifest.version.startsWith(`${WANTED.major}.${WANTED.minor}.`));
});
