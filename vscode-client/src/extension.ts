/** Create the parts when the editor activates the extension, and stop the server at its end. */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { registerCommands } from "./commands";
import { newOfferHost } from "./offerhost";
import { Offer } from "./offer";
import { SECTION } from "./protocol";
import { onPythonChosen } from "./python";
import { Session } from "./session";
import type { Facts, Look } from "./status";
import { StatusBar } from "./statusbar";
import { after } from "./timers";

/** The interface for other extensions and for tests. */
export interface Api {
  client(): LanguageClient | undefined;
  /** The look of the status bar, and the facts behind it. */
  status(): Facts & Look;
}

/** Milliseconds for which a cursor rests before the server is told where it is. */
const ARRIVED_MS = 50;

let session: Session | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<Api> {
  const log = vscode.window.createOutputChannel("TinyCoder", { log: true });
  const own = (session = new Session(log));
  const bar = new StatusBar(own);
  const offer = new Offer(newOfferHost(context, () => own.facts));
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
    onDidArrive((editor, position) => void own.arrive(editor.document, position)),
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

/** Call when the cursor of an editor has moved by no edit, and has rested. */
function onDidArrive(call: (editor: vscode.TextEditor, position: vscode.Position) => void): vscode.Disposable {
  let cancel = (): void => undefined;
  const known = new WeakMap<vscode.TextDocument, number>(); // the version of a document when its cursor moved last
  const moved = vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
    cancel();
    const { document } = textEditor;
    const { version } = document;
    const edited = known.has(document) && known.get(document) !== version; // a key moves the cursor too
    known.set(document, version);
    if (edited) return;
    cancel = after(ARRIVED_MS, () => {
      const selection = selections[0];
      if (document.version === version && selection?.isEmpty === true) call(textEditor, selection.active);
    });
  });
  return vscode.Disposable.from(moved, { dispose: () => cancel() });
}

/** Return a setter of the manifest's context values (command palette, walkthrough); unchanged values are not sent. */
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
