/** Turn the editor's settings into those that are sent to the server. */

/** Read by the extension itself; the server would report these as unknown. */
const EXTENSION_SETTINGS = ["server", "trace"];

/**
 * The section without the extension's own settings, with whether the workspace is trusted, and with the editor's
 * Python for the workspace unless the person named one.
 */
export function forServer(section: unknown, trusted: boolean, python?: string): Record<string, unknown> {
  const entries = typeof section === "object" && section !== null ? Object.entries(section) : [];
  const ours = entries.filter(([key]) => !EXTENSION_SETTINGS.includes(key));
  const wanted: Record<string, unknown> = Object.fromEntries(ours);
  if (trusted && python !== undefined) wanted["python"] ??= python;
  return { ...wanted, trusted };
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
