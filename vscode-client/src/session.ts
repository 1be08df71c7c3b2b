/** The server's life as one window sees it: found, started, asked, started again, stopped. Draws nothing. */

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
import { FOCUS_NOTIFICATION, SECTION, type ServerStatus, STATUS_NOTIFICATION } from "./protocol";
import { chosenPythons } from "./python";
import { Restarts } from "./restarts";
import { type Finding, findServer, type NotFound, type Server } from "./server";
import { texts } from "./settings";
import { BEGINNING, type Facts, withServerStatus } from "./status";
import { after, pause } from "./timers";
import { versionProblem } from "./version";

/** How long a server may take to save what it is doing. The editor waits five seconds at the most. */
const STOP_MS = 4000;

/** How long after its end a server's last words may arrive. */
const LAST_WORDS_MS = 200;

/** What the buttons of a message do when there is no server. */
const REMEDIES: Record<NotFound["remedy"], Record<string, string>> = {
  install: { "Copy install command": COMMANDS.copyInstallCommand, "Open settings": COMMANDS.openSettings },
  settings: { "Open settings": COMMANDS.openSettings },
  trust: { "Manage workspace trust": "workbench.trust.manage" },
};

/** A failure that the person has been told of. */
export class Told extends Error {}

export class Session implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Facts>();
  /** Fires whenever the facts change. */
  readonly onDidChange = this.#changed.event;

  #facts: Facts = BEGINNING;
  #client: LanguageClient | undefined;
  #server: Server | undefined;
  /** The Python that is chosen for the workspace's first folder, once that is known. */
  #python: string | undefined;
  readonly #knownPython = (): string | undefined => this.#python;
  /** Counts starts and stops: whoever waited through one finds that it is no longer its turn. */
  #turn = 0;
  #hasRun = false;
  #lastWords = "";
  #nextStart: NodeJS.Timeout | undefined;
  readonly #restarts = new Restarts();
  readonly #said = new Set<string>();
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

  /** Find the server and start it, unless that has been done. What goes wrong is said, not raised. */
  async start(): Promise<void> {
    if (this.#client !== undefined) return;
    clearTimeout(this.#nextStart);
    const turn = ++this.#turn;
    this.#show({ ...BEGINNING, latency: this.#facts.latency });
    const finding = await this.#find({ askPython: false });
    if (turn !== this.#turn) return;
    this.#server = finding.server;
    if (finding.server === undefined) {
      this.#show({ phase: "missing", message: finding.problem });
      this.#sayMissing(finding);
      return;
    }
    await this.#run(finding.server);
  }

  /** Stop the server, which saves what it is doing. */
  async stop(): Promise<void> {
    this.#turn += 1;
    clearTimeout(this.#nextStart);
    const client = this.#client;
    this.#client = undefined;
    try {
      // A client that starts cannot be stopped, and would register its commands beside those of the next one.
      if (client?.state === State.Starting) await Promise.race([client.start().catch(() => undefined), pause(STOP_MS)]);
      await client?.dispose(STOP_MS);
    } catch (error) {
      this.log.info(`The server did not stop by itself: ${String(error)}`); // the client ends it
    }
  }

  /** Stop and start because a person asked for it: what went wrong before is forgotten. */
  async restart(): Promise<void> {
    this.#restarts.forget();
    this.#said.clear();
    this.#hasRun = false;
    await this.stop();
    await this.start();
  }

  /** Start again if the server would now be found elsewhere; else tell it if another Python is chosen. */
  async relocate(): Promise<void> {
    const before = this.#python;
    const finding = await this.#find({ askPython: true });
    if (JSON.stringify(finding.server) !== JSON.stringify(this.#server)) await this.restart();
    else if (this.#python !== before && this.#client?.isRunning()) await sendSettings(this.#client, this.#knownPython);
  }

  /** The workspace is trusted now. */
  async trust(): Promise<void> {
    this.#show({});
    if (this.#client?.isRunning()) await sendSettings(this.#client, this.#knownPython);
    await this.relocate();
  }

  /** Tell the server which document a person looks at. */
  async focus(document: vscode.TextDocument): Promise<void> {
    if (!this.#client?.isRunning() || vscode.languages.match(SELECTOR, document) === 0) return;
    const uri = this.#client.code2ProtocolConverter.asUri(document.uri);
    await this.#client.sendNotification(FOCUS_NOTIFICATION, { textDocument: { uri } });
  }

  /** Run a command of the server, which is started if need be. Raises what the server answers, or `Told`. */
  async ask<T>(command: string, ...args: readonly unknown[]): Promise<T> {
    if (!this.#client?.isRunning()) this.#said.clear(); // who asks wants to hear again why there is none
    await this.start();
    if (this.#client?.state === State.Starting) await this.#client.start().catch(() => undefined);
    if (!this.#client?.isRunning()) throw new Told(this.#facts.message);
    try {
      return (await this.#client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [...args] })) as T;
    } catch (error) {
      const ended = error instanceof ResponseError && error.code === ErrorCodes.PendingResponseRejected;
      throw ended ? new Told(error.message) : error; // that the server ended is said elsewhere
    }
  }

  dispose(): void {
    void this.stop();
    this.#changed.dispose();
  }

  /** Where the server is. With a command for it nobody needs to wait for the Python extension, unless asked to. */
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
    this.#lastWords = "";
    let running = false;
    let ended = false;
    const listener: Listener = {
      closed: () => {
        ended = true;
        if (running && this.#client === client) void this.#crashed();
      },
      complained: (line) => (this.#lastWords = line),
      indexing: (indexing) => this.#client === client && this.#show({ indexing }),
    };
    const client = newClient(server, this.log, this.#latency, listener, this.#knownPython);
    client.onNotification(STATUS_NOTIFICATION, (status: ServerStatus) => {
      if (this.#client !== client) return;
      const before = this.#facts.phase;
      this.#show(withServerStatus(this.#facts, status));
      if (this.#facts.phase !== before) this.#sayStatus();
    });
    this.#client = client;
    try {
      await client.start();
    } catch {
      if (this.#client === client) await this.#crashed(); // the client has written to the log what it was
      return;
    }
    if (this.#client !== client) return;
    running = this.#hasRun = true;
    if (ended) {
      await this.#crashed(); // right behind its first answer
      return;
    }
    const problem = versionProblem(client.initializeResult?.serverInfo);
    if (problem !== undefined) this.#sayOnce(problem);
    const active = vscode.window.activeTextEditor;
    if (active !== undefined) await this.focus(active.document);
    if (this.#python === undefined) await this.relocate(); // now there is time to ask which one it is
  }

  /** The server ended, and nobody asked for it. One that never ran will not run next time either. */
  async #crashed(): Promise<void> {
    this.#client = undefined;
    const turn = ++this.#turn;
    await pause(LAST_WORDS_MS);
    if (turn !== this.#turn) return;
    const delay = this.#hasRun ? this.#restarts.afterCrash(Date.now()) : undefined;
    const words = this.#lastWords === "" ? "" : ` It said: ${this.#lastWords}`;
    if (delay === undefined) {
      const what = this.#hasRun ? "TinyCoder's server keeps stopping." : "TinyCoder's server could not be started.";
      this.#show({ ...BEGINNING, phase: "error", message: what + words });
      void this.#offer(vscode.window.showErrorMessage(what + words, "Restart", "Show log"));
      return;
    }
    this.log.warn(`The server stopped; it is started again in ${delay / 1000} s.`);
    this.#show({ ...BEGINNING, message: `The server stopped.${words}` });
    this.#sayOnce("TinyCoder's server stopped unexpectedly and is started again.");
    this.#nextStart = setTimeout(() => void this.start(), delay);
  }

  async #offer(answer: Thenable<string | undefined>): Promise<void> {
    const chosen = await answer;
    if (chosen === "Restart") await this.restart();
    if (chosen === "Show log") this.log.show();
    if (chosen === "Select model") await vscode.commands.executeCommand(COMMANDS.chooseModel);
  }

  /** What is wrong, once for each, with what a person can do about it. */
  #sayStatus(): void {
    const { phase, message } = this.#facts;
    if (phase !== "error" || this.#said.has(message)) return;
    this.#said.add(message);
    void this.#offer(vscode.window.showErrorMessage(message, "Select model", "Show log"));
  }

  #sayMissing({ problem, remedy }: NotFound): void {
    if (this.#said.has(problem)) return;
    this.#said.add(problem);
    void vscode.window.showWarningMessage(problem, ...Object.keys(REMEDIES[remedy])).then((chosen) => {
      const command = REMEDIES[remedy][chosen ?? ""];
      if (command !== undefined) void vscode.commands.executeCommand(command);
    });
  }

  #sayOnce(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    void this.#offer(vscode.window.showWarningMessage(message, "Show log"));
  }

  #show(changes: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...changes, trusted: vscode.workspace.isTrusted };
    this.#changed.fire(this.#facts);
  }
}
