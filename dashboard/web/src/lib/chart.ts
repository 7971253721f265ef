// Curves and limits as uPlot's options and columns, in the page's colours and language.

import uPlot from "uplot";

import { county } from "./county.svelte";
import { type Curve, type Limit, limitSign } from "./curves";
import { decimal } from "./format";
import { t, word } from "./i18n.svelte";
import { isMidnight, told } from "./local_time";
import { unitOf } from "./words";

const TONES = ["--urgent-fill", "--technical-fill", "--good", "--watch-fill"];
const BATTERY_FIELDS = new Set(["battery_pct"]);
const DAY_S = 86_400;
const BAND_ALPHA = "2e";
// Beside a line alone the band has no colour of its own: it must be seen on a shaded time too.
const LONE_BAND = "--muted";
const LONE_ALPHA = "55";

export interface Drawing {
  curves: Curve[];
  limits: Limit[];
  shade: [number, number] | null;
  span: [number, number];
  width: number;
  height: number;
  locale: string;
  style: CSSStyleDeclaration;
  timeName: string;
}

export function drawing(asked: Drawing): { options: uPlot.Options; data: uPlot.AlignedData } {
  const colour = (name: string): string => asked.style.getPropertyValue(name).trim();
  const font = `12px ${asked.style.fontFamily}`;
  const times = [
    ...new Set(asked.curves.flatMap((curve) => [...curve.points, ...curve.band].map((at) => at[0]))),
  ].sort((one, other) => one - other);
  const columns: (number | null | undefined)[][] = [];
  const series: uPlot.Series[] = [{ label: asked.timeName, value: legendTime(asked.locale, times.at(-1) ?? null) }];
  const bands: uPlot.Band[] = [];
  asked.curves.forEach((curve, index) => {
    const stroke = colour(TONES[index % TONES.length] ?? "--accent");
    if (curve.band.length > 0) {
      const at = series.length;
      const fill = asked.curves.length > 1 ? stroke + BAND_ALPHA : colour(LONE_BAND) + LONE_ALPHA;
      bands.push({ series: [at, at + 1], fill });
      for (const side of [2, 1] as const) {
        const edge = new Map(curve.band.map((row) => [row[0], row[side]]));
        columns.push(times.map((time) => edge.get(time)));
        series.push({ label: "", stroke: "transparent", points: { show: false }, class: "edge" });
      }
    }
    const values = new Map(curve.points);
    // Undefined: this curve has no point there, its line goes on; null: a gap.
    columns.push(times.map((time) => (values.has(time) ? values.get(time) : undefined)));
    series.push({
      label: labelOf(curve.field),
      stroke,
      width: 2,
      points: { show: curve.dots, size: 7, fill: stroke },
      value: legendValue(curve),
    });
  });
  const axis = {
    stroke: colour("--muted"),
    font,
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
  };
  const zone = county.zone;
  const wide = (asked.span[1] - asked.span[0]) / 1000 > 2 * DAY_S;
  const options: uPlot.Options = {
    tzDate: (seconds) => uPlot.tzDate(new Date(Math.round(seconds * 1000)), zone),
    width: asked.width,
    // The legend has a line of its own below.
    height: asked.height - 34,
    series,
    bands,
    scales: {
      x: { time: true, range: [asked.span[0] / 1000, asked.span[1] / 1000] },
      y: { range: (_plot, low, high) => heightRange(low, high, asked) },
    },
    axes: [
      { ...axis, values: (_plot, splits) => splits.map(axisTime(asked.locale, wide)), space: 72 },
      { ...axis, size: 52, values: (_plot, splits) => splits.map((value) => decimal(value)) },
    ],
    cursor: { drag: { x: false, y: false } },
    hooks: {
      drawClear: [(plot) => drawShade(plot, asked.shade, colour("--urgent-soft"))],
      draw: [(plot) => drawLimits(plot, asked.limits, colour, font)],
    },
  };
  return { options, data: [times.map((time) => time / 1000), ...columns] as uPlot.AlignedData };
}

function labelOf(field: string): string {
  const unit = unitOf(field).trim();
  return unit === "" ? word("field", field) : t("chart.unit", { name: word("field", field), unit });
}

function heightRange(low: number | null, high: number | null, asked: Drawing): [number, number] {
  const values = [low ?? 0, high ?? 1, ...asked.limits.map((limit) => limit.value)];
  const bottom = Math.min(...values);
  const top = Math.max(...values);
  // A share of a whole is read against the whole.
  if (asked.curves.length > 0 && asked.curves.every((curve) => BATTERY_FIELDS.has(curve.field))) return [0, 100];
  const air = Math.max((top - bottom) * 0.08, 1);
  return [bottom >= 0 && !asked.curves[0]?.dots ? 0 : bottom - air, top + air];
}

/** The time that an alarm speaks of, behind the curves. */
function drawShade(plot: uPlot, shade: [number, number] | null, colour: string): void {
  if (shade === null) return;
  const { ctx, bbox } = plot;
  const clamp = (ms: number): number =>
    Math.min(Math.max(plot.valToPos(ms / 1000, "x", true), bbox.left), bbox.left + bbox.width);
  const from = clamp(shade[0]);
  ctx.save();
  ctx.fillStyle = colour;
  ctx.fillRect(from, bbox.top, clamp(shade[1]) - from, bbox.height);
  ctx.restore();
}

function drawLimits(
  plot: uPlot,
  limits: Limit[],
  colour: (name: string) => string,
  font: string,
): void {
  const { ctx, bbox } = plot;
  const dashes = [6 * devicePixelRatio, 4 * devicePixelRatio];
  ctx.save();
  ctx.fillStyle = colour("--urgent");
  ctx.lineJoin = "round";
  ctx.font = font.replace("12px", `${12 * devicePixelRatio}px`);
  ctx.textAlign = "left";
  for (const limit of limits) {
    const y = plot.valToPos(limit.value, "y", true);
    ctx.strokeStyle = colour("--urgent");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash(dashes);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const text = `${limitName(limit)} ${decimal(limit.value)}`;
    const at = [bbox.left + 4 * devicePixelRatio, y - 5 * devicePixelRatio] as const;
    // A rim of the paper's colour: a curve may run behind it.
    ctx.strokeStyle = colour("--surface");
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.setLineDash([]);
    ctx.strokeText(text, ...at);
    ctx.fillText(text, ...at);
  }
  ctx.restore();
}

/** Of two limits of one field it says which is the lower one. */
function limitName(limit: Limit): string {
  if (limit.beyond === undefined) return word("field", `limit_${limit.field}`);
  return `${word("field", limit.field)} ${limitSign(limit.field, limit.beyond)}`;
}

function axisTime(locale: string, wide: boolean): (seconds: number) => string {
  return (seconds) => {
    const at = seconds * 1000;
    if (isMidnight(at)) return told(at, locale, { month: "short", day: "numeric" });
    if (wide) return "";
    return told(at, locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  };
}

// Where nobody points at a time the legend tells the newest: a row of dashes looks like missing values.
function legendTime(locale: string, newestMs: number | null): uPlot.Series["value"] {
  return (_plot, seconds: number | null) => {
    const at = seconds === null || seconds === undefined ? newestMs : seconds * 1000;
    if (at === null) return "";
    return told(at, locale, {
      month: "short",
      day: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
  };
}

function legendValue(curve: Curve): uPlot.Series["value"] {
  const newest = curve.points.at(-1)?.[1] ?? null;
  return (_plot, value: number | null, _series, index) => {
    const told = index === null || index === undefined ? newest : value;
    return told === null || told === undefined ? "–" : decimal(told);
  };
}
