import assert from "node:assert/strict";
import { test } from "node:test";

import { around, type Box, numberBox, numbersApart, radiusOf, USUAL } from "../src/lib/map_counts";
import { namesApart } from "../src/lib/map_names";
import type { Cluster, MapHome, Sign } from "../src/lib/village_map";

const SIZE = { width: 960, height: 640 };

function cluster(x: number, y: number, count = 12, sign: Sign = "unheard"): Cluster {
  return { x, y, sign, homes: Array.from({ length: count }, () => ({}) as MapHome) };
}

function corners(clusters: Cluster[]): (string | undefined)[] {
  return numbersApart(clusters, SIZE).map(
    ({ corner }) => corner && `${corner.down === 1 ? "below" : "above"} ${["left", "middle", "right"][corner.across + 1]}`,
  );
}

function meet(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

function numberOf(one: Cluster): Box {
  return around(one, numberBox(one.sign, one.homes.length, one.corner ?? USUAL));
}

function bodyOf(one: Cluster): Box {
  const r = radiusOf(one.sign, one.homes.length);
  return around(one, { left: -r, right: r, top: -r, bottom: r });
}

test("a number stands above and to the right, a single home has none", () => {
  assert.deepEqual(corners([cluster(100, 100), cluster(300, 100, 1)]), ["above right", undefined]);
});

test("a number makes way for the sign beside it", () => {
  assert.deepEqual(corners([cluster(100, 100), cluster(131, 100)]), ["above left", "above right"]);
  assert.deepEqual(corners([cluster(131, 100, 1), cluster(100, 100), cluster(69, 100, 1)]), [
    undefined,
    "above middle",
    undefined,
  ]);
});

test("a number makes way for another number", () => {
  const placed = numbersApart([cluster(100, 100, 120), cluster(148, 104, 120)], SIZE);
  assert.ok(!meet(numberOf(placed[0]!), numberOf(placed[1]!)));
});

test("a number is not cut off by the frame", () => {
  assert.deepEqual(corners([cluster(950, 300), cluster(300, 5), cluster(950, 5)]), [
    "above left",
    "below right",
    "below left",
  ]);
});

test("in rows of signs no number is on a sign or a number where there is room", () => {
  const signs: Sign[] = ["urgent", "watch", "unheard", "well"];
  const rows = Array.from({ length: 60 }, (_, at) =>
    cluster(60 + (at % 12) * 31, 60 + Math.floor(at / 12) * 62, 1 + ((at * 7) % 40), signs[at % 4]),
  );
  const placed = numbersApart(rows, SIZE);
  const touching = (all: Cluster[]): number =>
    all
      .filter((one) => one.homes.length > 1)
      .filter((one) =>
        all.some(
          (other) =>
            other !== one &&
            (meet(numberOf(one), bodyOf(other)) || (other.homes.length > 1 && meet(numberOf(one), numberOf(other)))),
        ),
      ).length;
  assert.ok(touching(rows) > 20, String(touching(rows)));
  assert.equal(touching(placed), 0);
});

test("a village's name keeps off a number wherever it stands", () => {
  const below = { ...cluster(300, 200), corner: { across: -1, down: 1 } as const };
  const [placed] = namesApart([{ lines: ["龙头村"], x: 280, y: 225 }], [below], SIZE);
  const box = numberOf(below);
  assert.ok(placed!.y - 15 >= box.bottom || placed!.y + 5 <= box.top, JSON.stringify(placed));
});
