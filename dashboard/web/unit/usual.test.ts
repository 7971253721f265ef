import assert from "node:assert/strict";
import { test } from "node:test";

import type { Series } from "../src/lib/device_types";
import { usualHours, usualRanges } from "../src/lib/usual";

const HOUR_MS = 3_600_000;
const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS) % 24;

function pressures(values: number[]): Series[] {
  const points = values.map((value, i): [number, number] => [i * HOUR_MS, value]);
  const one = { device: "gw/d", kind: "blood_pressure", field: "systolic_mmhg", resolution: "raw" };
  return [{ ...one, points }, { ...one, kind: "oximetry", points: [[0, 999]] }];
}

test("eight of ten measurements are usual, the strange ones are not", () => {
  const values = [90, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 190];
  const [found] = usualRanges(pressures(values), "blood_pressure", ["systolic_mmhg", "pulse_bpm"]);
  assert.equal(found?.field, "systolic_mmhg");
  assert.deepEqual([found.low, found.high], [120, 130]);
  const [tenths] = usualRanges(pressures([...values, 125.5]), "blood_pressure", ["systolic_mmhg"]);
  assert.ok(Math.abs((tenths?.low ?? 0) - 120.3) < 0.01, String(tenths?.low));
});

test("a few measurements make nothing usual", () => {
  assert.deepEqual(usualRanges(pressures([120, 121]), "blood_pressure", ["systolic_mmhg"]), []);
});

test("power is usual for an hour of the day, where enough days were seen", () => {
  const points: Series["points"] = [];
  for (let day = 0; day < 10; day += 1) {
    // At noon it is lively, at 3 it was seen on three days alone.
    points.push([(day * 24 + 12) * HOUR_MS, 0, 100 + day, 900]);
    if (day < 3) points.push([(day * 24 + 3) * HOUR_MS, 0, 5, 9]);
  }
  const series = { device: "gw/d", kind: "power", field: "power_w", resolution: "hour", points };
  const from = 11 * 24 * HOUR_MS;
  const band = usualHours(series, [from, from + 48 * HOUR_MS], hourOf);
  assert.deepEqual(
    band.map(([at]) => at),
    [from + 12.5 * HOUR_MS, from + 36.5 * HOUR_MS],
  );
  assert.ok(Math.abs((band[0]?.[1] ?? 0) - 100.9) < 0.01);
  assert.ok(Math.abs((band[0]?.[2] ?? 0) - 108.1) < 0.01);
  assert.deepEqual(usualHours(undefined, [0, HOUR_MS], hourOf), []);
});
