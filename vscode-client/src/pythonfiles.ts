/** Whether folders hold code to learn from. Reads names, and no file. */

/** Fewer files are not worth ten minutes. */
const ENOUGH = 5;

/** So many folders are looked into, the upper ones first: the answer is wanted soon, also on slow disks. */
const PATIENCE = 300;

/** Folders with other people's code, or with what is made from one's own. */
const OTHERS = new Set(["node_modules", "site-packages", "venv", "env", "build", "dist", "__pycache__"]);

export interface Entry {
  readonly path: string;
  readonly name: string;
  readonly isFolder: boolean;
}

/** Whether there are several Python files in and under these folders; `list` gives what stands in one of them. */
export async function holdPython(
  folders: readonly string[],
  list: (folder: string) => Promise<readonly Entry[]>,
): Promise<boolean> {
  const queue = [...folders];
  let found = 0;
  for (let i = 0; i < Math.min(queue.length, PATIENCE); i++) {
    const entries = await list(queue[i] ?? "").catch(() => []);
    for (const { path, name, isFolder } of entries) {
      if (!isFolder && name.endsWith(".py")) found += 1;
      if (isFolder && !name.startsWith(".") && !OTHERS.has(name)) queue.push(path);
    }
    if (found >= ENOUGH) return true;
  }
  return false;
}
