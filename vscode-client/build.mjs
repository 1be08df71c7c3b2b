// Build the package's contents: the extension in one file, the licences of its libraries, the README without pictures.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const { metafile } = await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node18",
  external: ["vscode"],
  metafile: true,
  logLevel: "warning",
});

/** The folders of the packages that some file came from: node_modules/NAME or node_modules/@SCOPE/NAME. */
const folders = Object.keys(metafile.inputs).map((path) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0]);

function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), "utf8").trim();
  return `${name} ${version}\n\n${text}\n`;
}

const notices = [...new Set(folders)]
  .filter((folder) => folder !== undefined && existsSync(folder))
  .sort()
  .map(notice);
writeFileSync("dist/NOTICE.txt", `dist/extension.js contains these packages:\n\n${notices.join("\n---\n\n")}`);

// An editor shows the README of an installed extension, but not its pictures.
const readme = readFileSync("README.md", "utf8");
writeFileSync("dist/README.md", readme.replace(/^## What it looks like\n[^]*?(?=^## )/m, ""));
