// A signature as it is drawn: points in whole units of the pad, as the hub keeps them.

export interface Strokes {
  w: number;
  h: number;
  s: number[][];
}

// A name of five characters has about a thousand points; the hub takes six thousand.
const POINTS_MAX = 5_500;
// Points nearer than this add nothing that is seen.
const NEAR = 2;
const LENGTH_SHARE_MIN = 0.15;

export function emptyPad(w: number, h: number): Strokes {
  return { w, h, s: [] };
}

/** The stroke with one point more, unless that is where the last one was. */
export function withPoint(strokes: Strokes, x: number, y: number): Strokes {
  const last = strokes.s.at(-1);
  if (last === undefined || strokes.s.flat().length / 2 >= POINTS_MAX) return strokes;
  const [px = Number.NaN, py = Number.NaN] = last.slice(-2);
  if (Math.hypot(x - px, y - py) < NEAR) return strokes;
  return { ...strokes, s: [...strokes.s.slice(0, -1), [...last, Math.round(x), Math.round(y)]] };
}

/** A slip of the thumb is no signature. */
export function isSigned(strokes: Strokes | undefined): boolean {
  if (strokes === undefined) return false;
  let length = 0;
  for (const line of strokes.s) {
    for (let at = 2; at + 1 < line.length; at += 2) {
      const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = line.slice(at - 2, at + 2);
      length += Math.hypot(x1 - x0, y1 - y0);
    }
  }
  return length >= LENGTH_SHARE_MIN * strokes.w;
}

export function pathOf(line: number[]): string {
  const points: string[] = [];
  for (let at = 0; at + 1 < line.length; at += 2) points.push(`${line[at]} ${line[at + 1]}`);
  // A dot is a line of no length.
  if (points.length === 1) points.push(points[0] ?? "");
  return points.length === 0 ? "" : `M${points.join("L")}`;
}
