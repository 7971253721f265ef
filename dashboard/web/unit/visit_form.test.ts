import assert from "node:assert/strict";
import { test } from "node:test";

import { type Answers, CALM, calmed, isWell, openQuestions, QUESTIONS, saysNothing } from "../src/lib/visit_form";

test("better than before is nothing to look after, fewer people or less safe is", () => {
  assert.equal(isWell("mood", "better"), true);
  assert.equal(isWell("illness", "improved"), true);
  assert.equal(isWell("gas_safety", "safe"), true);
  assert.equal(isWell("gas_safety", "fairly_safe"), false);
  assert.equal(isWell("household", "fewer"), false);
  assert.equal(isWell("mood", "worse"), false);
});

test("a thumb on the button makes no visit", () => {
  const empty: Answers[] = [
    {},
    { visitor_kind: "social_worker", unsigned: "cannot_write" },
    { needs: "  ", services: [], nobody_met: false, satisfaction: "" },
  ];
  for (const record of empty) {
    assert.equal(saysNothing(record), true, JSON.stringify(record));
  }
  const said: Answers[] = [
    { nobody_met: true },
    { mood: "worse" },
    { services: [7] },
    { needs: "药" },
    { satisfaction: "good" },
    { household_change: 2 },
  ];
  for (const record of said) {
    assert.equal(saysNothing(record), false, JSON.stringify(record));
  }
});

test("questions that are still open are counted", () => {
  assert.equal(openQuestions({}), QUESTIONS.length);
  const [first] = QUESTIONS;
  assert.equal(openQuestions({ [first?.field ?? ""]: "x" }), QUESTIONS.length - 1);
  assert.equal(openQuestions(calmed({})), QUESTIONS.length - Object.keys(CALM).length);
});
