/** The extension's commands. Each asks the session or changes a setting. */

import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { INSTALL_COMMAND } from "./install";
import { COMMANDS, menu, snoozes } from "./menu";
import { choices } from "./models";
import { guarded } from "./page";
import { ASK, type Model, type Report, SECTION, type Statistics } from "./protocol";
import { type Session, AlreadyReported } from "./session";
import { toggled } from "./settings";
import { summary } from "./status";
import { activeLanguage, disabledLanguages } from "./statusbar";

/** Register all commands; the icon is that of the tabs that they open. */
export function registerCommands(session: Session, log: vscode.LogOutputChannel, icon: vscode.Uri): vscode.Disposable {
  const handlers: Record<keyof typeof COMMANDS, () => unknown> = {
    menu: () => showMenu(session),
    trainWorkspace: () => trainWorkspace(session),
    cancelTraining: () => cancelTraining(session),
    enable: () => set("enable", true),
    disable: () => set("enable", false),
    toggleLanguage: () => set("disabledLanguages", toggled(disabledLanguages(), activeLanguage())),
    openStatistics: async () =>
      showPage("TinyCoder: statistics", (await session.ask<Statistics>(ASK.showStats)).html, icon),
    openReport: () => openReport(session, icon),
    chooseModel: () => chooseModel(session),
    chooseSnooze: () => chooseSnooze(session),
    restart: () => session.restart(),
    openLog: () => log.show(),
    openSettings: () => vscode.commands.executeCommand("workbench.action.openSettings", "@ext:tinycoder.tinycoder"),
    copyInstallCommand,
  };
  const names = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[];
  return vscode.Disposable.from(
    ...names.map((name) => vscode.commands.registerCommand(COMMANDS[name], () => withErrors(handlers[name]))),
  );
}

/** Call and show errors: the server's are sentences for a person. */
async function withErrors(call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (error instanceof AlreadyReported) return;
    void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
  }
}

async function showMenu(session: Session): Promise<void> {
  const language = activeLanguage();
  const groups = menu({
    phase: session.facts.phase,
    model: session.facts.model,
    running: session.client?.isRunning() ?? false,
    enabled: vscode.workspace.getConfiguration(SECTION).get("enable", true),
    snooze: session.facts.snooze,
    language,
    languageOff: disabledLanguages().includes(language),
    trusted: vscode.workspace.isTrusted,
    folders: vscode.workspace.workspaceFolders?.length ?? 0,
  });
  const line = { label: "", kind: vscode.QuickPickItemKind.Separator, command: undefined };
  const items = groups.flatMap((group, index) => (index === 0 ? group : [line, ...group]));
  const chosen = await vscode.window.showQuickPick(items, { title: "TinyCoder", placeHolder: summary(session.facts) });
  if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command);
}

async function trainWorkspace(session: Session): Promise<void> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === "file");
  if (folders.length === 0) throw new Error("Open a folder with Python code first: TinyCoder learns from its files.");
  const placeHolder = "Train on which folder?";
  const folder = folders.length === 1 ? folders[0] : await vscode.window.showWorkspaceFolderPick({ placeHolder });
  if (folder !== undefined) await session.ask(ASK.train, { folder: folder.uri.toString() });
}

async function cancelTraining(session: Session): Promise<void> {
  const { stopped } = await session.ask<{ stopped: boolean }>(ASK.stopTraining);
  if (!stopped) void vscode.window.showInformationMessage("TinyCoder is not training.");
}

async function openReport(session: Session, icon: vscode.Uri): Promise<void> {
  const { name, path } = await session.ask<Report>(ASK.trainingReport);
  showPage(`TinyCoder: ${name}`, await readFile(path, "utf8"), icon);
}

async function copyInstallCommand(): Promise<void> {
  await vscode.env.clipboard.writeText(INSTALL_COMMAND);
  const words = `"${INSTALL_COMMAND}" is copied: run it in a terminal, in the folder of TinyCoder's sources.`;
  const chosen = await vscode.window.showInformationMessage(words, "Look for the server");
  if (chosen !== undefined) await vscode.commands.executeCommand(COMMANDS.restart);
}

async function chooseModel(session: Session): Promise<void> {
  const models = choices(await session.ask<Model[]>(ASK.listModels));
  const chosen = await vscode.window.showQuickPick(models, {
    title: "Model to complete with",
    matchOnDescription: true,
  });
  if (chosen === undefined) return;
  if (chosen.problem !== null) throw new Error(`${chosen.name ?? "The model"} cannot be used: ${chosen.problem}`);
  await session.ask(ASK.selectModel, chosen.name);
}

async function chooseSnooze(session: Session): Promise<void> {
  const title = "For how long should ghost text come only where you ask for it?";
  const chosen = await vscode.window.showQuickPick(snoozes(session.facts.snooze), { title });
  if (chosen !== undefined) await session.ask(ASK.snooze, chosen.minutes);
}

/** Change a setting for all workspaces, and for this one if it has its own value, which would win. */
async function set(name: string, value: unknown): Promise<void> {
  const settings = vscode.workspace.getConfiguration(SECTION);
  await settings.update(name, value, vscode.ConfigurationTarget.Global);
  if (settings.inspect(name)?.workspaceValue !== undefined) {
    await settings.update(name, value, vscode.ConfigurationTarget.Workspace);
  }
}

/** Open pages by title, so that a command updates its page and opens no second tab. */
const panels = new Map<string, vscode.WebviewPanel>();

function showPage(title: string, html: string, icon: vscode.Uri): void {
  const open = panels.get(title);
  const options = { enableScripts: false, localResourceRoots: [] };
  const panel = open ?? vscode.window.createWebviewPanel("tinycoder.page", title, vscode.ViewColumn.Active, options);
  if (open === undefined) panel.onDidDispose(() => panels.delete(title));
  panels.set(title, panel);
  panel.iconPath = icon;
  panel.webview.html = guarded(html);
  panel.reveal();
}
