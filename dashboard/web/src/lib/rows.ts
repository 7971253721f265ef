// Which lines of a long list stand on the page, and which of them have just moved. Pure.

import type { Row } from "./order";

// What a screen shows at most at once, twice over. Each line is counted on every second: hundreds of
// them would make a key wait.
export const SHOWN_FIRST = 40;
export const SHOWN_MORE = 40;
// Nobody sees, decides and presses within this time: a press that comes so soon was meant for what
// stood there before.
export const SETTLE_MS = 400;

/** The lines that are shown: `wanted`, and all down to the selected one. */
export function shownRows(rows: Row[], wanted: number, selected: string | null): Row[] {
  if (rows.length <= wanted) return rows;
  const at = selected === null ? -1 : rows.findIndex((row) => idOf(row) === selected);
  return rows.slice(0, Math.max(wanted, at + 1));
}

/** How many alarms are in these lines; those of an open group have lines of their own. */
export function alarmsIn(rows: Row[]): number {
  return rows.reduce((count, row) => count + ("alarm" in row ? 1 : row.open ? 0 : row.group.length), 0);
}

/** Keys of the lines that came, or stand at another place than before. */
export function movedKeys(before: readonly string[], now: readonly string[]): string[] {
  return now.filter((key, index) => before[index] !== key);
}

function idOf(row: Row): string | null {
  return "alarm" in row ? row.alarm.id : null;
}
