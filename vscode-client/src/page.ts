/** Restrict an HTML page for a view inside the editor. */

/** No scripts, no network: only styles and pictures of the page itself. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** The page with the policy as the first element of its head. */
export function guarded(html: string): string {
  const meta = `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`;
  const head = /<head(\s[^>]*)?>/i.exec(html);
  if (head !== null) return insert(html, head.index + head[0].length, meta);
  const root = /<html(\s[^>]*)?>/i.exec(html);
  if (root !== null) return insert(html, root.index + root[0].length, `<head>${meta}</head>`);
  return `<!DOCTYPE html><html><head>${meta}</head><body>${html}</body></html>`;
}

function insert(text: string, at: number, addition: string): string {
  return text.slice(0, at) + addition + text.slice(at);
}
