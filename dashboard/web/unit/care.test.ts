import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../src/lib/api";
import { faultOf, fenOf, monthDays, shareOf } from "../src/lib/care";
import { standingOf, tooLittle, unheardYet, type UnseenPerson } from "../src/lib/unseen";

test("what somebody types as money becomes fen, exactly", () => {
  const typed: [string, number | null][] = [
    ["", 0],
    ["35", 3_500],
    ["35.5", 3_550],
    ["0.29", 29],
    ["1,234.50", 123_450],
    [" \u00a5800 ", 80_000],
    ["800\u5143", 80_000],
    ["1000000", 100_000_000],
    ["12345678", null],
    ["-5", null],
    ["1.234", null],
    ["1e3", null],
    ["abc", null],
  ];
  for (const [text, fen] of typed) assert.equal(fenOf(text), fen, text);
});

test("a month ends where the next begins, also in December", () => {
  assert.deepEqual(monthDays("2026-11"), ["2026-11-01", "2026-12-01"]);
  assert.deepEqual(monthDays("2026-12"), ["2026-12-01", "2027-01-01"]);
  assert.deepEqual(monthDays("2026-09"), ["2026-09-01", "2026-10-01"]);
});

test("a part of nothing is none", () => {
  assert.equal(shareOf(1, 0), null);
  assert.equal(shareOf(40_000, 80_000), 50);
  assert.equal(shareOf(120_000, 80_000), 150);
});

test("a mistake stands at its field, whichever way the hub says it", () => {
  assert.equal(faultOf(new ApiError(422, "nobody_agreed", "")).field, "agreed_name");
  assert.equal(faultOf(new ApiError(422, "not_active", "")).field, "provider");
  assert.equal(faultOf(new ApiError(422, "invalid", "", "items.0")).field, "items");
  assert.equal(faultOf(new ApiError(409, "not_now", "")).field, "");
  // What the hub says in both languages is said in its words.
  const said = { field: "agreed_at", code: "refused", zh: "zh", en: "en" };
  assert.deepEqual(faultOf(new ApiError(422, "refused", "", "agreed_at", [said])), {
    field: "agreed_at",
    text: "zh",
  });
  assert.notEqual(faultOf(new ApiError(0, "offline", "")).text, "");
});

function person(more: Partial<UnseenPerson>): UnseenPerson {
  const place = { id: "h", address: "", region: "", region_path: [] };
  return {
    service_user: "p",
    person: { id: "p", name: "", age: null },
    home: place,
    visitor: null,
    life: "well",
    reason: null,
    since: null,
    window_h: 25,
    quiet_hours_left: null,
    sign_at: null,
    sign_of: null,
    seen_today: false,
    contact: null,
    stay: null,
    alarm: null,
    ...more,
  };
}

test("what stands first about somebody who was not seen", () => {
  const stay = { kind: "away" as const, until: "" };
  assert.equal(standingOf(person({ life: "silent", stay })), "silent");
  assert.equal(standingOf(person({ life: "cannot_judge", stay })), "away");
  for (const life of ["cannot_judge", "learning", "unknown", "of a newer hub"]) {
    assert.equal(standingOf(person({ life, quiet_hours_left: 1 })), "unknown", life);
  }
  assert.equal(standingOf(person({ quiet_hours_left: 6 })), "near");
  assert.equal(standingOf(person({ quiet_hours_left: 6.25 })), "well");
  assert.equal(standingOf(person({})), "well");
});

test("electricity in a silence is said to be too little", () => {
  const since = "2026-11-23T08:00:00Z";
  const silent = { life: "silent", since, sign_of: "power", sign_at: "2026-11-23T09:00:00Z" };
  assert.equal(tooLittle(person(silent)), true);
  assert.equal(tooLittle(person({ ...silent, sign_at: since })), false);
  assert.equal(tooLittle(person({ ...silent, sign_of: "motion" })), false);
  assert.equal(tooLittle(person({ ...silent, life: "well" })), false);
  assert.equal(tooLittle(person({ ...silent, sign_at: null })), false);
});

test("a call is taken back in time for a minute", () => {
  const at = "2026-11-23T08:00:00Z";
  const contact = { visit: "v", way: "phone", at, by: null, met: true, said_well: true };
  assert.equal(unheardYet(contact, Date.parse(at) + 59_999), true);
  assert.equal(unheardYet(contact, Date.parse(at) + 60_000), false);
});
