import assert from "node:assert/strict";
import { test } from "node:test";

import { readingLines } from "../src/lib/last_readings";
import { nextOf, sentSince } from "../src/lib/sent";
import type { LastReading } from "../src/lib/service";
import type { Task } from "../src/lib/task_types";
import { isDue } from "../src/lib/troubles";

function task(state: string, more: Partial<Task> = {}): Task {
  const times = { accepted_at: "b", departed_at: "c", arrived_at: "d", completed_at: "e" };
  return { kind: "emergency", state, assignee: { username: "v", name: "V" }, ...times, ...more } as Task;
}

test("since when somebody is on which part of the way", () => {
  const timeline = [
    { fact: "assigned", at: "1" },
    { fact: "told", at: "2" },
    { fact: "assigned", at: "3" },
    { fact: "told", at: "4" },
  ];
  assert.equal(sentSince(task("open"), timeline), "3");
  assert.equal(sentSince(task("open"), []), null);
  assert.deepEqual(
    ["accepted", "departed", "arrived", "completed"].map((state) => sentSince(task(state), timeline)),
    ["b", "c", "d", "e"],
  );
});

test("what is pressed next: send, wait, close", () => {
  assert.equal(nextOf(task("open", { assignee: null })), "assign");
  for (const state of ["open", "accepted", "departed", "arrived"]) assert.equal(nextOf(task(state)), null);
  assert.equal(nextOf(task("completed")), "close");
  assert.equal(nextOf(null), "close");
});

test("an emergency's deadline is for being there, a repair's for its end", () => {
  assert.deepEqual(
    ["open", "departed", "arrived", "completed", "cancelled"].map((state) => isDue(task(state))),
    [true, true, false, false, false],
  );
  assert.equal(isDue(task("arrived", { kind: "repair" })), true);
});

function reading(field: string, value: number, more: Partial<LastReading> = {}): LastReading {
  const from = { device: "cuff", label: "", kind: "blood_pressure", at: "2026-11-22T08:00:00Z" };
  return { ...from, field, value, ...more };
}

test("upper and lower pressure of one sitting are one line, before the house's", () => {
  const lines = readingLines([
    reading("diastolic_mmhg", 69),
    reading("mean_mmhg", 89),
    reading("power_w", 428.9, { device: "meter", kind: "power" }),
    reading("pulse_bpm", 63),
    reading("systolic_mmhg", 127),
  ]);
  assert.deepEqual(
    lines.map((line) => [line.field, line.values]),
    [
      ["blood_pressure", [127, 69]],
      ["pulse_bpm", [63]],
      ["power_w", [428.9]],
    ],
  );
});

test("pressures of two sittings are not made one", () => {
  const lines = readingLines([
    reading("diastolic_mmhg", 69, { at: "2026-11-22T07:00:00Z" }),
    reading("systolic_mmhg", 127),
  ]);
  assert.deepEqual(
    lines.map((line) => line.field),
    ["diastolic_mmhg", "systolic_mmhg"],
  );
});
