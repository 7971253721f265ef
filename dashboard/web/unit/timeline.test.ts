import assert from "node:assert/strict";
import { test } from "node:test";

import type { Notice, TimelineEntry } from "../src/lib/alarm_types";
import { type Row, fateOf, roundsOf, rowsOf, toldIn } from "../src/lib/timeline";

let seq = 0;

function entry(fact: string, data: Record<string, unknown> = {}): TimelineEntry {
  seq += 1;
  const at = new Date(seq * 1_000).toISOString();
  return { seq, at, fact, actor: "system", actor_name: "system", reason: "", data };
}

function told(round: number, step: number, ...to: [string, string[]][]): TimelineEntry {
  return entry("told", { round, step, to });
}

function notice(to: string, round: number, state: string, step = 1): Notice {
  return { to, channel: "wecom_app", round, step, state };
}

const shape = (rows: Row[]): string[] =>
  rows.map((row) =>
    "entry" in row
      ? row.entry.fact
      : "round" in row
        ? `round ${row.round.number}`
        : `rounds ${row.rounds.map((round) => round.number).join(" ")}`,
  );

test("a round is one line with who was reached, whatever steps it took", () => {
  const rows = rowsOf(
    [
      entry("raised"),
      told(1, 1, ["ann", ["wecom_app"]], ["bob", []]),
      told(1, 2, ["ann", ["aliyun_sms"]], ["cid", ["wecom_app"]], ["dan", ["wecom_app"]]),
      entry("acknowledged"),
    ],
    [
      notice("ann", 1, "refused"),
      notice("ann", 1, "delivered", 2),
      notice("cid", 1, "dead", 2),
      notice("dan", 1, "pending", 2),
      notice("cid", 2, "delivered"),
    ],
  );
  assert.deepEqual(shape(rows), ["acknowledged", "round 1", "raised"]);
  const row = rows[1];
  assert.ok(row !== undefined && "round" in row);
  const { people, delivered, failed, waiting, unreachable, entries } = row.round;
  assert.deepEqual(people.sort(), ["ann", "bob", "cid", "dan"]);
  assert.deepEqual([delivered, failed, waiting, unreachable], [["ann"], ["cid"], ["dan"], ["bob"]]);
  assert.equal(entries.length, 2);
});

test("a long run of rounds leaves the newest two and folds the rest", () => {
  const rounds = [1, 2, 3, 4, 5].map((round) => told(round, 1, ["ann", []]));
  assert.deepEqual(shape(rowsOf(rounds, [])), ["round 5", "round 4", "rounds 3 2 1"]);
  assert.deepEqual(shape(rowsOf(rounds.slice(0, 3), [])), ["round 3", "round 2", "round 1"]);
});

test("every round is there, folded or not", () => {
  const entries = [entry("raised"), ...[1, 2, 3, 4, 5].map((round) => told(round, 1, ["ann", []]))];
  assert.deepEqual(roundsOf(rowsOf(entries, [])).map((one) => one.number), [5, 4, 3, 2, 1]);
});

test("what happened between rounds keeps its place", () => {
  const rows = rowsOf([told(1, 1, ["ann", []]), entry("repeated"), told(1, 2, ["ann", []])], []);
  assert.deepEqual(shape(rows), ["round 1", "repeated", "round 1"]);
  assert.equal(new Set(rows.map((row) => row.key)).size, 3);
});

test("a round without anybody is a round all the same", () => {
  const rows = rowsOf([entry("nobody_told", { round: 4, policy: "watch" })], []);
  assert.ok(rows[0] !== undefined && "round" in rows[0]);
  assert.deepEqual(rows[0].round.people, []);
});

test("nobody is called unreached for want of a record", () => {
  assert.equal(fateOf("ann", ["wecom_app"], []), "unknown");
  assert.equal(fateOf("ann", [], []), "unreachable");
  assert.equal(fateOf("ann", ["wecom_app"], [notice("ann", 1, "dropped")]), "unknown");
});

test("an older hub's entries name people without their channels", () => {
  assert.deepEqual(toldIn(entry("told", { to: ["ann"] })), [{ who: "ann", channels: [] }]);
  assert.deepEqual(toldIn(entry("assigned", { to: "ann" })), []);
});
