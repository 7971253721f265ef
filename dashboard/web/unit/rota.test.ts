import assert from "node:assert/strict";
import { test } from "node:test";

import { addDays, addMonths, lineGroups, mondayOf, monthSpan, nobodyHas, rotatingTurns, weekRows, weekday, weeklyTurns } from "../src/lib/rota";
import type { Shift, SheetLine } from "../src/lib/rota_types";

const HOURS = [
  { name: "day", start: "08:00", end: "20:00" },
  { name: "night", start: "20:00", end: "08:00" },
];

function shift(name: string, date: string, start: string, end: string): Shift {
  return { id: `d/${date}/${name}`, desk: "d", date, name, start, end, people: [], changed: false, missing: 0 };
}

test("days go on over months and years", () => {
  assert.equal(addDays("2026-12-31", 1), "2027-01-01");
  assert.equal(addMonths("2026-12-15", 1), "2027-01-01");
  assert.equal(addMonths("2026-01-31", -1), "2025-12-01");
  assert.equal(weekday("2026-11-23"), 0);
  assert.equal(mondayOf("2026-11-29"), "2026-11-23");
});

test("a month is shown in whole weeks", () => {
  assert.deepEqual(monthSpan("2026-11-15"), { from: "2026-10-26", to: "2026-12-07" });
  assert.deepEqual(monthSpan("2027-02-01"), { from: "2027-02-01", to: "2027-03-01" });
});

test("teams go forward: day, then night, then rest", () => {
  const turns = rotatingTurns(HOURS, [["a"], ["b", ""], ["c"]]);
  const of = (day: number) => turns.filter((t) => t.day === day).map((t) => t.people[0]);
  assert.deepEqual([of(0), of(1), of(2)], [["a", "b"], ["c", "a"], ["b", "c"]]);
  assert.ok(turns.every((t) => t.people.length === 1));
});

test("a night that begins the day is the first of the round", () => {
  const three = [
    { name: "day", start: "08:00", end: "16:00" },
    { name: "evening", start: "16:00", end: "00:00" },
    { name: "night", start: "00:00", end: "08:00" },
  ];
  const turns = rotatingTurns(three, [["a"], ["b"], ["c"], ["d"]]);
  const of = (who: string) => turns.filter((t) => t.people[0] === who).map((t) => `${t.day} ${t.shift}`);
  assert.deepEqual(of("a"), ["0 night", "1 day", "2 evening"]);
});

test("turns of a week name each day", () => {
  const turns = weeklyTurns(HOURS, [[["a", "b"]], []]);
  assert.equal(turns.length, 14);
  assert.deepEqual(turns[0], { day: 0, shift: "day", people: ["a", "b"], on: "every" });
  assert.deepEqual(turns[1]?.people, []);
});

test("rows of a week stand by their hours", () => {
  const rows = weekRows(
    [
      shift("night", "2026-11-23", "2026-11-23T12:00:00Z", "2026-11-24T00:00:00Z"),
      shift("day", "2026-11-23", "2026-11-23T00:00:00Z", "2026-11-23T12:00:00Z"),
      shift("day", "2026-11-24", "2026-11-24T00:00:00Z", "2026-11-24T12:00:00Z"),
    ],
    "d",
  );
  assert.deepEqual(
    rows.map((row) => [row.name, row.hours, row.byDate.size]),
    [
      ["day", "08:00–20:00", 2],
      ["night", "20:00–08:00", 1],
    ],
  );
});

test("what somebody had when a hand-over was written and nobody has now is no good news", () => {
  const who = { username: "duty-2", name: "陈芳", role: "duty", phone: "" };
  assert.equal(nobodyHas({ now: { state: "open", who: null }, over: false }), true);
  assert.equal(nobodyHas({ now: { state: "acknowledged", who }, over: false }), false);
  assert.equal(nobodyHas({ now: { state: "closed", who: null }, over: true }), false);
  assert.equal(nobodyHas({ now: null, over: false }), false);
});

test("of a kind what is over stands behind what is still open", () => {
  const line = (number: number, kind: string, over: boolean) =>
    ({ number, kind, over, signed: null, alone: number === 1 }) as unknown as SheetLine;
  const lines = [line(1, "alarm", true), line(2, "alarm", false), line(3, "task", false), line(4, "alarm", false)];
  const groups = lineGroups(lines);
  assert.deepEqual(
    groups.map((group) => group.lines.map((one) => one.number)),
    [[2, 4, 1], [3]],
  );
  // The urgent one is still signed by itself.
  assert.deepEqual(groups[0]?.together, [2, 4]);
});
