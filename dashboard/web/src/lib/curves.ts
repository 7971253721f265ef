// What a chart shows, made from the hub's series and from an alarm's evidence. Pure.

import type { Evidence, EvidenceValue } from "./alarm_types";
import type { Series } from "./device_types";
import { numberOf } from "./words";

export interface Curve {
  field: string;
  /** [epoch ms, value]; a null value is a gap. */
  points: [number, number | null][];
  /** Single measurements are dots on a line, a power curve is a line alone. */
  dots: boolean;
  /** [epoch ms, low, high] behind the curve, when the hub gave roll-ups. */
  band: [number, number, number][];
}

export interface Limit {
  field: string;
  value: number;
  /** On which side of it an alarm is; evidence doesn't say. */
  beyond?: "above" | "below";
}

/** How a limit is passed. Of glucose the lower one itself is still well. */
export function limitSign(field: string, beyond: "above" | "below"): string {
  if (beyond === "above") return "≥";
  return field.startsWith("glucose") ? "<" : "≤";
}

const SINGLE = new Set(["blood_pressure", "heart_rate", "oximetry", "temperature", "glucose", "weight"]);
// A roll-up is of its whole hour or day and stands in the middle of it: at its beginning it would
// be drawn before anything had been measured.
const MIDDLE_MS: Record<string, number> = { hour: 1_800_000, day: 43_200_000 };
// Values people look at first; others of a device are left out of the chart.
const SHOWN: Record<string, string[]> = {
  power: ["power_w", "energy_interval_wh", "energy_kwh"],
  blood_pressure: ["systolic_mmhg", "diastolic_mmhg", "pulse_bpm"],
  oximetry: ["spo2_pct", "pulse_bpm"],
  environment: ["temperature_c", "humidity_pct", "co_ppm", "gas_ppm"],
  device_health: ["battery_pct", "signal_dbm"],
};
// A hole this many times the usual step is drawn as one.
const GAP_STEPS = 4;

/** Measured one by one, a few in a day: each reading is worth a point at its own minute. */
export function isSingle(kind: string): boolean {
  return SINGLE.has(kind);
}

/** The kinds among these series, those that say most first. */
export function kindsOf(series: Series[]): string[] {
  const order = Object.keys(SHOWN);
  const kinds = [...new Set(series.map((one) => one.kind))];
  const rank = (kind: string): number => {
    const index = order.indexOf(kind);
    return kind === "device_health" ? 99 : index < 0 ? 50 : index;
  };
  return kinds.sort((one, other) => rank(one) - rank(other));
}

/** The curves of one kind; of power only the best source, for its units don't share an axis. */
export function curvesOf(series: Series[], kind: string): Curve[] {
  const wanted = SHOWN[kind];
  let chosen = series.filter(
    (one) => one.kind === kind && one.points.length > 0 && (wanted?.includes(one.field) ?? true),
  );
  if (wanted !== undefined) {
    chosen.sort((one, other) => wanted.indexOf(one.field) - wanted.indexOf(other.field));
  }
  if (kind === "power") chosen = chosen.slice(0, 1);
  return chosen.map((one) => curveOf(one));
}

function curveOf(series: Series): Curve {
  const points: [number, number][] = [];
  const band: [number, number, number][] = [];
  const middle = MIDDLE_MS[series.resolution] ?? 0;
  for (const point of series.points) {
    if (point.length === 4) {
      points.push([point[0] + middle, point[2]]);
      band.push([point[0] + middle, point[1], point[3]]);
    } else points.push([point[0], point[1]]);
  }
  const dots = isSingle(series.kind);
  return { field: series.field, points: dots ? points : withGaps(points), dots, band };
}

/** Where nothing was measured nothing is drawn: a line across a gap would be an invention. */
export function withGaps(points: [number, number][]): [number, number | null][] {
  if (points.length < 3) return points;
  const steps = points.slice(1).map((point, i) => point[0] - (points[i]?.[0] ?? 0));
  const usual = [...steps].sort((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0;
  const result: [number, number | null][] = [];
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before !== undefined && point[0] - before[0] > usual * GAP_STEPS) {
      result.push([before[0] + usual, null]);
    }
    result.push(point);
  });
  return result;
}

// What readings kept with an alarm are of, when it doesn't say so by `fields`.
const PRESSURE_FIELDS = ["systolic_mmhg", "diastolic_mmhg", "pulse_bpm"];

/** Readings that the rule kept with the alarm: [[ms, value of each of its `fields`], …]. */
export function evidenceCurves(evidence: Evidence): Curve[] {
  const rows = readingRows(evidence["readings"]);
  if (rows.length === 0) return [];
  const told = evidence["fields"];
  const fields = Array.isArray(told) ? told.map(String) : PRESSURE_FIELDS;
  return fields.flatMap((field, i) => {
    const points = rows
      .map((row): [number, number] => [row[0] ?? 0, row[i + 1] ?? 0])
      .filter((point) => point[1] > 0);
    return points.length === 0 ? [] : [{ field, points, dots: true, band: [] }];
  });
}

function readingRows(value: EvidenceValue | undefined): number[][] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (row): row is number[] =>
      Array.isArray(row) && row.length >= 2 && row.every((cell) => typeof cell === "number"),
  );
}

/** Threshold lines: evidence names them `limit_<field>`. */
export function limitsOf(evidence: Evidence): Limit[] {
  return Object.keys(evidence).flatMap((name) => {
    const value = numberOf(evidence, name);
    return name.startsWith("limit_") && value !== null
      ? [{ field: name.slice("limit_".length), value }]
      : [];
  });
}

/** From the first to the last point with some air, never a span of nothing. */
export function spanOf(curves: Curve[]): [number, number] {
  const times = curves.flatMap((curve) => curve.points.map((point) => point[0]));
  const from = Math.min(...times);
  const to = Math.max(...times);
  const air = Math.max((to - from) * 0.05, 10 * 60_000);
  return [from - air, to + air];
}
