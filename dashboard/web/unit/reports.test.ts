import assert from "node:assert/strict";
import { test } from "node:test";

import {
  type FigureGroup,
  type RegionPart,
  type TrendItem,
  axisSteps,
  compared,
  courseOf,
  hasCourse,
  figureName,
  figuresOf,
  lastMonth,
  madeShare,
  percentText,
  periodBefore,
  periodOf,
  periodsUpTo,
  sortedBy,
} from "../src/lib/reports";

const TALLY = { people: 4, owed: 8, done: 6, due: 1, late: 0, overdue: 1, people_short: 1, calls: 2, nobody_met: 0 };

function part(region: string, total: Partial<typeof TALLY> | null, people: number): RegionPart {
  return {
    region,
    name: region,
    level: "town",
    figures: { people: { all: people } },
    care: { minutes: 0, cost_fen: 0 },
    visits: total === null ? null : { total: { ...TALLY, ...total }, tiers: {} },
  };
}

function group(changes: Partial<FigureGroup>): FigureGroup {
  const one = { zh_about: "", en_about: "", goal: null, of_today: false };
  return {
    group: "way",
    section: "contacts",
    subject: "visit",
    zh: "",
    en: "",
    zh_about: "",
    en_about: "",
    words: [
      { word: "phone", zh: "电话问候", en: "telephone call", ...one },
      { word: "home_visit", zh: "上门探访", en: "visit at home", ...one, goal: 3 },
    ],
    page: "",
    open: false,
    ...changes,
  };
}

test("periods go back and forth over years", () => {
  assert.equal(periodBefore("2026-11"), "2026-10");
  assert.equal(periodBefore("2026-01"), "2025-12");
  assert.equal(periodBefore("2026-Q1"), "2025-Q4");
  assert.equal(periodBefore("2025-12", -1), "2026-01");
  assert.equal(periodBefore("2026-Q4", -1), "2027-Q1");
  assert.equal(periodOf("2026-11-30", true), "2026-Q4");
  assert.deepEqual(periodsUpTo("2026-02-01", false, 3), ["2026-02", "2026-01", "2025-12"]);
  assert.equal(lastMonth("2026-Q1"), "2026-03");
  assert.equal(lastMonth("2026-11"), "2026-11");
});

test("figures: those that are listed also at nought, then the others, the most first", () => {
  const found = figuresOf({ ...part("r", null, 0), figures: { way: { phone: 2, letter: 1, drone: 5 } } }, group({}));
  assert.deepEqual(
    found.map((one) => [one.word, one.value, one.goal]),
    [
      ["phone", 2, null],
      ["home_visit", 0, 3],
      ["drone", 5, null],
      ["letter", 1, null],
    ],
  );
});

test("visits owed and made come from the tally and have no other words", () => {
  const owed = { word: "owed", zh: "应访", en: "owed", zh_about: "", en_about: "", goal: null, of_today: false };
  const found = figuresOf(part("r", {}, 0), group({ subject: "tally", words: [owed] }));
  assert.deepEqual(found.map((one) => [one.word, one.value]), [["owed", 8]]);
});

test("a figure that is in no list is called by the page's own word, else as it is", () => {
  assert.equal(figureName(group({}), "phone", true), "telephone call");
  assert.equal(figureName(group({ page: "outcome" }), "accidental", false), "误按、误报");
  assert.equal(figureName(group({ page: "kind/outcome" }), "sos/test", false), "呼叫按钮 · 测试");
  assert.equal(figureName(group({ page: "outcome" }), "new", false), "new");
});

test("of the months before anything was written down nothing is known", () => {
  const items: TrendItem[] = [
    { period: "2026-08", figures: {} },
    { period: "2026-09", figures: { way: { phone: 1 } } },
    { period: "2026-10", figures: {} },
  ];
  assert.deepEqual(courseOf(items, "way", "phone").map((one) => one.value), [null, 1, 0]);
  assert.deepEqual(courseOf(items.slice(0, 1), "way", "phone").map((one) => one.value), [null]);
});

test("of people a course has what dates on file tell, and nothing of months before the book", () => {
  const items: TrendItem[] = [
    { period: "2026-09", figures: null },
    { period: "2026-10", figures: { people: { all: 3 } } },
    { period: "2026-11", figures: { people: { all: 4 }, change: { joined: 1 } } },
  ];
  assert.deepEqual(courseOf(items, "people", "all").map((one) => one.value), [null, 3, 4]);
  assert.deepEqual(courseOf(items, "change", "joined").map((one) => one.value), [null, 0, 1]);
  assert.ok(hasCourse("person", "people", "high_age") && hasCourse("visit", "way", "phone"));
  assert.ok(!hasCourse("person", "people", "no_visitor") && !hasCourse("person", "grade", "1"));
});

test("an axis has round whole steps up to the highest", () => {
  assert.deepEqual(axisSteps(0), [0, 1]);
  assert.deepEqual(axisSteps(3), [0, 1, 2, 3]);
  for (const top of [1, 7, 41, 94, 100, 101, 999, 12_345]) {
    const steps = axisSteps(top);
    assert.ok((steps.at(-1) ?? 0) >= top, String(top));
    assert.ok(steps.length <= 6, `${top}: ${steps.length}`);
    assert.ok(steps.every(Number.isInteger));
  }
});

test("one missing visit is never a hundred percent", () => {
  assert.equal(percentText(madeShare({ owed: 10_000, done: 9_999 })), "99.9%");
  assert.equal(percentText(madeShare({ owed: 4, done: 4 })), "100%");
  assert.equal(percentText(madeShare({ owed: 0, done: 0 })), "–");
});

test("units are sorted by a column; what can't be judged stands last either way", () => {
  const parts = [part("a", { done: 8 }, 1), part("b", null, 3), part("c", { done: 2 }, 2)];
  const names = (found: RegionPart[]): string => found.map((one) => one.region).join("");
  assert.equal(names(sortedBy(parts, "share", false)), "cab");
  assert.equal(names(sortedBy(parts, "share", true)), "acb");
  assert.equal(names(sortedBy(parts, "people", true)), "bca");
  assert.equal(names(sortedBy(parts, "name", true)), "cba");
  assert.equal(compared(part("a", { overdue: 2 }, 1), "overdue"), 2);
});
