import assert from "node:assert/strict";
import { test } from "node:test";

import {
  type Criterion,
  type Line,
  type Score,
  criteriaOf,
  faultOf,
  linesOf,
  ranked,
  valueText,
  weightOf,
} from "../src/lib/assessments";

function score(who: string, total: number | null): Score {
  return { who_kind: "region", who, name: who, region: who, total, judged_weight: 90, parts: [], settled_at: null };
}

const MADE: Criterion = {
  code: "visits_done",
  zh: "探访完成率",
  en: "visits made",
  measure: "visits_done",
  weight: 90,
  zero: 0.6,
  full: 1,
};
const MARK: Criterion = { code: "inspection", zh: "督查", en: "inspection", measure: "mark", weight: 10, zero: 0, full: 100 };

test("the best first, equals share a place, who can't be judged has none", () => {
  const found = ranked([score("a", 80), score("b", null), score("c", 90.5), score("d", 80), score("e", 0)]);
  assert.deepEqual(
    found.map((one) => [one.place, one.score.who]),
    [
      [1, "c"],
      [2, "a"],
      [2, "d"],
      [4, "e"],
      [null, "b"],
    ],
  );
});

test("a set of criteria comes back as it was", () => {
  assert.deepEqual(criteriaOf(linesOf([MADE, MARK])), [MADE, MARK]);
  assert.deepEqual(linesOf([MADE])[0]?.zero, 60);
  assert.equal(valueText(MADE, 0.875), "87.5%");
  assert.equal(valueText(MARK, 80), "80");
});

test("each mark has a code of its own, what is measured that of its measure", () => {
  const [line] = linesOf([MARK]) as [Line];
  const found = criteriaOf([line, { ...line, code: "" }, { ...line, code: "", measure: "met" }]);
  assert.deepEqual(found.map((one) => one.code), ["inspection", "mark-2", "met"]);
});

test("what is wrong with a line is said at it", () => {
  const [made, mark] = linesOf([MADE, MARK]) as [Line, Line];
  const lines = [made, mark];
  assert.deepEqual(lines.map((line) => faultOf(line, lines)), ["", ""]);
  assert.equal(weightOf(lines), 100);
  const wrong: [Partial<Line>, string][] = [
    [{ en: " " }, "name"],
    [{ weight: 0 }, "weight"],
    [{ weight: 1.5 }, "weight"],
    [{ zero: null }, "limits"],
    [{ full: 101 }, "limits"],
    [{ zero: 100 }, "same"],
  ];
  for (const [change, fault] of wrong) assert.equal(faultOf({ ...made, ...change }, lines), fault);
  assert.equal(faultOf(made, [made, made]), "twice");
  assert.equal(faultOf(mark, [mark, mark]), "");
});
