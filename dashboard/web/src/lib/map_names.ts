// Where the names of villages stand on the drawing: not on each other, nor on a sign. Pure.

import { around, type Box, USUAL } from "./map_counts";
import type { Cluster, Point, Size } from "./village_map";

/** A name's lines, centred on x; y is the base of the last one. */
export interface Name extends Point {
  lines: string[];
}

export const NAME_SIZE = 17;
export const LINE_HEIGHT = 20;
// What hangs below the base of a line.
const DESCENT = 5;
// Latin letters of the bold font beside Chinese signs, which are as wide as they are high.
const LATIN_SHARE = 0.58;
const EDGE = 4;
// A sign (MapSign) and the air around it; where its number stands it reaches further.
const SIGN = 16;
const NUMBER = { across: 32, down: 25, middle: 29 };
const STEP = LINE_HEIGHT / 2;
// Further from its homes a name would be taken for another village's.
const STEPS_MAX = 8;

/** Each name near the place it wants: above it or, at the top, below. Who has no place free of signs
 *  keeps clear of the other names at least. */
export function namesApart<T extends Name>(names: T[], clusters: Cluster[], size: Size): T[] {
  const set: T[] = [];
  for (const name of [...names].sort((one, other) => other.y - one.y)) {
    const x = within(name, size);
    const places = heights(name, size).map((y) => ({ ...name, x, y }));
    const clear = places.filter((place) => !set.some((other) => meet(boxOf(place), boxOf(other))));
    const free = clear.find((place) => !clusters.some((sign) => meet(boxOf(place), signBox(sign))));
    set.push(free ?? clear[0] ?? { ...name, x });
  }
  return set;
}

/** As it wants, then ever further up, then down. */
function heights(name: Name, size: Size): number[] {
  const steps = Array.from({ length: STEPS_MAX }, (_, at) => (at + 1) * STEP);
  const wanted = [0, ...steps.map((step) => -step), ...steps].map((step) => name.y + step);
  const top = name.lines.length * LINE_HEIGHT;
  return wanted.filter((y) => y >= top && y <= size.height - DESCENT);
}

function within(name: Name, size: Size): number {
  const half = widthOf(name) / 2 + EDGE;
  return Math.max(half, Math.min(name.x, size.width - half));
}

function widthOf(name: Name): number {
  const wide = (text: string): number =>
    [...text].reduce((sum, sign) => sum + (sign > "\u2e7f" ? NAME_SIZE : NAME_SIZE * LATIN_SHARE), 0);
  return Math.max(...name.lines.map(wide));
}

function boxOf(name: Name): Box {
  const half = widthOf(name) / 2;
  const top = name.y - name.lines.length * LINE_HEIGHT + DESCENT;
  return { left: name.x - half, right: name.x + half, top, bottom: name.y + DESCENT };
}

function signBox(sign: Cluster): Box {
  const { across, down } = sign.corner ?? USUAL;
  const far = across === 0 ? NUMBER.middle : NUMBER.down;
  return around(sign, {
    left: across === -1 ? -NUMBER.across : -SIGN,
    right: across === 1 ? NUMBER.across : SIGN,
    top: down === -1 ? -far : -SIGN,
    bottom: down === 1 ? far : SIGN,
  });
}

function meet(one: Box, other: Box): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
