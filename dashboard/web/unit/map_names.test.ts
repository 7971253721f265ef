import assert from "node:assert/strict";
import { test } from "node:test";

import { LINE_HEIGHT, type Name, namesApart } from "../src/lib/map_names";
import type { Cluster } from "../src/lib/village_map";

const SIZE = { width: 688, height: 458 };

function name(text: string, x: number, y: number): Name {
  return { lines: [text], x, y };
}

function sign(x: number, y: number): Cluster {
  return { x, y, homes: [], sign: "unheard" };
}

test("a name stands where it wants, if nothing is there", () => {
  const wanted = name("龙头村", 150, 160);
  assert.deepEqual(namesApart([wanted], [sign(150, 195)], SIZE), [wanted]);
});

test("a name goes above a neighbour's sign, and not onto a neighbour's name", () => {
  const silent = name("三里垭村 · gateway silent", 336, 100);
  const dark = name("药妇沟村 · no electricity", 501, 158);
  const placed = namesApart([silent, dark], [sign(372, 158)], SIZE);
  const [one, other] = [placed.find((n) => n.lines === dark.lines)!, placed.find((n) => n.lines === silent.lines)!];
  // The sign reaches 25 above its middle, a name 5 below its base.
  assert.ok(one.y <= 158 - 25 - 5 && one.y >= 158 - 80, String(one.y));
  assert.ok(Math.abs(one.y - other.y) >= LINE_HEIGHT, `${one.y} ${other.y}`);
});

test("among signs everywhere a name stays near its homes, and off the other names", () => {
  const signs = Array.from({ length: 23 * 16 }, (_, at) => sign((at % 23) * 30, Math.floor(at / 23) * 30));
  const [one, other] = namesApart([name("龙头村", 300, 200), name("药妇沟村", 310, 200)], signs, SIZE);
  assert.equal(one!.y, 200);
  assert.equal(Math.abs(other!.y - 200), LINE_HEIGHT);
});

test("no frame cuts a name off, nor its upper line", () => {
  const [placed] = namesApart([{ lines: ["药妇沟村", "no electricity"], x: 5, y: 12 }], [], SIZE);
  assert.ok(placed!.x >= 70 && placed!.y >= 2 * LINE_HEIGHT, JSON.stringify(placed));
});
