import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { moment } from "../src/lib/format";
import { county } from "../src/lib/county.svelte";
import { clockOf, dateOf, dayTold, instantOf, isMidnight, told } from "../src/lib/local_time";

afterEach(() => {
  county.zone = "Asia/Shanghai";
});

const EVE = Date.parse("2026-11-23T15:59:59.000Z");

test("hours and days are told by the county's clock, not the browser's", () => {
  assert.equal(clockOf("2026-11-23T00:00:00.000Z"), "08:00");
  assert.equal(clockOf("2026-11-22T16:00:00.000Z"), "00:00");
  assert.equal(dateOf(EVE), "2026-11-23");
  assert.equal(dateOf(EVE + 1_000), "2026-11-24");
  assert.equal(isMidnight(EVE + 1_000), true);
  assert.equal(told(EVE, "en-GB", { hour: "2-digit", minute: "2-digit" }), "23:59");
});

test("a moment of another county day says its day", () => {
  assert.equal(moment(EVE, EVE, "en-GB"), "23:59:59");
  assert.equal(moment(EVE, EVE + 1_000, "en-GB"), "23 Nov 23:59:59");
});

test("what is typed into a field is the county's", () => {
  assert.equal(new Date(instantOf("2026-11-24", "08:00")).toISOString(), "2026-11-24T00:00:00.000Z");
  assert.equal(new Date(instantOf("2026-11-24")).toISOString(), "2026-11-23T16:00:00.000Z");
  assert.equal(instantOf(dateOf(EVE), clockOf(EVE)), EVE - 59_000);
  assert.ok(Number.isNaN(instantOf("")));
});

test("another zone is followed at once, over a change of its clocks too", () => {
  county.zone = "America/New_York";
  assert.equal(clockOf("2026-11-23T00:00:00.000Z"), "19:00");
  for (const [date, time, utc] of [
    ["2026-03-08", "01:59", "2026-03-08T06:59:00.000Z"],
    ["2026-03-08", "03:00", "2026-03-08T07:00:00.000Z"],
    ["2026-11-01", "03:00", "2026-11-01T08:00:00.000Z"],
    ["2026-07-01", "12:00", "2026-07-01T16:00:00.000Z"],
  ] as const) {
    assert.equal(new Date(instantOf(date, time)).toISOString(), utc);
    assert.equal(dateOf(instantOf(date, time)), date);
  }
});

test("a calendar day has no zone", () => {
  county.zone = "Pacific/Kiritimati";
  assert.equal(dayTold("2026-11-28", "en-GB", { day: "numeric", month: "numeric" }), "28/11");
});
