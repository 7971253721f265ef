// Where homes stand on a drawing, which of them are one sign, and how a village is outlined. Pure.

import type { Corner } from "./map_counts";

export interface MapHome {
  id: string;
  region: string;
  lat: number | null;
  lon: number | null;
  names: string[];
  alarm: { id: string; severity: string; kind: string; state: string } | null;
  heard: boolean | null;
  unseen: boolean;
  life: string | null;
  away: boolean;
  /** Its village has no electricity. */
  dark?: boolean;
}

export interface VillageMap {
  homes: MapHome[];
  regions: { code: string; path: string[] }[];
  gateways: { id: string; name: string; region: string | null }[];
  more: boolean;
}

/** What is most worth looking at first; a sign has its own shape and colour. */
export const SIGNS = [
  "urgent",
  "watch",
  "unheard",
  "unseen",
  "dark",
  "technical",
  "away",
  "well",
] as const;
export type Sign = (typeof SIGNS)[number];

export interface Point {
  x: number;
  y: number;
}

export interface Placed extends Point {
  home: MapHome;
}

export interface Cluster extends Point {
  homes: MapHome[];
  sign: Sign;
  /** Where its number stands; above and to the right, where nobody says. */
  corner?: Corner;
}

export interface Bounds {
  south: number;
  west: number;
  north: number;
  east: number;
}

export interface Size {
  width: number;
  height: number;
}

// So that one village, or one home, is no map of a courtyard; about 500 m.
const SPAN_MIN_DEG = 0.005;
const AIR = 0.08;

export function signOf(home: MapHome): Sign {
  const severity = home.alarm?.severity;
  if (severity === "urgent" || severity === "watch") return severity;
  if (home.heard === false) return "unheard";
  if (home.unseen) return "unseen";
  if (home.dark === true) return "dark";
  if (home.alarm !== null) return "technical";
  return home.away ? "away" : "well";
}

export function worst(homes: MapHome[]): Sign {
  return SIGNS.find((sign) => homes.some((home) => signOf(home) === sign)) ?? "well";
}

export function byNeed(homes: MapHome[]): MapHome[] {
  const rank = (home: MapHome): number => SIGNS.indexOf(signOf(home));
  return [...homes].sort((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1));
}

interface Place {
  lat: number | null;
  lon: number | null;
}

function hasPlace<T extends Place>(one: T): one is T & { lat: number; lon: number } {
  return one.lat !== null && one.lon !== null;
}

/** null: no home has a place. */
export function boundsOf(homes: Place[]): Bounds | null {
  const placed = homes.filter(hasPlace);
  if (placed.length === 0) return null;
  const lats = placed.map((home) => home.lat);
  const lons = placed.map((home) => home.lon);
  const [south, north] = spread(lats);
  const [west, east] = spread(lons);
  return { south, west, north, east };
}

function spread(values: number[]): [number, number] {
  const low = values.reduce((one, other) => Math.min(one, other));
  const high = values.reduce((one, other) => Math.max(one, other));
  const missing = Math.max(0, SPAN_MIN_DEG - (high - low)) / 2;
  return [low - missing, high + missing];
}

/** Equal distances stay equal: a degree to the east is shorter by the cosine of the latitude. */
export function place(homes: MapHome[], bounds: Bounds, size: Size): Placed[] {
  const drawn = scaleOf(bounds, size);
  return homes
    .filter(hasPlace)
    .map((home) => ({ home, ...pointOf(home.lat, home.lon, bounds, size, drawn) }));
}

export interface Border {
  region: string;
  /** Polygons of rings of [longitude, latitude]. */
  shape: [number, number][][][];
}

/** A border as one path, drawn by the even-odd rule, so that holes stay holes. */
export function borderPath(border: Border, bounds: Bounds, size: Size): string {
  const drawn = scaleOf(bounds, size);
  return border.shape
    .flat()
    .map((ring) => outline(ring.map(([lon, lat]) => pointOf(lat, lon, bounds, size, drawn))))
    .join(" ");
}

/** What borders and homes fill together; null without any. */
export function wholeBounds(homes: MapHome[], borders: Border[]): Bounds | null {
  const corners = borders.flatMap((border) => border.shape.flat(2));
  return boundsOf([...homes, ...corners.map(([lon, lat]) => ({ lat, lon }))]);
}

interface Scale {
  squeeze: number;
  scale: number;
}

function scaleOf(bounds: Bounds, size: Size): Scale {
  const squeeze = Math.cos((((bounds.south + bounds.north) / 2) * Math.PI) / 180);
  const wide = (bounds.east - bounds.west) * squeeze;
  const high = bounds.north - bounds.south;
  return { squeeze, scale: Math.min(size.width / wide, size.height / high) * (1 - 2 * AIR) };
}

function pointOf(lat: number, lon: number, bounds: Bounds, size: Size, drawn: Scale): Point {
  return {
    x: size.width / 2 + (lon - (bounds.west + bounds.east) / 2) * drawn.squeeze * drawn.scale,
    y: size.height / 2 - (lat - (bounds.south + bounds.north) / 2) * drawn.scale,
  };
}

/** How long a kilometre is on the drawing. */
export function kilometre(bounds: Bounds, size: Size): number {
  return scaleOf(bounds, size).scale / 111.2;
}

/** Homes whose signs would cover each other are one, from the most pressing on: what presses keeps
 * its place, and the same homes are the same clusters every time. */
export function clustersOf(placed: Placed[], reach: number): Cluster[] {
  const rank = new Map(byNeed(placed.map((one) => one.home)).map((home, at) => [home.id, at]));
  const ordered = [...placed].sort(
    (one, other) => (rank.get(one.home.id) ?? 0) - (rank.get(other.home.id) ?? 0),
  );
  const cells = new Map<string, Cluster[]>();
  const found: Cluster[] = [];
  for (const one of ordered) {
    const column = Math.floor(one.x / reach);
    const row = Math.floor(one.y / reach);
    let mine: Cluster | undefined;
    for (let dx = -1; dx <= 1 && mine === undefined; dx += 1) {
      for (let dy = -1; dy <= 1 && mine === undefined; dy += 1) {
        mine = cells
          .get(`${column + dx}/${row + dy}`)
          ?.find((other) => Math.hypot(other.x - one.x, other.y - one.y) < reach);
      }
    }
    if (mine !== undefined) {
      mine.homes.push(one.home);
      continue;
    }
    const cluster = { x: one.x, y: one.y, homes: [one.home], sign: signOf(one.home) };
    found.push(cluster);
    const key = `${column}/${row}`;
    cells.set(key, [...(cells.get(key) ?? []), cluster]);
  }
  return found;
}

/** The smallest outline around some points that bends nowhere inwards (Andrew's chain). */
export function hullOf(points: Point[]): Point[] {
  const ordered = [...points].sort((one, other) => one.x - other.x || one.y - other.y);
  if (ordered.length < 3) return ordered;
  const half = (through: Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of through) {
      for (;;) {
        const last = chain[chain.length - 1];
        const before = chain[chain.length - 2];
        if (last === undefined || before === undefined || turns(before, last, point) > 0) break;
        chain.pop();
      }
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(ordered), ...half(ordered.reverse())];
}

function turns(from: Point, over: Point, to: Point): number {
  return (over.x - from.x) * (to.y - from.y) - (over.y - from.y) * (to.x - from.x);
}

/** A path of an outline; a stroke as wide as the air around it makes it round. */
export function outline(points: Point[]): string {
  const [first] = points;
  if (first === undefined) return "";
  const rest = points.map((point) => `L${point.x.toFixed(1)} ${point.y.toFixed(1)}`).join(" ");
  return `M${first.x.toFixed(1)} ${first.y.toFixed(1)} ${rest} Z`;
}

export interface Village {
  region: string;
  name: string;
  town: string;
  homes: MapHome[];
  gateways: VillageMap["gateways"];
}

/** By village, what presses first. */
export function villagesOf(map: VillageMap): Village[] {
  const villages = map.regions.map((region) => ({
    region: region.code,
    name: region.path.at(-1) ?? region.code,
    town: region.path.at(-2) ?? "",
    homes: byNeed(map.homes.filter((home) => home.region === region.code)),
    gateways: map.gateways.filter((gateway) => gateway.region === region.code),
  }));
  return villages.filter((village) => village.homes.length > 0);
}
