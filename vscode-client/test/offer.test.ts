import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWERS, LATER_MS, type Memory, Offer, QUIET_MS } from "../src/offer";
import { type Entry, holdPython } from "../src/pythonfiles";
import { INITIAL_FACTS, type Facts } from "../src/status";

const GENERAL: Facts = { ...INITIAL_FACTS, phase: "ready", model: "base", trusted: true };

class Notes implements Memory {
  readonly #values = new Map<string, unknown>();

  get<T>(key: string): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  async update(key: string, value: unknown): Promise<void> {
    this.#values.set(key, value);
  }
}

/** A person who answers, in windows on one workspace. */
class World {
  facts = GENERAL;
  answer: string | undefined;
  isWorthIt = true;
  time = 0;
  asked = 0;
  trained = 0;
  workspace = new Notes();
  readonly everywhere = new Notes();

  /** Open a window; the returned function lets its next minute pass. */
  open(): () => Promise<void> {
    let next: (() => void) | undefined;
    new Offer({
      facts: () => this.facts,
      now: () => this.time,
      after: (ms, call) => {
        assert.equal(ms, QUIET_MS);
        next = call;
        return () => (next = undefined);
      },
      workspace: this.workspace,
      everywhere: this.everywhere,
      isWorthIt: async () => this.isWorthIt,
      ask: async (message, answers) => {
        assert.match(message, /make it yours/);
        assert.deepEqual(answers, ["Train", "Later", "Don't ask"]);
        this.asked += 1;
        return this.answer;
      },
      train: () => (this.trained += 1),
    });
    return async () => {
      const call = next;
      next = undefined;
      call?.();
      await new Promise((resolve) => setImmediate(resolve));
    };
  }
}

test("the offer comes after a minute, once in a workspace, whether it is answered or not", async () => {
  const world = new World();
  const minute = world.open();
  assert.equal(world.asked, 0);
  await minute();
  assert.equal(world.asked, 1);
  await minute();
  await world.open()();
  assert.equal(world.asked, 1);
  assert.equal(world.trained, 0);
  world.workspace = new Notes(); // another workspace
  await world.open()();
  assert.equal(world.asked, 2);
});

test("the offer waits for the bundled model in a trusted workspace", async () => {
  const world = new World();
  const others: Partial<Facts>[] = [{ model: "mine" }, { trusted: false }, { phase: "training" }, { phase: "loading" }];
  const minute = world.open();
  for (const changes of others) {
    world.facts = { ...GENERAL, ...changes };
    await minute();
  }
  assert.equal(world.asked, 0);
  world.facts = GENERAL;
  await minute();
  assert.equal(world.asked, 1);
});

test("without code the offer never comes in this window", async () => {
  const world = new World();
  world.isWorthIt = false;
  const minute = world.open();
  await minute();
  world.isWorthIt = true;
  await minute();
  assert.equal(world.asked, 0);
  await world.open()();
  assert.equal(world.asked, 1);
});

test("Train starts training at once", async () => {
  const world = new World();
  world.answer = ANSWERS.train;
  await world.open()();
  assert.equal(world.trained, 1);
});

test("after Later the offer comes again, but not within a week", async () => {
  const world = new World();
  world.answer = ANSWERS.later;
  await world.open()();
  world.time = LATER_MS - 1;
  await world.open()();
  assert.equal(world.asked, 1);
  world.time = LATER_MS;
  await world.open()();
  assert.equal(world.asked, 2);
});

test("after Don't ask the offer comes in no workspace", async () => {
  const world = new World();
  world.answer = ANSWERS.never;
  await world.open()();
  world.workspace = new Notes();
  await world.open()();
  assert.equal(world.asked, 1);
});

/** Whether a folder of these files has enough code. */
function holds(...files: string[]): Promise<boolean> {
  const list = async (folder: string): Promise<Entry[]> => {
    const inside = files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1));
    const names = [...new Set(inside.map((file) => file.split("/")[0] ?? ""))];
    return names.map((name) => ({ path: `${folder}/${name}`, name, isFolder: !inside.includes(name) }));
  };
  return holdPython(["/code", "/missing"], (folder) =>
    folder === "/missing" ? Promise.reject(new Error("gone")) : list(folder),
  );
}

test("five Python files at any depth are enough code, but not those of other people", async () => {
  const own = ["/code/a.py", "/code/b.py", "/code/in/c.py", "/code/in/deep/d.py", "/code/in/deep/e.py"];
  assert(await holds(...own));
  assert(!(await holds(...own.slice(1))));
  assert(!(await holds()));
  for (const folder of [".venv", "venv", "node_modules", "lib/site-packages"]) {
    assert(!(await holds(...own.map((file) => file.replace("/code", `/code/${folder}`)))), folder);
  }
});
