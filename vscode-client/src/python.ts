/** Ask the Python extension, if it is installed, which Python is chosen for the workspace. */

import { isAbsolute } from "node:path";
import * as vscode from "vscode";

const PYTHON_EXTENSION = "ms-python.python";
/** The search for the server waits at most this long. */
const PATIENCE_MS = 5000;

/** The part of the Python extension's interface that is used here. */
interface PythonApi {
  readonly environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

/** The interpreters, or environments, of these folders; none without the Python extension. */
export async function chosenPythons(folders: readonly vscode.Uri[]): Promise<string[]> {
  const tooLate = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), PATIENCE_MS));
  const api = await Promise.race([pythonApi(), tooLate]);
  if (api === undefined) return [];
  const resources = folders.length > 0 ? folders : [undefined];
  const paths = resources.map((folder) => api.environments.getActiveEnvironmentPath(folder).path);
  return paths.filter((path) => isAbsolute(path)); // without an environment it is "python"
}

/** Call when another Python is chosen, or when the choice becomes known after the search. */
export async function onPythonChosen(call: () => void): Promise<vscode.Disposable> {
  const begin = performance.now();
  const api = await pythonApi();
  if (performance.now() - begin > PATIENCE_MS) call(); // the search continued without it
  return api?.environments.onDidChangeActiveEnvironmentPath(call) ?? new vscode.Disposable(() => undefined);
}

async function pythonApi(): Promise<PythonApi | undefined> {
  const extension = vscode.extensions.getExtension<Partial<PythonApi>>(PYTHON_EXTENSION);
  if (extension === undefined) return undefined;
  try {
    const api = (await extension.activate()) as Partial<PythonApi> | undefined;
    return api?.environments === undefined ? undefined : { environments: api.environments };
  } catch {
    return undefined; // it reports its own problems
  }
}
