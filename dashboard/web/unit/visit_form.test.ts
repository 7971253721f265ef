import assert from "node:assert/strict";
import { test } from "node:test";

import { CALM, calmed, openQuestions, QUESTIONS, saysNothing } from "../src/lib/visit_form";

test("a thumb on the button makes no visit", () => {
  for (const record of [
    {},
    { visitor_kind: "social_worker", unsigned: "cannot_write" },
    { needs: "  ", services: [], nobody_met: false, satisfaction: "" },
  ]) {
    assert.equal(saysNothing(record), true, JSON.stringify(record));
  }
  for (const record of [
    { nobody_met: true },
    { mood: "worse" },
    { services: [7] },
    { needs: "药" },
    { satisfaction: "good" },
    { household_change: 2 },
  ]) {
    assert.equal(saysNothing(record), false, JSON.stringify(record));
  }
});

test("questions that are still open are counted", () => {
  assert.equal(openQuestions({}), QUESTIONS.length);
  const [first] = QUESTIONS;
  assert.equal(openQuestions({ [first?.field ?? ""]: "x" }), QUESTIONS.length - 1);
  assert.equal(openQuestions(calmed({})), QUESTIONS.length - Object.keys(CALM).length);
});
