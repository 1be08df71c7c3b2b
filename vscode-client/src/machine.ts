/** This machine, for the search for the server. */

import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import type { Machine } from "./server";

export const MACHINE: Machine = {
  platform: process.platform,
  environment: process.env,
  home: homedir(),
  isProgram,
  realPath,
};

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
