import assert from "node:assert/strict";
import { test } from "node:test";

import {
  borderPath,
  boundsOf,
  byNeed,
  clustersOf,
  hullOf,
  kilometre,
  type MapHome,
  outline,
  place,
  signOf,
  villagesOf,
  worst,
  wholeBounds,
} from "../src/lib/village_map";

const SIZE = { width: 800, height: 600 };

function home(id: string, more: Partial<MapHome> = {}): MapHome {
  return {
    id,
    region: "r",
    lat: 32.35,
    lon: 109.35,
    names: [],
    alarm: null,
    heard: true,
    unseen: false,
    life: "well",
    away: false,
    ...more,
  };
}

function alarm(severity: string): MapHome["alarm"] {
  return { id: "a", severity, kind: "sos", state: "open" };
}

test("what presses most is a home's sign", () => {
  assert.equal(signOf(home("a", { alarm: alarm("urgent"), unseen: true, heard: false })), "urgent");
  assert.equal(signOf(home("a", { alarm: alarm("technical"), unseen: true })), "unseen");
  assert.equal(signOf(home("a", { alarm: alarm("technical"), heard: false })), "unheard");
  assert.equal(signOf(home("a", { alarm: alarm("technical") })), "technical");
  assert.equal(signOf(home("a", { away: true })), "away");
  assert.equal(signOf(home("a", { heard: null })), "well");
  assert.equal(worst([home("a"), home("b", { unseen: true })]), "unseen");
  assert.deepEqual(
    byNeed([home("b"), home("a"), home("c", { alarm: alarm("watch") })]).map((one) => one.id),
    ["c", "a", "b"],
  );
});

test("north is up, east is right, and distances are true to each other", () => {
  const homes = [
    home("sw", { lat: 32.3, lon: 109.3 }),
    home("nw", { lat: 32.4, lon: 109.3 }),
    home("se", { lat: 32.3, lon: 109.3 + 0.1 / Math.cos((32.35 * Math.PI) / 180) }),
    home("nowhere", { lat: null, lon: null }),
  ];
  const bounds = boundsOf(homes);
  assert.ok(bounds);
  const placed = place(homes, bounds, SIZE);
  assert.deepEqual(placed.map((one) => one.home.id), ["sw", "nw", "se"]);
  const [sw, nw, se] = placed;
  assert.ok(sw && nw && se);
  assert.ok(nw.y < sw.y && se.x > sw.x);
  assert.ok(Math.abs(sw.y - nw.y - (se.x - sw.x)) < 0.5);
  for (const { x, y } of placed) assert.ok(x >= 0 && x <= SIZE.width && y >= 0 && y <= SIZE.height);
  // A tenth of a degree of latitude is 11.1 km.
  assert.ok(Math.abs((sw.y - nw.y) / kilometre(bounds, SIZE) - 11.12) < 0.05);
});

test("one home stands in the middle, none is no map", () => {
  const bounds = boundsOf([home("a")]);
  assert.ok(bounds);
  const [only] = place([home("a")], bounds, SIZE);
  assert.ok(only);
  assert.ok(Math.abs(only.x - 400) < 1e-6 && Math.abs(only.y - 300) < 1e-6);
  assert.equal(boundsOf([home("a", { lat: null })]), null);
});

test("homes that would cover each other are one sign, at the most pressing one's place", () => {
  const near = [
    { home: home("a"), x: 10, y: 10 },
    { home: home("b", { alarm: alarm("urgent") }), x: 25, y: 10 },
    { home: home("c"), x: 200, y: 10 },
  ];
  const clusters = clustersOf(near, 30);
  assert.deepEqual(
    clusters.map((one) => [one.x, one.sign, one.homes.map(({ id }) => id)]),
    [
      [25, "urgent", ["b", "a"]],
      [200, "well", ["c"]],
    ],
  );
  assert.deepEqual(clustersOf([...near].reverse(), 30), clusters);
  const many = Array.from({ length: 3000 }, (_, at) => ({
    home: home(`h${at}`),
    x: (at * 37) % 800,
    y: (at * 91) % 600,
  }));
  const found = clustersOf(many, 30);
  assert.equal(found.reduce((sum, one) => sum + one.homes.length, 0), 3000);
  found.forEach((one, at) =>
    found.slice(at + 1).forEach((other) => assert.ok(Math.hypot(one.x - other.x, one.y - other.y) >= 30)),
  );
});

test("an outline holds all points and only its corners", () => {
  const corners = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
    { x: 10, y: 10 },
    { x: 0, y: 10 },
  ];
  const hull = hullOf([...corners, { x: 5, y: 5 }, { x: 5, y: 0 }]);
  assert.equal(hull.length, 4);
  for (const corner of corners) assert.ok(hull.some(({ x, y }) => x === corner.x && y === corner.y));
  assert.equal(hullOf([{ x: 1, y: 1 }]).length, 1);
  assert.equal(outline([]), "");
  assert.match(outline(hullOf([{ x: 1, y: 1 }])), /^M1\.0 1\.0/);
});

test("a border lies where its homes lie, and widens what is shown", () => {
  const size = { width: 960, height: 640 };
  const shape: [number, number][][][] = [[[[109, 32], [109.2, 32], [109.2, 32.2], [109, 32.2], [109, 32]]]];
  const border = { region: "r", shape };
  const inside = home("a", { lat: 32.1, lon: 109.1 });
  const bounds = wholeBounds([inside], [border]);
  assert.deepEqual(bounds, { south: 32, west: 109, north: 32.2, east: 109.2 });
  assert.ok(bounds !== null);
  const path = borderPath(border, bounds, size);
  const [placed] = place([inside], bounds, size);
  const corners = [...path.matchAll(/(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  assert.ok(placed !== undefined && path.endsWith("Z"));
  for (const at of [0, 1]) {
    const values = corners.map((corner) => corner[at] ?? 0);
    const [mine, most] = at === 0 ? [placed.x, size.width] : [placed.y, size.height];
    assert.ok(Math.min(...values) > 0 && Math.max(...values) < most);
    assert.ok(Math.min(...values) < mine && mine < Math.max(...values));
  }
  assert.deepEqual(wholeBounds([], []), null);
});

test("villages have their homes and silent gateways; empty ones are left out", () => {
  const villages = villagesOf({
    homes: [home("a"), home("b", { unseen: true })],
    regions: [
      { code: "r", path: ["county", "town", "village"] },
      { code: "s", path: ["county", "town", "empty"] },
    ],
    gateways: [{ id: "gw", name: "", region: "r" }],
    more: false,
  });
  assert.deepEqual(
    villages.map((one) => [one.name, one.town, one.homes.map(({ id }) => id), one.gateways.length]),
    [["village", "town", ["b", "a"], 1]],
  );
});
