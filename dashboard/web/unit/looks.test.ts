import assert from "node:assert/strict";
import { test } from "node:test";

import { byReader, type Look } from "../src/lib/looks";

const look = (day: string, who: string, thing: string): Look => ({
  day,
  who,
  role: "duty",
  act: "look",
  thing,
  times: 1,
  said: "",
});

test("a reader is named once a day, with all that was looked at", () => {
  const found = byReader([
    look("2026-11-30", "李敏", "file"),
    look("2026-11-30", "孙梅", "file"),
    look("2026-11-30", "李敏", "visit"),
    look("2026-11-29", "李敏", "file"),
  ]);
  assert.deepEqual(
    found.map((one) => [one.day, one.who, one.looks.map((each) => each.thing)]),
    [
      ["2026-11-30", "李敏", ["file", "visit"]],
      ["2026-11-30", "孙梅", ["file"]],
      ["2026-11-29", "李敏", ["file"]],
    ],
  );
});
