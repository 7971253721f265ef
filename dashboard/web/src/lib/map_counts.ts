// How large a sign is, and where at it its number stands: not on the next sign. Pure.

import type { Cluster, Point, Sign, Size } from "./village_map";

export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Where a number stands, from the middle of its sign: 1 is right, and below; 0 over the middle. */
export interface Corner {
  across: 1 | 0 | -1;
  down: 1 | -1;
}

// Above, then below; in a row of signs a number has room over the middle of its own alone.
const CORNERS: Corner[] = [
  { across: 1, down: -1 },
  { across: -1, down: -1 },
  { across: 0, down: -1 },
  { across: 1, down: 1 },
  { across: -1, down: 1 },
  { across: 0, down: 1 },
];
export const USUAL: Corner = { across: 1, down: -1 };
const DIGIT = 9;
const SIDES = 10;
const HEIGHT = 18;
// Over the middle it must leave its sign to be seen.
const LIFT = 6;
// A sign's stroke, and the tips that some shapes have.
const EDGE = 2;

export function radiusOf(sign: Sign, count: number): number {
  if (sign === "urgent") return 13;
  if (sign === "well" || sign === "away") return count > 1 ? 9 : 6;
  return 10;
}

/** Around the middle of its sign. */
export function numberBox(sign: Sign, count: number, corner: Corner): Box {
  const r = radiusOf(sign, count);
  const width = String(count).length * DIGIT + SIDES;
  const left = corner.across === 1 ? r / 2 : corner.across === 0 ? -width / 2 : -r / 2 - width;
  const top = corner.down * (corner.across === 0 ? r + LIFT : r) - HEIGHT / 2;
  return { left, right: left + width, top, bottom: top + HEIGHT };
}

/** Each number at the first place that is free, the most pressing sign's first. Where none is, at
 *  the one where it covers least. */
export function numbersApart(clusters: Cluster[], size: Size): Cluster[] {
  const signs = clusters.map((one) => around(one, bodyOf(one)));
  const numbers: Box[] = [];
  return clusters.map((one, at) => {
    if (one.homes.length < 2) return one;
    const others = signs.filter((_, other) => other !== at);
    const places = CORNERS.map((corner) => {
      const box = around(one, numberBox(one.sign, one.homes.length, corner));
      const covered = [...others, ...numbers].reduce((sum, other) => sum + shared(box, other), 0);
      return { corner, box, covered: covered + (isInside(box, size) ? 0 : Infinity) };
    });
    const best = places.reduce((least, place) => (place.covered < least.covered ? place : least));
    numbers.push(best.box);
    return { ...one, corner: best.corner };
  });
}

function bodyOf(one: Cluster): Box {
  const r = radiusOf(one.sign, one.homes.length) + EDGE;
  return { left: -r, right: r, top: -r, bottom: r };
}

export function around(point: Point, box: Box): Box {
  return {
    left: point.x + box.left,
    right: point.x + box.right,
    top: point.y + box.top,
    bottom: point.y + box.bottom,
  };
}

function shared(one: Box, other: Box): number {
  const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return Math.max(0, across) * Math.max(0, down);
}

function isInside(box: Box, size: Size): boolean {
  return box.left >= 0 && box.top >= 0 && box.right <= size.width && box.bottom <= size.height;
}
