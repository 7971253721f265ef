import assert from "node:assert/strict";
import { test } from "node:test";

import { Standing, type Stood } from "../src/lib/standing";

const at = (top: number, scrolled = 0): Stood => ({ tops: new Map([["a", top]]), scrolled });

test("a line that something above has pushed down is not where it was, for a while", () => {
  const standing = new Standing(400, 24);
  standing.note(at(100), 1_000);
  assert.equal(standing.moved("a", at(100), 1_050), false);
  assert.equal(standing.moved("a", at(190), 1_050), true);
  // Looked at again after the move, and still within the time of a press.
  standing.note(at(190), 1_100);
  assert.equal(standing.moved("a", at(190), 1_300), true);
  standing.note(at(190), 1_300);
  assert.equal(standing.moved("a", at(190), 1_450), false);
});

test("a page that was too busy to look knows what it showed last", () => {
  const standing = new Standing(400, 24);
  standing.note(at(100), 1_000);
  assert.equal(standing.moved("a", at(190), 3_000), true);
});

test("scrolling, what the browser makes up for and small moves surprise nobody", () => {
  const standing = new Standing(400, 24);
  standing.note(at(300, 0), 1_000);
  assert.equal(standing.moved("a", at(100, 200), 1_100), false);
  assert.equal(standing.moved("a", at(300, 90), 1_100), false);
  assert.equal(standing.moved("a", at(310, 0), 1_100), false);
});

test("a line that was not there before is another's to judge", () => {
  const standing = new Standing(400, 24);
  standing.note({ tops: new Map(), scrolled: 0 }, 1_000);
  assert.equal(standing.moved("a", at(300), 1_100), false);
  assert.equal(standing.moved("gone", at(300), 1_100), false);
});
