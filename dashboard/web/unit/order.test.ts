import assert from "node:assert/strict";
import { test } from "node:test";

import { byDue, byNeed, merged, stepped, withItem } from "../src/lib/order";
import type { Alarm, Severity, Task } from "../src/lib/types";

function alarm(id: string, severity: Severity, minute: number, version = 1): Alarm {
  const raised_at = new Date(Date.UTC(2026, 10, 23, 3, minute)).toISOString();
  return { id, severity, raised_at, number: minute, version } as Alarm;
}

test("the queue: severity first, then who has waited longest", () => {
  const queue = [
    alarm("technical", "technical", 0),
    alarm("urgent-new", "urgent", 30),
    alarm("watch", "watch", 1),
    alarm("urgent-old", "urgent", 20),
  ].sort(byNeed);
  assert.deepEqual(
    queue.map((a) => a.id),
    ["urgent-old", "urgent-new", "watch", "technical"],
  );
});

test("an older version never replaces a newer one", () => {
  const known = [alarm("a", "urgent", 1, 3)];
  assert.equal(withItem(known, alarm("a", "urgent", 1, 2)), known);
  assert.equal(withItem(known, alarm("a", "urgent", 1, 4))[0]?.version, 4);
  assert.equal(withItem(known, alarm("b", "urgent", 1)).length, 2);
  assert.equal(merged([alarm("a", "urgent", 1, 2)], known)[0]?.version, 3);
});

test("selection stays inside the list and survives what is gone", () => {
  const ids = ["a", "b", "c"];
  assert.equal(stepped(ids, null, 1), "a");
  assert.equal(stepped(ids, "a", 1), "b");
  assert.equal(stepped(ids, "c", 1), "c");
  assert.equal(stepped(ids, "a", -1), "a");
  assert.equal(stepped(ids, "gone", 1), "a");
  assert.equal(stepped([], "a", 1), null);
});

test("tasks by when they are due, those without a time by when they came", () => {
  const task = (id: string, due: string | null, created: string): Task =>
    ({ id, due_at: due, created_at: created, number: 1 }) as Task;
  const sorted = [
    task("later", "2026-11-23T05:00:00Z", "2026-11-23T01:00:00Z"),
    task("none", null, "2026-11-23T04:00:00Z"),
    task("soon", "2026-11-23T03:00:00Z", "2026-11-23T02:00:00Z"),
  ].sort(byDue);
  assert.deepEqual(
    sorted.map((one) => one.id),
    ["soon", "none", "later"],
  );
});
