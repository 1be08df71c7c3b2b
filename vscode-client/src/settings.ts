/** Turn the editor's settings into those that are sent to the server. */

/** Read by the extension itself; the server would report these as unknown. */
const EXTENSION_SETTINGS = ["server", "trace"];

/** Said by the extension itself, whatever the section holds. Another `tinycoder` would be taken for the section. */
const OWN_KEYS = ["trusted", "remote", "tinycoder"];

/** Taken from the person's own settings only. */
export const REMOTE_SETTINGS = ["url", "kind", "model", "keyEnv", "allowHost"] as const;

/**
 * The section without the extension's own settings, with the editor's Python for the workspace unless the person named
 * one, and at the end whether the workspace is trusted and the person's own `remote`. Keys that are no setting's, such
 * as `remote.url` in one word, are left out: VS Code takes them from the workspace, and the server would read them.
 */
export function forServer(
  section: unknown,
  trusted: boolean,
  remote: Record<string, unknown>,
  python?: string,
): Record<string, unknown> {
  const hidden = [...EXTENSION_SETTINGS, ...OWN_KEYS];
  const entries = typeof section === "object" && section !== null ? Object.entries(section) : [];
  const ours = entries.filter(([key]) => !(key.includes(".") || hidden.includes(key)));
  const wanted: Record<string, unknown> = Object.fromEntries(ours);
  if (trusted && python !== undefined) wanted["python"] ??= python;
  return { ...wanted, trusted, remote };
}

/**
 * The settings that say which server gets the person's code, by their names within `remote`. `own` gives the
 * person's value of a setting, whatever the workspace's is.
 */
export function ownRemote(own: (name: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(REMOTE_SETTINGS.map((name) => [name, own(`remote.${name}`) ?? null]));
}

/** A setting as a list of texts, whatever was written: a single text is a list of one. */
export function texts(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((one): one is string => typeof one === "string" && one !== "");
}

/** The list without the value if it contains it, else with it. */
export function toggled(list: readonly string[], value: string): string[] {
  return list.includes(value) ? list.filter((one) => one !== value) : [...list, value];
}
