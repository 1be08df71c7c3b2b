/** Names and shapes of the messages between extension and server. */

/** The section of the settings. */
export const SECTION = "tinycoder";

/** The languages in which the server completes, by the editor's names. */
export const LANGUAGES: readonly string[] = ["python"];

/** The bundled model, which knows Python in general; every other one learnt somebody's code. */
export const BUNDLED = "base";

/** Commands of the server. The language client registers them, so the extension's own have other ids. */
export const ASK = {
  train: "tinycoder.train",
  stopTraining: "tinycoder.stopTraining",
  listModels: "tinycoder.listModels",
  selectModel: "tinycoder.selectModel",
  showStats: "tinycoder.showStats",
  trainingReport: "tinycoder.trainingReport",
  snooze: "tinycoder.snooze",
} as const;

/** The notification of the server's status. */
export const STATUS_NOTIFICATION = "didChangeStatus";

/** The notification of the focused document. */
export const FOCUS_NOTIFICATION = "textDocument/didFocus";

/** The notification of a cursor that moved without an edit. */
export const CURSOR_NOTIFICATION = "textDocument/didMoveCursor";

export type ServerState = "loading" | "ready" | "training" | "off" | "error";

/** The status of the server. */
export interface ServerStatus {
  readonly busy: boolean;
  readonly message: string;
  readonly kind: "Normal" | "Warning" | "Error" | "Inactive";
  /** Missing in servers that send only Copilot's fields. */
  readonly state?: ServerState;
  readonly model?: string | null;
  /** Per cent of the training that is done. */
  readonly training?: number | null;
  /** Minutes for which no ghost text comes by itself. */
  readonly snooze?: number | null;
  /** The other machine that gets the code around the cursor; nothing if code stays here. */
  readonly remote?: string | null;
}

/** A model on this machine. */
export interface Model {
  readonly name: string;
  /** Unknown values are null: the model may be damaged. */
  readonly recipe: string | null;
  readonly parameters: number | null;
  readonly bitsPerByte: number | null;
  /** ISO 8601. */
  readonly written: string;
  readonly current: boolean;
  /** Why it cannot be used. */
  readonly problem: string | null;
}

export interface Statistics {
  readonly text: string;
  /** A whole page. */
  readonly html: string;
}

export interface Report {
  readonly name: string;
  /** The file of a whole HTML page. */
  readonly path: string;
}
