// The last readings of a home as one reads them: what is measured together in one line. Pure.

import type { LastReading } from "./service";

export interface ReadingLine {
  key: string;
  kind: string;
  field: string;
  /** One number, or upper and lower pressure. */
  values: number[];
  at: string;
  /** Of which device, where several tell the same. */
  label: string;
}

// A person before the house, what is asked for first on the telephone before the rest.
const ORDER = [
  "blood_pressure",
  "pulse_bpm",
  "spo2_pct",
  "temperature_c",
  "glucose_mmol_l",
  "weight_kg",
  "power_w",
];
const UPPER = "systolic_mmhg";
const LOWER = "diastolic_mmhg";
// Told by the cuff for itself; nobody says it on the telephone.
const LEFT_OUT = new Set(["mean_mmhg"]);

function rank(line: ReadingLine): number {
  const place = ORDER.indexOf(line.field);
  return place < 0 ? ORDER.length : place;
}

export function readingLines(readings: LastReading[]): ReadingLine[] {
  const lower = new Map(
    readings.filter((one) => one.field === LOWER).map((one) => [`${one.device} ${one.at}`, one.value]),
  );
  const paired = new Set<string>();
  const lines: ReadingLine[] = [];
  for (const one of readings) {
    const sitting = `${one.device} ${one.at}`;
    const below = one.field === UPPER ? lower.get(sitting) : undefined;
    if (below !== undefined) paired.add(sitting);
    lines.push({
      key: `${one.device} ${one.kind} ${one.field}`,
      kind: one.kind,
      field: below === undefined ? one.field : "blood_pressure",
      values: below === undefined ? [one.value] : [one.value, below],
      at: one.at,
      label: one.label || one.device,
    });
  }
  const shown = lines.filter(
    (line) =>
      !LEFT_OUT.has(line.field) &&
      !(line.field === LOWER && paired.has(`${line.key.split(" ")[0] ?? ""} ${line.at}`)),
  );
  const alone = (line: ReadingLine): boolean => shown.filter((one) => one.field === line.field).length === 1;
  return shown
    .map((line) => (alone(line) ? { ...line, label: "" } : line))
    .sort((one, other) => rank(one) - rank(other));
}
