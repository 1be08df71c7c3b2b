/** Parse a line of the server's log. */

export type Level = "debug" | "info" | "warn" | "error";

export interface LogLine {
  readonly level: Level;
  /** Without time and level, which the editor's log adds itself. */
  readonly text: string;
}

const LEVELS: Record<string, Level> = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warn",
  ERROR: "error",
  CRITICAL: "error",
};

/** Split a line; one without a level continues the line before, as a traceback does. */
export function parseLogLine(line: string, before: Level): LogLine {
  const match = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ([A-Z]+) (.*)$/.exec(line);
  const level = LEVELS[match?.[1] ?? ""];
  return level === undefined ? { level: before, text: line } : { level, text: match?.[2] ?? "" };
}
