/** The server's life in one window: find it, start it, run its commands, start it again, stop it. */

import * as vscode from "vscode";
import {
  ErrorCodes,
  ExecuteCommandRequest,
  type LanguageClient,
  ResponseError,
  State,
} from "vscode-languageclient/node";
import { type Listener, newClient, SELECTOR, sendSettings } from "./client";
import { Latency } from "./latency";
import { MACHINE } from "./machine";
import { COMMANDS } from "./menu";
import { CURSOR_NOTIFICATION, FOCUS_NOTIFICATION, SECTION, type ServerStatus, STATUS_NOTIFICATION } from "./protocol";
import { chosenPythons } from "./python";
import { Restarts } from "./restarts";
import { type Finding, findServer, type NotFound, type Server } from "./server";
import { texts } from "./settings";
import { INITIAL_FACTS, type Facts, withServerStatus } from "./status";
import { after, pause } from "./timers";
import { versionProblem } from "./version";

/** How long a server may take to save its work. The editor waits at most five seconds. */
const STOP_MS = 4000;

/** How long after a server's end its last line may arrive. */
const LAST_LINE_MS = 200;

/** The buttons of the message that there is no server, and their commands. */
const REMEDIES: Record<NotFound["remedy"], Record<string, string>> = {
  install: { "Copy install command": COMMANDS.copyInstallCommand, "Open settings": COMMANDS.openSettings },
  settings: { "Open settings": COMMANDS.openSettings },
  trust: { "Manage workspace trust": "workbench.trust.manage" },
};

/** A failure that was already reported to the person. */
export class AlreadyReported extends Error {}

export class Session implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Facts>();
  /** Fires whenever the facts change. */
  readonly onDidChange = this.#changed.event;

  #facts: Facts = INITIAL_FACTS;
  #client: LanguageClient | undefined;
  /** What the last search found. */
  #finding: Finding | undefined;
  /** The Python chosen for the workspace's first folder, once known. */
  #python: string | undefined;
  readonly #knownPython = (): string | undefined => this.#python;
  /** Counts starts and stops, so that an awaiting method notices that another one took over. */
  #turn = 0;
  #hasRun = false;
  #lastErrorLine = "";
  #nextStart: NodeJS.Timeout | undefined;
  readonly #restarts = new Restarts();
  readonly #reported = new Set<string>();
  readonly #latency = new Latency(
    { now: () => performance.now(), after },
    (thinking) => this.#show({ thinking }),
    (latency) => this.#show({ latency }),
  );

  constructor(private readonly log: vscode.LogOutputChannel) {}

  get facts(): Facts {
    return this.#facts;
  }

  get client(): LanguageClient | undefined {
    return this.#client;
  }

  /** Find the server and start it, unless it is started. Problems are reported, not thrown. */
  async start(): Promise<void> {
    if (this.#client !== undefined) return;
    clearTimeout(this.#nextStart);
    const turn = ++this.#turn;
    this.#latency.forget();
    this.#show({ ...INITIAL_FACTS, latency: this.#facts.latency });
    const finding = await this.#find({ askPython: false });
    if (turn !== this.#turn) return;
    this.#finding = finding;
    if (finding.server === undefined) {
      this.#show({ phase: "missing", message: finding.problem });
      this.#reportMissing(finding);
      return;
    }
    await this.#run(finding.server);
  }

  /** Stop the server, which saves its work. */
  async stop(): Promise<void> {
    this.#turn += 1;
    clearTimeout(this.#nextStart);
    const client = this.#client;
    this.#client = undefined;
    try {
      // A starting client cannot be stopped, and would register its commands next to those of the next one.
      if (client?.state === State.Starting) await Promise.race([client.start().catch(() => undefined), pause(STOP_MS)]);
      await client?.dispose(STOP_MS);
    } catch (error) {
      this.log.info(`The server did not stop by itself: ${String(error)}`); // the client ends it
    }
  }

  /** Stop and start on a person's request; earlier crashes no longer count. */
  async restart(): Promise<void> {
    this.#restarts.forget();
    this.#reported.clear();
    this.#hasRun = false;
    await this.stop();
    await this.start();
  }

  /** Restart if the search now finds another server, or another problem; else send the settings if another Python is chosen. */
  async relocate(): Promise<void> {
    const before = this.#python;
    const finding = await this.#find({ askPython: true });
    if (JSON.stringify(finding) !== JSON.stringify(this.#finding)) await this.restart();
    else if (this.#python !== before && this.#client?.isRunning()) await sendSettings(this.#client, this.#knownPython);
  }

  /** React to the workspace having become trusted. */
  async trust(): Promise<void> {
    this.#show({});
    if (this.#client?.isRunning()) await sendSettings(this.#client, this.#knownPython);
    await this.relocate();
  }

  /** Tell the server which document is focused. */
  async focus(document: vscode.TextDocument): Promise<void> {
    if (!this.#client?.isRunning() || vscode.languages.match(SELECTOR, document) === 0) return;
    const uri = this.#client.code2ProtocolConverter.asUri(document.uri);
    await this.#client.sendNotification(FOCUS_NOTIFICATION, { textDocument: { uri } });
  }

  /** Tell the server where the person may type next. */
  async arrive(document: vscode.TextDocument, position: vscode.Position): Promise<void> {
    if (!this.#client?.isRunning() || vscode.languages.match(SELECTOR, document) === 0) return;
    const converter = this.#client.code2ProtocolConverter;
    await this.#client.sendNotification(CURSOR_NOTIFICATION, {
      textDocument: { uri: converter.asUri(document.uri) },
      position: converter.asPosition(position),
    });
  }

  /** Run a command of the server, starting it if necessary. Throws the server's error, or `AlreadyReported`. */
  async ask<T>(command: string, ...args: readonly unknown[]): Promise<T> {
    if (!this.#client?.isRunning()) this.#reported.clear(); // report again why there is none
    await this.start();
    if (this.#client?.state === State.Starting) await this.#client.start().catch(() => undefined);
    if (!this.#client?.isRunning()) throw new AlreadyReported(this.#facts.message);
    try {
      return (await this.#client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [...args] })) as T;
    } catch (error) {
      const ended = error instanceof ResponseError && error.code === ErrorCodes.PendingResponseRejected;
      throw ended ? new AlreadyReported(error.message) : error; // the end of the server is reported elsewhere
    }
  }

  dispose(): void {
    void this.stop();
    this.#changed.dispose();
  }

  /** Search for the server. If a command is set, the Python extension is only awaited when `askPython`. */
  async #find({ askPython }: { askPython: boolean }): Promise<Finding> {
    const folders = (vscode.workspace.workspaceFolders ?? [])
      .map((folder) => folder.uri)
      .filter((uri) => uri.scheme === "file");
    const trusted = vscode.workspace.isTrusted;
    const command = texts(vscode.workspace.getConfiguration(SECTION).get("server.command"));
    let pythons: string[] = [];
    // Which Python is active may be a setting of the workspace.
    if (trusted && (askPython || command.length === 0)) {
      pythons = await chosenPythons(folders);
      this.#python = pythons[0];
    }
    return findServer({ command, folders: folders.map((uri) => uri.fsPath), pythons, trusted }, MACHINE);
  }

  async #run(server: Server): Promise<void> {
    this.log.info(`Starting ${[server.command, ...server.args].join(" ")}`);
    this.#lastErrorLine = "";
    let running = false;
    let ended = false;
    const listener: Listener = {
      closed: () => {
        ended = true;
        if (running && this.#client === client) void this.#crashed();
      },
      errorLine: (line) => (this.#lastErrorLine = line),
      indexing: (indexing) => this.#client === client && this.#show({ indexing }),
    };
    const client = newClient(server, this.log, this.#latency, listener, this.#knownPython);
    client.onNotification(STATUS_NOTIFICATION, (status: ServerStatus) => {
      if (this.#client !== client) return;
      const before = this.#facts.phase;
      this.#show(withServerStatus(this.#facts, status));
      if (this.#facts.phase !== before) this.#reportStatus();
    });
    this.#client = client;
    try {
      await client.start();
    } catch {
      if (this.#client === client) await this.#crashed(); // the client has logged the error
      return;
    }
    if (this.#client !== client) return;
    running = this.#hasRun = true;
    if (ended) {
      await this.#crashed(); // right after its first answer
      return;
    }
    const problem = versionProblem(client.initializeResult?.serverInfo);
    if (problem !== undefined) this.#reportOnce(problem);
    const active = vscode.window.activeTextEditor;
    if (active !== undefined) await this.focus(active.document);
    if (this.#python === undefined) await this.relocate(); // now there is time to ask for it
  }

  /** React to an unexpected end of the server. One that never ran is not started again. */
  async #crashed(): Promise<void> {
    this.#client = undefined;
    const turn = ++this.#turn;
    await pause(LAST_LINE_MS);
    if (turn !== this.#turn) return;
    const delay = this.#hasRun ? this.#restarts.afterCrash(Date.now()) : undefined;
    const reason = this.#lastErrorLine === "" ? "" : ` Its last line: ${this.#lastErrorLine}`;
    if (delay === undefined) {
      const what = this.#hasRun ? "TinyCoder's server keeps stopping." : "TinyCoder's server could not be started.";
      this.#show({ ...INITIAL_FACTS, phase: "error", message: what + reason });
      void this.#offer(vscode.window.showErrorMessage(what + reason, "Restart", "Show log"));
      return;
    }
    this.log.warn(`The server stopped; it starts again in ${delay / 1000} s.`);
    this.#show({ ...INITIAL_FACTS, message: `The server stopped.${reason}` });
    this.#reportOnce("TinyCoder's server stopped unexpectedly and is started again.");
    this.#nextStart = setTimeout(() => void this.start(), delay);
  }

  async #offer(answer: Thenable<string | undefined>): Promise<void> {
    const chosen = await answer;
    if (chosen === "Restart") await this.restart();
    if (chosen === "Show log") this.log.show();
    if (chosen === "Select model") await vscode.commands.executeCommand(COMMANDS.chooseModel);
  }

  /** Report each problem of the status once, with buttons for its remedies. */
  #reportStatus(): void {
    const { phase, message } = this.#facts;
    if (phase !== "error" || this.#reported.has(message)) return;
    this.#reported.add(message);
    void this.#offer(vscode.window.showErrorMessage(message, "Select model", "Show log"));
  }

  #reportMissing({ problem, remedy }: NotFound): void {
    if (this.#reported.has(problem)) return;
    this.#reported.add(problem);
    void vscode.window.showWarningMessage(problem, ...Object.keys(REMEDIES[remedy])).then((chosen) => {
      const command = REMEDIES[remedy][chosen ?? ""];
      if (command !== undefined) void vscode.commands.executeCommand(command);
    });
  }

  #reportOnce(message: string): void {
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    void this.#offer(vscode.window.showWarningMessage(message, "Show log"));
  }

  #show(changes: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...changes, trusted: vscode.workspace.isTrusted };
    this.#changed.fire(this.#facts);
  }
}
