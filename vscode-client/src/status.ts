/** Turn facts about the server into the text, icon, label and tooltip of the status bar. */

import { type ServerState, type ServerStatus, BUNDLED } from "./protocol";

export type Phase = ServerState | "starting" | "missing";

/** Everything the status bar shows. */
export interface Facts {
  readonly phase: Phase;
  /** One sentence, or nothing. */
  readonly message: string;
  readonly model: string | null;
  /** Per cent of the training that is done. */
  readonly training: number | null;
  /** Minutes for which no ghost text comes by itself; null if it does. */
  readonly snooze: number | null;
  /** Per cent of the workspace that has been read; null if nothing is being read. */
  readonly indexing: number | null;
  readonly thinking: boolean;
  /** Milliseconds from the last request to its suggestion. */
  readonly latency: number | null;
  readonly trusted: boolean;
  /** The other machine that gets the code around the cursor; null if code stays here. */
  readonly remote: string | null;
  /** The active document's language, if completions are off in it. */
  readonly languageOff: string | null;
}

/** The appearance of a status bar item, also to a screen reader. */
export interface Look {
  /** With icons in the editor's notation. */
  readonly text: string;
  /** What a screen reader says. */
  readonly label: string;
  /** In Markdown. */
  readonly tooltip: string;
  readonly attention: "none" | "warning" | "error";
}

export const INITIAL_FACTS: Facts = {
  phase: "starting",
  message: "",
  model: null,
  training: null,
  snooze: null,
  indexing: null,
  thinking: false,
  latency: null,
  trusted: true,
  remote: null,
  languageOff: null,
};

/** The facts updated by a status notification of the server. */
export function withServerStatus(facts: Facts, status: ServerStatus): Facts {
  return {
    ...facts,
    phase: status.state ?? stateOf(status),
    message: status.message,
    model: status.model ?? null,
    training: status.training ?? null,
    snooze: status.snooze ?? null,
    remote: status.remote ?? null,
  };
}

/** One sentence on the state, shown above the menu. */
export function summary(facts: Facts): string {
  // The server's own message ends in a command for the terminal; here the menu has an entry.
  if (facts.phase === "ready" && facts.model === BUNDLED && facts.snooze === null) {
    return [`TinyCoder completes with ${described(BUNDLED)}.`, ...leaving(facts)].join(" ");
  }
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

/** An icon, and the words after the name; the ready state has none and shows the latency. */
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
      if (facts.snooze !== null) return ["bell-slash", `snoozing ${facts.snooze} min`];
      if (facts.indexing !== null) return ["sync~spin", `indexing ${facts.indexing} %`];
      return [facts.thinking ? "loading~spin" : facts.remote === null ? "sparkle" : "cloud-upload", ""];
  }
}

/** The facts for a screen reader, the most important first. */
function spoken(facts: Facts): string[] {
  const parts = [state(facts)];
  if (facts.model !== null) parts.push(`model ${described(facts.model)}`);
  if (facts.remote !== null) parts.push(`code is sent to ${facts.remote}`);
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
      if (facts.snooze !== null) return `snoozing for ${facts.snooze} min`;
      if (facts.indexing !== null) return `ready, indexing the workspace, ${facts.indexing} per cent done`;
      return facts.thinking ? "thinking" : "ready";
  }
}

function tooltip(facts: Facts): string {
  const lines = [`**TinyCoder**: ${state(facts)}`];
  const isGeneral = facts.phase === "ready" && facts.model === BUNDLED;
  if (facts.message !== "" && !isGeneral) lines.push(escaped(facts.message));
  if (facts.model !== null) lines.push(`Model: ${escaped(described(facts.model))}`);
  if (isGeneral) lines.push(...leaving(facts).map(escaped));
  if (isGeneral && facts.trusted) lines.push("Ten minutes of training make it yours.");
  if (facts.latency !== null) lines.push(`Last suggestion: ${milliseconds(facts.latency)}`);
  if (!facts.trusted) lines.push("The workspace is not trusted: only the files that you open are read.");
  lines.push("Click for the menu.");
  return lines.join("\n\n");
}

/** Where the code around the cursor goes, if it leaves this machine; the server's own messages say so already. */
function leaving(facts: Facts): string[] {
  return facts.remote === null ? [] : [`The code around the cursor is sent to ${facts.remote}.`];
}

/** The name of a model; the bundled one with what it knows. */
function described(model: string): string {
  return model === BUNDLED ? `${model}, which knows Python in general` : model;
}

function attention(phase: Phase): Look["attention"] {
  if (phase === "error") return "error";
  return phase === "missing" ? "warning" : "none";
}

/** The state of a server that sends only Copilot's fields. */
function stateOf(status: ServerStatus): ServerState {
  if (status.busy) return "loading";
  return ({ Normal: "ready", Warning: "ready", Error: "error", Inactive: "off" } as const)[status.kind];
}

function milliseconds(latency: number): string {
  return `${Math.max(1, Math.round(latency))} ms`;
}

/** A language's id with a capital: python, Python. */
export function languageName(id: string): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}

/** Escape Markdown. */
function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, "\\$&");
}
