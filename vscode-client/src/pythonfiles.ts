/** Decide by the names of files whether folders contain code to learn from. */

/** Fewer Python files are not worth training on. */
const MIN_FILES = 5;

/** The most folders to list, the upper ones first, so that slow disks do not delay the answer. */
const MAX_FOLDERS = 300;

/** Folders of other people's code or of build output. */
const SKIPPED = new Set(["node_modules", "site-packages", "venv", "env", "build", "dist", "__pycache__"]);

export interface Entry {
  readonly path: string;
  readonly name: string;
  readonly isFolder: boolean;
}

/** Whether these folders contain at least `MIN_FILES` Python files, at any depth; `list` lists one folder. */
export async function holdPython(
  folders: readonly string[],
  list: (folder: string) => Promise<readonly Entry[]>,
): Promise<boolean> {
  const queue = [...folders];
  let count = 0;
  for (let i = 0; i < Math.min(queue.length, MAX_FOLDERS); i++) {
    const entries = await list(queue[i] ?? "").catch(() => []);
    for (const { path, name, isFolder } of entries) {
      if (!isFolder && name.endsWith(".py")) count += 1;
      if (isFolder && !name.startsWith(".") && !SKIPPED.has(name)) queue.push(path);
    }
    if (count >= MIN_FILES) return true;
  }
  return false;
}
