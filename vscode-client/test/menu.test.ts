import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS, menu, type Situation, snoozes } from "../src/menu";

const READY: Situation = {
  phase: "ready",
  model: "mine",
  running: true,
  enabled: true,
  snooze: null,
  language: "python",
  languageOff: false,
  trusted: true,
  folders: 1,
};

function commands(changes: Partial<Situation>): string[] {
  return menu({ ...READY, ...changes }).flatMap((group) => group.map((entry) => entry.command));
}

test("a ready server can be trained, switched off, read about and restarted", () => {
  const {
    trainWorkspace,
    disable,
    toggleLanguage,
    chooseSnooze,
    openStatistics,
    openReport,
    chooseModel,
    restart,
    openLog,
    openSettings,
  } = COMMANDS;
  const all = [
    trainWorkspace,
    disable,
    toggleLanguage,
    chooseSnooze,
    openStatistics,
    openReport,
    chooseModel,
    restart,
    openLog,
    openSettings,
  ];
  assert.deepEqual(commands({}), all);
});

test("training can be stopped, and not be started twice", () => {
  assert(commands({ phase: "training" }).includes(COMMANDS.cancelTraining));
  assert(!commands({ phase: "training" }).includes(COMMANDS.trainWorkspace));
  assert(!commands({}).includes(COMMANDS.cancelTraining));
});

test("training needs a folder that is trusted", () => {
  for (const changes of [{ folders: 0 }, { trusted: false }])
    assert(!commands(changes).includes(COMMANDS.trainWorkspace));
});

test("with the bundled model the entry for training explains itself", () => {
  const first = menu({ ...READY, model: "base" })[0]?.[0];
  assert.equal(first?.command, COMMANDS.trainWorkspace);
  assert.match(first?.detail ?? "", /Python in general.* make it yours/);
  assert.equal(menu(READY)[0]?.[0]?.detail, undefined);
});

test("disabled completions can be enabled", () => {
  assert(commands({ enabled: false, phase: "off" }).includes(COMMANDS.enable));
  assert(!commands({ enabled: false, phase: "off" }).includes(COMMANDS.disable));
  const labels = menu({ ...READY, languageOff: true })
    .flat()
    .map((entry) => entry.label);
  assert(labels.some((label) => label.endsWith("Enable completions for Python")));
});

test("a snooze can be begun, and while it lasts be ended", () => {
  assert.deepEqual(
    snoozes(null).map(({ minutes }) => minutes),
    [5, 15, 30, 60],
  );
  const [first, ...lengths] = snoozes(12);
  assert.deepEqual(lengths, snoozes(null));
  assert.equal(first?.minutes, 0);
  assert.match(first?.label ?? "", /End.* 12 min/);
  const label = (snooze: number | null): string | undefined =>
    menu({ ...READY, snooze })
      .flat()
      .find(({ command }) => command === COMMANDS.chooseSnooze)?.label;
  assert.match(label(null) ?? "", /Snooze$/);
  assert.match(label(12) ?? "", /End the snooze/);
  assert(!commands({ enabled: false, phase: "off" }).includes(COMMANDS.chooseSnooze));
});

test("without a server no entry needs it", () => {
  const { copyInstallCommand, disable, toggleLanguage, restart, openLog, openSettings } = COMMANDS;
  assert.deepEqual(commands({ phase: "missing", running: false }), [
    copyInstallCommand,
    disable,
    toggleLanguage,
    restart,
    openLog,
    openSettings,
  ]);
  const ofNone = [disable, toggleLanguage, restart, openLog, openSettings];
  for (const phase of ["starting", "error"] as const) assert.deepEqual(commands({ phase, running: false }), ofNone);
});

test("after an error another model can be selected or trained", () => {
  const offered = commands({ phase: "error" });
  for (const command of [COMMANDS.chooseModel, COMMANDS.trainWorkspace]) assert(offered.includes(command));
});
