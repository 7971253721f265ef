import assert from "node:assert/strict";
import { test } from "node:test";

import { readingLines } from "../src/lib/last_readings";

const reading = (device: string, field: string, value: number): Parameters<typeof readingLines>[0][number] => ({
  device,
  label: device === "plug" ? "电视插座" : "",
  kind: "power",
  field,
  value,
  at: "2026-11-23T08:00:00.000Z",
});

test("what several devices tell says which one it was", () => {
  const lines = readingLines([reading("meter", "power_w", 158), reading("plug", "power_w", 0)]);
  assert.deepEqual(lines.map((one) => one.label), ["meter", "电视插座"]);
});

test("what one device tells alone needs no name", () => {
  const lines = readingLines([reading("meter", "power_w", 158), reading("plug", "temperature_c", 20)]);
  assert.deepEqual(lines.map((one) => one.label), ["", ""]);
});
