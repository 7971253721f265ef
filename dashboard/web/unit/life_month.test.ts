import assert from "node:assert/strict";
import { test } from "node:test";

import { countOf, daysOf, type LifeMonth, monthBeside } from "../src/lib/life_month";

function month(hours: string[], more: Partial<LifeMonth> = {}): LifeMonth {
  return {
    person: "p",
    home: "h",
    from: "2026-11-22",
    meter: "gw/m",
    measure: "learned",
    hours,
    alarms: [],
    dark: [],
    stays: [],
    visits: [],
    ...more,
  };
}

const QUIET = "0".repeat(24);
// Midnight of 22 November in the county.
const alarm = {
  id: "a",
  kind: "sos",
  severity: "urgent",
  state: "closed",
  at: "2026-11-22T01:30:00Z",
  until: "2026-11-22T02:00:00Z",
  outcome: "accidental",
};

test("hours are read as they were written", () => {
  const [day] = daysOf(month(["0123" + "4abc" + "de-m" + ".".repeat(12)]));
  assert.ok(day);
  assert.deepEqual(
    day.hours.slice(0, 12).map((hour) => hour.level),
    [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, null, null],
  );
  assert.deepEqual(
    day.hours.slice(4, 13).map((hour) => hour.moved),
    [false, true, true, true, true, true, false, true, false],
  );
  assert.deepEqual(day.hours.map((hour) => hour.toCome).indexOf(true), 12);
});

test("a day is counted for who can't see it", () => {
  const [day] = daysOf(month(["000000" + "2" + "0000" + "3" + "--------" + "m" + "..."]));
  assert.ok(day);
  assert.deepEqual(countOf(day), { lively: 3, first: 6, last: 21, unheard: 8 });
  const [quiet] = daysOf(month([QUIET]));
  assert.ok(quiet);
  assert.deepEqual(countOf(quiet), { lively: 0, first: null, last: null, unheard: 0 });
});

test("an alarm and a visit stand in their hour of the county's day", () => {
  const [first, second] = daysOf(
    month([QUIET, QUIET], {
      alarms: [alarm],
      visits: [
        { id: "v", at: "2026-11-22T15:59:00Z", way: "phone", met: false },
        { id: "w", at: "2026-11-22T16:00:00Z", way: "phone", met: true },
      ],
    }),
  );
  assert.equal(first?.hours[9]?.alarm, "urgent");
  assert.equal(first?.hours[23]?.visit, "missed");
  assert.equal(second?.hours[0]?.visit, "met");
  assert.deepEqual(second?.alarms, []);
});

test("stays, dark times and silences cover the hours they touch", () => {
  const [first, second] = daysOf(
    month([QUIET, "0".repeat(12) + ".".repeat(12)], {
      stays: [
        { kind: "away", from: "2026-11-22T10:30:00Z", until: "2026-11-22T17:00:00Z" },
        { kind: "visitors", from: "2026-11-21T16:00:00Z", until: "2026-11-22T00:00:00Z" },
      ],
      dark: [{ from: "2026-11-22T00:00:00Z", until: "2026-11-22T01:00:00Z" }],
      alarms: [{ ...alarm, kind: "no_sign_of_life", at: "2026-11-22T16:00:00Z", until: null }],
    }),
  );
  const places = (hours: boolean[]): number[] => hours.flatMap((on, at) => (on ? [at] : []));
  assert.deepEqual(places(first?.hours.map((hour) => hour.away) ?? []), [18, 19, 20, 21, 22, 23]);
  assert.deepEqual(places(second?.hours.map((hour) => hour.away) ?? []), [0]);
  assert.deepEqual(places(first?.hours.map((hour) => hour.dark) ?? []), [8]);
  assert.equal(first?.hours.some((hour) => hour.silent), false);
  // What is still to come isn't silent yet.
  assert.equal(second?.hours.filter((hour) => hour.silent).length, 12);
});

test("months beside a year's end", () => {
  assert.equal(monthBeside("2026-12", 1), "2027-01");
  assert.equal(monthBeside("2026-01", -1), "2025-12");
});
