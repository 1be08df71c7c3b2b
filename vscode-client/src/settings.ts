/** The settings as they are sent to the server. Knows not where they come from. */

/** What the extension reads itself; the server would call these unknown. */
const OUR_OWN = ["server", "trace"];

/**
 * The section for the server: without what is the extension's, with whether the workspace is trusted, and with the
 * Python that the editor knows for the workspace, unless the person named one.
 */
export function forServer(section: unknown, trusted: boolean, python?: string): Record<string, unknown> {
  const entries = typeof section === "object" && section !== null ? Object.entries(section) : [];
  const wanted: Record<string, unknown> = Object.fromEntries(entries.filter(([key]) => !OUR_OWN.includes(key)));
  if (trusted && python !== undefined) wanted["python"] ??= python;
  return { ...wanted, trusted };
}

/** A setting that should be a list of texts, whatever was written: one text alone is a list of one. */
export function texts(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((one): one is string => typeof one === "string" && one !== "");
}

/** The list without a value that is in it, or with one that is not. */
export function toggled(list: readonly string[], value: string): string[] {
  return list.includes(value) ? list.filter((one) => one !== value) : [...list, value];
}
