/** Check that a server is of the version this extension was written for. */

import { HOW_TO_UPGRADE } from "./install";

/** The versions of the server that this extension supports. */
export const WANTED = { name: "tinycoder", major: 0, minor: 1 } as const;

/** One sentence on what to upgrade; undefined if extension and server fit. */
export function versionProblem(info: { name: string; version?: string } | undefined): string | undefined {
  const wanted = `${WANTED.major}.${WANTED.minor}`;
  if (info === undefined || info.name !== WANTED.name) {
    const name = info?.name ?? "a language server without a name";
    return `The started server is ${name}, not TinyCoder: check the setting tinycoder.server.command.`;
  }
  const [major, minor] = (info.version ?? "").split(".").map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major) || Number.isNaN(minor)) {
    return `TinyCoder's server does not report its version; this extension needs ${wanted}. ${HOW_TO_UPGRADE}`;
  }
  const ahead = major - WANTED.major || minor - WANTED.minor;
  if (ahead === 0) return undefined;
  const versions = `TinyCoder's server is ${info.version}, and this extension was written for ${wanted}.`;
  return ahead < 0
    ? `${versions} ${HOW_TO_UPGRADE}`
    : `${versions} Upgrade the extension: tinycoder setup vscode.`;
}
