import assert from "node:assert/strict";
import { test } from "node:test";

import { type AuditRow, detailText } from "../src/lib/audit";
import { language } from "../src/lib/i18n.svelte";

await language.need("office");

const row = (object: string, detail: string): AuditRow =>
  ({ seq: 1, at: "", actor: "a", actor_name: "", action: "viewed", kind: "", object, name: "", detail }) as unknown as AuditRow;

test("how many days were looked at is said in words", () => {
  assert.equal(detailText(row("vitals:person-0001", "90 days")), "90 天");
  assert.equal(detailText(row("month:person-0001", "2026-10-30 31 days")), "2026年10月30日起 31 天");
});

test("of a screen on a wall its region is said in words, and what it is called stands before it", () => {
  assert.equal(detailText(row("screen:3f2a", "值班室, 东墙, region all")), detailText(row("person:1", "region all")));
});
