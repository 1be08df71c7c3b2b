import assert from "node:assert/strict";
import { test } from "node:test";
import { Restarts } from "../src/restarts";

const MINUTE = 60_000;

test("each restart waits twice as long, and the sixth crash within three minutes is the last", () => {
  const restarts = new Restarts();
  const delays = [0, 1, 2, 3, 4, 5].map((second) => restarts.afterCrash(second * 1000));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 16000, undefined]);
});

test("a crash of more than three minutes ago does not count", () => {
  const restarts = new Restarts();
  for (let i = 0; i < 5; i++) restarts.afterCrash(0);
  assert.equal(restarts.afterCrash(3 * MINUTE - 1), undefined);
  assert.equal(restarts.afterCrash(3 * MINUTE), 1000);
});

test("a start on request forgets earlier crashes", () => {
  const restarts = new Restarts();
  for (let i = 0; i < 6; i++) restarts.afterCrash(0);
  restarts.forget();
  assert.equal(restarts.afterCrash(0), 1000);
});
