// The tree of regions: in order, by name or code, and the next code of a new one.

import type { Level, RegionNode } from "./office";

export const BELOW: Partial<Record<Level, Exclude<Level, "county">>> = {
  county: "town",
  town: "village",
  village: "group",
};
// Digits that a level adds to the code of what it lies in (GB/T 2260 and its extensions).
const DIGITS = 3;

export interface Branch {
  node: RegionNode;
  below: Branch[];
}

/** Parents with what lies in them; what lies in none that is known stands at the top. */
export function treeOf(nodes: RegionNode[]): Branch[] {
  const branches = new Map(nodes.map((node) => [node.code, { node, below: [] as Branch[] }]));
  const tops: Branch[] = [];
  for (const branch of branches.values()) {
    const above = branch.node.parent === null ? undefined : branches.get(branch.node.parent);
    if (above === undefined) tops.push(branch);
    else above.below.push(branch);
  }
  return tops;
}

/** Those whose name or code has the text, and what they lie in; null: everything. */
export function foundIn(nodes: RegionNode[], text: string): Set<string> | null {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return null;
  const above = new Map(nodes.map((node) => [node.code, node.parent]));
  const found = new Set<string>();
  for (const node of nodes) {
    if (!node.name.toLowerCase().includes(wanted) && !node.code.includes(wanted)) continue;
    for (let at: string | null | undefined = node.code; at; at = above.get(at)) found.add(at);
  }
  return found;
}

/** The last digits of the next code in a region: one more than the highest there. */
export function nextTail(nodes: RegionNode[], parent: string): string {
  const tails = nodes
    .filter((node) => node.parent === parent)
    .map((node) => node.code.slice(parent.length))
    .filter((tail) => /^\d+$/.test(tail));
  const width = Math.max(DIGITS, ...tails.map((tail) => tail.length));
  const highest = Math.max(0, ...tails.map(Number));
  return String(highest + 1).padStart(width, "0");
}

/** From the county down to it. */
export function pathOf(nodes: RegionNode[], code: string): RegionNode[] {
  const known = new Map(nodes.map((node) => [node.code, node]));
  const path: RegionNode[] = [];
  for (let at = known.get(code); at !== undefined && path.length < 8; ) {
    path.unshift(at);
    at = at.parent === null ? undefined : known.get(at.parent);
  }
  return path;
}
