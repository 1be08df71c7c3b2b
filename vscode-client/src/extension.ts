/** Puts the parts together when the editor starts the extension, and takes them apart at its end. */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { registerCommands } from "./commands";
import { newDesk } from "./desk";
import { Offer } from "./offer";
import { SECTION } from "./protocol";
import { onPythonChosen } from "./python";
import { Session } from "./session";
import type { Facts, Look } from "./status";
import { StatusBar } from "./statusbar";

/** What other extensions, and tests, can ask. */
export interface Api {
  client(): LanguageClient | undefined;
  /** What the status bar shows, and from which facts. */
  status(): Facts & Look;
}

let session: Session | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<Api> {
  const log = vscode.window.createOutputChannel("TinyCoder", { log: true });
  const own = (session = new Session(log));
  const bar = new StatusBar(own);
  const offer = new Offer(newDesk(context, () => own.facts));
  const set = newContext();
  const draw = (): void => {
    bar.draw();
    set("phase", own.facts.phase);
    if (own.facts.latency !== null) set("hasSuggested", true);
  };
  context.subscriptions.push(
    log,
    own,
    bar,
    offer,
    registerCommands(own, log, vscode.Uri.joinPath(context.extensionUri, "media", "icon.svg")),
    own.onDidChange(draw),
    vscode.window.onDidChangeActiveTextEditor((editor) => {
      bar.draw();
      if (editor !== undefined) void own.focus(editor.document);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration(SECTION)) return;
      bar.draw();
      if (event.affectsConfiguration(`${SECTION}.server`)) void own.relocate();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void own.trust()),
  );
  draw();
  // Not awaited: the editor, and the commands, should not wait for a server that loads a model.
  void own.start();
  void onPythonChosen(() => void own.relocate()).then((listener) => context.subscriptions.push(listener));
  return { client: () => own.client, status: () => ({ ...bar.facts, ...bar.look }) };
}

/** Sets what the manifest's conditions ask for, of the command palette and the walkthrough; each value once. */
function newContext(): (name: string, value: unknown) => void {
  const values = new Map<string, unknown>();
  return (name, value) => {
    if (values.get(name) === value) return;
    values.set(name, value);
    void vscode.commands.executeCommand("setContext", `${SECTION}.${name}`, value);
  };
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}
