import assert from "node:assert/strict";
import { test } from "node:test";

import { dueText } from "../src/lib/format";
import { BY_KIND, changesOf, KEEP, NEVER } from "../src/lib/intervals";
import {
  byTrouble,
  byUrgency,
  checksOf,
  FILTERS,
  isLate,
  isOverdue,
  isShown,
  signalOf,
  toneOf,
  toneOfTask,
  troublesOf,
} from "../src/lib/troubles";
import type { Device, Trouble } from "../src/lib/device_types";
import type { Task } from "../src/lib/task_types";
import { adviceFor, deviceName, taskPlace, taskWho, troubleWords } from "../src/lib/words";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 10, 23, 19);

function at(hours: number): string {
  return new Date(NOW + hours * HOUR).toISOString();
}

function trouble(reason: string, more: Partial<Trouble> = {}): Trouble {
  return {
    gateway: "gw-1",
    device: "d",
    label: "",
    kind: "device_fault",
    reason,
    since: at(-1),
    due_at: at(72),
    life_critical: false,
    overdue: false,
    alarm: null,
    task: null,
    ...more,
  };
}

function device(more: Partial<Device> = {}): Device {
  const base = { gateway: "gw-1", device: "d", home: "home-1", kind: "sos", label: "按钮" };
  const told = { battery_pct: null, signal_dbm: null, fault: null, state: "ok", last_seen_at: at(-2) };
  return { ...base, ...told, ...more } as Device;
}

test("what presses first, then what is due first, without a deadline last", () => {
  const sorted = [
    trouble("no_deadline", { due_at: null }),
    trouble("late", { due_at: at(-5) }),
    trouble("battery", { due_at: at(50) }),
    trouble("test", { due_at: at(160), life_critical: true }),
    trouble("life", { due_at: at(1), life_critical: true }),
  ].sort(byUrgency);
  assert.deepEqual(
    sorted.map((one) => one.reason),
    ["life", "late", "battery", "test", "no_deadline"],
  );
  const devices = [
    device({ device: "well" }),
    device({ device: "battery", troubles: [trouble("battery_low")] }),
    device({ device: "life", troubles: [trouble("x"), trouble("y", { life_critical: true, due_at: at(1) })] }),
  ].sort(byTrouble);
  assert.deepEqual(
    devices.map((one) => one.device),
    ["life", "battery", "well"],
  );
});

test("the filters find what they are called", () => {
  const found = (one: Device) => FILTERS.filter((filter) => isShown(one, filter));
  assert.deepEqual(found(device()), ["all"]);
  const silent = device({ state: "silent", troubles: [trouble("not_heard")] });
  assert.deepEqual(found(silent), ["trouble", "silent", "all"]);
  assert.deepEqual(found(device({ state: "never_seen" })), ["unheard", "all"]);
  assert.deepEqual(found(device({ troubles: [trouble("battery_low")] })), ["trouble", "battery", "all"]);
  assert.deepEqual(found(device({ battery_pct: 20 })), ["battery", "all"]);
  assert.deepEqual(found(device({ battery_pct: 21 })), ["all"]);
  assert.deepEqual(found(device({ troubles: [trouble("weekly_test_due")] })), ["trouble", "test_due", "all"]);
  // Told by the device, though nobody has to mend it.
  assert.deepEqual(found(device({ fault: "undecodable" })), ["trouble", "all"]);
});

test("a hub before supervision tells nothing of it", () => {
  assert.deepEqual(troublesOf(device()), []);
  assert.equal(isLate(device({ last_seen_at: at(-900) }), NOW), false);
  assert.deepEqual(checksOf({ id: "t", alarm: "a" } as Task), { own: [], others: [] });
});

test("late is quiet for longer than expected; one that is never expected is never late", () => {
  assert.equal(isLate(device({ expected_interval_s: 3600 }), NOW), true);
  assert.equal(isLate(device({ expected_interval_s: 7200 }), NOW), false);
  assert.equal(isLate(device({ expected_interval_s: null }), NOW), false);
  assert.equal(isLate(device({ expected_interval_s: 60 }), 0), false);
});

test("signals in words, decibels before link quality", () => {
  assert.equal(signalOf(device()), null);
  assert.equal(signalOf(device({ signal_dbm: -70, link_quality: 1 })), "good");
  assert.equal(signalOf(device({ signal_dbm: -71 })), "fair");
  assert.equal(signalOf(device({ signal_dbm: -86 })), "weak");
  assert.equal(signalOf(device({ link_quality: 0 })), "weak");
  assert.equal(signalOf(device({ link_quality: 50 })), "fair");
  assert.equal(signalOf(device({ link_quality: 255 })), "good");
});

test("a task's own trouble is apart from what can be looked at on the way", () => {
  const mine = trouble("not_heard", { task: "t" });
  const joined = trouble("mains_lost", { alarm: "a" });
  const other = trouble("battery_low", { task: "u", alarm: "b" });
  const task = { id: "t", kind: "repair", alarm: "a", checks: [other, joined, mine] } as Task;
  assert.deepEqual(checksOf(task), { own: [joined, mine], others: [other] });
  // No alarm of one is not the alarm of the other.
  const visit = { id: "v", alarm: null, checks: [trouble("x")] } as unknown as Task;
  assert.equal(checksOf(visit).own.length, 0);
});

test("red is kept for a life that hangs on it and a deadline that has passed", () => {
  const late = { due_at: at(-1) };
  assert.equal(toneOf(trouble("x"), NOW), "technical");
  assert.equal(toneOf(trouble("x", late), NOW), "watch");
  assert.equal(toneOf(trouble("x", { life_critical: true }), NOW), "technical");
  assert.equal(toneOf(trouble("x", { life_critical: true, due_at: at(1) }), NOW), "watch");
  assert.equal(toneOf(trouble("x", { life_critical: true, since: at(-3), ...late }), NOW), "urgent");
  assert.equal(toneOf(trouble("x", { life_critical: true, since: at(-90), ...late }), NOW), "watch");
  assert.equal(isOverdue(trouble("x", { overdue: true, due_at: null }), NOW), true);
  assert.equal(isOverdue(trouble("x", late), 0), false);
  const repair = (life_critical: boolean): Task =>
    ({ id: "t", kind: "repair", alarm: null, checks: [trouble("x", { task: "t", life_critical, due_at: at(1) })] }) as Task;
  assert.equal(toneOfTask(repair(false), true), "watch");
  assert.equal(toneOfTask(repair(true), true), "urgent");
  assert.equal(toneOfTask({ kind: "emergency" } as Task, true), "urgent");
});

test("words for a reason, a fault, and what a newer hub invents", () => {
  assert.equal(troubleWords("not_heard"), "没有信号");
  assert.equal(troubleWords("no_answer"), "没有应答");
  assert.equal(troubleWords("brand_new"), "brand_new");
  assert.equal(adviceFor("battery_low"), "换电池或充电");
  assert.equal(adviceFor("brand_new"), "看看设备，记下情况");
  assert.equal(deviceName(trouble("x")), "d");
  assert.equal(deviceName(trouble("x", { device: null })), "网关 gw-1");
});

test("a repair at a gateway is nobody's home", () => {
  const mains = trouble("mains_lost", { device: "gw-1", label: "gw-1", task: "t" });
  const task = { id: "t", kind: "repair", alarm: null, home: null, persons: [] } as unknown as Task;
  assert.equal(taskWho({ ...task, checks: [mains] }), "gw-1");
  assert.equal(taskWho(task), "未登记人员");
  assert.equal(taskPlace(task), "未绑定家庭的设备");
});

test("deadlines", () => {
  assert.deepEqual(dueText(at(2), NOW), { text: "剩 2\u00a0小时", late: false });
  assert.deepEqual(dueText(at(-2), NOW), { text: "超时 2\u00a0小时", late: true });
  assert.equal(dueText(null, NOW), null);
  assert.equal(dueText(at(2), 0), null);
});

test("only what was changed is sent; by kind is null, never is 0", () => {
  const kept = { home: "home-1", kind: "sos", label: "按钮", expected: KEEP, test: KEEP, critical: KEEP };
  assert.deepEqual(changesOf(device(), kept), {});
  assert.deepEqual(changesOf(device(), { ...kept, expected: "3600", test: NEVER, critical: "no" }), {
    expected_interval_s: 3600,
    test_interval_s: 0,
    life_critical: false,
  });
  assert.deepEqual(changesOf(device(), { ...kept, expected: BY_KIND, critical: BY_KIND }), {
    expected_interval_s: null,
    life_critical: null,
  });
  assert.deepEqual(changesOf(device({ home: null, kind: "" }), { ...kept, label: " 床头 " }), {
    home: "home-1",
    kind: "sos",
    label: "床头",
  });
});
