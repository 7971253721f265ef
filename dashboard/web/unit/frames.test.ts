import assert from "node:assert/strict";
import { test } from "node:test";

import { byFrame, type Screen } from "../src/lib/frames";

/** Frames that the test paints; each item takes three milliseconds. */
class Painted implements Screen {
  at = 0;
  #next: (() => void) | null = null;
  now(): number {
    return this.at;
  }
  soon(callback: () => void): void {
    assert.equal(this.#next, null);
    this.#next = callback;
  }
  frame(): boolean {
    const callback = this.#next;
    this.#next = null;
    callback?.();
    return callback !== null;
  }
}

test("what comes between two frames is done before the next, in order, and no more than fits", () => {
  const screen = new Painted();
  const done: number[] = [];
  const portions = byFrame<number>((item) => {
    done.push(item);
    screen.at += 3;
  }, screen);
  portions.add([1, 2]);
  portions.add([3, 4, 5]);
  assert.deepEqual(done, []);
  screen.frame();
  assert.deepEqual(done, [1, 2, 3]);
  portions.add([6]);
  screen.frame();
  assert.deepEqual(done, [1, 2, 3, 4, 5, 6]);
  assert.equal(portions.length, 0);
  assert.equal(screen.frame(), false);
});

test("one item that takes longer than a frame is done all the same, and one that fails hides none", () => {
  const screen = new Painted();
  const done: number[] = [];
  const portions = byFrame<number>((item) => {
    screen.at += 100;
    if (item === 1) throw new Error("unreadable");
    done.push(item);
  }, screen);
  portions.add([1, 2, 3]);
  assert.throws(() => screen.frame());
  while (screen.frame());
  assert.deepEqual(done, [2, 3]);
});

test("who waits for the end is told, also when the rest is dropped", async () => {
  const screen = new Painted();
  const portions = byFrame<number>(() => undefined, screen);
  await portions.emptied();
  portions.add([1]);
  const emptied = portions.emptied();
  screen.frame();
  await emptied;
  portions.add([2]);
  const dropped = portions.emptied();
  portions.drop();
  await dropped;
  assert.equal(portions.length, 0);
});
