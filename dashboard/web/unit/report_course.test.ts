import assert from "node:assert/strict";
import { test } from "node:test";

import { MONTHS, emptyCourse, follow } from "../src/lib/report_course";
import type { Point } from "../src/lib/reports";

test("a course ends with the last month of its period", () => {
  const points = emptyCourse({ period: "2026-Q1" });
  assert.equal(points.length, MONTHS);
  assert.deepEqual([points[0]?.period, points.at(-1)?.period], ["2025-04", "2026-03"]);
});

test("months are asked for one at a time, the newest first; one that is refused stays empty", async () => {
  const asked: string[] = [];
  let running = 0;
  let shown: Point[] = [];
  await follow(
    emptyCourse({ period: "2026-11" }),
    async (month) => {
      running += 1;
      assert.equal(running, 1);
      asked.push(month);
      await Promise.resolve();
      running -= 1;
      if (month === "2026-10") throw new Error("busy");
      return asked.length;
    },
    (points) => (shown = points),
    () => true,
  );
  assert.deepEqual(asked.slice(0, 3), ["2026-11", "2026-10", "2026-09"]);
  assert.equal(asked.length, MONTHS);
  assert.deepEqual(shown.slice(-3).map((one) => one.value), [3, null, 1]);
});

test("nothing more is asked for once the figure is closed", async () => {
  let asked = 0;
  const told: Point[][] = [];
  await follow(
    emptyCourse({ period: "2026-11" }),
    async () => (asked += 1),
    (points) => told.push(points),
    () => asked < 2,
  );
  assert.equal(asked, 2);
  assert.equal(told.length, 1);
});
