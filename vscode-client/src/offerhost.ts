/** What an offer to train needs of the editor, by the editor's own API. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";
import { COMMANDS } from "./menu";
import type { OfferHost } from "./offer";
import { SECTION } from "./protocol";
import { type Entry, holdPython } from "./pythonfiles";
import type { Facts } from "./status";
import { after } from "./timers";

export function newOfferHost({ workspaceState, globalState }: vscode.ExtensionContext, facts: () => Facts): OfferHost {
  return {
    facts,
    now: () => Date.now(),
    after,
    workspace: workspaceState,
    everywhere: globalState,
    isWorthIt: async () => !isModelChosen() && (await holdPython(folders(), list)),
    ask: (words, answers) => vscode.window.showInformationMessage(words, ...answers),
    train: () => void vscode.commands.executeCommand(COMMANDS.trainWorkspace),
  };
}

/** Whether the settings name a model; a trained one would then not be used. */
function isModelChosen(): boolean {
  return Boolean(vscode.workspace.getConfiguration(SECTION).get("model"));
}

function folders(): string[] {
  const uris = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri);
  return uris.filter((uri) => uri.scheme === "file").map((uri) => uri.fsPath);
}

async function list(folder: string): Promise<Entry[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.map((entry) => ({
    path: join(folder, entry.name),
    name: entry.name,
    isFolder: entry.isDirectory(), // links are not followed: they may form a circle
  }));
}
