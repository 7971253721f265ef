// What comes first. Pure.

import type { Alarm, Severity, Task } from "./types";

const SEVERITY: Record<Severity, number> = { urgent: 0, watch: 1, technical: 2 };

/** The queue: what is worse first; of equals, who has waited longest. */
export function byNeed(one: Alarm, other: Alarm): number {
  return (
    SEVERITY[one.severity] - SEVERITY[other.severity] ||
    Date.parse(one.raised_at) - Date.parse(other.raised_at) ||
    one.number - other.number
  );
}

export function byClosing(one: Alarm, other: Alarm): number {
  return Date.parse(other.closed_at ?? other.raised_at) - Date.parse(one.closed_at ?? one.raised_at);
}

export function byDue(one: Task, other: Task): number {
  return (
    Date.parse(one.due_at ?? one.created_at) - Date.parse(other.due_at ?? other.created_at) ||
    one.number - other.number
  );
}

/** A list with `item` put in, unless a newer version is there already. */
export function withItem<T extends { id: string; version: number }>(items: T[], item: T): T[] {
  const index = items.findIndex((known) => known.id === item.id);
  const known = items[index];
  if (known === undefined) return [...items, item];
  if (known.version > item.version) return items;
  const copy = [...items];
  copy[index] = item;
  return copy;
}

/** What was loaded, kept newer where the stream has already said more. */
export function merged<T extends { id: string; version: number }>(loaded: T[], known: T[]): T[] {
  const newer = new Map(known.map((item) => [item.id, item]));
  return loaded.map((item) => {
    const other = newer.get(item.id);
    return other !== undefined && other.version > item.version ? other : item;
  });
}

/** The row to select after a key: stays inside, starts at the first. */
export function stepped(ids: string[], selected: string | null, step: 1 | -1): string | null {
  if (ids.length === 0) return null;
  const index = selected === null ? -1 : ids.indexOf(selected);
  if (index < 0) return ids[step === 1 ? 0 : ids.length - 1] ?? null;
  return ids[Math.min(ids.length - 1, Math.max(0, index + step))] ?? null;
}
