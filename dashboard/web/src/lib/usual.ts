// What was usual in the weeks before an alarm: the middle eight of ten values, of a person's
// measurements whenever they were, of a home's power by the hour of the day. Pure.

import type { Series } from "./device_types";

export interface Usual {
  field: string;
  low: number;
  high: number;
}

export type HourOf = (ms: number) => number;

export const USUAL_DAYS = 28;
// Fewer say nothing of what is usual.
const MEASUREMENTS_MIN = 10;
const DAYS_MIN = 7;
const LOW = 0.1;
const HIGH = 0.9;
const HOUR_MS = 3_600_000;

// Measured by hand. Others may be measured without a pause, and four weeks of that are too much for a
// village's line.
const BY_HAND = new Set(["blood_pressure", "temperature", "glucose", "weight"]);

/** How the readings of these weeks are asked for. */
export function resolutionOf(kind: string): "raw" | "hour" {
  return BY_HAND.has(kind) ? "raw" : "hour";
}

/** Of each of these fields that was measured often enough. */
export function usualRanges(series: Series[], kind: string, fields: string[]): Usual[] {
  return fields.flatMap((field) => {
    const values = series
      .filter((one) => one.kind === kind && one.field === field)
      .flatMap((one) => one.points.map(valueOf));
    if (values.length < MEASUREMENTS_MIN) return [];
    const ends = [quantile(values, LOW), quantile(values, HIGH)] as const;
    // A cuff measures whole numbers: a tenth would be an invention.
    const [low, high] = values.every(Number.isInteger) ? ends.map(Math.round) : ends;
    return [{ field, low: low ?? ends[0], high: high ?? ends[1] }];
  });
}

/** [epoch ms, low, high] for the hours of a span, from hourly roll-ups of the weeks before it; an
 * hour of the day that was seen on too few days is left out. */
export function usualHours(
  series: Series | undefined,
  span: [number, number],
  hourOf: HourOf,
): [number, number, number][] {
  const byHour = new Map<number, number[]>();
  for (const point of series?.points ?? []) {
    const hour = hourOf(point[0]);
    byHour.set(hour, [...(byHour.get(hour) ?? []), valueOf(point)]);
  }
  const band: [number, number, number][] = [];
  const first = Math.floor(span[0] / HOUR_MS) * HOUR_MS;
  for (let at = first; at < span[1]; at += HOUR_MS) {
    const values = byHour.get(hourOf(at)) ?? [];
    const middle = at + HOUR_MS / 2;
    if (values.length < DAYS_MIN || middle < span[0] || middle > span[1]) continue;
    band.push([middle, quantile(values, LOW), quantile(values, HIGH)]);
  }
  return band;
}

function valueOf(point: Series["points"][number]): number {
  return point.length === 4 ? point[2] : point[1];
}

/** Between the two nearest of the values (linear). */
function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}
