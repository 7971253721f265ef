// A timeline as people read it: what was told in one round of the escalation is one line, with who
// was reached; many rounds in vain are one line too. Pure.

import type { Notice, TimelineEntry } from "./alarm_types";

/** Of so many rounds one after the other all but the newest ones are folded. */
export const ROUNDS_SHOWN = 2;

export interface Round {
  number: number;
  entries: TimelineEntry[];
  /** Everybody it was for, as the hub calls them. */
  people: string[];
  delivered: string[];
  failed: string[];
  waiting: string[];
  /** No way is set up by which they could be told. */
  unreachable: string[];
}

export type Row =
  | { key: string; entry: TimelineEntry }
  | { key: string; round: Round }
  | { key: string; rounds: Round[] };

const OF_ROUNDS = new Set(["told", "nobody_told"]);

/** Newest first. */
export function rowsOf(entries: TimelineEntry[], notices: Notice[]): Row[] {
  const rows: Row[] = [];
  let run: Round[] = [];
  const flush = (): void => {
    const newest = run.slice(0, ROUNDS_SHOWN);
    const older = run.slice(ROUNDS_SHOWN);
    rows.push(...newest.map(rowOf));
    // One more line would be as long as what it hides.
    if (older.length > 1) rows.push({ key: `rounds-${older[0]?.entries[0]?.seq}`, rounds: older });
    else rows.push(...older.map(rowOf));
    run = [];
  };
  for (const entry of [...entries].reverse()) {
    const number = entry.data["round"];
    if (!OF_ROUNDS.has(entry.fact) || typeof number !== "number") {
      flush();
      rows.push({ key: `entry-${entry.seq}`, entry });
      continue;
    }
    const last = run.at(-1);
    if (last?.number === number) last.entries.push(entry);
    else run.push({ ...EMPTY, number, entries: [entry] });
  }
  flush();
  for (const round of roundsOf(rows)) Object.assign(round, reached(round, notices));
  return rows;
}

/** Every round of these rows, folded or not. */
export function roundsOf(rows: Row[]): Round[] {
  return rows.flatMap((row) => ("rounds" in row ? row.rounds : "round" in row ? [row.round] : []));
}

const EMPTY = { people: [], delivered: [], failed: [], waiting: [], unreachable: [] };

function rowOf(round: Round): Row {
  return { key: `round-${round.entries[0]?.seq}`, round };
}

/** Whom an entry `told` names, with the channels that they have. */
export function toldIn(entry: TimelineEntry): { who: string; channels: string[] }[] {
  const to = entry.data["to"];
  if (entry.fact !== "told" || !Array.isArray(to)) return [];
  return to.map((told: unknown) => {
    const [who, channels] = Array.isArray(told) ? (told as unknown[]) : [told, []];
    return { who: String(who), channels: Array.isArray(channels) ? channels.map(String) : [] };
  });
}

/** What became of it for one person: reached by one way is reached. */
export type Fate = "delivered" | "waiting" | "failed" | "unknown" | "unreachable";

export function fateOf(who: string, channels: string[], notices: Notice[]): Fate {
  const mine = notices.filter((notice) => notice.to === who);
  if (mine.some((notice) => notice.state === "delivered")) return "delivered";
  if (mine.some((notice) => notice.state === "pending")) return "waiting";
  if (mine.some((notice) => notice.state === "refused" || notice.state === "dead")) return "failed";
  // Old notifications are thrown away, and some are no longer needed when their turn comes.
  return channels.length > 0 || mine.length > 0 ? "unknown" : "unreachable";
}

function reached(round: Round, notices: Notice[]): Partial<Round> {
  const ofRound = notices.filter((notice) => notice.round === round.number);
  const channels = new Map<string, string[]>();
  for (const { who, channels: more } of round.entries.flatMap(toldIn)) {
    channels.set(who, [...(channels.get(who) ?? []), ...more]);
  }
  const fates = [...channels].map(([who, ways]) => ({ who, fate: fateOf(who, ways, ofRound) }));
  const those = (fate: Fate): string[] =>
    fates.filter((one) => one.fate === fate).map((one) => one.who);
  return {
    people: [...channels.keys()],
    delivered: those("delivered"),
    failed: those("failed"),
    waiting: those("waiting"),
    unreachable: those("unreachable"),
  };
}
