/** Instructions for a missing or an old server. */

/** For a terminal, in the folder of TinyCoder's sources. */
export const INSTALL_COMMAND = "pipx install .";

export const HOW_TO_UPGRADE =
  'Upgrade the server: run "pipx install --force ." in the folder of TinyCoder\'s sources.';

export const HOW_TO_INSTALL =
  `TinyCoder's server was not found. Run "${INSTALL_COMMAND}" in the folder of TinyCoder's sources, ` +
  "or set the command that starts it in the settings.";
