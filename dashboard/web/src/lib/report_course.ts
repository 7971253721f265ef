// The last twelve months of a figure. Those that the trend has come with it; visits owed and made,
// and answers, are asked for month by month, the newest first, one at a time: each is seconds of
// work for the hub of a county.

import { instantOf } from "./local_time";
import { planApi, type Tally } from "./plan";
import { type Asked, type Point, lastMonth, madeShare, periodBefore } from "./reports";
import { service } from "./service";

export const MONTHS = 12;

export type Course = (month: string) => Promise<number | null>;

/** `word` of the tally, or `share`. */
export function tallyCourse(region: string, name: string): Course {
  return async (month) => {
    const { total } = await planApi.summary({ region, period: month });
    if (name === "share") return madeShare(total);
    return total.owed === 0 && total.people === 0 ? null : total[name as keyof Tally];
  };
}

/** How many urgent calls there were. */
export function callsCourse(region: string): Course {
  return async (month) => {
    const from = new Date(instantOf(`${month}-01`)).toISOString();
    const to = new Date(instantOf(`${periodBefore(month, -1)}-01`)).toISOString();
    return (await service.report({ from, to, region }, "region")).total.calls;
  };
}

/** Months without a value yet, oldest first. */
export function emptyCourse(asked: Asked): Point[] {
  const last = lastMonth(asked.period ?? "");
  return Array.from({ length: MONTHS }, (_nothing, place) => ({
    period: periodBefore(last, MONTHS - 1 - place),
    value: null,
  }));
}

/** Fills in month after month until it is told to stop; what was refused stays empty. */
export async function follow(
  points: Point[],
  course: Course,
  tell: (points: Point[]) => void,
  goesOn: () => boolean,
): Promise<void> {
  let found = points;
  for (const { period } of [...points].reverse()) {
    let value: number | null;
    try {
      value = await course(period);
    } catch {
      value = null;
    }
    if (!goesOn()) return;
    found = found.map((one) => (one.period === period ? { period, value } : one));
    tell(found);
  }
}
