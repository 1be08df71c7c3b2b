/** Starts the second language server, and nothing else. Bundled by install.py with the client that TinyCoder uses. */

const vscode = require("vscode");
const { LanguageClient, TransportKind } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const [command, ...args] = vscode.workspace.getConfiguration("second").get("command");
  const server = { command, args, transport: TransportKind.stdio };
  client = new LanguageClient("second", "Second", server, { documentSelector: [{ language: "python" }] });
  await client.start();
  const item = vscode.window.createStatusBarItem("second", vscode.StatusBarAlignment.Left);
  item.text = "second: ready";
  item.show();
};

exports.deactivate = () => client?.stop();
