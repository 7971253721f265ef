import assert from "node:assert/strict";
import { test } from "node:test";

import type { Alarm } from "../src/lib/alarm_types";
import { isCalledOut } from "../src/lib/handing";

const ME = { username: "visitor-1", name: "冯建国" };
const sent: Pick<Alarm, "state" | "severity" | "assignee" | "task"> = {
  state: "acknowledged",
  severity: "urgent",
  assignee: ME,
  task: "task-1",
};

test("who was sent is called out until there is an answer", () => {
  assert.ok(isCalledOut(sent, "visitor-1"));
  assert.ok(isCalledOut({ ...sent, state: "open" }, "visitor-1"));
  assert.ok(!isCalledOut(sent, "visitor-2"));
  assert.ok(!isCalledOut({ ...sent, assignee: null }, "visitor-1"));
  for (const state of ["in_response", "closed"] as const) {
    assert.ok(!isCalledOut({ ...sent, state }, "visitor-1"), state);
  }
  assert.ok(!isCalledOut({ ...sent, severity: "watch" }, "visitor-1"));
  assert.ok(!isCalledOut({ ...sent, task: null }, "visitor-1"), "there is nothing to accept");
});
