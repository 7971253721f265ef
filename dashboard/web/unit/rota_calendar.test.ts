import assert from "node:assert/strict";
import { test } from "node:test";

import { datesIn, dayActs, spansOf } from "../src/lib/rota_calendar";
import type { DayFact } from "../src/lib/rota_types";

const rest = { working: false, name: "春节" };
const work = { working: true, name: "春节" };

function fact(seq: number, key: string, said: DayFact["said"], reason = "通知"): DayFact {
  const actor = { username: "admin", name: "管理员", role: "admin", phone: "" };
  const at = "2026-11-20T08:00:00Z";
  return { seq, at, kind: "day", key, desk: null, actor, reason, by_swap: false, said, before: null };
}

test("days that follow each other and say the same are one span, over the end of a month too", () => {
  const days = ["2027-01-31", "2027-02-01", "2027-02-03"].map((date) => ({ date, day: rest }));
  const spans = spansOf([...days, { date: "2027-02-04", day: work }], (a, b) => a.working === b.working);
  assert.deepEqual(
    spans.map((one) => [one.from, one.to, one.days]),
    [
      ["2027-01-31", "2027-02-01", 2],
      ["2027-02-03", "2027-02-03", 1],
      ["2027-02-04", "2027-02-04", 1],
    ],
  );
});

test("what was said in one act stands together, another reason is another act", () => {
  // The hub tells the newest first.
  const acts = dayActs([
    fact(4, "2027-02-06", { working: null, name: "" }, "录错"),
    fact(3, "2027-02-13", work),
    fact(2, "2027-02-06", rest),
    fact(1, "2027-02-05", rest),
  ]);
  assert.deepEqual(
    acts.map((act) => [act.seq, act.reason, act.spans.map((one) => `${one.from} ${one.days}`)]),
    [
      [4, "录错", ["2027-02-06 1"]],
      [3, "通知", ["2027-02-05 2", "2027-02-13 1"]],
    ],
  );
});

test("dates from one to another, and no more than asked for", () => {
  assert.deepEqual(datesIn("2028-02-28", "2028-03-01", 80), ["2028-02-28", "2028-02-29", "2028-03-01"]);
  assert.equal(datesIn("2027-01-01", "2037-01-01", 81).length, 81);
  assert.deepEqual(datesIn("2027-01-02", "2027-01-01", 80), []);
});
