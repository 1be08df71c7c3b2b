import assert from "node:assert/strict";
import { test } from "node:test";
import { Latency } from "../src/latency";

/** A clock that is moved manually. */
class Clock {
  #now = 0;
  #calls: { at: number; call: () => void }[] = [];

  now = (): number => this.#now;

  after = (ms: number, call: () => void): (() => void) => {
    const entry = { at: this.#now + ms, call };
    this.#calls.push(entry);
    return () => (this.#calls = this.#calls.filter((one) => one !== entry));
  };

  move(ms: number): void {
    this.#now += ms;
    const due = this.#calls.filter((one) => one.at <= this.#now);
    this.#calls = this.#calls.filter((one) => one.at > this.#now);
    for (const { call } of due) call();
  }
}

function watched(): { clock: Clock; latency: Latency; seen: (boolean | number)[] } {
  const clock = new Clock();
  const seen: (boolean | number)[] = [];
  const note = (value: boolean | number): number => seen.push(value);
  return { clock, latency: new Latency(clock, note, note), seen };
}

test("a quick answer shows its latency and no thinking", async () => {
  const { clock, latency, seen } = watched();
  const work = async (): Promise<string> => (clock.move(30), "text");
  assert.equal(await latency.measure(work, () => true), "text");
  assert.deepEqual(seen, [30, false]);
});

test("a slow answer shows thinking", async () => {
  const { clock, latency, seen } = watched();
  await latency.measure(
    async () => clock.move(400),
    () => true,
  );
  assert.deepEqual(seen, [true, 400, false]);
});

test("an answer that does not count changes no latency", async () => {
  const { latency, seen } = watched();
  await latency.measure(
    async () => "",
    (text) => text !== "",
  );
  assert.deepEqual(seen, [false]);
});

test("thinking ends with the last request, even when one fails", async () => {
  const { clock, latency, seen } = watched();
  const open: (() => void)[] = [];
  const first = latency.measure(
    () => new Promise<void>((resolve) => open.push(resolve)),
    () => false,
  );
  await assert.rejects(
    latency.measure(
      () => Promise.reject(new Error("no")),
      () => true,
    ),
  );
  assert.deepEqual(seen, []);
  clock.move(200);
  open[0]?.();
  await first;
  assert.deepEqual(seen, [true, false]);
});

test("what a server never answers is forgotten", async () => {
  const { clock, latency, seen } = watched();
  void latency.measure(
    () => new Promise<void>(() => undefined),
    () => false,
  );
  clock.move(200);
  latency.forget();
  await latency.measure(
    async () => clock.move(400),
    () => false,
  );
  assert.deepEqual(seen, [true, false, true, false]);
});
