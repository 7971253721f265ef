import assert from "node:assert/strict";
import { test } from "node:test";

import { curvesOf, evidenceCurves, kindsOf, limitSign, limitsOf, withGaps } from "../src/lib/curves";
import type { Series } from "../src/lib/device_types";

function series(kind: string, field: string, points: Series["points"]): Series {
  return { device: "gw/d", kind, field, resolution: "raw", points };
}

test("nothing is drawn across a gap", () => {
  const drawn = withGaps([
    [0, 1],
    [10, 1],
    [20, 1],
    [200, 1],
  ]);
  assert.deepEqual(drawn, [
    [0, 1],
    [10, 1],
    [20, 1],
    [30, null],
    [200, 1],
  ]);
});

test("roll-ups become a line of means in a band", () => {
  const [curve] = curvesOf([series("power", "power_w", [[0, 10, 20, 40]])], "power");
  assert.deepEqual(curve?.points, [[0, 20]]);
  assert.deepEqual(curve?.band, [[0, 10, 40]]);
});

test("a roll-up stands in the middle of its hour or day, never before what it is of", () => {
  const hour = { ...series("power", "power_w", [[3_600_000, 10, 20, 40]]), resolution: "hour" };
  const [curve] = curvesOf([hour], "power");
  assert.deepEqual(curve?.points, [[5_400_000, 20]]);
  assert.deepEqual(curve?.band, [[5_400_000, 10, 40]]);
  const day = { ...hour, resolution: "day" };
  assert.equal(curvesOf([day], "power")[0]?.points[0]?.[0], 46_800_000);
});

test("power shows its best source alone: watts and kilowatt-hours share no axis", () => {
  const both = [
    series("power", "energy_kwh", [[0, 812]]),
    series("power", "power_w", [[0, 60]]),
    series("device_health", "battery_pct", [[0, 90]]),
  ];
  assert.deepEqual(
    curvesOf(both, "power").map((curve) => curve.field),
    ["power_w"],
  );
  assert.deepEqual(kindsOf(both), ["power", "device_health"]);
});

test("readings of a sign of one value say what they are of", () => {
  const curves = evidenceCurves({
    fields: ["spo2_pct"],
    readings: [
      [1, 96],
      [2, 88],
    ],
  });
  assert.deepEqual(
    curves.map((curve) => [curve.field, curve.points]),
    [
      [
        "spo2_pct",
        [
          [1, 96],
          [2, 88],
        ],
      ],
    ],
  );
});

test("readings kept with an alarm; a pulse of 0 was not measured", () => {
  const curves = evidenceCurves({
    readings: [
      [1, 180, 110, 0],
      [2, 192, 118, 96],
      ["broken", 1, 2, 3],
    ],
  });
  assert.deepEqual(
    curves.map((curve) => [curve.field, curve.points.length]),
    [
      ["systolic_mmhg", 2],
      ["diastolic_mmhg", 2],
      ["pulse_bpm", 1],
    ],
  );
  assert.deepEqual(evidenceCurves({ readings: "none" }), []);
});

test("limits by the names the rules give them", () => {
  assert.deepEqual(limitsOf({ limit_systolic_mmhg: 180, systolic_mmhg: 192 }), [
    { field: "systolic_mmhg", value: 180 },
  ]);
});

test("a limit says whether it is itself still well", () => {
  assert.equal(limitSign("systolic_mmhg", "above"), "≥");
  assert.equal(limitSign("systolic_mmhg", "below"), "≤");
  assert.equal(limitSign("glucose_mmol_l", "below"), "<");
});
