/** What to tell somebody who has no server, or an old one. */

/** For a terminal, in the folder of TinyCoder's sources. */
export const INSTALL_COMMAND = "pipx install .";

export const UPGRADE_COMMAND = "pipx install --force .";

export const HOW_TO_INSTALL =
  `TinyCoder's server was not found. Run "${INSTALL_COMMAND}" in the folder of TinyCoder's sources, ` +
  "or say in the settings which command starts it.";
