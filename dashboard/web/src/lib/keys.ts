// Keys of the page: one letter each, never while somebody types.

import type { Key } from "./i18n.svelte";
import { letterKeys } from "./letter_keys.svelte";

/** What the help shows: keys, and what they do. */
export const KEYS: { keys: string[]; does: Key }[] = [
  { keys: ["J", "↓"], does: "help.next" },
  { keys: ["K", "↑"], does: "help.previous" },
  { keys: ["Enter"], does: "help.open" },
  { keys: ["A"], does: "help.acknowledge" },
  { keys: ["Esc"], does: "help.back" },
  { keys: ["W"], does: "help.wall" },
  { keys: ["?"], does: "help.help" },
];

/** Is a key for the page, not for a field that somebody types into or for a dialog? */
export function isForThePage(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return false;
  if (event.key.length === 1 && !letterKeys.on) return false;
  return (event.target as HTMLElement).closest("input, select, textarea, dialog[open]") === null;
}
