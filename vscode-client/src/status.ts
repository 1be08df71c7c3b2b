/** What the status bar says: from facts to text, icon, label and tooltip. Knows neither the editor nor the server. */

import { type ServerState, type ServerStatus, SHIPPED } from "./protocol";

export type Phase = ServerState | "starting" | "missing";

/** Everything the status bar shows. */
export interface Facts {
  readonly phase: Phase;
  /** One sentence, or nothing. */
  readonly message: string;
  readonly model: string | null;
  /** Per cent of the training that is done. */
  readonly training: number | null;
  /** Per cent of the workspace that has been read; null if nothing is being read. */
  readonly indexing: number | null;
  readonly thinking: boolean;
  /** Milliseconds from the last question to its suggestion. */
  readonly latency: number | null;
  readonly trusted: boolean;
  /** The active document's language, if completions are off in it. */
  readonly languageOff: string | null;
}

/** How an item of the status bar looks and sounds. */
export interface Look {
  /** With icons in the editor's notation. */
  readonly text: string;
  /** What a screen reader says. */
  readonly label: string;
  /** In Markdown. */
  readonly tooltip: string;
  readonly attention: "none" | "warning" | "error";
}

export const BEGINNING: Facts = {
  phase: "starting",
  message: "",
  model: null,
  training: null,
  indexing: null,
  thinking: false,
  latency: null,
  trusted: true,
  languageOff: null,
};

/** What the facts are after the server has said how things stand. */
export function withServerStatus(facts: Facts, status: ServerStatus): Facts {
  return {
    ...facts,
    phase: status.state ?? stateOf(status),
    message: status.message,
    model: status.model ?? null,
    training: status.training ?? null,
  };
}

/** One sentence on how things stand, to read beside what can be done about it. */
export function summary(facts: Facts): string {
  // The server's own words end in a command for the terminal; here there is a button.
  if (facts.phase === "ready" && facts.model === SHIPPED) return `TinyCoder completes with ${described(SHIPPED)}.`;
  return facts.message;
}

/** The look of these facts. Each state differs in icon and words, none in colour alone. */
export function look(facts: Facts): Look {
  const [icon, words] = iconAndWords(facts);
  const latency = facts.latency === null ? "" : ` ${milliseconds(facts.latency)}`;
  const text = words === "" ? `$(${icon}) TinyCoder${latency}` : `$(${icon}) TinyCoder: ${words}`;
  return {
    text,
    label: `TinyCoder: ${spoken(facts).join(", ")}`,
    tooltip: tooltip(facts),
    attention: attention(facts.phase),
  };
}

/** An icon, and the words beside the name; the state that is right has none, and leaves the room to the latency. */
function iconAndWords(facts: Facts): [string, string] {
  switch (facts.phase) {
    case "starting":
    case "loading":
      return ["loading~spin", "starting"];
    case "missing":
      return ["cloud-download", "no server"];
    case "off":
      return ["circle-slash", "off"];
    case "error":
      return ["error", "error"];
    case "training":
      return ["mortar-board", facts.training === null ? "training" : `training ${facts.training} %`];
    case "ready":
      if (facts.languageOff !== null) return ["circle-slash", `off for ${languageName(facts.languageOff)}`];
      if (facts.indexing !== null) return ["sync~spin", `indexing ${facts.indexing} %`];
      return [facts.thinking ? "loading~spin" : "sparkle", ""];
  }
}

/** The facts in the order in which they matter to somebody who hears them. */
function spoken(facts: Facts): string[] {
  const parts = [state(facts)];
  if (facts.model !== null) parts.push(`model ${described(facts.model)}`);
  if (facts.latency !== null) parts.push(`last suggestion in ${milliseconds(facts.latency)}`);
  return parts;
}

function state(facts: Facts): string {
  switch (facts.phase) {
    case "starting":
    case "loading":
      return "starting";
    case "missing":
      return "server missing";
    case "off":
      return "off";
    case "error":
      return "error";
    case "training":
      return facts.training === null ? "training" : `training, ${facts.training} per cent done`;
    case "ready":
      if (facts.languageOff !== null) return `off for ${languageName(facts.languageOff)}`;
      if (facts.indexing !== null) return `ready, indexing the workspace, ${facts.indexing} per cent done`;
      return facts.thinking ? "thinking" : "ready";
  }
}

function tooltip(facts: Facts): string {
  const lines = [`**TinyCoder**: ${state(facts)}`];
  const isGeneral = facts.phase === "ready" && facts.model === SHIPPED;
  if (facts.message !== "" && !isGeneral) lines.push(escaped(facts.message));
  if (facts.model !== null) lines.push(`Model: ${escaped(described(facts.model))}`);
  if (isGeneral && facts.trusted) lines.push("Ten minutes of training make it yours.");
  if (facts.latency !== null) lines.push(`Last suggestion: ${milliseconds(facts.latency)}`);
  if (!facts.trusted) lines.push("The workspace is not trusted: nothing is read but the files you open.");
  lines.push("Click for what can be done.");
  return lines.join("\n\n");
}

/** The name of a model, and what it knows where that is not the person's own code. */
function described(model: string): string {
  return model === SHIPPED ? `${model}, which knows Python in general` : model;
}

function attention(phase: Phase): Look["attention"] {
  if (phase === "error") return "error";
  return phase === "missing" ? "warning" : "none";
}

/** Servers that send only what Copilot's sends name no state. */
function stateOf(status: ServerStatus): ServerState {
  if (status.busy) return "loading";
  return ({ Normal: "ready", Warning: "ready", Error: "error", Inactive: "off" } as const)[status.kind];
}

function milliseconds(latency: number): string {
  return `${Math.max(1, Math.round(latency))} ms`;
}

/** A language's id as one would write it: python, Python. */
export function languageName(id: string): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}

/** Text that Markdown leaves as it is. */
function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, "\\$&");
}
