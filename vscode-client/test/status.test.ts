import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerStatus } from "../src/protocol";
import { INITIAL_FACTS, type Facts, look, type Phase, summary, withServerStatus } from "../src/status";

const READY: Facts = { ...INITIAL_FACTS, phase: "ready", model: "mine" };
const PHASES: Phase[] = ["starting", "missing", "loading", "ready", "training", "off", "error"];
const NORMAL: ServerStatus = { busy: false, message: "", kind: "Normal" };

test("every phase has the name, an icon and a label of its own", () => {
  const looks = PHASES.filter((phase) => phase !== "loading").map((phase) => look({ ...INITIAL_FACTS, phase }));
  for (const { text, label } of looks) {
    assert.match(text, /^\$\([a-z~-]+\) TinyCoder/);
    assert.match(label, /^TinyCoder: /);
  }
  assert.equal(new Set(looks.map(({ text }) => text)).size, looks.length);
  assert.equal(new Set(looks.map(({ label }) => label)).size, looks.length);
});

test("a ready server shows its last latency, also while it thinks", () => {
  assert.equal(look(READY).text, "$(sparkle) TinyCoder");
  assert.equal(look({ ...READY, latency: 22.6 }).text, "$(sparkle) TinyCoder 23 ms");
  assert.equal(look({ ...READY, latency: 22.6, thinking: true }).text, "$(loading~spin) TinyCoder 23 ms");
  assert.equal(look({ ...READY, latency: 22.6 }).label, "TinyCoder: ready, model mine, last suggestion in 23 ms");
});

test("training and indexing show their progress", () => {
  assert.equal(look({ ...READY, phase: "training", training: 43 }).text, "$(mortar-board) TinyCoder: training 43 %");
  assert.equal(look({ ...READY, indexing: 7 }).text, "$(sync~spin) TinyCoder: indexing 7 %");
  assert.match(look({ ...READY, indexing: 7 }).label, /ready, indexing/);
});

test("a snooze shows its minutes where the server is ready, and the server's sentence", () => {
  const snoozing: Facts = { ...READY, model: "base", snooze: 12, message: "TinyCoder is snoozing for 12 min." };
  assert.equal(look(snoozing).text, "$(bell-slash) TinyCoder: snoozing 12 min");
  assert.match(look(snoozing).label, /^TinyCoder: snoozing for 12 min/);
  assert.equal(summary(snoozing), snoozing.message);
  assert.equal(look({ ...snoozing, phase: "error" }).text, "$(error) TinyCoder: error");
  assert.equal(withServerStatus(READY, { ...NORMAL, state: "ready", snooze: 12 }).snooze, 12);
  assert.equal(withServerStatus(snoozing, NORMAL).snooze, null);
});

test("a disabled language shows only while the server is ready", () => {
  assert.equal(look({ ...READY, languageOff: "python" }).text, "$(circle-slash) TinyCoder: off for Python");
  assert.equal(look({ ...INITIAL_FACTS, phase: "error", languageOff: "python" }).text, "$(error) TinyCoder: error");
});

test("the tooltip names model, message and trust, and nothing in them is Markdown", () => {
  const { tooltip } = look({ ...READY, model: "my_*model*", message: "[a](command:b)", trusted: false });
  assert.match(tooltip, /my\\_\\\*model\\\*/);
  assert.match(tooltip, /\\\[a\\\]\\\(command:b\\\)/);
  assert.match(tooltip, /not trusted/);
});

test("the tooltip of the bundled model says what it knows and how to make it yours", () => {
  const message = 'TinyCoder completes with the model base. Train: tinycoder train "/code"';
  const facts: Facts = { ...READY, model: "base", message };
  assert.match(look(facts).tooltip, /base, which knows Python in general/);
  assert.match(look(facts).tooltip, /make it yours/);
  assert.match(look(facts).label, /base, which knows Python in general/);
  for (const words of [look(facts).tooltip, summary(facts)]) assert.doesNotMatch(words, /tinycoder train/);
  assert.doesNotMatch(look({ ...facts, trusted: false }).tooltip, /make it yours/);
  assert.match(look({ ...facts, phase: "training", message: "at 5" }).tooltip, /at 5/);
  assert.doesNotMatch(look(READY).tooltip, /in general/);
  assert.equal(summary({ ...READY, message: "fine" }), "fine");
});

test("only a missing server and an error ask for attention", () => {
  const attention = Object.fromEntries(PHASES.map((phase) => [phase, look({ ...INITIAL_FACTS, phase }).attention]));
  assert.deepEqual(attention, {
    starting: "none",
    missing: "warning",
    loading: "none",
    ready: "none",
    training: "none",
    off: "none",
    error: "error",
  });
});

test("a new status replaces the one before", () => {
  const status: ServerStatus = {
    ...NORMAL,
    state: "training",
    message: "learning",
    model: "mine",
    training: 5,
    busy: true,
  };
  const facts = withServerStatus({ ...READY, latency: 9 }, status);
  assert.deepEqual(facts, { ...READY, phase: "training", message: "learning", training: 5, latency: 9 });
  assert.equal(withServerStatus(facts, { ...NORMAL, state: "error" }).model, null);
});

test("a status without a state is understood as Copilot's", () => {
  assert.equal(withServerStatus(INITIAL_FACTS, NORMAL).phase, "ready");
  assert.equal(withServerStatus(INITIAL_FACTS, { ...NORMAL, busy: true }).phase, "loading");
  assert.equal(withServerStatus(INITIAL_FACTS, { ...NORMAL, kind: "Inactive" }).phase, "off");
  assert.equal(withServerStatus(INITIAL_FACTS, { ...NORMAL, kind: "Warning" }).phase, "ready");
  assert.equal(withServerStatus(INITIAL_FACTS, { ...NORMAL, kind: "Error" }).phase, "error");
});

test("that code leaves is seen, heard and said", () => {
  const facts = { ...READY, model: "base", remote: "team.example:8000" };
  assert.equal(look(facts).text, "$(cloud-upload) TinyCoder");
  assert.match(look(facts).label, /code is sent to team\.example:8000/);
  assert.match(look(facts).tooltip, /code around the cursor is sent to team/);
  assert.match(summary(facts), /is sent to team\.example:8000\.$/);
  assert.equal(withServerStatus(facts, NORMAL).remote, null);
});
