/** The language client for this server: its settings, its measurements, and its log. */

import { homedir } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import * as vscode from "vscode";
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  RevealOutputChannelOn,
  type StaticFeature,
  TransportKind,
} from "vscode-languageclient/node";
import type { Latency } from "./latency";
import { type Level, parseLogLine } from "./logline";
import { LANGUAGES, SECTION } from "./protocol";
import type { Server } from "./server";
import { forServer, ownRemote } from "./settings";

/** Documents in which the server completes: files, new documents, and the cells of notebooks. */
export const SELECTOR = LANGUAGES.flatMap((language) =>
  ["file", "untitled", "vscode-notebook-cell"].map((scheme) => ({ scheme, language })),
);

/** Events of the client for its owner. */
export interface Listener {
  /** The connection ended unexpectedly. */
  closed(): void;
  /** The server wrote a line of an error or a traceback. */
  errorLine(line: string): void;
  /** Per cent of the workspace that has been read; null at the end. */
  indexing(percentage: number | null): void;
}

/** The Python that the editor currently knows for the workspace. */
export type KnownPython = () => string | undefined;

/**
 * Tells the server to show no messages about its status: the extension shows them, with buttons. Also that what it
 * sends of `remote` is the person's own.
 */
const STATUS_FEATURE: StaticFeature = {
  fillClientCapabilities: (capabilities) => {
    const others = capabilities.experimental as Record<string, unknown> | undefined;
    capabilities.experimental = { ...others, [SECTION]: { status: true, personalRemote: true } };
  },
  initialize: () => undefined,
  getState: () => ({ kind: "static" }),
  clear: () => undefined,
};

/** Errors only go to the log; the session reports problems once, in a person's words. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** Create a client, which can be started once. */
export function newClient(
  server: Server,
  log: vscode.LogOutputChannel,
  latency: Latency,
  listener: Listener,
  python: KnownPython,
): LanguageClient {
  const options: LanguageClientOptions = {
    documentSelector: SELECTOR,
    initializationOptions: currentSettings(python),
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        listener.closed();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
    stdioOptions: { stdout: () => undefined, stderr: (stream) => copyLog(stream, log, listener) },
    middleware: middleware(latency, listener, python, () => client),
  };
  // Not in the workspace's folder: Python would import modules from there. The environment is not given here,
  // since the client writes these options to messages.
  const program = {
    command: server.command,
    args: [...server.args],
    transport: TransportKind.stdio,
    options: { cwd: homedir() },
  };
  const client: LanguageClient = new QuietClient(SECTION, "TinyCoder", program, options);
  client.registerFeature(STATUS_FEATURE);
  return client;
}

/** Send the current settings. */
export async function sendSettings(client: LanguageClient, python: KnownPython): Promise<void> {
  const settings = { [SECTION]: currentSettings(python) };
  await client.sendNotification(DidChangeConfigurationNotification.type, { settings });
}

function currentSettings(python: KnownPython): Record<string, unknown> {
  return toSend(vscode.workspace.getConfiguration().get(SECTION), python);
}

function toSend(section: unknown, python: KnownPython): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration(SECTION);
  const remote = ownRemote((name) => configuration.inspect(name)?.globalValue);
  return forServer(section, vscode.workspace.isTrusted, remote, python());
}

function middleware(
  latency: Latency,
  listener: Listener,
  python: KnownPython,
  client: () => LanguageClient,
): Middleware {
  let reading: string | number | undefined; // the token of the progress bar of indexing
  return {
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      if (context.triggerKind === vscode.InlineCompletionTriggerKind.Automatic && hasSelection(document)) return [];
      return latency.measure(
        async () => next(document, position, context, token),
        (result) => !token.isCancellationRequested && isFull(result),
      );
    },
    handleWorkDoneProgress: (token, params, next) => {
      if (params.kind === "begin" && params.title.includes("indexing")) reading = token;
      if (token === reading) {
        listener.indexing(params.kind === "end" ? null : (params.percentage ?? 0));
        if (params.kind === "end") reading = undefined;
      }
      next(token, params);
    },
    workspace: {
      configuration: async (params, token, next) => {
        const values = await next(params, token);
        if (!Array.isArray(values)) return values;
        return values.map((value: unknown, index) =>
          params.items[index]?.section === SECTION ? toSend(value, python) : value,
        );
      },
      didChangeConfiguration: async () => sendSettings(client(), python),
    },
  };
}

/** Whether text is selected in the document, as that of a snippet's placeholder is: the next key replaces it. */
function hasSelection(document: vscode.TextDocument): boolean {
  const active = vscode.window.activeTextEditor;
  return active?.document === document && active.selections.some((selection) => !selection.isEmpty);
}

function isFull(result: vscode.InlineCompletionItem[] | vscode.InlineCompletionList | null | undefined): boolean {
  return (Array.isArray(result) ? result : (result?.items ?? [])).length > 0;
}

function copyLog(stream: Readable, log: vscode.LogOutputChannel, listener: Listener): void {
  let level: Level = "info";
  createInterface({ input: stream }).on("line", (line) => {
    const { level: now, text } = parseLogLine(line, level);
    level = now;
    log[level](text);
    const isReason = level === "error" || text === line; // other output than log lines is unexpected
    if (isReason && text.trim() !== "") listener.errorLine(text.trim());
  });
}
