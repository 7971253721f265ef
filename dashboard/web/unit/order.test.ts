import assert from "node:assert/strict";
import { test } from "node:test";

import { byDue, byEnding, byNeed, isCalm, isFiled, joined, merged, rowsOf, stepped, villagesOf, waitsFrom, withItem } from "../src/lib/order";
import type { Alarm, Severity } from "../src/lib/alarm_types";
import type { Task } from "../src/lib/task_types";

function alarm(id: string, severity: Severity, minute: number, version = 1): Alarm {
  const raised_at = new Date(Date.UTC(2026, 10, 23, 3, minute)).toISOString();
  return { id, severity, raised_at, number: minute, version, kind: "sos", home: null } as Alarm;
}

function broken(kind: string, minute: number, severity: Severity = "technical"): Alarm {
  return { ...alarm(`${kind}-${minute}`, severity, minute), kind };
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

test("who calls now stands before a silence that waits longer, and behind what is worse", () => {
  const silent = { ...alarm("silent", "urgent", 0), kind: "no_sign_of_life" };
  const late = { ...alarm("late", "watch", 0), kind: "not_up_yet" };
  const smoke = { ...alarm("smoke", "urgent", 40), kind: "hazard" };
  const queue = [silent, late, alarm("pressed", "urgent", 50), smoke].sort(byNeed);
  assert.deepEqual(
    queue.map((a) => a.id),
    ["smoke", "pressed", "silent", "late"],
  );
  // Held, the same press waits behind it.
  const held = { ...alarm("held", "urgent", 50), state: "open" as const, held_until: "2026-11-23T04:00:00Z" };
  assert.deepEqual(
    [held, silent].sort(byNeed).map((a) => a.id),
    ["silent", "held"],
  );
});

test("what grew worse waits from then on, behind a call that is older than that", () => {
  const grown = { ...alarm("grown", "urgent", 0), worsened_at: "2026-11-23T03:40:00Z" };
  const queue = [grown, alarm("later", "urgent", 50), alarm("called", "urgent", 30)].sort(byNeed);
  assert.deepEqual(
    queue.map((a) => a.id),
    ["called", "grown", "later"],
  );
  assert.equal(waitsFrom(grown), Date.UTC(2026, 10, 23, 3, 40));
});

test("who is asked whether all is well comes behind those who need somebody now", () => {
  const asked = { state: "open", answer: null, ask_until: "2026-11-23T03:10:00Z" } as const;
  const queue = [
    { ...alarm("asked", "urgent", 1), ...asked },
    { ...alarm("unanswered", "urgent", 2), ...asked, answer: "none" as const },
    alarm("watch", "watch", 0),
    alarm("called", "urgent", 9),
  ].sort(byNeed);
  assert.deepEqual(
    queue.map((a) => a.id),
    ["unanswered", "called", "asked", "watch"],
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

test("people before devices of the same severity, whoever waits longer", () => {
  const queue = [broken("device_silent", 0, "watch"), alarm("person", "watch", 30)].sort(byNeed);
  assert.equal(queue[0]?.id, "person");
});

test("three of a kind are one line, and open into their cards", () => {
  const many = [broken("low_battery", 1), broken("test_due", 2), broken("low_battery", 3)];
  const keys = (alarms: Alarm[], open: string[] = []) =>
    rowsOf(alarms, new Set(open)).map((row) => row.key);
  assert.deepEqual(keys(many), ["low_battery-1", "test_due-2", "low_battery-3"]);
  const more = [...many, broken("low_battery", 4)];
  assert.deepEqual(keys(more), ["technical/low_battery", "test_due-2"]);
  assert.deepEqual(keys(more, ["technical/low_battery"]), [
    "technical/low_battery",
    "low_battery-1",
    "low_battery-3",
    "low_battery-4",
    "test_due-2",
  ]);
});

test("fifty broken devices hide nobody: what is urgent stands alone and first", () => {
  const fifty = Array.from({ length: 50 }, (_, minute) => broken("device_silent", minute));
  const overdue = Array.from({ length: 5 }, (_, minute) => broken("device_silent", minute, "watch"));
  const people = ["a", "b", "c"].map((id) => alarm(id, "urgent", 59));
  const rows = rowsOf([...fifty, ...overdue, ...people].sort(byNeed), new Set());
  assert.deepEqual(
    rows.map((row) => row.key),
    ["a", "b", "c", "watch/device_silent", "technical/device_silent"],
  );
  // Three people of one kind, not even urgent, are never one line.
  const watched = ["a", "b", "c"].map((id) => alarm(id, "watch", 1));
  assert.equal(rowsOf(watched, new Set()).length, 3);
});

test("a device calls nobody until a life hangs on it", () => {
  assert.equal(isCalm(broken("device_silent", 1)), true);
  assert.equal(isCalm(broken("device_silent", 1, "watch")), false);
  assert.equal(isCalm(broken("gateway_silent", 1)), false);
});

test("where the alarms of a group are", () => {
  const at = (village: string) =>
    ({ home: { region_path: ["县", village] } }) as unknown as Alarm;
  assert.deepEqual(villagesOf([at("甲"), at("乙"), at("乙"), { home: null } as Alarm]), [
    { village: "乙", count: 2 },
    { village: "", count: 1 },
    { village: "甲", count: 1 },
  ]);
});

test("who goes to a person first, then what presses, however late the rest is", () => {
  const task = (id: string, kind: string, hour: number, life_critical = false): Task => {
    const due_at = new Date(Date.UTC(2026, 10, 23, hour)).toISOString();
    return { id, kind, due_at, number: 1, alarm: null, checks: [{ task: id, life_critical, due_at, since: due_at }] } as Task;
  };
  const sorted = [
    task("battery", "repair", 1),
    task("button", "repair", 2, true),
    task("fall", "emergency", 3),
  ].sort(byDue);
  assert.deepEqual(
    sorted.map((one) => one.id),
    ["fall", "button", "battery"],
  );
});

test("an emergency stands before a visit that is overdue, and of emergencies the call", () => {
  const task = (id: string, kind: string, alarm_kind: string | null, hour: number): Task => {
    const due_at = new Date(Date.UTC(2026, 10, 23, hour)).toISOString();
    return { id, kind, alarm_kind, due_at, number: 1, alarm: null } as Task;
  };
  const sorted = [
    task("routine", "routine", null, 0),
    task("silent", "emergency", "no_sign_of_life", 1),
    task("pressed", "emergency", "sos", 9),
  ].sort(byDue);
  assert.deepEqual(
    sorted.map((one) => one.id),
    ["pressed", "silent", "routine"],
  );
});

test("of ended tasks the latest stands first, whatever it was", () => {
  const task = (id: string, kind: string, hour: number, completed: boolean): Task => {
    const at = new Date(Date.UTC(2026, 10, 23, hour)).toISOString();
    return { id, kind, number: hour, created_at: at, completed_at: completed ? at : null } as Task;
  };
  const sorted = [
    task("repaired", "repair", 1, true),
    task("went", "emergency", 3, true),
    task("cancelled", "repair", 2, false),
  ].sort(byEnding);
  assert.deepEqual(
    sorted.map((one) => one.id),
    ["went", "cancelled", "repaired"],
  );
});

test("a repair asks for no visit on file, somebody's alarm does", () => {
  const empty = { visit: null, family_informed: false };
  assert.equal(isFiled(broken("low_battery", 1), empty), false);
  assert.equal(isFiled(broken("low_battery", 1), { ...empty, visit: "visit-1" }), true);
  assert.equal(isFiled(alarm("pressed", "urgent", 1), empty), true);
});

test("what the stream said while an answer was on its way outlives the answer", () => {
  const was = [alarm("stays", "urgent", 1), alarm("ends", "urgent", 2), alarm("goes", "urgent", 3)];
  const known = [alarm("stays", "urgent", 1, 3), alarm("ends", "urgent", 2, 2), was[2]!, alarm("came", "urgent", 4)];
  const answer = [alarm("stays", "urgent", 1, 2), alarm("old", "urgent", 0)];
  assert.deepEqual(
    joined(answer, known, was).map((one) => [one.id, one.version]),
    [["stays", 3], ["old", 1], ["ends", 2], ["came", 1]],
  );
});
