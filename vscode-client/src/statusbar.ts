/** The item in the status bar. */

import * as vscode from "vscode";
import { COMMANDS } from "./menu";
import { LANGUAGES, SECTION } from "./protocol";
import type { Session } from "./session";
import { texts } from "./settings";
import { type Facts, type Look, look } from "./status";

const BACKGROUND = {
  none: undefined,
  warning: "statusBarItem.warningBackground",
  error: "statusBarItem.errorBackground",
};

export class StatusBar implements vscode.Disposable {
  readonly #item = vscode.window.createStatusBarItem("tinycoder.status", vscode.StatusBarAlignment.Right, 100);

  constructor(private readonly session: Session) {
    this.#item.name = "TinyCoder";
    this.#item.command = COMMANDS.menu;
    this.draw();
    this.#item.show();
  }

  /** The facts that are shown now. */
  get facts(): Facts {
    return { ...this.session.facts, languageOff: disabledLanguage() };
  }

  get look(): Look {
    return look(this.facts);
  }

  draw(): void {
    const { text, label, tooltip, attention } = this.look;
    const background = BACKGROUND[attention];
    this.#item.text = text;
    this.#item.accessibilityInformation = { label, role: "button" };
    this.#item.tooltip = new vscode.MarkdownString(tooltip);
    this.#item.backgroundColor = background === undefined ? undefined : new vscode.ThemeColor(background);
  }

  dispose(): void {
    this.#item.dispose();
  }
}

/** The active document's language if the server serves it, else the first one that it serves. */
export function activeLanguage(): string {
  const active = vscode.window.activeTextEditor?.document.languageId ?? "";
  return LANGUAGES.includes(active) ? active : (LANGUAGES[0] ?? "");
}

export function disabledLanguages(): string[] {
  return texts(vscode.workspace.getConfiguration(SECTION).get("disabledLanguages"));
}

function disabledLanguage(): string | null {
  const language = activeLanguage();
  return disabledLanguages().includes(language) ? language : null;
}
