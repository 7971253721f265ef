import assert from "node:assert/strict";
import { test } from "node:test";

import { Selection } from "../src/lib/selection.svelte";

const CALLS = (): boolean => true;
const QUIET = (): boolean => false;

function at(ids: string[], chosen: string | null = null): Selection {
  const selection = new Selection();
  selection.follow(ids, QUIET, 0);
  if (chosen !== null) {
    selection.choose(chosen);
    selection.touched(0);
  }
  return selection;
}

test("the first alarm of an empty queue is selected by itself", () => {
  const selection = at([]);
  assert.equal(selection.id, null);
  assert.equal(selection.follow(["a"], QUIET, 1000), true);
  assert.equal(selection.id, "a");
  assert.equal(selection.hasJustTurned(1399), true);
  assert.equal(selection.hasJustTurned(1400), false);
});

test("what was selected by itself gives way to who calls before it, and to nobody else", () => {
  const selection = at(["watch"]);
  assert.equal(selection.follow(["second", "watch"], QUIET, 1000), false);
  assert.equal(selection.follow(["second", "watch", "call"], CALLS, 2000), false);
  assert.equal(selection.id, "watch");
  assert.equal(selection.follow(["sos", "second", "watch", "call"], CALLS, 3000), true);
  assert.equal(selection.id, "sos");
  // A press on its way to the one before takes nobody's call.
  assert.equal(selection.hasJustTurned(3100), true);
});

test("what somebody has chosen stays while there is somebody", () => {
  const selection = at(["watch", "other"], "other");
  assert.equal(selection.follow(["sos", "watch", "other"], CALLS, 29_999), false);
  assert.equal(selection.id, "other");
  const left = at(["watch", "other"], "other");
  assert.equal(left.follow(["sos", "watch", "other"], CALLS, 30_000), true);
  assert.equal(left.id, "sos");
});

test("where somebody else took the selected one a key meets nothing", () => {
  const selection = at(["one", "two"], "one");
  selection.touched(5000);
  assert.equal(selection.follow(["two"], CALLS, 5001), false);
  assert.equal(selection.id, null);
  // Also not a call that comes at once; one that comes when nobody is at it is selected.
  assert.equal(selection.follow(["sos", "two"], CALLS, 5100), false);
  assert.equal(selection.id, null);
  assert.equal(selection.follow(["fall", "sos", "two"], CALLS, 40_000), true);
  assert.equal(selection.id, "fall");
});
