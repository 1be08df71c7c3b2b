/** The entries of the status bar's menu, by state. */

import { BUNDLED } from "./protocol";
import { languageName, type Phase } from "./status";

/** Commands of the extension. */
export const COMMANDS = {
  menu: "tinycoder.menu",
  trainWorkspace: "tinycoder.trainWorkspace",
  cancelTraining: "tinycoder.cancelTraining",
  enable: "tinycoder.enable",
  disable: "tinycoder.disable",
  toggleLanguage: "tinycoder.toggleLanguage",
  openStatistics: "tinycoder.openStatistics",
  openReport: "tinycoder.openReport",
  chooseModel: "tinycoder.chooseModel",
  chooseSnooze: "tinycoder.chooseSnooze",
  restart: "tinycoder.restart",
  openLog: "tinycoder.openLog",
  openSettings: "tinycoder.openSettings",
  copyInstallCommand: "tinycoder.copyInstallCommand",
} as const;

export interface Situation {
  readonly phase: Phase;
  /** The model that answers. */
  readonly model: string | null;
  /** Whether there is a server to ask; in the phase of an error there may be one. */
  readonly running: boolean;
  /** The setting, which may not have reached the server yet. */
  readonly enabled: boolean;
  /** Minutes for which no ghost text comes by itself. */
  readonly snooze: number | null;
  /** A language, and whether completions are off in it. */
  readonly language: string;
  readonly languageOff: boolean;
  readonly trusted: boolean;
  /** How many folders are open. */
  readonly folders: number;
}

export interface Entry {
  readonly command: string;
  /** With an icon in the editor's notation. */
  readonly label: string;
  readonly detail?: string;
}

/** For how long one may choose to snooze, in minutes; 0 ends the snooze under way. */
export function snoozes(left: number | null): { readonly label: string; readonly minutes: number }[] {
  const lengths = [5, 15, 30, 60].map((minutes) => ({ label: `${minutes} minutes`, minutes }));
  return left === null ? lengths : [{ label: `End the snooze, of which ${left} min are left`, minutes: 0 }, ...lengths];
}

/** The entries in groups; a group is never empty. */
export function menu(now: Situation): Entry[][] {
  const asking = (entries: Entry[]): Entry[] => (now.running ? entries : []);
  const groups = [install(now), asking(training(now)), [...switches(now), ...asking(rest(now))], asking(reading()), upkeep(now)];
  return groups.filter((group) => group.length > 0);
}

function install(now: Situation): Entry[] {
  if (now.phase !== "missing") return [];
  return [{ command: COMMANDS.copyInstallCommand, label: "$(copy) Copy install command" }];
}

function training(now: Situation): Entry[] {
  if (now.phase === "training") {
    const detail = "The weights are saved; the next training continues from there";
    return [{ command: COMMANDS.cancelTraining, label: "$(debug-stop) Stop training", detail }];
  }
  if (!now.trusted || now.folders === 0 || now.phase === "loading") return [];
  const isGeneral = now.model === BUNDLED;
  const detail = isGeneral ? "The model knows Python in general; ten minutes on this machine make it yours" : undefined;
  const entry = { command: COMMANDS.trainWorkspace, label: "$(mortar-board) Train on this workspace" };
  return [detail === undefined ? entry : { ...entry, detail }];
}

function switches(now: Situation): Entry[] {
  if (!now.enabled) return [{ command: COMMANDS.enable, label: "$(play) Enable completions" }];
  const name = languageName(now.language);
  const language = now.languageOff
    ? `$(play) Enable completions for ${name}`
    : `$(circle-slash) Disable completions for ${name}`;
  return [
    { command: COMMANDS.disable, label: "$(circle-slash) Disable completions" },
    { command: COMMANDS.toggleLanguage, label: language },
  ];
}

function rest(now: Situation): Entry[] {
  if (!now.enabled) return [];
  const label = now.snooze === null ? "$(bell-slash) Snooze" : "$(bell) End the snooze, or change it";
  return [{ command: COMMANDS.chooseSnooze, label, detail: "Meanwhile ghost text comes only where you ask for it" }];
}

function reading(): Entry[] {
  return [
    { command: COMMANDS.openStatistics, label: "$(graph) Show statistics" },
    { command: COMMANDS.openReport, label: "$(output) Open training report" },
    { command: COMMANDS.chooseModel, label: "$(list-selection) Select model" },
  ];
}

function upkeep(now: Situation): Entry[] {
  const restart = now.phase === "missing" ? "$(refresh) Look for the server again" : "$(refresh) Restart server";
  return [
    { command: COMMANDS.restart, label: restart },
    { command: COMMANDS.openLog, label: "$(list-flat) Show log" },
    { command: COMMANDS.openSettings, label: "$(gear) Open settings" },
  ];
}
